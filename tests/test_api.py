"""The public face: light to import, complete, and one call for everything."""

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

import photochrom
from photochrom import errors


def test_all_names_are_there():
    for name in photochrom.__all__:
        assert getattr(photochrom, name) is not None
    assert set(dir(errors)) & set(photochrom.__all__) == {
        name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, Exception)
    }
    with pytest.raises(AttributeError, match="no attribute 'colourise'"):
        photochrom.colourise  # noqa: B018


def test_every_error_is_a_photochrom_error():
    kinds = [value for value in vars(errors).values() if isinstance(value, type)]
    assert len(kinds) > 10
    assert all(issubclass(kind, photochrom.PhotochromError) for kind in kinds)


def test_import_is_light():
    heavy = ("numpy", "PIL", "onnxruntime", "torch", "cyclopts", "rich", "importlib.metadata")
    code = f"import sys, photochrom; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True, check=True, env=SOURCE)
    assert done.stdout == "[]\n"


SOURCE = {"PYTHONPATH": next(iter(photochrom.__path__)).removesuffix("/photochrom")}


def test_colorize_returns_what_it_was_given(tmp_path, tiny):
    gray = np.full((12, 17), 90, np.uint8)
    after = photochrom.colorize(gray, model=tiny)
    assert after.shape == (12, 17, 3)
    Image.fromarray(gray).save(tmp_path / "a.png")
    assert photochrom.colorize(str(tmp_path / "a.png"), model=tiny) == str(tmp_path / "a.color.png")
    assert photochrom.colorize(tmp_path / "a.png", tmp_path / "b.png", model=tiny) == tmp_path / "b.png"
    for result in ("a.color.png", "b.png"):
        with Image.open(tmp_path / result) as image:
            np.testing.assert_array_equal(np.asarray(image), after)
    data = photochrom.colorize((tmp_path / "a.png").read_bytes(), model=tiny)
    assert data == (tmp_path / "b.png").read_bytes()
    assert photochrom.colorize(Image.fromarray(gray), model=tiny).mode == "RGB"


def test_sessions_are_kept(tiny):
    session = photochrom._session((), model=tiny)
    assert photochrom._session((), model=tiny) is session
    assert photochrom._session((), model=tiny, saturation=0.5) is not session


def test_a_palette_that_changed_is_read_again(tiny, tmp_path):
    path = tmp_path / "p.gpl"
    gray = np.linspace(60, 200, 400).astype("uint8").reshape(20, 20)
    found = []
    for color in ("200 20 20 red", "20 20 200 blue and no red"):
        path.write_text(f"GIMP Palette\n{color}\n")
        found.append(photochrom.colorize(gray, model=tiny, palette=str(path)))
        np.testing.assert_array_equal(found[-1], photochrom.Colorizer(tiny, palette=str(path)).colorize(gray))
    assert (found[0] != found[1]).any()


def test_settings_and_errors_pass_through(tiny):
    gray = np.full((12, 17), 90, np.uint8)
    assert np.ptp(photochrom.colorize(gray, model=tiny, saturation=0), axis=-1).max() <= 1
    with pytest.raises(photochrom.BadSetting, match="the saturation is 9; it must be between 0 and 4"):
        photochrom.colorize(gray, model=tiny, saturation=9)
    with pytest.raises(photochrom.UnreadableImage):
        photochrom.colorize(b"", model=tiny)
    with pytest.raises(TypeError, match="contrast"):
        photochrom.colorize(gray, contrast=1)


def test_models():
    cards = photochrom.available_models()
    assert "default" in cards
    for card in cards.values():
        assert 32 <= card.render_size <= 512
        assert card.codebook() is None or card.codebook().n_scores > 1
        assert card.license == "Apache-2.0"


def test_the_networks_do_not_hide_the_function():
    pytest.importorskip("torch")
    from photochrom.models import models as networks

    assert "photochrom" in networks
    assert "default" in photochrom.available_models()
