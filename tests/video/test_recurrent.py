"""The recurrent network at work on a film: what it remembers, where it begins anew, and whom it is for."""

import itertools
import shutil
from dataclasses import replace

import numpy as np
import pytest

from photochrom import BadCheckpoint, BadSetting, Colorizer
from photochrom.video import colorize_film
from photochrom.video.consistency import steady
from photochrom.video.evaluating import evaluate_films
from photochrom.video.recurrent import find

pytestmark = pytest.mark.slow

COVERED = (22.5, 15.0)  # of a map of 16 x 24


@pytest.fixture
def mode(steadying, colorizer):
    return steady(str(steadying), colorizer.card)


@pytest.fixture
def answers():
    return np.random.default_rng(0).normal(0, 1, (6, 2, 16, 24)).astype(np.float32)


def test_the_first_frame_is_as_it_is_and_then_the_past_counts(mode, drawn_scene, answers):
    gray = drawn_scene(0)
    given = [mode(gray, answer, COVERED) for answer in answers]
    assert (given[0] == answers[0]).all()
    assert given[1].shape == (2, 16, 24)
    assert given[1].dtype == np.float32
    # Means of more and more frames differ less and less, and lie between what they are means of.
    apart = [np.abs(b - a).mean() for a, b in itertools.pairwise(given)]
    assert apart[4] < 0.5 * apart[0]
    assert np.abs(given[5]).max() <= np.abs(answers).max()
    assert mode.cuts == 0


def test_it_goes_on_from_what_another_one_remembers(steadying, colorizer, drawn_scene, answers):
    first, second = (steady(str(steadying), colorizer.card) for _ in range(2))
    assert first.state() == {}
    second.restore({})
    for i in range(3):
        first(drawn_scene(i), answers[i], COVERED)
    second.restore(first.state())
    for i in range(3, 6):
        assert (first(drawn_scene(i), answers[i], COVERED) == second(drawn_scene(i), answers[i], COVERED)).all()


def test_pictures_of_another_size_begin_anew(mode, drawn_scene, answers):
    mode(drawn_scene(0), answers[0], COVERED)
    other = np.ascontiguousarray(answers[1].transpose(0, 2, 1))
    assert (mode(drawn_scene(0).T.copy(), other, COVERED[::-1]) == other).all()
    assert mode.cuts == 0


class Session:
    """Trusts the past as told; its state is the number of frames, and the answer before."""

    def __init__(self, trusts):
        self.trusts = trusts

    def run(self, names, inputs):
        scores, state = inputs["scores"], inputs["state"]
        trust = np.full_like(state[:, :1], self.trusts.pop(0) if state.any() else 0)
        given = scores + trust * (state[:, 1:] - scores) / 2
        return [given, np.concatenate([np.ones_like(trust), given], 1), trust]


def test_a_frame_whose_past_is_not_trusted_begins_a_scene(mode, drawn_scene):
    """Of the scene before, nothing is left in it."""
    mode._session, mode._channels = Session([0.8, 0.4, 0.1, 0.8]), 3
    answers = [np.full((2, 16, 24), float(i), np.float32) for i in range(5)]
    given = [mode(drawn_scene(0), answer, COVERED) for answer in answers]
    assert mode.cuts == 1
    assert [float(each.mean()) for each in given] == pytest.approx([0.0, 0.6, 1.72, 3.0, 3.6])


def test_light_is_what_the_network_saw(mode):
    ramp = np.repeat(np.linspace(0, 255, 96, dtype=np.uint8)[None], 64, 0)
    light = mode._light(ramp, COVERED, (16, 24))
    assert light.shape == (64, 96)
    assert light.dtype == np.float32
    assert (np.diff(light[0, :90]) > 0).all()
    assert (light[:, 90:] == light[:, 89:90]).all()
    assert (light[60:] == light[59]).all()
    assert light[0, 0] == pytest.approx(-1, abs=0.02)
    assert light[0, 89] == pytest.approx(1, abs=0.02)


def test_it_is_measured_and_its_file_may_be_named(film, colorizer, steadying, tmp_path):
    source = film(tmp_path / "a.mp4", color=True, frames=8)
    rows = evaluate_films([source], colorizer, ["frame", str(steadying)])
    assert [row.mode for row in rows] == ["gray", "truth", "frame", str(steadying)]
    assert 0 < rows[3].warping_error < 100
    assert rows[3].warping_error != rows[2].warping_error


def test_another_way_begins_a_film_anew(film, colorizer, steadying, tmp_path, monkeypatch):
    monkeypatch.setattr("photochrom.video.film.SEGMENT", 10)
    source, target = film(tmp_path / "a.mp4"), tmp_path / "b.mp4"

    def stop(progress):
        if progress.done == 15:
            raise RuntimeError

    shutil.copy(steadying, tmp_path / "same.onnx")
    for consistency, resumed in ((str(tmp_path / "same.onnx"), 10), ("frame", 0)):
        with pytest.raises(RuntimeError):
            colorize_film(source, target, colorizer, consistency=str(steadying), overwrite=True, progress=stop)
        assert colorize_film(source, target, colorizer, consistency=consistency, overwrite=True).resumed == resumed


class TestThePackagedOne:
    def test_it_is_for_the_default_model(self):
        card = Colorizer().card
        found = find("recurrent", card)[2]
        assert (found.steadies["name"], found.bins) == ("default", card.bins)
        assert found.training["steps"] == found.recipe["run"]["steps"]

    def test_it_keeps_what_stands_still_and_forgets_at_a_cut(self, drawn_scene):
        """Answers that waver are steadied by more than half on a scene that pans slowly; after a cut they are new."""
        card = Colorizer().card
        mode, rng = steady("recurrent", card), np.random.default_rng(0)
        answers = rng.normal(0, 1, (8, 188, 32, 48)).astype(np.float32)
        scene = [drawn_scene(i, 192, 128, seed=0) for i in range(7)]
        given = [mode(gray, answer, (48, 32)) for gray, answer in zip(scene, answers, strict=False)]
        assert mode.cuts == 0
        assert np.abs(given[6] - given[5]).mean() < 0.5 * np.abs(answers[6] - answers[5]).mean()
        other = np.kron(rng.integers(0, 256, (8, 12)), np.ones((16, 16))).astype(np.uint8)
        assert (mode(other, answers[7], (48, 32)) == answers[7]).all()
        assert mode.cuts == 1

    def test_another_model_is_told_what_it_may_use(self, colorizer):
        with pytest.raises(BadSetting) as error:
            steady("recurrent", colorizer.card)
        assert str(error.value) == ("the consistency recurrent was not trained for the model 'tiny'; use frame or flow")


class TestWhomItIsFor:
    def test_a_model_with_other_colours_is_refused(self, steadying):
        with pytest.raises(BadSetting) as error:
            steady(str(steadying), Colorizer().card)
        assert str(error.value).startswith("the consistency ")
        assert str(error.value).endswith(" was not trained for the model 'default'; use frame or flow")

    def test_one_that_was_tuned_from_it_is_served(self, steadying, colorizer):
        assert steady(str(steadying), replace(colorizer.card, name="mine", digest="1" * 64)).cuts == 0

    def test_a_model_that_colours_steadies_nothing(self, tiny, colorizer):
        with pytest.raises(BadCheckpoint, match=r"tiny\.onnx: this model colours pictures and steadies nothing"):
            steady(str(tiny), colorizer.card)

    def test_it_colours_nothing_by_itself(self, steadying):
        with pytest.raises(BadCheckpoint, match=r"this model steadies another's colours in films; use it with --cons"):
            Colorizer(steadying)

    def test_files_that_are_not_there_or_damaged(self, steadying, colorizer, tmp_path):
        with pytest.raises(BadCheckpoint, match=r"nowhere\.onnx: the model file cannot be read"):
            steady(str(tmp_path / "nowhere.onnx"), colorizer.card)
        broken = tmp_path / "broken.onnx"
        data = bytearray(steadying.read_bytes())
        data[len(data) // 2] ^= 1
        broken.write_bytes(data)
        with pytest.raises(BadCheckpoint, match=r"broken\.onnx: the model file is damaged"):
            steady(str(broken), colorizer.card)
