"""The automatic stand-in: finds what can be found, nothing where there is nothing, and never sees what it judges."""

import math
import shutil

import numpy as np
import pytest

from photochrom.errors import BadDataset
from photochrom.research.turing import REAL, TuringSettings, new_study, run_standin
from photochrom.research.turing.features import color_statistics, edge_statistics, object_features
from photochrom.research.turing.logistic import fit, held_out
from photochrom.research.turing.standin import load_standin

pytestmark = pytest.mark.slow


@pytest.fixture
def study(tmp_path, drawn, colorizer):
    real = tmp_path / "real"
    real.mkdir()
    for i in range(30):
        drawn(i).save(real / f"{i}.png")
    made, _ = new_study(tmp_path / "s", real, {"a": colorizer, "b": colorizer}, TuringSettings(size=28, practice=2))
    return tmp_path / "s", made


def test_it_tells_apart_what_is_different_and_not_what_is_equal(study):
    folder, made = study
    for photograph in made.photographs + made.practice:  # b becomes a perfect model
        shutil.copy(made.picture(folder, photograph, REAL), made.picture(folder, photograph, "b"))
    found = run_standin(folder)
    assert (found.photographs, found.folds) == (30, 5)
    # The tiny model colours by lightness alone, the truth at random.
    colours = found.models["a"]["colours"]
    assert colours.auc > 0.95
    assert colours.fooled.of == 30
    assert colours.fooled.rate < 0.2
    for sight in found.models["b"].values():
        assert (sight.auc, sight.accuracy, sight.pairs) == (0.5, 0.5, 0.5)
    assert load_standin(folder) == found


def test_bad_input(tmp_path, made):
    folder, _ = made()
    with pytest.raises(BadDataset, match="10 photographs; the classifier needs 20 or more"):
        run_standin(folder)
    assert load_standin(folder) is None
    (folder / "standin.json").write_text("{")
    with pytest.raises(BadDataset, match=r"standin\.json: damaged"):
        load_standin(folder)


def test_logistic_regression_is_at_its_minimum():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(20, 30))
    real = rng.random(20) < 0.4
    weights, intercept = fit(x, real, ridge=2.0)
    p = 1 / (1 + np.exp(-(x @ weights + intercept)))
    assert x.T @ (p - real) + 2.0 * weights == pytest.approx(np.zeros(30), abs=1e-6)
    assert (p - real).sum() == pytest.approx(0, abs=1e-6)


def test_what_is_judged_was_not_seen():
    """Each group has a feature of its own and a label at random, which only who saw the group can know."""
    groups = np.repeat(np.arange(40), 2)
    x = np.eye(40)[groups]
    real = np.random.default_rng(1).permutation(40)[groups] % 2 == 0
    logits = held_out(x, real, groups, folds=5, seed=0)
    weights, intercept = fit(x, real, 0.1)
    assert ((x @ weights + intercept > 0) == real).all()
    assert ((logits > 0) == real).mean() <= 0.5


def test_color_statistics_by_hand():
    found = color_statistics(np.full((20, 20, 3), 128, np.uint8))
    assert found.shape == (194,)
    assert found[:169].reshape(13, 13)[6, 6] == 1  # all of the histogram in its middle cell
    assert np.count_nonzero(found[:169]) == 1
    assert found[169:] == pytest.approx(np.zeros(25), abs=0.01)
    red = color_statistics(np.full((20, 20, 3), (255, 0, 0), np.uint8))
    # Red is L 53.2, a 80.1, b 67.2: the third of five bands of L.
    by_lightness = red[169:].reshape(5, 5)
    assert by_lightness[:3, 2] == pytest.approx([80.09, 67.20, 104.55], abs=0.05)
    assert by_lightness[:, [0, 1, 3, 4]] == pytest.approx(np.zeros((5, 4)))


def test_edge_statistics_by_hand():
    flat = edge_statistics(np.full((20, 20, 3), (255, 0, 0), np.uint8)).reshape(4, 5)
    assert flat == pytest.approx(np.tile([math.log(1e-3)] * 3 + [0, 0], (4, 1)), abs=1e-6)
    # From black to red in the middle: at a distance of 1, one of 19 differences is 53.24 in L, and a changes with it.
    picture = np.zeros((20, 20, 3), np.uint8)
    picture[:, 10:, 0] = 255
    found = edge_statistics(picture).reshape(4, 5)
    assert found[0, 0] == pytest.approx(math.log(53.24 / 19 + 1e-3), abs=1e-3)
    assert found[3, 0] == pytest.approx(math.log(53.24 * 8 / 12 + 1e-3), abs=1e-3)
    assert found[:, 3:] == pytest.approx(np.ones((4, 2)), abs=1e-5)


def test_object_features_differ_by_colour(drawn):
    features = object_features()
    picture = np.asarray(drawn(1))
    found = features(picture)
    assert found.shape == (1280,)
    assert found == pytest.approx(features(picture))
    assert np.abs(found - features(picture[..., ::-1].copy())).max() > 0.01
