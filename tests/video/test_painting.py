"""The table that paints films, against the exact way that photographs go."""

import numpy as np

from photochrom import color
from photochrom.painting.upsample import GuidedChroma
from photochrom.video.painting import paint_frame


def test_painting_is_what_the_exact_way_gives():
    rng = np.random.default_rng(0)
    gray = rng.integers(0, 256, (120, 160)).astype(np.uint8)
    coefficients = np.zeros((30, 40, 6), np.float32)
    coefficients[..., :2] = rng.normal(0, 0.2, (30, 40, 2))
    coefficients[..., 2:4] = rng.normal(0, 25, (30, 40, 2))
    coefficients[..., 4:] = 20, 80
    chroma = GuidedChroma(coefficients)
    rgb = paint_frame(gray, chroma)
    light = color.srgb_to_lightness(gray)
    exact = color.lab_to_rgb_gently(np.concatenate([light[..., None], chroma.strip(light, 0, 120)], -1))
    lab = color.rgb_to_lab(rgb / 255.0)
    assert np.abs(lab[..., 0] - light).max() < 0.5
    assert np.abs(rgb - 255 * exact).mean() < 0.6
    assert np.percentile(color.ciede2000(lab, color.rgb_to_lab(exact)), 99) < 2


def test_no_chroma_is_gray():
    gray = np.arange(256, dtype=np.uint8).reshape(16, 16)
    coefficients = np.zeros((4, 4, 6), np.float32)
    coefficients[..., 5] = 100
    assert (paint_frame(gray, GuidedChroma(coefficients)) == gray[..., None]).all()
    finer = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    painted = paint_frame(finer, GuidedChroma(coefficients))
    assert painted.dtype == np.uint16
    assert np.abs(painted.astype(int) - finer[..., None]).max() <= 2


def test_finer_grays_are_painted_finer():
    gray = np.linspace(20000, 30000, 120 * 160).round().astype(np.uint16).reshape(120, 160)
    coefficients = np.zeros((30, 40, 6), np.float32)
    coefficients[..., 2:] = 12, -8, 0, 100
    rgb = paint_frame(gray, GuidedChroma(coefficients))
    light = color.srgb_to_lightness(gray)
    exact = color.lab_to_rgb_gently(np.stack([light, np.full_like(light, 12), np.full_like(light, -8)], -1))
    assert np.abs(rgb / 65535 - exact).max() < 1 / 1023
    steps = np.diff(rgb.reshape(-1, 3).astype(int), axis=0)
    assert steps.min() >= 0
    assert steps.max() <= 2  # where 8 bits would jump by 257
