"""The screenshots of the docs: the page with the sample photograph, in Chromium.

python benchmarks/screenshots.py
"""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path

from bench import begin, needs

with needs("dev"):
    from playwright.sync_api import Browser, sync_playwright

IMAGES = Path(__file__).parents[1] / "docs" / "images"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]


def main() -> None:
    begin("about 20 seconds")
    command = [sys.executable, "-m", "photochrom", "serve", "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server, sync_playwright() as playwright:
        address = re.search(r"http://\S+", server.stderr.readline())[0]
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=ARGUMENTS)
        try:
            shoot(browser, address, "web.jpg", 1280, 860, "light")
            shoot(browser, address, "web-phone.jpg", 390, 844, "dark")
        finally:
            browser.close()
            server.send_signal(signal.SIGTERM)


def shoot(browser: Browser, address: str, name: str, width: int, height: int, scheme: str) -> None:
    page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme, device_scale_factor=1.5)
    page.goto(address)
    page.click('[data-sample="astronaut.jpg"]')
    page.wait_for_selector("#download:enabled")
    # Six variants, the tile, and both sides of the large picture.
    page.wait_for_function("() => document.querySelectorAll('#studio img[src]').length === 9")
    page.wait_for_function("() => !document.querySelector('.busy, .alone')")
    page.screenshot(path=IMAGES / name, type="jpeg", quality=82)
    page.close()


if __name__ == "__main__":
    main()
