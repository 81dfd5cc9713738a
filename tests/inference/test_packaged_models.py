"""What every model in the package makes of a photograph that none of them learned from."""

import numpy as np
import pytest
from PIL import Image
from skimage import data

import photochrom
from photochrom.metrics import Comparison, Rendition, measure

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", sorted(photochrom.available_models()))
def test_its_colours_are_nearer_than_gray(name):
    true = Image.fromarray(data.astronaut()).resize((256, 256), Image.Resampling.LANCZOS)
    gray = np.asarray(true.convert("L"))
    colored = photochrom.Colorizer(name, threads=1).colorize(gray)

    def compared(rgb):
        truth = Rendition(np.asarray(true) / 255)
        return measure(Comparison(Rendition(rgb / 255), truth), ("ciede2000", "colorfulness"))

    assert compared(colored)["ciede2000"] < 0.9 * compared(np.stack([gray] * 3, -1))["ciede2000"]
    assert compared(colored)["colorfulness"] > 15
