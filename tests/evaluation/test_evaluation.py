"""The evaluation with colorizers whose result is known beforehand."""

import csv
import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from photochrom import color
from photochrom.errors import BadCheckpoint, BadDataset, BadSetting, MissingExtra, OutOfMemory, UnknownName, WriteFailed
from photochrom.evaluation import (
    Evaluation,
    Top1Counter,
    evaluate,
    join,
    plot_sweeps,
    read_truth,
    samples,
    sweep,
    synset_of,
)
from photochrom.imaging.picture import Picture
from photochrom.metrics import metrics

SIZES = {"n00000001-sky.png": (12, 17), "n00000002-leaf.png": (20, 9)}


def paint(height: int, width: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width] / max(height, width)
    channels = [0.5 + 0.4 * np.sin(rng.uniform(2, 6) * x + rng.uniform(2, 6) * y + rng.uniform(0, 6)) for _ in range(3)]
    return np.round(255 * np.stack(channels, -1)).astype(np.uint8)


@pytest.fixture
def paths(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for seed, (name, size) in enumerate(SIZES.items()):
        Image.fromarray(paint(*size, seed)).save(folder / name)
    return sorted(folder.iterdir())


class Oracle:
    """Knows the true ab of every L it is shown, and gives `share` of it."""

    def __init__(self, paths, share=1.0):
        self.share = share
        self.runs = 0
        self._known = {}
        for path in paths:
            lab = color.rgb_to_lab(np.asarray(Image.open(path)) / 255)
            self._known[lab.shape[:2]] = lab

    def ab(self, L):
        lab = self._known[L.shape]
        assert L.dtype == np.float32
        assert np.allclose(L, lab[..., 0], atol=1e-4)
        return (self.share * lab[..., 1:]).astype(np.float32)

    def scores(self, L):
        self.runs += 1
        return self.ab(L)

    def decode(self, scores, L, *, vividness):
        assert L.shape == scores.shape[:2]
        return vividness * scores


class Gray:
    def ab(self, L):
        return np.zeros((*L.shape, 2), np.float32)


def test_the_true_ab_give_the_truth(paths):
    report = evaluate(Oracle(paths), paths)
    assert report.ours["ciede2000"] == pytest.approx(0, abs=1e-9)
    assert report.ours["psnr"] == 100
    assert report.ours["ssim"] == pytest.approx(1)
    assert report.ours["colorfulness"] == pytest.approx(report.truth["colorfulness"])
    assert report.headline["ciede2000_gain"] == pytest.approx(1)
    assert report.headline["colorfulness_share"] == pytest.approx(1)
    assert report.headline["colorfulness_difference"] == pytest.approx(0)


def test_no_ab_equal_gray(paths):
    report = evaluate(Gray(), paths)
    assert report.ours == report.gray
    assert report.gray["ciede2000"] > 3
    assert report.gray["colorfulness"] < 1
    assert report.headline["ciede2000_gain"] == 0


def test_totals_are_plain_means_over_the_photographs(paths):
    report = evaluate(Oracle(paths, 0.5), paths)
    assert list(report.ours) == list(metrics)
    assert set(report.truth) == {"blotchiness", "colorfulness", "mean_saturation"}
    for name, value in report.ours.items():
        assert value == pytest.approx(np.mean([row.ours[name] for row in report.rows]))
    assert [(row.height, row.width) for row in report.rows] == list(SIZES.values())
    # Half the colour everywhere is less colourful in each picture, so the error of the mean is the mean of the errors.
    assert report.headline["colorfulness_difference"] == pytest.approx(-report.ours["colorfulness_error"])


def test_the_table_has_a_line_for_each_metric(paths):
    heading, *lines = evaluate(Gray(), paths).table()
    assert heading == ("metric", "unit", "better", "ours", "gray", "truth")
    assert [line[0] for line in lines] == list(metrics)
    assert all(len(line) == 6 for line in lines)
    truths = {line[0]: line[5] for line in lines}
    assert truths["psnr"] == ""
    assert float(truths["colorfulness"]) > 10


def test_results_are_written(paths, tmp_path):
    out = tmp_path / "new" / "results"
    report = evaluate(Oracle(paths, 0.5), paths, out=out)
    totals = json.loads((out / "totals.json").read_text())
    assert totals["pictures"] == 2
    assert totals["skipped"] == []
    assert totals["ours"] == report.ours
    assert totals["gray"] == report.gray
    assert totals["ciede2000_gain"] == report.headline["ciede2000_gain"]
    assert totals["metrics"]["psnr"] == {
        "meaning": "peak signal-to-noise ratio over RGB, capped at 100",
        "unit": "dB",
        "better": "higher",
    }
    with (out / "per_image.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["file"] for row in rows] == [str(path) for path in paths]
    assert [row["width"] for row in rows] == ["17", "9"]
    assert float(rows[0]["gray_ciede2000"]) == pytest.approx(report.rows[0].gray["ciede2000"], rel=1e-5)
    assert float(rows[1]["truth_colorfulness"]) == pytest.approx(report.rows[1].truth["colorfulness"], rel=1e-5)
    assert sorted(path.name for path in out.iterdir()) == ["per_image.csv", "totals.json"]


def test_nothing_is_overwritten_unasked_and_that_is_said_before_the_work(paths, tmp_path):
    (tmp_path / "totals.json").write_text("mine")
    watched = []
    with pytest.raises(WriteFailed, match=r"totals\.json is already there"):
        evaluate(Gray(), paths, out=tmp_path, each=watched.append)
    assert watched == []
    assert (tmp_path / "totals.json").read_text() == "mine"
    evaluate(Gray(), paths, out=tmp_path, overwrite=True)
    assert json.loads((tmp_path / "totals.json").read_text())["pictures"] == 2


def test_a_folder_that_cannot_be_made_is_one_clear_line(paths):
    with pytest.raises(WriteFailed, match="cannot be made"):
        evaluate(Gray(), paths, out=paths[0] / "results")


def test_a_disk_that_fills_up_is_one_clear_line(paths, tmp_path, monkeypatch):
    report = evaluate(Gray(), paths)

    def full(path, data, overwrite):
        raise WriteFailed(f"{path} cannot be written: the disk is full")

    monkeypatch.setattr("photochrom.evaluation.files.write_bytes", full)
    with pytest.raises(WriteFailed, match=r"per_image\.csv .* disk is full"):
        report.write(tmp_path / "out")


def test_gray_and_damaged_files_are_skipped_and_named(paths, tmp_path):
    gray, stored_gray, damaged = (tmp_path / f"{name}.png" for name in ("gray", "stored", "damaged"))
    one = paint(8, 8, 5)[..., 0]
    Image.fromarray(one).save(gray)
    Image.fromarray(np.stack([one] * 3, -1)).save(stored_gray)
    damaged.write_bytes(b"not a picture")
    seen = []
    files = [gray, stored_gray, damaged, *paths]
    report = evaluate(Oracle(paths), files, progress=lambda *step: seen.append(step))
    assert [skip.path for skip in report.skipped] == [gray, stored_gray, damaged]
    assert "is gray" in report.skipped[0].reason
    assert str(stored_gray) in report.skipped[1].reason
    assert all("\n" not in skip.reason for skip in report.skipped)
    assert len(report.rows) == 2
    assert seen == [(i, 5, path) for i, path in enumerate(files, start=1)]


def test_nothing_to_measure_is_an_error(tmp_path):
    with pytest.raises(BadDataset, match="no photographs"):
        evaluate(Gray(), [])
    Image.fromarray(np.full((4, 4), 90, np.uint8)).save(tmp_path / "gray.png")
    with pytest.raises(BadDataset, match="nothing could be measured"):
        evaluate(Gray(), [tmp_path / "gray.png"])


def test_without_a_list_for_them_skipped_files_raise(tmp_path):
    Image.fromarray(np.full((4, 4), 90, np.uint8)).save(tmp_path / "gray.png")
    with pytest.raises(BadDataset, match=r"gray\.png"):
        list(samples(Gray(), [tmp_path / "gray.png"]))


def test_a_broken_model_is_named():
    L = np.full((3, 4), 50.0)
    with pytest.raises(BadCheckpoint, match=r"cat\.png: .* not numbers"):
        join(L, np.full((3, 4, 2), np.nan), "cat.png")
    with pytest.raises(BadCheckpoint, match="shape"):
        join(L, np.zeros((4, 3, 2)))


def test_memory_that_runs_out_is_named(paths):
    class Greedy:
        def ab(self, L):
            raise MemoryError

    with pytest.raises(OutOfMemory, match="n00000001"):
        evaluate(Greedy(), paths)


def test_join_keeps_L_and_gives_8_bits():
    L = np.linspace(5, 95, 60).reshape(6, 10)
    rgb = join(L, np.full((6, 10, 2), 90.0)).rgb
    assert np.array_equal(rgb, np.round(255 * rgb) / 255)
    assert np.abs(color.rgb_to_lab(rgb)[..., 0] - L).max() < 0.6
    neutral = join(L, 0).rgb
    assert np.abs(neutral - neutral.mean(-1, keepdims=True)).max() <= 1 / 255


def test_truth_of_a_16_bit_or_float_picture(monkeypatch):
    eight = paint(5, 6, 1)
    for pixels in (eight, eight.astype(np.uint16) * 257, (eight / 255).astype(np.float32)):
        monkeypatch.setattr("photochrom.imaging.io.read", lambda path, pixels=pixels: Picture(pixels))
        assert read_truth(Path("x.png")).rendition.rgb == pytest.approx(eight / 255, abs=1e-6)


def test_a_sweep_runs_the_network_once_per_photograph(paths, tmp_path):
    oracle = Oracle(paths)
    result = sweep(oracle, paths, (0, 0.5, 1), out=tmp_path)
    assert oracle.runs == result.pictures == 2
    assert [row["vividness"] for row in result.rows] == [0, 0.5, 1]
    assert result.rows[0] == {"vividness": 0.0, **result.gray}
    assert result.rows[2]["ciede2000"] == pytest.approx(0, abs=1e-9)
    assert result.rows[2]["colorfulness"] == pytest.approx(result.truth["colorfulness"])
    assert result.rows[0]["colorfulness"] < result.rows[1]["colorfulness"] < result.rows[2]["colorfulness"]
    with (tmp_path / "sweep.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["vividness"] for row in rows] == ["0", "0.5", "1"]
    assert {row["gray_ciede2000"] for row in rows} == {f"{result.gray['ciede2000']:.6g}"}
    assert {row["truth_colorfulness"] for row in rows} == {f"{result.truth['colorfulness']:.6g}"}


def test_a_sweep_agrees_with_evaluate(paths):
    report, result = evaluate(Oracle(paths, 0.5), paths), sweep(Oracle(paths), paths, [0.5], names=("psnr", "ssim"))
    assert result.rows == ({"vividness": 0.5, "psnr": report.ours["psnr"], "ssim": report.ours["ssim"]},)
    assert result.truth == {}


def test_a_sweeps_table_ends_with_gray_and_truth(paths):
    table = sweep(Oracle(paths), paths, [0.5]).table()
    assert table[0] == ("vividness", "ciede2000", "psnr", "ab_distance", "colorfulness")
    assert [line[0] for line in table[1:]] == ["0.5", "gray", "truth"]
    assert table[3][1:4] == ("", "", "")
    assert {len(line) for line in table} == {5}


def test_a_sweep_refuses_what_it_cannot_do(paths, tmp_path):
    with pytest.raises(BadSetting, match="at least one"):
        sweep(Oracle(paths), paths, ())
    with pytest.raises(UnknownName):
        sweep(Oracle(paths), paths, names=("beauty",))
    (tmp_path / "sweep.csv").write_text("mine")
    with pytest.raises(WriteFailed, match="already there"):
        sweep(Oracle(paths), paths, out=tmp_path)


def test_sweeps_are_drawn_together(paths, tmp_path):
    pytest.importorskip("matplotlib")
    curve = sweep(Oracle(paths), paths, (0, 1))
    plot_sweeps({"small": curve, "large": curve}, tmp_path / "plots" / "sweep.png")
    with Image.open(tmp_path / "plots" / "sweep.png") as image:
        assert image.format == "PNG"
        assert image.size == (1050, 750)
        assert np.asarray(image.convert("L")).min() < 80
    with pytest.raises(WriteFailed, match="already there"):
        plot_sweeps({"small": curve}, tmp_path / "plots" / "sweep.png")
    with pytest.raises(BadSetting, match="ciede2000"):
        plot_sweeps({"other": sweep(Oracle(paths), paths, names=("psnr",))}, tmp_path / "other.png")


def test_a_plot_without_matplotlib_names_the_extra(paths, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingExtra, match=r"\[train\]"):
        plot_sweeps({"ours": sweep(Oracle(paths), paths, (0, 1))}, tmp_path / "sweep.png")


class SkyOrLeaf:
    """A classifier that takes everything for a sky where there is colour, and for a leaf where there is none."""

    synsets = ("n00000001", "n00000002")

    def finds(self, rgb, synset):
        sky = np.ptp(rgb, -1).mean() > 0.05
        return (synset == self.synsets[0]) == sky, -1.0 if sky else -3.0


def test_top1_counts_by_version(paths):
    counter = Top1Counter(SkyOrLeaf())
    for sample in samples(Oracle(paths), paths):
        counter(sample)
    counts = counter.result()
    assert (counts.pictures, counts.truth, counts.gray, counts.ours, counts.unnamed) == (2, 1, 1, 1, 0)
    assert (counts.gained, counts.lost) == (1, 1)
    assert counts.shares == {"truth": 0.5, "gray": 0.5, "ours": 0.5}
    assert counts.log_p == {"truth": -1.0, "gray": -3.0, "ours": -1.0}
    assert json.loads(json.dumps(asdict(counts)))["lost"] == 1


def test_a_synset_that_the_classifier_does_not_know_cannot_be_found(paths):
    classifier = SkyOrLeaf()
    classifier.synsets = ("n00000001", "n00000009")
    counter = Top1Counter(classifier)
    for sample in samples(Gray(), paths):
        counter(sample)
    assert (counter.result().pictures, counter.result().unnamed) == (1, 1)


def test_top1_rides_on_evaluate_and_leaves_out_the_unnamed(paths, tmp_path):
    unnamed = tmp_path / "holiday.png"
    Image.open(paths[0]).save(unnamed)
    counter = Top1Counter(SkyOrLeaf())
    report = evaluate(Gray(), [*paths, unnamed], each=counter)
    assert isinstance(report, Evaluation)
    assert counter.result().unnamed == 1
    assert counter.result().ours == 1
    nothing = Top1Counter(SkyOrLeaf())
    for sample in samples(Gray(), [unnamed]):
        nothing(sample)
    with pytest.raises(BadDataset, match="synset"):
        nothing.result()
    # Said before anything is measured or written.
    with pytest.raises(BadDataset, match="none of the 2 pictures has an ImageNet synset"):
        evaluate(Gray(), [unnamed, unnamed], counter=nothing, out=tmp_path / "out", each=pytest.fail)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("path", "synset"),
    [
        ("test/n01560419-bulbul.webp", "n01560419"),
        ("n01560419/deep/1.jpg", "n01560419"),
        ("n01560419/ILSVRC_n02123045_7.JPEG", "n02123045"),
        ("n01560419/n02123045/1.jpg", "n02123045"),
        ("n015604190.jpg", None),
        ("version01560419.jpg", None),
        ("1.jpg", None),
    ],
)
def test_synset_of(path, synset):
    assert synset_of(Path(path)) == synset


def test_torch_and_matplotlib_are_not_imported():
    code = (
        "import sys, photochrom.evaluation, photochrom._support.contact_sheet; "
        "from photochrom.metrics import metrics; list(metrics); "
        "print([m for m in ('torch', 'matplotlib', 'scipy', 'skimage') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
