"""How soon a slider answers: from its input event to the frame in which Chromium has painted the new picture.

Starts `photochrom serve` on a free port, opens the sample photograph (512 x 512) in a window of 1280 x 800, and
moves each slider so many times, with a pause after each; then the same of a photograph of 6000 x 4000 at its actual
size, of which the part that is seen is rendered at its own pixels.

    python benchmarks/slider.py
"""

from __future__ import annotations

import argparse
import io
import os
import re
import signal
import statistics
import subprocess
import sys
from importlib import resources

import numpy as np
from bench import begin, needs
from PIL import Image

with needs("dev"):
    from playwright.sync_api import Page, sync_playwright

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
# (slider, from, to)
SLIDERS = (("saturation", 0.3, 1.5), ("contrast", -0.5, 0.5), ("vividness", 0.05, 0.6))
SIZE = 6000, 4000
PAUSE = 700  # milliseconds: the copy as large as the screen has come by then, and does not disturb the next draft
# A picture that is put in is on the screen in the frame after the next animation frame.
MOVE = """async ([name, value]) => {
  const slider = document.getElementById(name);
  const painted = new Promise((done) =>
    new MutationObserver((_, observer) => {
      observer.disconnect();
      requestAnimationFrame(() => setTimeout(() => done(performance.now())));
    }).observe(document.querySelector("#viewer .after"), { childList: true }),
  );
  const began = performance.now();
  slider.value = value;
  slider.dispatchEvent(new Event("input", { bubbles: true }));
  return (await painted) - began;
}"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--moves", type=int, default=40)
    moves = parser.parse_args().moves
    begin("about three minutes")
    command = [sys.executable, "-m", "photochrom", "serve", "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server, sync_playwright() as playwright:
        try:
            address = re.search(r"http://\S+", server.stderr.readline())[0]
            browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=ARGUMENTS)
            page = browser.new_page(viewport={"width": 1280, "height": 800})
            page.goto(address)
            page.click('[data-sample="astronaut.jpg"]')
            page.wait_for_selector("#download:enabled")
            page.wait_for_timeout(3000)
            print(f"{moves} moves each, {len(os.sched_getaffinity(0))} cores")
            print(f"{'512 x 512':24}{'median ms':>10}{'max ms':>10}")
            measure(page, moves)
            page.set_input_files("#files", {"name": "large.jpg", "mimeType": "image/jpeg", "buffer": large()})
            page.get_by_role("radio", name="large.jpg is coloured").check(timeout=120_000)
            page.wait_for_selector("#viewer:not(.busy) .after img")
            page.click("#size")
            page.wait_for_selector("#viewer .after .crop")
            page.wait_for_timeout(5000)
            print("6000 x 4000 at actual size")
            measure(page, moves)
            browser.close()
        finally:
            server.send_signal(signal.SIGTERM)


def measure(page: Page, moves: int) -> None:
    """Print a line for each slider."""
    for name, low, high in SLIDERS:
        times = [moved(page, name, low + (high - low) * i / (moves - 1)) for i in range(moves)]
        print(f"{name:24}{statistics.median(times):10.0f}{max(times):10.0f}")


def large() -> bytes:
    """A gray photograph of 6000 x 4000, with grain, as a JPEG."""
    sample = str(resources.files("photochrom") / "samples" / "coffee.jpg")
    light = np.asarray(Image.open(sample).convert("L").resize(SIZE))
    grain = np.random.default_rng(0).normal(0, 4, light.shape)
    out = io.BytesIO()
    Image.fromarray(np.clip(light + grain, 0, 255).astype(np.uint8)).save(out, "JPEG", quality=90)
    return out.getvalue()


def moved(page: Page, name: str, value: float) -> float:
    """Milliseconds until one move is seen."""
    took = page.evaluate(MOVE, [name, value])
    page.wait_for_timeout(PAUSE)
    return took


if __name__ == "__main__":
    main()
