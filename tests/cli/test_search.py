"""`photochrom search`: what is printed, what is written, and one line for each wrong call."""

import csv

import pytest
from PIL import Image

from photochrom.cli import main

pytestmark = pytest.mark.slow

RECIPE = """
[model]
name = "baseline"
settings.channels = [4, 4, 1]
[bins]
kind = "equal"
samples = 4
[data]
size = 32
workers = 0
[run]
batch = 2
precision = "fp32"
"""
RANGES = '[ranges]\n"optim.lr" = { low = 1e-4, high = 1e-2, log = true }\n"run.batch" = { choices = [1, 2] }\n'


@pytest.fixture
def call(capfd, monkeypatch, tmp_path, folder):
    """Search the pictures of `folder`; returns (status, lines of standard output, lines of standard error)."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "recipe.toml").write_text(RECIPE)
    (tmp_path / "ranges.toml").write_text(RANGES)

    def run(*options, recipe="recipe.toml"):
        capfd.readouterr()
        with pytest.raises(SystemExit) as caught:
            main(["search", recipe, "--data", str(folder), *options])
        out, err = capfd.readouterr()
        return caught.value.code, out.splitlines(), err.splitlines()

    return run


def test_two_rounds(call, tmp_path):
    short = ("--trials", "3", "--images", "4", "--steps", "2")
    first = ("--ranges", "ranges.toml", "--out", "first", *short)
    status, out, err = call(*first)
    assert status == 0
    assert [line.partition(" lowest loss")[0] for line in err] == ["1/3", "2/3", "3/3"]
    assert out[0] == "the best of 3 trials"
    assert out[2].split() == ["trial", "optim.lr", "run.batch", "lowest", "loss", "drop", "per", "step"]
    files = ["first/trials.csv", "first/ranges.toml", "first/best.toml", "first/lr.png"]
    assert [line.strip() for line in out[-4:]] == files
    with (tmp_path / "first" / "trials.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert out[4].split()[0] == rows[0]["trial"]
    assert float(out[4].split()[3]) == pytest.approx(float(rows[0]["lowest_loss"]), rel=1e-3)
    with Image.open(tmp_path / "first" / "lr.png") as image:
        assert image.format == "PNG"

    again = call(*first)
    assert again == (0, out, [])

    status, _, err = call("--narrow", "first", "--out", "second", *short[:2], *short[4:])
    assert (status, len(err)) == (0, 3)
    rates = sorted(float(row["optim.lr"]) for row in rows[:2])
    with (tmp_path / "second" / "trials.csv").open() as file:
        assert all(rates[0] <= float(row["optim.lr"]) <= rates[1] for row in csv.DictReader(file))
    # All nine pictures, where the first round had four: another search.
    status, _, err = call("--narrow", "first", "--out", "second", *short)
    assert (status, len(err)) == (2, 1)
    assert "second: it holds another search (images.count was 9, now 4); give another --out" in err[0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), "give either --ranges FILE.toml, or --narrow DIR with the folder of an earlier search"),
        (("--ranges", "ranges.toml", "--narrow", "x"), "give either --ranges FILE.toml, or --narrow DIR"),
        (("--ranges", "no.toml"), "no.toml: the ranges cannot be read (No such file or directory)"),
        (("--ranges", "bad.toml"), "bad.toml: optim.rl is not a setting; did you mean optim.lr?"),
        (("--narrow", "."), ".: there is no search to narrow (no search.db)"),
        (("--ranges", "ranges.toml", "--set", "optim.rl=1"), "optim.rl is not a setting; did you mean optim.lr?"),
        (("--ranges", "ranges.toml", "--steps", "1"), "steps is 1; it must be at least 2"),
    ],
)
def test_wrong_calls_are_one_line(call, tmp_path, options, message):
    (tmp_path / "bad.toml").write_text('[ranges]\n"optim.rl" = { low = 1, high = 2 }\n')
    status, out, err = call("--out", "out", *options)
    assert (status, out, len(err)) == (2, [], 1)
    assert message in err[0]
    assert not (tmp_path / "out").exists()


def test_too_few_pictures_is_a_failure(call):
    status, out, err = call("--out", "out", "--ranges", "ranges.toml")
    assert (status, out, len(err)) == (1, [], 1)
    assert "there are 9 pictures, fewer than the 100 to search on; lower --images" in err[0]
