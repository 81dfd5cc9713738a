"""The colour alone: laid over the original it is the result, and where nothing changed it is clear."""

import numpy as np
import pytest
from PIL import Image

from photochrom.painting.layer import color_layer


def laid(before, rgb, opacity):
    return before * (1 - opacity[..., None]) + rgb * opacity[..., None]


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_the_layer_over_the_original_is_the_result(dtype):
    rng = np.random.default_rng(0)
    full = 1 if dtype == "float32" else np.iinfo(dtype).max
    gray = rng.random((40, 50))
    after = np.clip(gray[..., None] + 0.08 * rng.standard_normal((40, 50, 3)), 0, 1)
    after[:10] = gray[:10, :, None]
    gray, after = ((each * full).astype(dtype) for each in (gray, after))
    after[:10] = gray[:10, :, None]
    rgb, opacity = color_layer(gray, after)
    assert rgb.dtype == opacity.dtype == dtype
    assert not opacity[:10].any()
    found = laid(gray[..., None] / full, rgb / full, opacity / full)
    assert np.abs(found - after / full).max() * 255 < 1.01
    assert (opacity < full).mean() > 0.8


def test_it_is_so_in_a_program_that_rounds_to_bytes(drawn):
    after = np.asarray(drawn(1, 64, 48))
    gray = np.asarray(drawn(1, 64, 48).convert("L"))
    layer = Image.fromarray(np.dstack(color_layer(gray, after)), "RGBA")
    under = Image.fromarray(gray).convert("RGBA")
    found = np.asarray(Image.alpha_composite(under, layer).convert("RGB"), int)
    assert np.abs(found - after).max() <= 2
