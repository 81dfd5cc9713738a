"""The report: what people said, as a page, CSV and JSON."""

import csv
import json
import re

import pytest

from photochrom._support.interval_chart import number_scale, share_scale
from photochrom.research.turing import NOBODY, REAL, run_standin, write_report
from photochrom.research.turing.standin import FILE


def test_without_answers_it_says_so(made):
    folder, _ = made()
    found = write_report(folder)
    assert found.tables == []
    assert [p.name for p in found.files] == ["report.html", "report.json", "answers.csv"]
    assert NOBODY in (folder / "report" / "report.html").read_text()
    assert json.loads((folder / "report" / "report.json").read_text())["results"]["answers"] == 0


def test_what_people_said(made, answered, tmp_path):
    folder, study = made()
    for _ in range(12):  # everybody believes in a and in real pictures, nobody in b
        answered(folder, study, lambda e: "coloured" if e.left == "b" else "real")
    found = write_report(folder, tmp_path / "out")
    page = (tmp_path / "out" / "report.html").read_text()
    assert page.count("data:image/png;base64,") == 12  # 6 of each end
    assert "://" not in page
    assert "<script" not in page
    assert "12 people began and 12 finished; 96 answers count" in page
    with (tmp_path / "out" / "models.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    assert [row[:4] for row in rows[1:]] == [
        ["a", "24", "24", "100.0%"],
        ["b", "24", "0", "0.0%"],
        ["real pictures", "48", "48", "100.0%"],
    ]
    with (tmp_path / "out" / "answers.csv").open(newline="") as file:
        answers = list(csv.DictReader(file))
    assert len(answers) == 12 * 10
    assert {(a["left"], a["said"]) for a in answers} == {(REAL, "real"), ("a", "real"), ("b", "coloured")}
    numbers = json.loads((tmp_path / "out" / "report.json").read_text())
    assert numbers["results"]["models"][0]["fooled"] == {
        "count": 24,
        "of": 24,
        "low": pytest.approx(24 / (24 + 3.8415), abs=1e-4),
        "high": 1.0,
    }
    assert numbers["automatic_standin_not_people"] is None
    assert {t.name for t in found.tables} == {"models", "people", "pictures"}
    assert {p.name for p in found.files} == {p.name for p in (tmp_path / "out").iterdir()}


def test_the_pictures_that_fooled_most_come_first(made, answered):
    folder, study = made(models=("a",), size=4)
    fooling = study.photographs[2]
    for _ in range(6):
        answered(folder, study, lambda e: "real" if e.photograph == fooling else "coloured")
    write_report(folder)
    page = (folder / "report" / "report.html").read_text()
    captions = re.findall(r"<figcaption>(.*?)</figcaption>", page)
    assert captions[0] == f"{fooling}: a (left), 3 of 3; real (right)"
    assert all(caption.endswith("0 of 3; real (right)") for caption in captions[1:])
    assert len(set(captions)) == len(captions) == 4


def test_too_few_answers_are_no_ranking(made, answered):
    folder, study = made(models=("a",), size=4)
    answered(folder, study, lambda _: "real")
    write_report(folder)
    page = (folder / "report" / "report.html").read_text()
    assert page.count("Too few answers: no colouring for this list was judged by 3 people or more") == 2
    assert "<figcaption>" not in page


def test_answers_too_fast_to_have_looked_are_flagged_and_left_out(made, answered):
    folder, study = made()
    answered(folder, study, lambda _: "real", milliseconds=300)
    answered(folder, study, lambda _: "coloured", milliseconds=15)
    write_report(folder)
    page = (folder / "report" / "report.html").read_text()
    assert "8 answers count" in page
    assert "8 more came in less than 300 ms, too fast to have looked, and do not count" in page
    numbers = json.loads((folder / "report" / "report.json").read_text())["results"]
    assert (numbers["answers"], numbers["hasty"], numbers["real"]["count"]) == (8, 8, 4)
    with (folder / "report" / "answers.csv").open(newline="") as file:
        flags = [(row["person"], row["too_fast"]) for row in csv.DictReader(file)]
    assert set(flags) == {("1", "False"), ("2", "True")}


def test_preferences(made, answered):
    folder, study = made(kind="preference", models=("a", "b", "c"), size=6)
    for _ in range(6):  # the alphabet decides
        answered(folder, study, lambda e: "left" if e.left < e.right else "right")
    found = write_report(folder)
    ranking, comparisons = found.tables[:2]
    assert [row[0] for row in ranking.rows[1:]] == ["a", "b", "c"]
    assert [row[3] for row in ranking.rows[1:]] == ["100.0%", "50.0%", "0.0%"]
    assert comparisons.rows[1:] == (("a", "", "12", "12"), ("b", "0", "", "12"), ("c", "0", "0", ""))
    page = (folder / "report" / "report.html").read_text()
    assert "Colourings that were preferred most" in page
    assert "AdverSuc" not in page


def test_a_classifier_is_never_taken_for_people(tmp_path, photographs, colorizer, drawn):
    from photochrom.research.turing import TuringSettings, new_study

    real = tmp_path / "real"
    real.mkdir()
    for i in range(22):
        drawn(i).save(real / f"{i}.png")
    folder = tmp_path / "s"
    new_study(folder, real, {"a": colorizer}, TuringSettings(size=20, practice=2))
    run_standin(folder)
    found = write_report(folder)
    (table,) = found.tables
    assert table.title == "Automatic stand-in, not people"
    page = (folder / "report" / "report.html").read_text()
    assert NOBODY in page
    assert "No person is behind these numbers" in page
    facts = json.loads((folder / "report" / "report.json").read_text())
    assert facts["automatic_standin_not_people"] == json.loads((folder / FILE).read_text())


# ---- charts


def charts_of(folder):
    """The descriptions of the report's charts, and of each the rows: where they begin, are, and end, in per cent."""
    write_report(folder)
    page = (folder / "report" / "report.html").read_text()
    told = re.findall(r'<div class="chart" role="img" aria-label="(.*?)">', page)
    row = r'class="span" x1="([\d.]+)%" x2="([\d.]+)%" .*?cx="([\d.]+)%"'
    parts = page.split('class="chart"')[1:]
    rows = [[tuple(map(float, found)) for found in re.findall(row, part)] for part in parts]
    marks = [sorted(set(map(float, re.findall(r'class="mark" x1="([\d.]+)%"', part)))) for part in parts]
    return told, rows, marks


def test_a_chart_shows_the_shares_and_their_intervals(made, answered):
    folder, _ = made()
    assert charts_of(folder) == ([], [], [])
    folder, study = made(name="other")
    for person in range(12):
        answered(folder, study, lambda e, said=person % 4: "coloured" if e.left == "b" or said == 0 else "real")
    (told,), (rows,), (mark,) = charts_of(folder)
    assert told.startswith("Chart: How often colourings were taken for real. a 75.0 % (55 % to 88 %); b 0.0 % (0 % to")
    assert told.endswith("real pictures 75.0 % (61 % to 85 %).")
    assert rows == [(55.10, 88.00, 75.0), (0.0, 13.80, 0.0), (61.22, 85.08, 75.0)]
    assert mark == [75.0]  # that of the real pictures


def test_pairs_are_measured_against_a_half(made, answered):
    folder, study = made(kind="pair")
    for _ in range(4):
        answered(folder, study, lambda e: "left" if e.left != REAL else "right")  # who is never fooled
    _, (rows,), (mark,) = charts_of(folder)
    assert [value for *_, value in rows] == [0.0, 0.0]
    assert mark == [50.0]


def test_strengths_have_a_chart_around_their_mean(made, answered):
    folder, study = made(kind="preference", models=("a", "b", "c"), size=6)
    for _ in range(6):
        answered(folder, study, lambda e: "left" if e.left < e.right else "right")
    told, (strengths, shares), marks = charts_of(folder)
    assert told[0].startswith("Chart: Strength by preference. a ")
    assert [value for *_, value in shares] == [100.0, 50.0, 0.0]
    values = [value for *_, value in strengths]
    assert values == sorted(values, reverse=True)
    assert values[1] == pytest.approx(marks[0][0], abs=0.01)  # the middle one is at the mean
    assert all(0 <= low < value < high <= 100 for low, high, value in strengths)
    assert marks[1] == [50.0]


@pytest.mark.parametrize("values", [[0.0], [-0.01, 0.02], [-3.2, 4.1], [1e-9], [250.0, -40.0]])
def test_a_scale_of_round_numbers_holds_all(values):
    scale = number_scale(values, 0)
    assert scale.low <= min(*values, 0)
    assert scale.high >= max(*values, 0)
    assert 2 <= len(scale.ticks) <= 9
    assert [scale.place(at) for at in (scale.low, scale.high)] == [0, 100]


def test_what_lies_beyond_a_scale_is_at_its_end():
    assert [share_scale().place(value) for value in (-1, 0.3, 2)] == pytest.approx([0, 30, 100])
