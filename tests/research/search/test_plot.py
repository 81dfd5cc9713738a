"""The plot of the learning rate: it is drawn whatever the trials were."""

import io

import numpy as np
import pytest
from PIL import Image

from photochrom.research.search.plot import plot_rates
from photochrom.research.search.trial import Outcome, Trial


def trial(number, rate, lowest, drop, reason=""):
    outcome = Outcome(reason=reason) if reason else Outcome(2.3, lowest, drop, 1.0)
    return Trial(number, {"optim.lr": rate}, outcome, None if reason else lowest)


CASES = {
    "usual": [trial(1, 1e-3, 1.6, 0.02), trial(2, 1e-2, 1.8, 0.015), trial(3, 1e-5, 2.3, 0.0)],
    "one": [trial(1, 1e-3, 1.6, 0.02)],
    "equal": [trial(1, 1e-3, 2.3, 0.0), trial(2, 1e-2, 2.3, 0.0)],
    "rising": [trial(1, 1e-3, 2.5, -0.1), trial(2, 1e-2, 900.0, -500.0)],
    "broken": [trial(1, 1e-3, 1.6, 0.02), trial(2, 1e-2, 1e9, -1e8), trial(3, 1e-1, 0, 0, "training diverged")],
}


@pytest.mark.parametrize("name", CASES)
def test_it_is_drawn_and_replaced(name, tmp_path):
    path = tmp_path / "lr.png"
    path.write_bytes(b"older")
    assert plot_rates(CASES[name], False, path) == path
    with Image.open(io.BytesIO(path.read_bytes())) as image:
        assert image.size == (1050, 975)
        # The best trial's dot has a colour of its own.
        dots = (np.abs(np.asarray(image.convert("RGB")).astype(int) - (0xD9, 0x82, 0x2B)).sum(-1) < 12).sum()
    assert dots > 50
