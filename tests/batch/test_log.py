"""The log: a row for each outcome, at once, and none that was written before is lost."""

import csv
import os
from pathlib import Path

import pytest

from photochrom.batch import BatchJob, BatchLog, Outcome
from photochrom.batch.jobs import Done
from photochrom.errors import UnreadableImage, WriteFailed

COLOURED = Outcome(BatchJob(Path("a, b.png"), Path("out/a, b.png")), None, Done("it had colour", (30, 20)), 0.25)
FAILED = Outcome(BatchJob(Path("a\nb.png"), Path("out/c.png")), UnreadableImage('it is "damaged"'), None, 1)
SKIPPED = Outcome(BatchJob(Path("d.png"), Path("out/d.png")))


def rows(path):
    with open(path, newline="") as file:
        return [{k: v for k, v in row.items() if k != "time"} for row in csv.DictReader(file)]


def test_rows(tmp_path):
    path = tmp_path / "new" / "log.csv"
    with BatchLog(path) as log:
        log.add(COLOURED)
        assert len(rows(path)) == 1
        log.add(FAILED)
        log.add(SKIPPED)
    names = ("status", "source", "target", "width", "height", "seconds", "note")
    assert [tuple(row[name] for name in names) for row in rows(path)] == [
        ("coloured", "a, b.png", "out/a, b.png", "30", "20", "0.250", "it had colour"),
        ("failed", "'a\\nb.png'", "out/c.png", "", "", "1.000", 'it is "damaged"'),
        ("skipped", "d.png", "out/d.png", "", "", "0.000", ""),
    ]
    assert path.read_bytes().count(b"\n") == 4


def test_a_second_run_goes_on(tmp_path):
    path = tmp_path / "log.csv"
    for _ in range(2):
        with BatchLog(path) as log:
            log.add(SKIPPED)
    # Killed within a row.
    path.write_bytes(path.read_bytes() + b"2026-01-01,colo")
    with BatchLog(path) as log, BatchLog(path) as other:
        log.add(SKIPPED)
        other.add(SKIPPED)
    assert [row["status"] for row in rows(path)] == ["skipped", "skipped", "colo", "skipped", "skipped"]


@pytest.mark.parametrize("content", [b"name,age\n", b"\xff\xd8\xff" * 100])
def test_another_file_is_not_written_to(tmp_path, content):
    path = tmp_path / "log.csv"
    path.write_bytes(content)
    with pytest.raises(WriteFailed, match="is not a photochrom log; choose another name"):
        BatchLog(path)
    assert path.read_bytes() == content


def test_a_place_that_cannot_be_written(tmp_path):
    with pytest.raises(WriteFailed, match="there is a folder of that name"):
        BatchLog(tmp_path)
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(WriteFailed, match="cannot be written"):
        BatchLog(tmp_path / "file" / "log.csv")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk(tmp_path):
    with BatchLog(tmp_path / "log.csv") as log, open("/dev/full", "wb", buffering=0) as full:
        os.dup2(full.fileno(), log._file.fileno())
        with pytest.raises(WriteFailed, match=r"log\.csv cannot be written: the disk is full"):
            log.add(SKIPPED)
