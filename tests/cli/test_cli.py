"""The command line, called in this process: exit status, one line for each error, and what is printed."""

import csv
import io
import json
import os
import re
import shutil
import struct
import sys
import zlib
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

import photochrom
from photochrom.cli import app, main


@pytest.fixture
def call(capfdbinary, monkeypatch, tmp_path):
    """Run a command in an empty folder; returns (status, standard output, lines of standard error)."""
    monkeypatch.chdir(tmp_path)

    def run(*argv, stdin=b""):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        capfdbinary.readouterr()
        with pytest.raises(SystemExit) as caught:
            main([str(token) for token in argv])
        out, err = capfdbinary.readouterr()
        return caught.value.code, out, err.decode().splitlines()

    return run


@pytest.fixture
def model(tiny):
    return ["--model", tiny]


def gray(path, value=90, size=(30, 20)):
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", size, value).save(path)
    return path


def pixels(path):
    with Image.open(path) as image:
        return np.asarray(image)


# ---- colorize


def test_one_file(call, model):
    gray("portrait.jpg")
    assert call("colorize", "portrait.jpg", *model) == (0, b"", ["portrait.jpg -> portrait.color.jpg"])
    assert pixels("portrait.color.jpg").shape == (20, 30, 3)


def test_files_and_folders(call, model):
    for name in ("in/a.png", "in/b.png", "in/sub/c.png", "d.png"):
        gray(name)
    status, out, err = call("colorize", "in", "d.png", "-r", "-o", "out", *model)
    assert (status, out) == (0, b"")
    assert err == [
        "in/a.png -> out/a.png",
        "in/b.png -> out/b.png",
        "in/sub/c.png -> out/sub/c.png",
        "d.png -> out/d.png",
        "4 coloured, 0 failed",
    ]
    assert sorted(str(path) for path in Path("out").rglob("*.png")) == [
        "out/a.png",
        "out/b.png",
        "out/d.png",
        "out/sub/c.png",
    ]


@pytest.mark.parametrize("output", ["new/", "new", "new.v2/"])
def test_output_folders(call, model, output):
    gray("a.png")
    assert call("colorize", "a.png", "-o", output, *model)[0] == 0
    assert Path(output, "a.png").is_file()


@pytest.mark.parametrize(
    "name",
    [
        "a [x].png",
        "[1].png",
        "[bold]b[/].png",
        ":smile:.png",
        "Größe 北京.png",
        "a=b.png",
        "{a,b}.png",
        "a" * 200 + ".png",
    ],
)
def test_odd_names_are_printed_as_they_are(call, model, name):
    gray(name)
    assert call("colorize", name, *model) == (0, b"", [f"{name} -> {name[:-4]}.color.png"])


@pytest.mark.parametrize(
    "name", ["a\nb.png", "a\tb.png", "a\x1b[31mb.png", b"\xff\xfe.png".decode(errors="surrogateescape")]
)
def test_names_that_cannot_be_printed_stay_on_one_line(call, model, name):
    gray(name)
    status, _, err = call("colorize", name, *model)
    assert (status, len(err)) == (0, 1)
    assert err[0].isprintable()
    assert call("colorize", name, *model)[2][0].isprintable()


def test_a_file_that_begins_with_a_hyphen(call, model):
    gray("-x.png")
    assert call("colorize", "-x.png", *model)[0] == 2
    assert call("colorize", *model, "--", "-x.png")[0] == 0
    assert Path("-x.color.png").exists()


@pytest.mark.parametrize("name", ["-scan.jpg", "-old.jpg", "--scan.jpg"])
def test_a_file_that_reads_like_an_option_is_named(call, model, name):
    gray(f"./{name}")
    status, _, err = call("colorize", name, *model)
    assert (status, err) == (2, [f"photochrom: {name} is a file, but looks like an option; write ./{name}"])
    assert call("colorize", f"./{name}", *model)[0] == 0
    status, _, err = call("colorize", "-gone.jpg", *model)
    assert status == 2
    assert "for a file of that name, write ./-gone.jpg" in err[0]


def test_a_file_named_like_a_result_is_named_when_it_is_passed_over(call, model):
    for name in ("in/a.png", "in/a.color.png", "in/house.color.jpg", "in/@eaDir/a.png"):
        gray(name)
    status, _, err = call("colorize", "in", "-r", "-o", "out", *model)
    assert (status, err) == (
        0,
        [
            "in/house.color.jpg was passed over, because it is named like a result; to colour it, name the file itself",
            "in/a.png -> out/a.png",
        ],
    )


def test_a_link_to_a_folder_is_named_when_it_is_passed_over(call, model):
    gray("in/a.png")
    gray("elsewhere/b.png")
    Path("in/album").symlink_to("../elsewhere")
    status, _, err = call("colorize", "in", "-r", "-o", "out", *model)
    assert (status, err) == (
        0,
        [
            "in/album was passed over, because it is a link to a folder; to colour what is in it, name it",
            "in/a.png -> out/a.png",
        ],
    )


def test_preserve(call, model):
    source = Path(gray("a.png"))
    source.chmod(0o640)
    os.utime(source, ns=(10**18, 10**18 + 5000))
    assert call("colorize", "a.png", "--preserve", *model)[0] == 0
    facts = Path("a.color.png").stat()
    assert (facts.st_mtime_ns, facts.st_mode & 0o777) == (10**18 + 5000, 0o640)
    status, _, err = call("colorize", "a.png", "-o", "-", "--preserve", *model)
    assert (status, len(err)) == (2, 1)
    assert "--preserve is for files" in err[0]


def test_preserve_goes_to_each_picture_of_a_sequence(call, model):
    for number in (1, 2):
        Path(gray(f"f-{number}.png")).chmod(0o640)
        os.utime(f"f-{number}.png", ns=(10**18, 10**18 + number))
    status, _, err = call("colorize", "f-%d.png", "-o", "out/f-%d.png", "--preserve", *model)
    assert (status, "permissions" in str(err)) == (0, False)
    for number in (1, 2):
        facts = Path(f"out/f-{number}.png").stat()
        assert (facts.st_mtime_ns, facts.st_mode & 0o777) == (10**18 + number, 0o640)


def test_what_is_kept_as_it_is_comes_through_a_pipe_byte_by_byte(call, model):
    Image.merge("RGB", [Image.linear_gradient("L").rotate(a).resize((40, 40)) for a in (0, 90, 180)]).save("a.jpg")
    data = Path("a.jpg").read_bytes()
    assert call("colorize", "-", "--keep-color", *model, stdin=data)[1] == data
    assert call("colorize", "a.jpg", "-o", "-", "--keep-color", *model)[1] == data
    assert call("colorize", "-", "-o", "b.jpg", "--keep-color", *model, stdin=data)[0] == 0
    assert Path("b.jpg").read_bytes() == data


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (["in/a.png", "-o", "b.png"], "in/a.png"),
        (["in/a.png", "-o", "b.png"], "b.png"),
        (["in"], "in/a.png"),
        (["in", "-o", "out/"], "out/a.png"),
        (["in/a.png"], "in/a.color.png"),
    ],
)
def test_the_confidence_replaces_neither_the_photograph_nor_its_result(call, model, words, name):
    data = Path(gray("in/a.png")).read_bytes()
    status, _, err = call("colorize", *words, "--confidence", name, "--overwrite", *model)
    told = f"photochrom: --confidence {name} is the photograph, or where it goes; name another file"
    assert (status, err) == (2, [told])
    assert Path("in/a.png").read_bytes() == data
    assert [path for path in Path().rglob("*") if path.is_file() and path.suffix == ".png"] == [Path("in/a.png")]


def test_a_log_is_no_picture(call, model):
    data = Path(gray("a.png")).read_bytes()
    for name in ("a.png", "out/a.png"):
        status, _, err = call("colorize", "a.png", "-o", "out/", "--log", name, "--overwrite", *model)
        assert (status, err) == (2, [f"photochrom: --log {name}: this file is CSV; end its name in .csv"])
    assert Path("a.png").read_bytes() == data
    assert not Path("out").exists()


@pytest.mark.parametrize("option", [["--log", "x.csv"], ["--skip-existing"]])
def test_what_is_for_many_files_is_not_for_a_pipe(call, model, option):
    status, _, err = call("colorize", "-", "-o", "b.png", *option, *model, stdin=Path(gray("a.png")).read_bytes())
    assert (status, err) == (
        2,
        ["photochrom: --log and --skip-existing are for files, not for standard input or output"],
    )
    assert not Path("b.png").exists()


def test_the_note_on_a_damaged_one_is_said_once(call, model):
    Image.linear_gradient("L").save("a.jpg")
    status, out, err = call("colorize", "-", *model, stdin=Path("a.jpg").read_bytes()[:-200])
    assert (status, len(err)) == (0, 1)
    assert err[0].startswith("standard input: ")
    assert out[:2] == b"\xff\xd8"


def test_transparency_that_a_format_has_not_is_said(call, model):
    clear = Image.merge("LA", [Image.new("L", (40, 40), 99), Image.linear_gradient("L").resize((40, 40))])
    clear.save("a.png")
    note = "its transparent parts were laid on white; JPEG has no transparency"
    assert call("colorize", "a.png", "-o", "b.jpg", *model) == (0, b"", [f"a.png -> b.jpg ({note})"])
    assert call("colorize", "a.png", "-o", "c.png", *model) == (0, b"", ["a.png -> c.png"])
    Image.new("LA", (40, 40), (99, 255)).save("d.png")
    assert call("colorize", "d.png", "-o", "e.jpg", *model) == (0, b"", ["d.png -> e.jpg"])


def test_what_a_result_does_not_hold_is_said(call, model, png):
    Image.new("L", (8, 8)).save("a.gif", comment=b"Opa 1931")
    note = "its comments and texts were left out; BMP has no place for that"
    assert call("colorize", "a.gif", "-o", "b.bmp", *model) == (0, b"", [f"a.gif -> b.bmp ({note})"])
    status, _, err = call("colorize", "-", "-o", "c.bmp", *model, stdin=Path("a.gif").read_bytes())
    assert (status, err) == (0, [f"standard input: {note}"])


def test_a_colored_one_is_mentioned(call, model):
    Image.new("RGB", (9, 9), "red").save("red.png")
    _, _, (line,) = call("colorize", "red.png", *model)
    assert line == "red.png -> red.color.png (it had colour already and was coloured from its lightness)"


def test_bad_ones_are_named_and_the_others_done(call, model):
    gray("a.png")
    gray("c.png")
    Path("b.png").write_bytes(b"")
    status, _, err = call("colorize", "a.png", "b.png", "c.png", *model)
    assert status == 1
    assert err == [
        "a.png -> a.color.png",
        "photochrom: b.png is empty; get a new copy of the file",
        "c.png -> c.color.png",
        "2 coloured, 1 failed",
    ]


def test_overwrite(call, model):
    gray("a.png")
    assert call("colorize", "a.png", *model)[0] == 0
    first = Path("a.color.png").read_bytes()
    status, _, (line,) = call("colorize", "a.png", "--saturation", "0.2", *model)
    assert (status, line.split(";")[0]) == (1, "photochrom: a.color.png is already there")
    assert Path("a.color.png").read_bytes() == first
    assert call("colorize", "a.png", "--saturation", "0.2", "--overwrite", *model)[0] == 0
    assert Path("a.color.png").read_bytes() != first


def test_the_originals_are_not_replaced_even_with_overwrite(call, model):
    before = gray("in/a.png") and Path("in/a.png").read_bytes()
    for inputs, output in ((["in"], "in"), (["in/a.png"], "in/"), (["in/a.png"], "in/a.png")):
        status, _, (line,) = call("colorize", *inputs, "-o", output, "--overwrite", *model)
        assert status == 2
        assert "overwrite the photograph in/a.png" in line
    assert Path("in/a.png").read_bytes() == before


def test_settings_reach_the_session(call, model):
    gray("a.png")
    assert call("colorize", "a.png", "--saturation=0", "--render-size=32", "--device=cpu", *model)[0] == 0
    assert np.ptp(pixels("a.color.png"), axis=-1).max() <= 1
    assert call("colorize", "a.png", "-o", "b.png", "--vividness", "0.7", "--max-pixels", "600")[0] == 0
    status, _, (line,) = call("colorize", "a.png", "-o", "c.png", "--vividness", "0.7", *model)
    assert status == 2
    assert "has no bins, so no vividness" in line
    status, _, (line,) = call("colorize", "a.png", "-o", "c.png", "--max-pixels", "599", *model)
    assert status == 1
    assert "30 x 20 pixels, more than 599" in line


def test_through_the_pipe(call, model, png):
    data = png(3)
    status, out, err = call("colorize", "-", *model, stdin=data)
    assert (status, err) == (0, [])
    assert out == photochrom.Colorizer(model[1]).colorize(data)
    Path("a.png").write_bytes(data)
    assert call("colorize", "a.png", "-o", "-", *model) == (0, out, [])
    assert call("colorize", "-", "-o", "-", *model, stdin=data) == (0, out, [])
    assert call("colorize", "-", "-o", "b.png", *model, stdin=data) == (0, b"", [])
    assert Path("b.png").read_bytes() == out
    assert call("colorize", "-", "-o", "b.png", *model, stdin=data)[0] == 1
    assert call("colorize", "-", "-o", "b.xyz", *model, stdin=data)[0] == 2
    assert call("colorize", "-", "a.png", *model, stdin=data)[:2] == (2, b"")
    assert call("colorize", "-", *model, stdin=b"") == (1, b"", call("colorize", "-", *model, stdin=b"")[2])


def test_a_terminal_gets_no_bytes(call, model, png, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    status, out, (line,) = call("colorize", "-", *model, stdin=png(0))
    assert (status, out) == (2, b"")
    assert "standard output is a terminal" in line


def tiff(compression="tiff_lzw"):
    out = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (60, 80), np.uint8)).save(
        out, "TIFF", compression=compression
    )
    data = bytearray(out.getvalue())
    data[500:4000:7] = bytes(value ^ 0x55 for value in data[500:4000:7])
    return bytes(data)


def png_header(width, height):
    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    ihdr = struct.pack(">2I5B", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", ihdr) + chunk(b"IDAT", zlib.compress(b"\0" * 99)) + chunk(b"IEND", b"")


GOOD = ["colorize", "good.png"]
WRONG = {
    "missing": (1, ["colorize", "gone.png"], "gone.png does not exist"),
    "empty": (1, ["colorize", "empty.png"], "empty.png is empty"),
    "truncated": (1, ["colorize", "half.png", "--strict"], "half.png is damaged or incomplete"),
    "damaged tiff": (1, ["colorize", "bad.tif"], "bad.tif is damaged"),
    "text": (1, ["colorize", "text.jpg"], "text.jpg is not a picture in a format that is read (JPEG, PNG, TIFF, WebP,"),
    "text by name too": (1, ["colorize", "notes.txt"], "notes.txt is not a picture"),
    "pdf": (1, ["colorize", "a.pdf"], "a PDF document"),
    "bomb": (1, ["colorize", "bomb.png"], "20000 x 15000 pixels, more than 200,000,000"),
    "folder without pictures": (1, ["colorize", "folder"], "folder holds no pictures"),
    "pipe": (1, ["colorize", "folder", "-o", "-"], "folder is a folder"),
    "device file": (1, ["colorize", "/dev/null"], "is not a file"),
    "no arguments": (2, ["colorize"], "photochrom colorize needs INPUTS (see photochrom colorize --help)"),
    "empty argument": (2, ["colorize", ""], "an argument is empty"),
    "unknown command": (2, ["colourise", "good.png"], "colourise"),
    "unknown option": (2, [*GOOD, "--vividnes", "1"], "--vividnes"),
    "option without value": (2, [*GOOD, "--vividness"], "--vividness needs a value (see"),
    "not a number": (2, [*GOOD, "--vividness", "much"], "--vividness is 'much'; it must be a number"),
    "not whole": (2, [*GOOD, "--render-size", "9x"], "--render-size is '9x'; it must be a whole number"),
    "value like an option": (2, [*GOOD, "--hint", "-5,5=red"], "if -5,5=red is meant, write --hint=-5,5=red"),
    "vividness": (2, [*GOOD, "--vividness", "1.5"], "the vividness is 1.5; it must be between 0 and 1"),
    "nan": (2, [*GOOD, "--saturation", "nan"], "the saturation is nan"),
    "render size": (2, [*GOOD, "--render-size", "8"], "between 32 and 2048"),
    "max pixels": (2, [*GOOD, "--max-pixels", "-5"], "at least 1"),
    "device": (2, [*GOOD, "--device", "tpu"], "tpu"),
    "model": (2, [*GOOD, "--model", "defalt"], "did you mean 'default'?"),
    "model that is none": (1, [*GOOD, "--model", "notes.txt"], "notes.txt: the model file is damaged, or not"),
    "model that is gone": (1, [*GOOD, "--model", "gone.onnx"], "gone.onnx: the model file cannot be read"),
    "model broken": (1, [*GOOD, "--model", "broken.onnx"], "broken.onnx: the model file is damaged: its digest"),
    "output ending": (2, [*GOOD, "-o", "x.xyz"], "no picture format has the ending '.xyz'"),
    "output below a file": (1, [*GOOD, "-o", "notes.txt/x.png"], "notes.txt/x.png cannot be written"),
    "output folder is a file": (1, [*GOOD, "-o", "notes.txt/"], "cannot be written"),
    "output not creatable": (1, [*GOOD, "-o", "/proc/photochrom/x.png"], "cannot be written"),
    "no jobs": (2, [*GOOD, "--jobs", "0"], "--jobs is 0; it must be between 1 and 256"),
    "overwrite and skip": (2, [*GOOD, "--overwrite", "--skip-existing"], "contradict each other"),
    "log that is none": (1, [*GOOD, "--log", "notes.txt"], "notes.txt exists and is not a photochrom log"),
    "several into one": (2, [*GOOD, "empty.png", "-o", "x.png"], "one file, but there are 2 inputs"),
    "evaluate nothing": (1, ["evaluate", "folder"], "folder holds no pictures"),
    "evaluate gray": (1, ["evaluate", "good.png"], "nothing could be measured"),
    "evaluate what is gone": (1, ["evaluate", "gone"], "gone does not exist"),
    "sheet ending": (
        2,
        ["evaluate", "good.png", "--sheet", "x.xyz"],
        "--sheet x.xyz: no picture format has the ending '.xyz'; use one of .jpg",
    ),
    "a word too many": (2, ["demo", "x"], "photochrom demo does not take x (see photochrom demo --help)"),
    "table over a photograph": (
        2,
        ["evaluate", "good.png", "--csv", "good.png", "--overwrite"],
        "--csv good.png is one of the photographs; name another file",
    ),
    "no time": (2, [*GOOD, "--start", "1:x"], "--start: '1:x' is not a time; give seconds, M:S or H:M:S"),
    "part that ends first": (2, [*GOOD, "--start", "9", "--end", "8"], "a part must start at 0 or later and end after"),
    "no consistency": (
        2,
        [*GOOD, "--consistency", "x"],
        "the consistency is 'x'; it must be frame, flow, recurrent or a",
    ),
    "crf beyond": (2, [*GOOD, "--codec", "h264", "--crf", "60"], "the crf of h264 must be between 0 and 51, not 60"),
    "sheet over a photograph": (
        2,
        ["evaluate", "good.png", "--sheet", "good.png", "--overwrite"],
        "--sheet good.png is one of the photographs; name another file",
    ),
    "sweep and sheet": (2, ["evaluate", "good.png", "--sweep", "--sheet", "x.png"], "--sweep cannot be combined"),
    "sweep and top1": (2, ["evaluate", "good.png", "--sweep", "--top1"], "--sweep cannot be combined"),
    "sweep at a point": (2, ["evaluate", "good.png", "--sweep", "--vividness", "0.3"], "--sweep cannot be combined"),
    "demo into nowhere": (1, ["demo", "-o", "notes.txt/x.jpg"], "cannot be written"),
    "demo over a file": (1, ["demo", "-o", "good.png"], "good.png is already there"),
    "demo ending": (1, ["demo", "-o", "x.xyz"], "'.xyz'"),
    "models with an argument": (2, ["models", "more"], "more"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_gets_one_line(call, tiny, png, name):
    files = {"empty.png": b"", "half.png": png(0)[:120], "bad.tif": tiff(), "text.jpg": b"hello", "notes.txt": b"hello"}
    files |= {
        "a.pdf": b"%PDF-1.4",
        "bomb.png": png_header(20_000, 15_000),
        "broken.onnx": b"\x09" + tiny.read_bytes()[1:],
    }
    for path, data in files.items():
        Path(path).write_bytes(data)
    Path("folder").mkdir()
    gray("good.png")
    before = sorted(Path().rglob("*"))
    expected, argv, words = WRONG[name]
    chosen = [] if "--model" in argv or argv[0] not in ("colorize", "evaluate") else ["--model", tiny]
    status, out, err = call(*argv, *chosen)
    assert (status, out, len(err)) == (expected, b"", 1), err
    assert err[0].startswith("photochrom: ")
    assert words in err[0]
    assert sorted(Path().rglob("*")) == before


def test_cuda_where_there_is_none(call, model):
    import onnxruntime

    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("this machine has CUDA")
    status, _, (line,) = call("colorize", gray("a.png"), "--device", "cuda", *model)
    assert status == 1
    assert line.startswith("photochrom: cuda was asked for, but")


def test_a_file_that_may_not_be_read(call, model, monkeypatch):
    gray("a.png")

    def refuse(path, *_, **__):
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr("builtins.open", refuse)
    status, _, (line,) = call("colorize", "a.png", "-m", "default")
    assert (status, line) == (1, "photochrom: a.png cannot be read; check its permissions")


def test_memory_and_the_system(call, model, monkeypatch):
    gray("a.png")
    for error, words in (
        (MemoryError(), "memory ran out"),
        (OSError(24, "Too many open files", "x"), "the system refused: Too many open files (x)"),
        (KeyboardInterrupt(), "stopped; no half-written file is left"),
    ):

        def fail(*_, error=error, **__):
            raise error

        monkeypatch.setattr("photochrom.batch.run", fail)
        status, _, (line,) = call("colorize", "a.png", *model)
        assert status == (130 if isinstance(error, KeyboardInterrupt) else 1)
        assert line == f"photochrom: {words}" or line.startswith(f"photochrom: {words};")


def test_a_run_goes_on(call, model):
    for i in range(3):
        gray(f"in/{i}.png", 50 * i)
    Path("in/broken.png").write_bytes(b"no picture")
    gray("out/1.png")
    before = Path("out/1.png").read_bytes()
    argv = ["colorize", "in", "-o", "out", "--skip-existing", "--log", "logs/log.csv", *model]
    status, _, err = call(*argv, "--jobs", 1)
    assert status == 1
    assert [line.split(" is ")[0] for line in err] == [
        "in/0.png -> out/0.png",
        "in/2.png -> out/2.png",
        "photochrom: in/broken.png",
        "2 coloured, 1 skipped, 1 failed",
    ]
    assert Path("out/1.png").read_bytes() == before
    Path("in/broken.png").unlink()
    assert call(*argv, "-j", "2") == (0, b"", ["0 coloured, 3 skipped, 0 failed"])
    with open("logs/log.csv", newline="") as file:
        rows = [(row["source"], row["status"]) for row in csv.DictReader(file)]
    skipped = [(f"in/{i}.png", "skipped") for i in range(3)]
    assert rows == [
        ("in/0.png", "coloured"),
        skipped[1],
        ("in/2.png", "coloured"),
        ("in/broken.png", "failed"),
        *skipped,
    ]


def test_what_is_done_besides(call, model, drawn):
    drawn(0, 300, 200).save("a.png")
    Image.new("L", (300, 200), 90).save("b.png")
    status, _, err = call(
        "colorize", "a.png", "b.png", "-o", "out/", "--keep-color", "--mark", "--log", "x.csv", *model
    )
    assert (status, err) == (
        0,
        [
            "a.png -> out/a.png (it had colour already and was kept as it is)",
            "b.png -> out/b.png",
            "1 coloured, 1 kept, 0 failed",
        ],
    )
    assert Path("out/a.png").read_bytes() == Path("a.png").read_bytes()
    assert np.ptp(pixels("out/b.png")[150:].reshape(-1, 3), 0).max() > 60
    call("colorize", "b.png", "-o", "c.png", "--restore-tone", *model)
    with Image.open("c.png") as image:
        assert b"photochrom" in image.info["xmp"]


def test_several_processes(call, model):
    for i in range(4):
        gray(f"in/{i}.png", 50 * i)
    status, _, err = call("colorize", "in", "-o", "out", "--jobs", "2", *model)
    assert (status, sorted(err)) == (0, ["4 coloured, 0 failed", *(f"in/{i}.png -> out/{i}.png" for i in range(4))])
    assert len(list(Path("out").iterdir())) == 4


# ---- the other commands


def test_models(call):
    status, out, err = call("models")
    assert (status, err) == (0, [])
    text = out.decode()
    card = photochrom.available_models()["default"]
    assert text.startswith(f"default  {card.title}\n")
    for word in (
        "network",
        f"{card.parameters / 1e6:.1f} M weights",
        "MB",
        "input",
        card.default_decoding().decoder,
        "quality",
        "films coloured by 'default', with --consistency recurrent",
    ):
        assert word in text


def test_tables_end_their_lines_with_text(call):
    for argv in (["models"], ["models", "show", "baseline"]):
        lines = call(*argv)[1].decode().splitlines()
        assert [line for line in lines if line != line.rstrip()] == []
        assert "" in lines, "empty lines between the tables stay"


def test_models_as_json(call):
    status, out, err = call("models", "--json")
    assert (status, err) == (0, [])
    cards = json.loads(out)
    assert cards["default"]["digest"] == photochrom.available_models()["default"].digest
    assert list(cards) == list(photochrom.available_models()), "what --model takes"
    assert "bins" in cards["default"]


def test_demo(call):
    status, out, err = call("demo")
    assert (status, err) == (0, [])
    assert out.decode() == f"The sample photograph is now in colour: {Path('photochrom-demo.jpg').resolve()}\n"
    shape = pixels("photochrom-demo.jpg").shape
    assert shape[2] == 3
    # Its own result may be made anew, another file not.
    assert call("demo")[0] == 0
    assert call("demo", "-o", "here/x.png")[0] == 0
    assert pixels("here/x.png").shape == shape
    assert call("demo", "-o", "here/x.png")[0] == 1
    assert call("demo", "-o", "here/x.png", "--overwrite")[0] == 0


def test_evaluate(call, model, drawn):
    for i in range(3):
        Path("photos/sub").mkdir(parents=True, exist_ok=True)
        drawn(i).save(f"photos/sub/{i} [x].png")
    gray("photos/sub/0 [x].color.png")
    status, out, err = call("evaluate", "photos", "--out", "run", "--sheet", "new/sheet.png", *model)
    assert (status, err) == (0, ["new/sheet.png: 3 photographs"])
    lines = out.decode().splitlines()
    assert lines[0] == "tiny on 3 photographs"
    assert any(line.split()[:1] == ["ciede2000"] for line in lines)
    means = json.loads(Path("run/totals.json").read_text())
    gain = 1 - means["ours"]["ciede2000"] / means["gray"]["ciede2000"]
    side = "under" if gain >= 0 else "over"
    assert lines[-1].startswith(f"CIEDE2000 {abs(gain):.1%} {side} gray's at ")
    with open("run/per_image.csv", newline="") as file:
        assert [row["file"] for row in csv.DictReader(file)] == [f"photos/sub/{i} [x].png" for i in range(3)]
    assert json.loads(Path("run/totals.json").read_text())["pictures"] == 3
    assert pixels("new/sheet.png").shape[1] > 3 * 192
    status, _, (line,) = call("evaluate", "photos", "--out", "run", *model)
    assert (status, "already there" in line) == (1, True)
    status, _, (line,) = call("evaluate", "photos", "--sheet", "new/sheet.png", *model)
    assert (status, "already there" in line) == (1, True)
    assert call("evaluate", "photos", "--out", "run", "--sheet", "new/sheet.png", "--overwrite", *model)[0] == 0


def test_evaluate_leaves_out_what_it_cannot_measure(call, model, drawn):
    drawn(0).save("a.png")
    gray("b.png")
    Path("c.png").write_bytes(b"no picture")
    status, out, err = call("evaluate", "a.png", "b.png", "c.png", *model)
    assert status == 1
    assert out.decode().startswith("tiny on 1 photographs\n")
    assert [line[:29] for line in err] == ["photochrom: left out: b.png: ", "photochrom: left out: c.png i"]


def test_evaluate_compares_methods(call, model, drawn):
    for folder in ("photos", "theirs", "more"):
        Path(folder).mkdir()
    for i in range(3):
        drawn(i).save(f"photos/{i}.png")
        drawn(i).save(f"theirs/{i}.color.png")
    for i in range(2):
        gray(f"more/{i}.png")
    gray("more/else.png")
    files = ["--csv", "a.csv", "--json", "b/a.json", "--html", "page", "--sheet", "sheet.png"]
    status, out, err = call("evaluate", "photos", *model, "--predictions", "perfect=theirs", "more", *files)
    assert status == 0
    assert err[:2] == [
        "photochrom: more: 1 photograph without a picture: 2.png",
        "photochrom: more: 1 picture of no photograph: else.png",
    ]
    assert err[2:] == [f"{name}: written" for name in ("a.csv", "b/a.json", "sheet.png", "page/index.html")]
    lines = [line.split() for line in out.decode().splitlines()]
    assert next(line for line in lines if line[:1] == ["metric"])[2:] == [
        "tiny",
        "perfect",
        "more",
        "gray",
        "truth",
    ]
    found = json.loads(Path("b/a.json").read_text())
    assert (found["pictures"], found["differences_from"]) == (2, "tiny")
    assert found["methods"]["perfect"]["ciede2000"]["mean"] == pytest.approx(0, abs=0.01)
    assert found["methods"]["more"]["psnr"]["mean"] == pytest.approx(found["methods"]["gray"]["psnr"]["mean"], abs=0.1)
    assert found["differences"]["perfect"]["ciede2000"]["better"] == 1
    assert Path("page/index.html").read_text().count('class="photograph"') == 2
    assert pixels("sheet.png").shape[1] > 5 * 192
    status, _, (line,) = call("evaluate", "photos", "--predictions", "theirs", "--json", "b/a.json")
    assert (status, "already there" in line) == (1, True)
    # Without --model no network runs, and a damaged picture costs its photograph only.
    Path("theirs/1.color.png").write_bytes(b"no picture")
    status, out, err = call("evaluate", "photos", "--predictions", "theirs", "--as-is", "-o", "run")
    assert status == 1
    assert err[0].startswith("photochrom: left out: theirs/1.color.png")
    assert json.loads(Path("run/totals.json").read_text())["pictures"] == 2
    status, _, (line,) = call("evaluate", "photos", "--predictions", "theirs", "--top1")
    assert (status, "--sweep and --top1 measure one model" in line) == (2, True)


def test_evaluate_shows_every_model(call, model, drawn):
    drawn(0).save("a.png")
    shutil.copy(model[1], "other.onnx")
    status, out, _ = call("evaluate", "a.png", *model, "--model", "other.onnx")
    assert status == 0
    heading = next(line for line in out.decode().splitlines() if "other.onnx" in line)
    assert str(model[1]) in heading


def test_evaluate_measures_what_is_a_result_by_its_name_alone(call, model, drawn):
    Path("photos").mkdir()
    drawn(0).save("photos/a.png")
    drawn(1).save("photos/a.color.png")
    drawn(2).save("photos/b.color.png")
    status, out, _ = call("evaluate", "photos", *model)
    assert (status, "on 2 photographs" in out.decode()) == (0, True)


def test_results_of_evaluate_have_a_place_each(call, model, drawn):
    drawn(0).save("a.png")
    status, _, err = call("evaluate", "a.png", *model, "--csv", "x.txt", "--json", "x.txt", "--overwrite")
    assert (status, err) == (2, ["photochrom: --json x.txt is another result's place; name another file"])
    assert not Path("x.txt").exists()


def test_evaluate_top1(call, model, drawn, monkeypatch):
    for synset in ("n01440764", "n01443537"):
        drawn(len(synset)).save(f"{synset}-a.png")

    class Judge:
        synsets = ("n01440764", "n01443537")

        def __init__(self, variant):
            assert variant == "lite1"

        def finds(self, rgb, synset):
            return synset == "n01440764", -0.25

    monkeypatch.setattr(import_module("photochrom.models.classifier"), "SynsetClassifier", Judge)
    status, out, _ = call("evaluate", ".", "--top1", "--judge", "lite1", *model)
    assert status == 0
    assert out.decode().splitlines()[-2:] == [
        "top-1 of 2 photographs: truth 50.0%, gray 50.0%, ours 50.0%; ours alone 0, gray alone 0",
        "mean log-probability of the class: truth -0.250, gray -0.250, ours -0.250",
    ]


def test_evaluate_sweep(call, model, drawn):
    pytest.importorskip("matplotlib")
    drawn(0).save("a.png")
    status, out, err = call("evaluate", "a.png", "--sweep", "--out", "run", *model)
    assert (status, err) == (0, [])
    assert [line.split()[0] for line in out.decode().splitlines() if line.strip()][3:] == [
        "0",
        "0.25",
        "0.5",
        "0.75",
        "1",
        "gray",
        "truth",
    ]
    assert pixels("run/sweep.png").shape[2] == 4
    assert len(Path("run/sweep.csv").read_text().splitlines()) == 6
    Path("run/sweep.csv").unlink()
    # Found before the work, not after it.
    status, _, (line,) = call("evaluate", "a.png", "--sweep", "--out", "run", *model)
    assert (status, "sweep.png is already there" in line) == (1, True)


def test_results_that_go_to_a_file_are_not_folded(call, model, drawn, monkeypatch):
    monkeypatch.setenv("COLUMNS", "30")
    drawn(0).save("a.png")
    out = call("evaluate", "a.png", *model)[1].decode()
    (row,) = [line for line in out.splitlines() if line.split()[:1] == ["colorfulness_error"]]
    assert len(row.split()) == 5
    assert "…" not in out + call("models")[1].decode()
    long = "x" * 120 + ".png"
    gray(long)
    assert call("colorize", long, *model)[2] == [f"{long} -> {'x' * 120}.color.png"]


@pytest.mark.parametrize("facts", ["[1]", "{", '{"nmae": "x"}', "3"])
def test_export_with_a_card_that_is_none(call, facts):
    Path("card.json").write_text(facts)
    Path("run").mkdir()
    status, _, (line,) = call("export", "run", "-o", "x.onnx", "--card", "card.json")
    assert status == 2
    assert line.startswith("photochrom: card.json: ")


# ---- help


COMMANDS = ["colorize", "demo", "models", "evaluate", "train", "export"]


def test_the_help_names_every_command(call):
    status, out, err = call("--help")
    assert (status, err) == (0, [])
    for command in COMMANDS:
        assert command in out.decode()
    assert call("--version")[:2] == (0, f"{photochrom.__version__}\n".encode())
    assert call()[:2] == (0, out)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_is_explained(call, command):
    status, out, err = call(command, "--help")
    assert (status, err, out[:7]) == (0, [], b"Usage: ")
    wide = Console(file=io.StringIO(), width=300)
    app.help_print([command], console=wide)
    lines = wide.file.getvalue().splitlines()
    rows = [line.strip("│ ").lstrip("* ").split("  ", 1) for line in lines if line.startswith("│")]
    assert rows
    for name, *rest in rows:
        assert rest, name
        text = rest[0].split("[default")[0].split("[required")[0].strip()
        assert len(text.split()) >= 3, (name, rest)
    found = {arg.names[0] for arg in app[command].assemble_argument_collection() if arg.show}
    assert all(any(name in row[0] for row in rows) for name in found)


# ---- progress


def test_a_bar_where_somebody_watches(call, model, monkeypatch):
    from photochrom.cli import show

    shown = []
    add = show.Progress.add_task
    monkeypatch.setattr(
        show.Progress, "add_task", lambda self, *a, **k: shown.append((self.disable, k)) or add(self, *a, **k)
    )
    for name in ("a.png", "b.png"):
        gray(name)
    call("colorize", "a.png", "b.png", *model)
    call("colorize", "a.png", "-o", "x.png", *model)
    assert shown == [(True, {"total": 2, "visible": True}), (True, {"total": 1, "visible": False})]
    with monkeypatch.context() as patch:
        patch.setattr("sys.stderr", type("Terminal", (io.StringIO,), {"isatty": lambda self: True})())
        assert not show.progress().disable


def test_variants(call, tmp_path, drawn, tiny):
    drawn(1).save(tmp_path / "a.png")
    assert call("colorize", tmp_path / "a.png", "--variants", 2)[0] == 0
    assert sorted(f.name for f in tmp_path.glob("a.*")) == ["a.color-1.png", "a.color-2.png", "a.png"]
    for arguments, message in (
        (["--variants", 0], "--variants is 0; it must be between 1 and 1000"),
        (["--variants", 2, "-m", tiny], "the model 'tiny' gives only one colouring: it has neither bins nor"),
        (["--variants", 2, "-o", "-"], "variants are several files; they cannot use standard input or output"),
    ):
        status, _, err = call("colorize", tmp_path / "a.png", *arguments)
        assert status == 2
        assert message in err[0]


def test_hints(call, model):
    gray("a.png", size=(60, 40))
    hints = ["--hint", "30,20=#3060c0", "--hint", "2,2,0.5=gray"]
    assert call("colorize", "a.png", *hints, *model)[0] == 0
    assert call("colorize", "a.png", "-o", "plain.png", *model)[0] == 0
    assert (pixels("a.color.png")[20, 30, [0, 2]].astype(int) - pixels("plain.png")[20, 30, [0, 2]])[1] > 30
    status, out, _ = call("colorize", "-", *hints, *model, stdin=Path("a.png").read_bytes())
    assert status == 0
    assert pixels(io.BytesIO(out))[20, 30].tolist() == pixels("a.color.png")[20, 30].tolist()


def test_a_hint_that_keeps_what_is_there(call, model):
    gray("a.png", size=(60, 40))
    hints = ["--hint", "10,20=#3060c0", "--hint", "50,20=keep"]
    assert call("colorize", "a.png", *hints[:2], "-o", "blue.png", *model)[0] == 0
    assert call("colorize", "a.png", *hints, "-o", "cut.png", "--save-hints", "h.json", *model)[0] == 0
    assert call("colorize", "a.png", "-o", "plain.png", *model)[0] == 0
    blue, cut, plain = (pixels(name).astype(int) for name in ("blue.png", "cut.png", "plain.png"))
    assert np.abs(blue[20, 50] - plain[20, 50]).max() > 20
    assert np.abs(cut[20, 50] - plain[20, 50]).max() <= 3
    assert np.abs(cut[20, 10] - blue[20, 10]).max() <= 3
    assert call("colorize", "a.png", "-o", "again.png", "--hints", "h.json", *model)[0] == 0
    assert (pixels("again.png") == cut).all()


def test_hints_that_cannot_be(call, model, drawn):
    gray("in/a.png")
    gray("in/b.png")
    drawn(1).save("moves.gif", save_all=True, append_images=[drawn(2)])
    one, sure = "hints are for one photograph or film; name one", "--confidence is for one photograph; name one"
    Path("other.json").write_text('{"size": [10, 30], "hints": [{"x": 1, "y": 1, "color": "red"}]}')
    for status, arguments, message in (
        (2, ["in/a.png", "in/b.png", "--hint", "1,1=red"], one),
        (2, ["in", "--hint", "1,1=red"], one),
        (1, ["moves.gif", "--hint", "1,1=red"], "moves.gif: in a film each hint needs a time: 12.5s,X,Y=COLOR, or a"),
        (1, ["moves.gif", "--hint", "1:02.5,1,1=red"], "moves.gif: the hint at 62.5 s is past the end of the film"),
        (1, ["in/a.png", "--hint", "2s,1,1=red"], "in/a.png: a photograph has no frame at 2 s; omit the time of the"),
        (2, ["in/a.png", "--hint=-1s,1,1=red"], "the time of a hint is -1.0; it is in seconds, 0 or more"),
        (2, ["in/a.png", "--hint", "1:x,1,1=red"], "the hint '1:x,1,1=red' is not X,Y=COLOR or X,Y,REACH=COLOR, such"),
        (2, ["in", "--confidence", "c.png"], sure),
        (2, ["moves.gif", "--confidence", "c.png"], sure),
        (2, ["in/a.png", "--hints", "none.json"], "none.json: the hints cannot be read (No such file or directory)"),
        (1, ["in/a.png", "--hints", "other.json"], "in/a.png: the hints were drawn on 10 x 30 pixels, and the photogr"),
        (2, ["in/a.png", "--save-hints", "h.json"], "--save-hints has nothing to save; add hints with --hint or"),
        (2, ["-", "--confidence", "c.png"], "--save-hints and --confidence need a file"),
        (2, ["in/a.png", "--confidence", "c.jpg"], "--confidence c.jpg: this file is PNG; end its name in .png"),
        (2, ["in/a.png", "--confidence", "c"], "--confidence c: this file is PNG; end its name in .png"),
        (2, ["in/a.png", "--hint", "1,1=red", "--save-hints", "h.png"], "--save-hints h.png: this file is JSON;"),
        (2, ["in/a.png", "--palette", "#12"], "'#12' is not a colour; use #rrggbb or a CSS name such as navy"),
        (2, ["in/a.png", "--hint", "1,1"], "the hint '1,1' is not X,Y=COLOR or X,Y,REACH=COLOR, such as"),
        (2, ["in/a.png", "--hint", "1,1=rde"], "'rde' is not a colour; use #rrggbb or a CSS name such as navy"),
        (1, ["in/a.png", "--hint", "30,1=red"], "in/a.png: the hint at 30,1 lies outside the photograph, which is 30"),
    ):
        got, _, err = call("colorize", *arguments, *model)
        assert (got, message in err[0]) == (status, True), err
    assert sorted(str(path) for path in Path().rglob("*.*")) == ["in/a.png", "in/b.png", "moves.gif", "other.json"]


def test_a_look_for_an_album(call, model, drawn):
    Path("album").mkdir()
    gray("a.png")
    drawn(3).save("album/b.png")
    assert call("colorize", "a.png", "--like", "album", *model)[0] == 0
    Path("none").mkdir()
    drawn(1).save("moves.gif", save_all=True, append_images=[drawn(2)])
    for status, arguments, message in (
        (2, ["a.png", "-o", "album/", "--like", "album"], "--like album is where the results go; name another folder"),
        (2, ["a.png", "-o", "c.png", "--like", "none"], "none holds no pictures; give a folder of pictures in colour"),
        (1, ["moves.gif", "--like", "album"], "moves.gif: --like is for photographs; give a film one or more pictures"),
    ):
        got, _, err = call("colorize", *arguments, *model)
        assert (got, message in err[0]) == (status, True), err


def test_hints_in_files(call, model):
    gray("a.png", size=(60, 40))
    layer = np.zeros((40, 60, 4), np.uint8)
    layer[18:23, 10:50] = (0x30, 0x60, 0xC0, 255)
    Image.fromarray(layer).save("layer.png")
    status, _, err = call("colorize", "a.png", "--hints", "layer.png", "--save-hints", "h.json", *model)
    assert (status, err[0]) == (0, "h.json: 1 hint")
    assert call("colorize", "a.png", "-o", "plain.png", *model)[0] == 0
    assert (pixels("a.color.png")[20, 30, [0, 2]].astype(int) - pixels("plain.png")[20, 30, [0, 2]])[1] > 30
    assert call("colorize", "a.png", "-o", "again.png", "--hints", "h.json", *model)[0] == 0
    assert (pixels("again.png") == pixels("a.color.png")).all()
    status, _, err = call("colorize", "a.png", "-o", "b.png", "--hints", "h.json", "--save-hints", "h.json", *model)
    assert (status, "h.json" in err[0]) == (1, True)
    assert not Path("b.png").exists()


@pytest.mark.slow
def test_a_palette_and_the_confidence(call, monkeypatch):
    gray("a.png", size=(60, 40))
    runs, run = [], photochrom.Colorizer.scores
    monkeypatch.setattr(photochrom.Colorizer, "scores", lambda *args, **how: runs.append(1) or run(*args, **how))
    status, _, err = call("colorize", "a.png", "--palette", "#1f618d", "--confidence", "c.png")
    assert (status, len(runs)) == (0, 1)
    assert re.fullmatch(r"c\.png: \d+% sure on average; hints would help most near \d+,\d+, \d+,\d+, \d+,\d+", err[0])
    with Image.open("c.png") as sure:
        assert (sure.mode, sure.size) == ("L", (60, 40))
    colored = pixels("a.color.png").astype(int)
    assert (colored[..., 2] >= colored[..., 0]).all()


@pytest.mark.slow
def test_the_confidence_knows_the_hints(call, monkeypatch):
    gray("a.png", size=(60, 40))
    runs, run = [], photochrom.Colorizer.scores
    monkeypatch.setattr(photochrom.Colorizer, "scores", lambda *args, **how: runs.append(1) or run(*args, **how))
    assert call("colorize", "a.png", "-o", "plain.png", "--confidence", "c.png")[0] == 0
    runs.clear()
    assert call("colorize", "a.png", "-o", "b.png", "--confidence", "d.png", "--hint", "30,20=#8a6d3b")[0] == 0
    assert len(runs) == 1
    assert pixels("d.png")[20, 30] > pixels("c.png")[20, 30]
    assert call("colorize", "a.png", "-o", "e.png", "--hint", "30,20=#8a6d3b")[0] == 0
    assert (pixels("b.png") == pixels("e.png")).all()
