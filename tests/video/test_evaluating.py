"""Measuring on films whose colours are known."""

import csv
import json

import pytest

from photochrom import UnreadableFilm, WriteFailed
from photochrom.cli import main
from photochrom.video.evaluating import evaluate_films, means, write

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def colored(film, tmp_path_factory):
    return film(tmp_path_factory.mktemp("films") / "a.mp4", color=True, pixels="yuv444p", frames=12)


@pytest.fixture(scope="module")
def rows(colored, colorizer):
    return evaluate_films([colored], colorizer)


def test_gray_and_truth_are_the_ends(rows):
    gray, truth, frame, flow = rows
    assert [row.mode for row in rows] == ["gray", "truth", "frame", "flow"]
    assert gray.colorfulness == 0
    assert gray.warping_error < 0.01
    assert (truth.ciede2000, truth.psnr) == (0, 100)
    assert truth.colorfulness > 50
    assert 0 < frame.ciede2000 < 100
    assert frame.rate > 0
    assert flow.warping_error <= frame.warping_error + 0.1


def test_means_and_files(rows, tmp_path):
    doubled = means([*rows, *rows])
    assert [row.mode for row in doubled] == ["gray", "truth", "frame", "flow"]
    assert doubled[2].ciede2000 == pytest.approx(rows[2].ciede2000)
    write(rows, tmp_path / "out")
    with open(tmp_path / "out" / "per_film.csv") as file:
        table = list(csv.DictReader(file))
    assert float(table[3]["warping_error"]) == rows[3].warping_error
    assert json.loads((tmp_path / "out" / "totals.json").read_text())["truth"]["psnr"] == 100
    with pytest.raises(WriteFailed, match="already there"):
        write(rows, tmp_path / "out")


def test_a_gray_film_has_no_colours_to_compare_with(film, colorizer, tmp_path):
    with pytest.raises(UnreadableFilm, match="is not in colour"):
        evaluate_films([film(tmp_path / "a.mp4", frames=5)], colorizer)


def test_the_command(colored, tiny, tmp_path, capsys):
    with pytest.raises(SystemExit) as caught:
        main(["evaluate-video", str(colored), "--model", str(tiny), "--consistency", "frame", "--frames", "6"])
    assert caught.value.code == 0
    out = capsys.readouterr().out
    assert "warping" in out
    assert out.count("a.mp4") == 3
    with pytest.raises(SystemExit) as caught:
        main(["evaluate-video", str(tmp_path / "none.mp4"), "--model", str(tiny)])
    assert caught.value.code == 1
    assert capsys.readouterr().err == f"photochrom: {tmp_path}/none.mp4 does not exist; give a film file\n"
