"""Several methods beside each other, with pictures whose numbers are known beforehand."""

import csv
import json

import numpy as np
import pytest
from PIL import Image

from photochrom import color
from photochrom.errors import BadDataset, BadSetting
from photochrom.evaluation.bootstrap import mean_intervals
from photochrom.evaluation.compare import compare
from photochrom.evaluation.gallery import Gallery
from photochrom.evaluation.methods import Model, Predictions, named
from photochrom.evaluation.methods_tables import (
    SetDistances,
    differences_table,
    scores_table,
    to_json,
    write_csv,
    write_json,
)
from photochrom.metrics import Metric, metrics


def paint(height: int, width: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width] / max(height, width)
    waves = [0.5 + 0.3 * np.sin(rng.uniform(2, 6) * x + rng.uniform(2, 6) * y + rng.uniform(0, 6)) for _ in range(3)]
    return np.round(255 * np.stack(waves, -1)).astype(np.uint8)


def with_colors(rgb: np.ndarray, share: float) -> np.ndarray:
    lab = color.rgb_to_lab(rgb / 255)
    return np.rint(255 * color.lab_to_rgb(lab * [1, share, share])).astype(np.uint8)


@pytest.fixture
def truths(tmp_path):
    folder = tmp_path / "truth"
    folder.mkdir()
    for i in range(5):
        Image.fromarray(paint(20, 30, i)).save(folder / f"photo{i}.png")
    return sorted(folder.iterdir())


def written(truths, folder, share, ending=".png"):
    folder.mkdir(parents=True)
    for path in truths:
        Image.fromarray(with_colors(np.asarray(Image.open(path)), share)).save(folder / f"{path.stem}{ending}")
    return folder


class Half:
    """Knows nothing, and takes a chroma of 10 everywhere."""

    def ab(self, L):
        return np.full((*L.shape, 2), 10, np.float32)


def test_intervals_are_those_of_the_means():
    values = np.random.default_rng(0).normal(3, 2, (400, 2))
    values[:, 1] = 7.0
    (low, high), constant = mean_intervals(values)
    error = values[:, 0].std() / 20
    assert low == pytest.approx(values[:, 0].mean() - 1.96 * error, abs=0.02)
    assert high == pytest.approx(values[:, 0].mean() + 1.96 * error, abs=0.02)
    assert constant.tolist() == [7.0, 7.0]
    assert np.array_equal(mean_intervals(values), mean_intervals(values))
    assert not np.array_equal(mean_intervals(values), mean_intervals(values, seed=1))


def test_many_photographs_are_drawn_in_parts(monkeypatch):
    values = np.arange(50.0)[:, None]
    whole = mean_intervals(values, 1000)
    monkeypatch.setattr("photochrom.evaluation.bootstrap._AT_ONCE", 50 * 7)
    assert np.array_equal(mean_intervals(values, 1000), whole)


def test_pictures_are_matched_by_their_names(truths, tmp_path):
    folder = written(truths[:4], tmp_path / "theirs", 0.5, ".color.png")
    Image.new("RGB", (3, 3)).save(folder / "more.png")
    found = Predictions.find("theirs", folder, truths)
    assert {t.name: p.name for t, p in found.files.items()} == {
        f"photo{i}.png": f"photo{i}.color.png" for i in range(4)
    }
    assert found.notes() == [
        "theirs: 1 photograph without a picture: photo4.png",
        "theirs: 1 picture of no photograph: more.png",
    ]
    assert [found.has(path) for path in truths] == [True] * 4 + [False]


def test_of_several_of_one_name_the_folder_decides(tmp_path):
    paths = []
    for group in ("a", "b"):
        (tmp_path / "truth" / group).mkdir(parents=True)
        (tmp_path / "theirs" / group).mkdir(parents=True)
        paths.append(tmp_path / "truth" / group / "1.png")
        for folder in ("truth", "theirs"):
            Image.fromarray(paint(8, 8, 0)).save(tmp_path / folder / group / "1.png")
    found = Predictions.find("theirs", tmp_path / "theirs", paths)
    assert [found.files[path].parent.name for path in paths] == ["a", "b"]
    Image.fromarray(paint(8, 8, 0)).save(tmp_path / "theirs" / "a" / "1.jpg")
    with pytest.raises(BadDataset, match=r"1\.jpg, 1\.png, 1\.png are all pictures of 1\.png; keep one"):
        Predictions.find("theirs", tmp_path / "theirs", paths)


def test_a_picture_is_of_one_photograph_only(tmp_path):
    paths = []
    for group in ("a", "b"):
        (tmp_path / "truth" / group).mkdir(parents=True)
        paths.append(tmp_path / "truth" / group / "1.png")
        Image.fromarray(paint(8, 8, 0)).save(paths[-1])
    (tmp_path / "theirs" / "a").mkdir(parents=True)
    Image.fromarray(paint(8, 8, 0)).save(tmp_path / "theirs" / "a" / "1.png")
    found = Predictions.find("theirs", tmp_path / "theirs", paths)
    assert list(found.files) == paths[:1], "and not the other photograph's, too"
    assert found.notes() == ["theirs: 1 photograph without a picture: 1.png"]
    twins = [*paths, tmp_path / "truth" / "a" / "1.webp"]
    with pytest.raises(BadDataset, match=r"1\.png would be the picture of 1\.png, 1\.webp; keep one of them"):
        Predictions.find("theirs", tmp_path / "theirs", twins)


def test_a_folder_of_other_pictures_is_refused(truths, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadDataset, match="holds no pictures"):
        Predictions.find("x", tmp_path / "empty", truths)
    Image.new("RGB", (3, 3)).save(tmp_path / "empty" / "dog.color.png")
    with pytest.raises(BadDataset, match=r"none of its 1 pictures is named like .* dog\.color\.png would be of dog"):
        Predictions.find("x", tmp_path / "empty", truths)


def test_names_of_folders(tmp_path):
    for name in ("a", "b=c"):
        (tmp_path / name).mkdir()
    assert named([str(tmp_path / "a"), f"B={tmp_path / 'a'}"]) == [("a", tmp_path / "a"), ("B", tmp_path / "a")]
    assert named([str(tmp_path / "b=c")]) == [("b=c", tmp_path / "b=c")]
    with pytest.raises(BadDataset, match="gone is not a folder; --predictions takes DIR or NAME=DIR"):
        named([f"x={tmp_path / 'gone'}"])
    with pytest.raises(BadDataset, match="two methods are called 'a'"):
        named([str(tmp_path / "a"), f"a={tmp_path / 'a'}"])


def test_their_colours_are_joined_with_the_true_lightness(truths, tmp_path):
    """A picture with the true colours and another lightness is perfect, but not as it is."""
    folder = tmp_path / "darker"
    folder.mkdir()
    for path in truths:
        lab = color.rgb_to_lab(np.asarray(Image.open(path)) / 255)
        rgb = color.lab_to_rgb(lab - [4, 0, 0])
        Image.fromarray(np.rint(255 * rgb).astype(np.uint8)).save(folder / path.name)
    joined = compare([Predictions.find("x", folder, truths)], truths).scores["x"]["ciede2000"].mean
    as_it_is = compare([Predictions.find("x", folder, truths, as_is=True)], truths).scores["x"]["ciede2000"].mean
    assert joined < 0.7
    assert 3 < as_it_is < 5


def test_another_size_is_brought_to_the_truths_and_refused_as_it_is(truths, tmp_path):
    folder = tmp_path / "small"
    folder.mkdir()
    for path in truths:
        Image.open(path).resize((15, 10)).save(folder / path.name)
    score = compare([Predictions.find("x", folder, truths)], truths).scores
    assert score["x"]["ciede2000"].mean < 0.3 * score["gray"]["ciede2000"].mean
    with pytest.raises(BadDataset, match=r"nothing could be measured .*15 x 10 pixels and the photograph 30 x 20"):
        compare([Predictions.find("x", folder, truths, as_is=True)], truths)


def test_methods_stand_beside_each_other(truths, tmp_path):
    methods = [
        Predictions.find("half", written(truths, tmp_path / "half", 0.5), truths),
        Predictions.find("most", written(truths, tmp_path / "most", 0.9), truths),
        Model("flat", Half()),
    ]
    seen = []
    report = compare(methods, truths, each=seen.append, resamples=500)
    assert report.names == ("half", "most", "flat", "gray")
    errors = {name: report.values[name]["ab_distance"] for name in report.names}
    assert errors["half"] == pytest.approx(errors["gray"] / 2, rel=0.05)
    assert errors["most"] == pytest.approx(errors["gray"] / 10, rel=0.25)
    score, gain = report.scores["most"]["ab_distance"], report.differences["most"]["ab_distance"]
    assert score.low < score.mean < score.high
    assert score.mean == pytest.approx(errors["most"].mean())
    assert gain.score.mean == pytest.approx((errors["most"] - errors["half"]).mean())
    assert gain.better == 1
    assert report.differences["gray"]["ab_distance"].better == 0
    assert report.differences["most"]["psnr"].better == 1
    assert report.differences["most"]["colorfulness"].better == 1  # nearer to the truth's
    assert report.differences["gray"]["colorfulness"].better == 0
    assert "half" not in report.differences
    pair = [color.ciede2000(a.lab, b.lab).mean() for a, b in _pairs(seen[0].renditions, ("half", "most", "flat"))]
    assert report.disagreement[0] == pytest.approx(np.mean(pair))


def _pairs(renditions, names):
    return [(renditions[a], renditions[b]) for i, a in enumerate(names) for b in names[i + 1 :]]


def test_equal_methods_do_not_differ(truths, tmp_path):
    folder = written(truths, tmp_path / "a", 0.5)
    report = compare([Predictions.find(name, folder, truths) for name in "ab"], truths, resamples=100)
    same = report.differences["b"]["ciede2000"]
    assert (same.score.mean, same.score.low, same.score.high, same.better) == (0, 0, 0, 0)


def test_damaged_files_are_left_out_and_named(truths, tmp_path):
    folder = written(truths, tmp_path / "theirs", 0.5)
    (folder / "photo1.png").write_bytes((folder / "photo1.png").read_bytes()[:200])
    truths[3].write_bytes(b"no picture")
    report = compare([Predictions.find("x", folder, truths)], truths, resamples=10)
    assert [path.name for path in report.paths] == ["photo0.png", "photo2.png", "photo4.png"]
    reasons = {skip.path.name: skip.reason for skip in report.skipped}
    assert set(reasons) == {"photo1.png", "photo3.png"}
    assert "theirs/photo1.png" in reasons["photo1.png"]
    assert all("\n" not in reason for reason in reasons.values())


def test_names_that_cannot_be_are_refused(truths):
    for methods in ([], [Model("gray", Half())], [Model("a", Half()), Model("a", Half())]):
        with pytest.raises(BadSetting, match="different names"):
            compare(methods, truths)


def test_tables_and_files(truths, tmp_path):
    methods = [Predictions.find("<half>", written(truths, tmp_path / "half", 0.5), truths), Model("flat", Half())]
    further = Metric("lpips", "a distance", "", "lower", lambda pair: abs(pair.predicted.rgb - pair.truth.rgb).mean())
    sets = SetDistances(lambda rgb: rgb.mean((0, 1)))
    gallery = Gallery(most=2)
    seen = []

    def each(compared):
        seen.append(compared)
        gallery.add(compared)
        sets.add({name: rendition.rgb for name, rendition in compared.renditions.items()})

    report = compare(methods, truths, further=[further], each=each, resamples=200)
    head, *rows = scores_table(report).rows
    assert head == ("metric", "better", "<half>", "flat", "gray", "truth")
    assert [row[0] for row in rows][-1] == "lpips"
    assert len(scores_table(report, everything=True).rows) == len(metrics) + 2
    head, *rows = differences_table(report).rows
    assert head == ("metric", "flat", "gray")
    assert rows[0][1].startswith(f"{report.differences['flat']['ciede2000'].score.mean:+.2f} (")

    write_csv(report, tmp_path / "a.csv")
    with (tmp_path / "a.csv").open() as file:
        lines = list(csv.DictReader(file))
    assert [line["method"] for line in lines[:4]] == ["<half>", "flat", "gray", "truth"]
    assert float(lines[1]["ciede2000"]) == pytest.approx(report.values["flat"]["ciede2000"][0], rel=1e-5)
    assert lines[3]["ciede2000"] == ""
    write_json(report, tmp_path / "a.json", sets)
    found = json.loads((tmp_path / "a.json").read_text())
    assert found == json.loads(json.dumps(to_json(report, sets)))
    assert found["methods"]["flat"]["psnr"]["mean"] == pytest.approx(report.values["flat"]["psnr"].mean())
    assert found["differences"]["gray"]["psnr"]["better"] == report.differences["gray"]["psnr"].better
    assert set(found["sets"]) == {"<half>", "flat", "gray"}
    table = sets.table()
    assert table.rows[-1][0] == "two halves of the truth, 2 each"
    assert "over 5 pictures" in table.note

    page = gallery.page("<half> and flat", [scores_table(report)])
    assert "<half>" not in page
    assert "2 of 5 photographs" in page
    order = sorted(seen, key=lambda c: -c.disagreement)
    assert page.count('class="photograph"') == 2
    assert page.index(order[0].path.name) < page.index(order[1].path.name)
    assert not any(c.path.name in page for c in order[2:])
    assert "http" not in page.replace("http-equiv", "")
