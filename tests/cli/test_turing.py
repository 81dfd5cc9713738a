"""`photochrom turing`: what is printed, and one line for each wrong call."""

import pytest

from photochrom.cli import main
from photochrom.research.turing import Answers, load_study


@pytest.fixture
def call(capfd, monkeypatch, tmp_path, drawn, tiny):
    """Run in a folder that holds 24 photographs in real/; returns (status, output, lines of standard error)."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "real").mkdir()
    (tmp_path / "a.onnx").write_bytes(tiny.read_bytes())
    for i in range(24):
        drawn(i).save(tmp_path / "real" / f"{i}.png")

    def run(*arguments):
        capfd.readouterr()
        with pytest.raises(SystemExit) as caught:
            main(["turing", *arguments])
        out, err = capfd.readouterr()
        return caught.value.code, out, err.splitlines()

    return run


def test_from_photographs_to_a_report(call, tmp_path):
    status, out, err = call("new", "s", "--real", "real", "-m", "a.onnx", "--size", "20", "--seed", "3")
    assert (status, out) == (0, "s: 20 photographs, 4 for practice\n")
    assert err == ["people take part at: photochrom serve --turing s"]
    assert call("report", "s")[1] == "No answers yet: nobody has taken part in this study.\n"
    study = load_study(tmp_path / "s")
    answers = Answers(tmp_path / "s", study)
    for entry in answers.of(answers.begin()):
        answers.answer(entry, "real", 1000)
    status, out, err = call("report", "s", "-o", "out")
    assert (status, err) == (0, ["out/report.html: the report; tables (CSV) and numbers (JSON) beside it"])
    row = next(line.split() for line in out.splitlines() if line.split()[:1] == ["a"])
    assert row[:4] == ["a", "10", "10", "100.0%"]
    status, out, err = call("classifier", "s")
    assert (status, err) == (0, [])
    assert out.startswith("Automatic stand-in, not people")
    assert "Automatic stand-in, not people" in call("report", "s")[1]


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (("report", "nowhere"), 1, "nowhere: no Turing study; make one with `photochrom turing new`"),
        (("classifier", "nowhere"), 1, "nowhere: no Turing study"),
        (("new", "s", "--real", "nowhere"), 1, "nowhere holds no pictures; name a folder of colour photographs"),
        (
            ("new", "s", "--real", "real", "--size", "3"),
            2,
            "the size is 3; with 1 model what a person sees is balanced for multiples of 2",
        ),
        (("new", "s", "--real", "real", "--kind", "preference"), 2, "compares two models or more"),
        (("new", "s", "--real", "real", "-m", "a.onnx", "-m", "a.onnx"), 2, "2 models would be called 'a'"),
        (("new", "s", "--real", "real", "-m", "b"), 2, "no model is called 'b'"),
        (("new", "real", "--real", "real", "-m", "a.onnx"), 1, "real is already there; choose another name"),
        (("new", "s", "--real", "real", "--side", "1"), 2, "the side is 1; it must be between 64 and 4096"),
    ],
)
def test_wrong_calls_are_one_line(call, tmp_path, arguments, status, message):
    before = sorted(tmp_path.iterdir())
    code, out, err = call(*arguments)
    assert (code, out, len(err)) == (status, "", 1)
    assert message in err[0]
    assert sorted(tmp_path.iterdir()) == before
