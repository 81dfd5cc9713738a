"""The pictures of docs/turing.md: the pages on which people take part, and a report of answers that are SIMULATED.

The photographs are scikit-image's (extra dev). No person is behind the report's answers, and its study is called so.

python benchmarks/turing.py
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from bench import begin, needs
from PIL import Image

from photochrom.colorizer import Colorizer

with needs("dev"):
    import skimage
    from playwright.sync_api import Browser, Page, sync_playwright

    from photochrom.research.turing import (
        REAL,
        Answers,
        Entry,
        TuringSettings,
        TuringStudy,
        load_study,
        new_study,
        write_report,
    )

IMAGES = Path(__file__).parents[1] / "docs" / "images"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
PHOTOGRAPHS = ("astronaut", "chelsea", "coffee", "rocket")
PEOPLE = 30
QUALITY = 82


def main() -> None:
    begin("about a minute")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        whole, parts, study = (Path(folder, name) for name in ("whole", "parts", "simulated answers, no people"))
        draw(whole, parts)
        models = {"default": Colorizer(), "vivid": Colorizer(vividness=0.9)}
        new_study(study, parts, models, TuringSettings(size=32, practice=0, seed=1))
        simulate(study)
        for kind, seed in (("single", 0), ("pair", 4)):
            settings = TuringSettings(kind, size=4, practice=0, time_limit=0, seed=seed)
            new_study(Path(folder, kind), whole, {"default": models["default"]}, settings)
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=ARGUMENTS)
        try:
            page = browser.new_page(viewport={"width": 900, "height": 1050}, device_scale_factor=1.5)
            page.goto(write_report(study).files[0].as_uri())
            page.screenshot(path=IMAGES / "turing-report.jpg", type="jpeg", quality=QUALITY)
            trial(browser, Path(folder, "single"), "turing-single.jpg", 390, 700)
            trial(browser, Path(folder, "pair"), "turing-pair.jpg", 960, 640)
        finally:
            browser.close()


def draw(whole: Path, parts: Path) -> None:
    """The photographs, and eight parts of each as if they were photographs."""
    for folder in (whole, parts):
        folder.mkdir()
    for name in PHOTOGRAPHS:
        picture = Image.fromarray(getattr(skimage.data, name)())
        picture.save(whole / f"{name}.png")
        width, height = picture.width // 4, picture.height // 2
        for i in range(8):
            left, top = i % 4 * width, i // 4 * height
            picture.crop((left, top, left + width, top + height)).save(parts / f"{name}-{i + 1}.png")


def simulate(folder: Path) -> None:
    """Answers drawn at random: real pictures pass in 80 % of cases, the default model's in 45 %, vivid ones in 25 %."""
    rng = np.random.default_rng(0)
    pass_rate = {REAL: 0.8, "default": 0.45, "vivid": 0.25}
    study = load_study(folder)
    answers = Answers(folder, study)
    for _ in range(PEOPLE):
        for entry in answers.of(answers.begin()):
            believed = rng.random() < np.clip(pass_rate[entry.left] + ease(study, entry), 0.02, 0.98)
            answers.answer(entry, "real" if believed else "coloured", round(rng.lognormal(7.6, 0.5)))


def ease(study: TuringStudy, entry: Entry) -> float:
    """Some photographs are easier to believe than others."""
    return 0.3 * np.sin(7 * study.photographs.index(entry.photograph))


def trial(browser: Browser, folder: Path, name: str, width: int, height: int) -> None:
    """The first trial of a study, as a person sees it."""
    command = [sys.executable, "-m", "photochrom", "serve", "--port", "0", "--turing", str(folder)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        try:
            assert server.stderr is not None
            found = re.search(r"http://\S+", server.stderr.readline())
            assert found is not None
            page: Page = browser.new_page(viewport={"width": width, "height": height}, device_scale_factor=1.5)
            page.goto(f"{found[0]}/turing")
            page.get_by_role("button", name="I agree: begin").click()
            page.wait_for_selector("form[data-state=shown]")
            page.screenshot(path=IMAGES / name, type="jpeg", quality=QUALITY)
            page.close()
        finally:
            server.terminate()


if __name__ == "__main__":
    main()
