"""Making a study: one way for real and coloured, names that say nothing, whole or not at all."""

import os
import re
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

from photochrom.color import rgb_to_lab
from photochrom.errors import BadDataset, BadSetting, PhotochromError, UnreadableImage, WriteFailed
from photochrom.imaging import io
from photochrom.imaging.picture import Picture
from photochrom.research.turing import REAL, TuringSettings, load_study, new_study
from photochrom.research.turing.create import rendered


def chunks(data):
    """The names of a PNG's chunks."""
    at, names = 8, []
    while at < len(data):
        names.append(data[at + 4 : at + 8])
        at += 12 + int.from_bytes(data[at : at + 4], "big")
    return names


def test_a_study_on_disk(made):
    folder, study = made(seed=5)
    assert load_study(folder) == study
    assert (len(study.photographs), len(study.practice)) == (8, 2)
    assert set(study.pictures) == {*study.photographs, *study.practice}
    files = [name for forms in study.pictures.values() for name in forms.values()]
    assert len(set(files)) == 10 * 3
    assert sorted(p.name for p in (folder / "pictures").iterdir()) == sorted(files)
    # The same seed chooses the same photographs, under other names of files.
    _, again = made(seed=5, name="again")
    assert (again.photographs, again.practice) == (study.photographs, study.practice)
    assert not set(files) & {name for forms in again.pictures.values() for name in forms.values()}
    assert made(seed=6, name="other")[1].photographs != study.photographs


def test_nothing_but_the_colours_tells_forms_apart(made):
    folder, study = made()
    for photograph in study.photographs:
        forms = {form: study.picture(folder, photograph, form) for form in (REAL, "a")}
        for path in forms.values():
            assert re.fullmatch(r"[0-9a-f]{16}\.png", path.name)
            assert set(chunks(path.read_bytes())) == {b"IHDR", b"IDAT", b"IEND"}
        real, colored = (io.read(path).pixels for path in forms.values())
        assert real.shape == colored.shape == (40, 48, 3)
        light = [rgb_to_lab(pixels / 255.0)[..., 0] for pixels in (real, colored)]
        assert np.abs(light[0] - light[1]).max() < 1.5  # rounding to 8 bits
        assert np.abs(real.astype(int) - colored).max() > 20


def test_the_true_colours_give_the_real_picture(drawn):
    """A model that knew everything could not be told from the truth, by no byte."""
    picture = Picture(np.asarray(drawn(3)))
    truth = rgb_to_lab(picture.pixels / 255.0)[..., 1:]
    assert np.array_equal(rendered(picture), rendered(picture, truth))
    assert np.abs(rendered(picture).astype(int) - picture.pixels).max() <= 1


def test_large_photographs_are_shrunk_and_their_metadata_left(tmp_path, drawn, colorizer):
    exif = Image.Exif()
    exif[0x010E] = "real"
    for i in range(2):
        drawn(i, width=400, height=200).save(tmp_path / f"{i}.jpg", exif=exif)
    study, _ = new_study(tmp_path / "s", tmp_path, {"a": colorizer}, TuringSettings(size=2, practice=0, side=100))
    for form in (REAL, "a"):
        picture = io.read(study.picture(tmp_path / "s", study.photographs[0], form))
        assert (picture.size, picture.exif) == ((100, 50), None)


def test_gray_and_broken_ones_are_left_out(tmp_path, drawn, colorizer):
    real = tmp_path / "real"
    real.mkdir()
    for i in range(4):
        drawn(i).save(real / f"{i}.png")
    drawn(0).convert("L").save(real / "gray.png")
    (real / "broken.png").write_bytes(b"no picture")
    study, skipped = new_study(tmp_path / "s", real, {"a": colorizer}, TuringSettings(practice=0))
    assert sorted(study.photographs) == ["0.png", "1.png", "2.png", "3.png"]
    assert sorted(s.path.name for s in skipped) == ["broken.png", "gray.png"]
    assert len(study.made["left_out"]) == 2


def test_without_a_size_as_many_as_are_balanced(tmp_path, photographs, colorizer):
    models = {"a": colorizer, "b": colorizer}
    study, _ = new_study(tmp_path / "s", photographs, models, TuringSettings(practice=1))
    assert len(study.photographs) == 8  # 11 of 12 would be left, and 4 ways make 8
    assert len(list((tmp_path / "s" / "pictures").iterdir())) == 9 * 3


@pytest.mark.parametrize(
    ("models", "settings", "message"),
    [
        (["a", "b"], {"size": 6}, "the size is 6; with 2 models .* multiples of 4: take 4 or 8"),
        (["a", "b"], {"size": 2}, "take 4$"),
        (["a"], {"kind": "preference"}, "compares two models or more"),
        (["real"], {}, "no model can be called 'real'"),
        (["a"], {"size": 12}, r"12 usable colour photographs, and the study needs 12 and 4 for practice"),
        (["a"], {"practice": 12}, r"12 usable colour photographs, and the study needs 2 and 12 for practice"),
    ],
)
def test_what_cannot_be_made_is_said(tmp_path, photographs, colorizer, models, settings, message):
    with pytest.raises((BadSetting, BadDataset), match=message):
        new_study(tmp_path / "s", photographs, dict.fromkeys(models, colorizer), TuringSettings(**settings))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "wrong", [{"kind": "x"}, {"size": 0}, {"practice": -1}, {"side": 8}, {"time_limit": -1}, {"seed": -1}]
)
def test_settings_out_of_range(wrong):
    with pytest.raises(BadSetting, match=r"it must be"):
        TuringSettings(**wrong)


def test_seconds():
    assert TuringSettings("pair").seconds == 1.0  # Zhang et al. 2016
    assert TuringSettings("single").seconds is None
    assert TuringSettings("pair", time_limit=0).seconds is None
    assert TuringSettings("single", time_limit=2.5).seconds == 2.5


def test_a_folder_that_is_there_stays(made, tmp_path):
    (tmp_path / "study").mkdir()
    with pytest.raises(WriteFailed, match="already there"):
        made()
    assert list((tmp_path / "study").iterdir()) == []


def test_a_failure_in_the_middle_leaves_nothing(tmp_path, photographs, colorizer):
    class Failing:
        card, decoding, render_size = colorizer.card, colorizer.decoding, 64
        calls = 0

        def ab(self, L):
            self.calls += 1
            if self.calls == 3:
                raise UnreadableImage("out of ink")
            return colorizer.ab(L)

    with pytest.raises(PhotochromError, match="out of ink"):
        new_study(tmp_path / "s", photographs, {"a": Failing()}, TuringSettings(size=4))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_kill_in_the_middle_leaves_what_the_next_run_removes(tmp_path, drawn, tiny):
    real = tmp_path / "real"
    real.mkdir()
    for i in range(40):
        drawn(i, 480, 360).save(real / f"{i}.png")
    command = [sys.executable, "-m", "photochrom", "turing", "new", "s", "--real", "real", "-m", str(tiny), "--size"]
    with subprocess.Popen([*command, "36"], cwd=tmp_path, stderr=subprocess.DEVNULL) as process:
        while not list(tmp_path.glob(".photochrom-*.part/pictures/*.png")):
            assert process.poll() is None
            time.sleep(0.01)
        process.kill()
    (left,) = tmp_path.glob(".photochrom-*.part")
    os.utime(left, (0, 0))  # what was just made may be at work
    subprocess.run([*command, "4"], cwd=tmp_path, check=True, capture_output=True)
    assert sorted(os.listdir(tmp_path)) == ["real", "s"]
    assert len(load_study(tmp_path / "s").photographs) == 4


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "no Turing study"),
        ("{", "damaged"),
        ("{}", "damaged"),
        ('{"format": 99}', "newer version"),
        ('{"format": 1, "models": [], "photographs": [], "practice": []}', "damaged"),
    ],
)
def test_what_is_no_study(tmp_path, text, message):
    if text is not None:
        (tmp_path / "study.json").write_text(text)
    with pytest.raises(BadDataset, match=message):
        load_study(tmp_path)
