"""Real processes: the command as people run it, what it imports, and what is left when it is stopped."""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "error", "PYTHONIOENCODING": "utf-8"}
SCRIPT = Path(sys.executable).with_name("photochrom")

HEAVY = ("torch", "onnx", "onnxscript", "safetensors", "jaxtyping", "matplotlib", "skimage", "scipy", "tensorboard")
# Runs several command lines in one process, as each start costs a second; the first argument is JSON.
RUNNER = f"""
import json, sys
todo = json.loads(sys.argv[1])
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {HEAVY}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
if todo["block"]:
    sys.meta_path.insert(0, Blocked())
from photochrom.cli import main
found = []
for argv in todo["commands"]:
    try:
        main(argv)
    except SystemExit as done:
        found.append(done.code)
print("STATUS", json.dumps(found), json.dumps(sorted(set({HEAVY}) & set(sys.modules))))
"""


def process(*argv, **settings):
    settings = {"capture_output": True, "timeout": 120, "env": ENVIRONMENT, **settings}
    return subprocess.run([str(token) for token in argv], **settings)


def photochrom(*argv, **settings):
    return process(sys.executable, "-m", "photochrom", *argv, **settings)


def together(commands, folder, block=False):
    """Run command lines in one process; returns their statuses, the heavy modules imported, and the error lines."""
    todo = json.dumps({"commands": [[str(token) for token in argv] for argv in commands], "block": block})
    done = process(sys.executable, "-c", RUNNER, todo, cwd=folder)
    assert done.returncode == 0, done.stderr.decode()
    last = done.stdout.decode().splitlines()[-1].split(" ", 1)
    assert last[0] == "STATUS"
    statuses, end = json.JSONDecoder().raw_decode(last[1])
    return statuses, json.loads(last[1][end:]), done.stderr.decode().splitlines()


def is_whole(path):
    with Image.open(path) as image:
        image.load()
        return image.mode == "RGB"


def leftovers(folder):
    return [path.name for path in Path(folder).rglob("*.part")]


# ---- nothing sent


def test_the_runtime_keeps_no_identity_of_the_machine_to_send(tmp_path):
    # Where its telemetry is on, and it is but for CI, onnxruntime writes a device id and events under the home folder.
    environment = {name: value for name, value in ENVIRONMENT.items() if name not in ("CI", "ORT_DISABLE_TELEMETRY")}
    home = tmp_path / "home"
    home.mkdir()
    environment |= {"HOME": str(home), "XDG_CACHE_HOME": "", "XDG_DATA_HOME": ""}
    done = photochrom("demo", "-o", tmp_path / "demo.jpg", env=environment)
    assert done.returncode == 0, done.stderr.decode()
    assert list(home.rglob("*")) == []


# ---- nothing heavy


@pytest.mark.parametrize("block", [False, True])
def test_what_runs_without_torch(tmp_path, tiny, drawn, block):
    drawn(0).save(tmp_path / "a.png")
    commands = [
        ["--help"],
        ["colorize", "--help"],
        ["train", "--help"],
        ["export", "--help"],
        ["models"],
        ["models", "--json"],
        ["colorize", "a.png", "-m", tiny],
        ["demo"],
        ["evaluate", "a.png", "-m", tiny, "--out", "out", "--sheet", "sheet.jpg"],
        ["evaluate", "a.png", "-m", tiny, "--sweep"],
        ["turing", "new", "study", "--real", ".", "-m", tiny, "--size", "2", "--practice", "0"],
        ["turing", "report", "study"],
    ]
    statuses, heavy, err = together(commands, tmp_path, block)
    assert statuses == [0] * len(commands), err
    assert heavy == []
    assert is_whole(tmp_path / "a.color.png")
    assert is_whole(tmp_path / "photochrom-demo.jpg")
    assert is_whole(tmp_path / "sheet.jpg")


def test_what_needs_an_extra_names_it(tmp_path, tiny, drawn):
    drawn(0).save(tmp_path / "n01440764.png")
    (tmp_path / "run").mkdir()
    (tmp_path / "recipe.toml").write_text("")
    commands = [
        ["train", "recipe.toml", "--data", ".", "--out", "new"],
        ["export", "run", "-o", "x.onnx"],
        ["colorize", "n01440764.png", "-m", "run"],
        ["evaluate", ".", "-m", tiny, "--top1"],
        ["evaluate", ".", "-m", tiny, "--sweep", "--out", "out"],
    ]
    before = sorted(tmp_path.rglob("*"))
    statuses, _, err = together(commands, tmp_path, block=True)
    assert statuses == [1] * len(commands), err
    assert len(err) == len(commands)
    for line in err:
        assert line.startswith("photochrom: ")
        assert line.endswith("needs the extra 'train'; install it from the clone with: pip install '.[train]'")
    assert sorted(tmp_path.rglob("*")) == before


# ---- as people run it


def test_the_command_and_the_module(tmp_path, tiny, png):
    if not SCRIPT.exists():
        pytest.skip("photochrom is not installed beside this Python")
    (tmp_path / "a [x] ü.png").write_bytes(png(0))
    by_script = process(SCRIPT, "colorize", "a [x] ü.png", "-m", tiny, cwd=tmp_path)
    assert (by_script.returncode, by_script.stdout) == (0, b"")
    assert by_script.stderr.decode().startswith("a [x] ü.png -> a [x] ü.color.png")
    by_module = photochrom("colorize", "-", "-m", tiny, input=png(0))
    assert (by_module.returncode, by_module.stderr) == (0, b"")
    assert by_module.stdout == (tmp_path / "a [x] ü.color.png").read_bytes()


def test_many_bad_files_have_a_line_each(tmp_path, tiny, png):
    """libtiff would print lines of its own."""
    good = Image.fromarray(np.random.default_rng(0).integers(0, 255, (60, 80), np.uint8))
    for compression in ("tiff_lzw", "tiff_adobe_deflate", "group4", "jpeg"):
        (good.convert("1") if compression == "group4" else good).save(
            tmp_path / f"{compression}.tif", compression=compression
        )
        data = bytearray((tmp_path / f"{compression}.tif").read_bytes())
        data[300 : len(data) // 2 : 5] = bytes(value ^ 0x55 for value in data[300 : len(data) // 2 : 5])
        (tmp_path / f"{compression}.tif").write_bytes(data)
    (tmp_path / "half.png").write_bytes(png(0)[:45])
    (tmp_path / "empty.jpg").write_bytes(b"")
    (tmp_path / "good.png").write_bytes(png(1))
    done = photochrom("colorize", ".", "-m", tiny, cwd=tmp_path)
    lines = done.stderr.decode().splitlines()
    assert (done.returncode, len(lines)) == (1, 8), lines
    for line in lines[:-1]:
        name = line.removeprefix("photochrom: ").split()[0]
        # Some damage is not noticed by a decoder; what counts is one line for one file.
        assert (tmp_path / name).exists()
        assert " -> " in line or line.startswith("photochrom: ")
    assert lines[-1].endswith("failed")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_disk_behind_standard_output(tiny, png):
    with open("/dev/full", "wb") as full:
        done = photochrom(
            "colorize", "-", "-m", tiny, input=png(0), capture_output=False, stdout=full, stderr=subprocess.PIPE
        )
        listed = photochrom("models", capture_output=False, stdout=full, stderr=subprocess.PIPE)
    assert (done.returncode, done.stderr) == (1, b"photochrom: standard output cannot be written: the disk is full\n")
    assert listed.returncode == 1
    assert listed.stderr.decode().splitlines() == ["photochrom: the system refused: No space left on device"]


@pytest.mark.parametrize("argv", [["models", "--json"], ["colorize", "-"]])
def test_a_reader_that_has_gone(tiny, png, argv):
    chosen = ["-m", tiny] if argv[0] == "colorize" else []
    read, write = os.pipe()
    os.close(read)
    done = photochrom(*argv, *chosen, input=png(0), capture_output=False, stdout=write, stderr=subprocess.PIPE)
    os.close(write)
    assert (done.returncode, done.stderr) == (1, b"")


def test_no_streams_at_all(tmp_path, tiny, png):
    (tmp_path / "a.png").write_bytes(png(0))
    command = f"exec {sys.executable} -m photochrom colorize a.png -m {tiny} <&- >&- 2>&-"
    assert process("sh", "-c", command, cwd=tmp_path).returncode == 0
    assert is_whole(tmp_path / "a.color.png")


# ---- stopped


@pytest.mark.parametrize("jobs", ["1", "2"])
@pytest.mark.parametrize(("sign", "status"), [(signal.SIGINT, 130), (signal.SIGKILL, -signal.SIGKILL)])
def test_stopped_in_the_middle_of_a_folder(tmp_path, tiny, sign, status, jobs):
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 255, (500, 700), np.uint8))
    count = 60
    for i in range(count):
        (tmp_path / f"{i:02}.png").symlink_to("picture")
    picture.save(tmp_path / "picture", "PNG")
    command = [sys.executable, "-m", "photochrom", "colorize", ".", "-o", "out", "-m", str(tiny), "--jobs", jobs]
    # As in a terminal, where Ctrl-C goes to every process of the group.
    settings = {"env": ENVIRONMENT, "stderr": subprocess.PIPE, "text": True, "start_new_session": True}
    # Tests that run in the background of a shell would pass on that Ctrl-C is ignored.
    settings["preexec_fn"] = lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)
    with subprocess.Popen(command, cwd=tmp_path, **settings) as running:
        assert " -> out/" in running.stderr.readline()
        time.sleep(0.15)
        (os.killpg if sign == signal.SIGINT else os.kill)(running.pid, sign)
        lines = running.stderr.read().splitlines()
        assert running.wait(60) == status
    if sign == signal.SIGINT:
        assert lines[-1] == "photochrom: stopped; no half-written file is left"
        assert leftovers(tmp_path) == []
    done = [path for path in (tmp_path / "out").iterdir() if path.suffix == ".png"]
    assert 0 < len(done) < count
    assert all(is_whole(path) for path in done)


def test_a_disk_that_fills_up(tmp_path, tiny):
    """A limit on the size of files stands for the disk, as nobody has to be root for it."""
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 255, (300, 300), np.uint8))
    picture.save(tmp_path / "a.png")
    small = Image.new("L", (20, 20), 90)
    small.save(tmp_path / "b.png")

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))

    done = photochrom("colorize", "a.png", "b.png", "-m", tiny, cwd=tmp_path, preexec_fn=limit)
    lines = done.stderr.decode().splitlines()
    assert done.returncode == 1
    assert lines[0].startswith("photochrom: a.color.png cannot be written: ")
    assert lines[1:] == ["b.png -> b.color.png", "1 coloured, 1 failed"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "b.color.png", "b.png"]


def test_a_disk_that_is_full(tmp_path, tiny):
    disk = tmp_path / "disk"
    disk.mkdir()
    if os.geteuid() or process("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk).returncode:
        pytest.skip("a small disk can be made by root only")
    try:
        Image.fromarray(np.random.default_rng(0).integers(0, 255, (300, 300), np.uint8)).save(tmp_path / "a.png")
        done = photochrom("colorize", "a.png", "-o", "disk/", "-m", tiny, cwd=tmp_path)
        assert done.returncode == 1
        assert done.stderr.decode().splitlines() == [
            "photochrom: disk/a.png cannot be written: the disk is full; free some space or choose another folder"
        ]
        assert list(disk.iterdir()) == []
    finally:
        process("umount", disk)


def test_a_read_only_disk(tmp_path, tiny, png):
    disk = tmp_path / "disk"
    disk.mkdir()
    if os.geteuid() or process("mount", "-t", "tmpfs", "-o", "ro,size=64k", "tmpfs", disk).returncode:
        pytest.skip("a disk can be mounted by root only")
    try:
        (tmp_path / "a.png").write_bytes(png(0))
        done = photochrom("colorize", "a.png", "-o", "disk/", "-m", tiny, "--log", "disk/log.csv", cwd=tmp_path)
        assert (done.returncode, done.stderr.decode().splitlines()) == (
            1,
            ["photochrom: disk/log.csv cannot be written: the disk is read-only; choose another folder"],
        )
        done = photochrom("colorize", "a.png", "-o", "disk/", "-m", tiny, cwd=tmp_path)
        assert (done.returncode, done.stderr.decode().splitlines()) == (
            1,
            ["photochrom: disk/a.png cannot be written: the disk is read-only; choose another folder"],
        )
    finally:
        process("umount", disk)


def test_two_runs_on_one_folder_at_a_time(tmp_path, tiny, png):
    for i in range(30):
        (tmp_path / f"{i:02}.png").write_bytes(png(i, width=300, height=200))
    assert photochrom("colorize", ".", "-o", "alone", "-m", tiny, "-j", "1", cwd=tmp_path).returncode == 0
    command = [sys.executable, "-m", "photochrom", "colorize", ".", "-o", "out", "-m", str(tiny), "--skip-existing"]
    command += ["--log", "log.csv", "--jobs", "1"]
    runs = [subprocess.Popen(command, cwd=tmp_path, env=ENVIRONMENT, stderr=subprocess.PIPE) for _ in range(2)]
    ends = [(run.communicate(timeout=120)[1], run.returncode) for run in runs]
    assert [status for _, status in ends] == [0, 0], ends
    results = [{path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in ("alone", "out")]
    assert results[0] == results[1]
    rows = (tmp_path / "log.csv").read_text().splitlines()
    assert len(rows) == 61
    assert sum(",coloured," in row for row in rows) == 30
    assert sum(",skipped," in row for row in rows) == 30


@pytest.mark.skipif(os.geteuid() == 0, reason="root may do everything")
def test_permissions(tmp_path, tiny, png):
    (tmp_path / "a.png").write_bytes(png(0))
    (tmp_path / "b.png").write_bytes(png(1))
    (tmp_path / "b.png").chmod(0)
    (tmp_path / "closed").mkdir(mode=0o500)
    done = photochrom("colorize", "a.png", "b.png", "-o", "closed", "-m", tiny, cwd=tmp_path)
    lines = done.stderr.decode().splitlines()
    assert done.returncode == 1
    assert lines[0].startswith("photochrom: closed/a.png cannot be written: the folder may not be written to")
    assert lines[1].startswith("photochrom: b.png cannot be read")


@pytest.mark.skipif(sys.platform != "linux", reason="limits on memory are Linux's")
def test_memory_that_runs_out(tmp_path, tiny):
    Image.new("L", (9000, 9000), 90).save(tmp_path / "large.png")

    def limit():
        # On a machine with many cores, the stacks of as many threads would be too much already.
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        resource.setrlimit(resource.RLIMIT_AS, (1_000_000_000, 1_000_000_000))

    done = photochrom("colorize", "large.png", "-m", tiny, cwd=tmp_path, preexec_fn=limit)
    assert done.returncode == 1
    (line,) = done.stderr.decode().splitlines()
    assert line.startswith("photochrom: ")
    assert "memory" in line
    assert [path.name for path in tmp_path.iterdir()] == ["large.png"]
