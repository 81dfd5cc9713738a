"""What is coloured and where it goes."""

import os
from pathlib import Path

import pytest

from photochrom.batch import plan
from photochrom.errors import BadSetting, UnreadableImage


def pairs(jobs):
    return [(str(job.source), str(job.target)) for job in jobs]


# ---- where things go


def test_beside_by_default(tree):
    jobs = plan(["photos/a.png", Path("photos/b.JPG"), "photos/sub/c.png"])
    assert pairs(jobs) == [
        ("photos/a.png", "photos/a.color.png"),
        ("photos/b.JPG", "photos/b.color.JPG"),
        ("photos/sub/c.png", "photos/sub/c.color.png"),
    ]
    assert not any(job.error for job in jobs)


def test_a_folder_without_its_results_and_what_is_hidden(tree):
    assert pairs(plan([tree])) == [("photos/a.png", "photos/a.color.png"), ("photos/b.JPG", "photos/b.color.JPG")]
    assert [source for source, _ in pairs(plan([tree], recursive=True))] == [
        "photos/a.png",
        "photos/b.JPG",
        "photos/sub/c.png",
        "photos/sub/deep/e.png",
    ]


def test_a_folder_into_a_folder_keeps_relative_paths(tree):
    assert pairs(plan([tree], "out", recursive=True)) == [
        ("photos/a.png", "out/a.png"),
        ("photos/b.JPG", "out/b.JPG"),
        ("photos/sub/c.png", "out/sub/c.png"),
        ("photos/sub/deep/e.png", "out/sub/deep/e.png"),
    ]


@pytest.mark.parametrize("output", ["out", "out/", "out.v2/", "there.jpg", "existing.v2"])
def test_files_into_a_folder(tree, output):
    Path("there.jpg").mkdir()
    Path("existing.v2").mkdir()
    expected = [("photos/a.png", f"{output.rstrip('/')}/a.png"), ("photos/sub/c.png", f"{output.rstrip('/')}/c.png")]
    assert pairs(plan(["photos/a.png", "photos/sub/c.png"], output)) == expected
    assert pairs(plan(["photos/a.png"], output)) == expected[:1]


def test_a_file_into_a_file(tree):
    assert pairs(plan(["photos/a.png"], "x.tif")) == [("photos/a.png", "x.tif")]
    assert pairs(plan(["photos/a.png"], Path("new/x.JPEG"))) == [("photos/a.png", "new/x.JPEG")]


def test_names_without_an_ending_get_their_contents(tree):
    Path("scan").write_bytes(Path("photos/a.png").read_bytes())
    assert pairs(plan(["scan"])) == [("scan", "scan.color.png")]
    assert pairs(plan(["scan", "photos/b.JPG"], "out/")) == [("scan", "out/scan.png"), ("photos/b.JPG", "out/b.JPG")]


def test_the_output_folder_inside_the_input_is_not_an_input(tree):
    (tree / "out").mkdir()
    (tree / "out" / "a.png").write_bytes(b"a result")
    jobs = plan([tree], tree / "out", recursive=True)
    assert "photos/out/a.png" not in [source for source, _ in pairs(jobs)]
    assert len(jobs) == 4


def test_the_current_folder(tree, monkeypatch):
    monkeypatch.chdir(tree)
    assert pairs(plan(["."])) == [("a.png", "a.color.png"), ("b.JPG", "b.color.JPG")]
    assert pairs(plan([Path()], "../out")) == [("a.png", "../out/a.png"), ("b.JPG", "../out/b.JPG")]


def test_named_twice_is_done_once(tree):
    assert len(plan(["photos/a.png", "photos/a.png", "./photos/../photos/a.png", tree])) == 2


def test_results_among_the_inputs_are_no_inputs(tree):
    """`*.png` at the second time."""
    assert pairs(plan(["photos/a.color.png", "photos/a.png"])) == [("photos/a.png", "photos/a.color.png")]
    # By itself it is what was asked for.
    assert pairs(plan(["photos/a.color.png"])) == [("photos/a.color.png", "photos/a.color.color.png")]


# ---- what is not possible


@pytest.mark.parametrize(
    ("inputs", "output", "words"),
    [
        (["photos/a.png", "photos/b.JPG"], "x.png", "x.png is one file, but there are 2 inputs; name a folder"),
        (["photos"], "x.png", "x.png is one file, but photos is a folder"),
        (["photos"], "photos/notes.txt", "is one file, but photos is a folder"),
        (["photos/a.png"], "x.xyz", "no picture format goes by '.xyz'; use one of .*, or end a folder's name with /"),
        (["photos/a.png"], "photos/notes.txt", "no picture format goes by '.txt'"),
        (["photos/a.png", "copy/a.png"], "out", "would both be written to out/a.png; run them separately"),
        (["photos/a.png"], "photos", "photos/a.png would overwrite the photograph photos/a.png"),
        (["photos/a.png"], "photos/a.png", "overwrite the photograph"),
        (["photos"], "photos", "overwrite the photograph"),
        (["photos", "copy"], ".", "both be written"),
    ],
)
def test_outputs_that_cannot_be(tree, inputs, output, words):
    Path("copy").mkdir()
    Path("copy/a.png").write_bytes(b"another")
    with pytest.raises(BadSetting, match=words):
        plan(inputs, output)


def test_a_photograph_is_not_replaced_through_a_link(tree):
    Path("link").symlink_to(tree)
    with pytest.raises(BadSetting, match="overwrite the photograph"):
        plan(["photos/a.png"], "link/")


def test_folders_that_hold_nothing_do_not_stop_the_others(tree):
    Path("empty").mkdir()
    jobs = list(plan(["empty", "photos/a.png", "photos/.trash/../sub/deep"], recursive=False))
    assert [type(job.error) for job in jobs] == [UnreadableImage, type(None), type(None)]
    assert str(jobs[0].error) == "empty holds no pictures; --recursive looks into its folders"
    assert str(next(iter(plan(["empty"], recursive=True))).error) == "empty holds no pictures"


def test_a_folder_that_cannot_be_listed(tree, monkeypatch):
    listed = os.scandir

    def scandir(path):
        if Path(path).name == "sub":
            raise PermissionError(13, "Permission denied", str(path))
        return listed(path)

    monkeypatch.setattr(os, "scandir", scandir)
    jobs = plan([tree], recursive=True)
    assert [str(job.source) for job in jobs if not job.error] == ["photos/a.png", "photos/b.JPG"]
    assert [str(job.error) for job in jobs if job.error] == [
        "photos/sub cannot be listed (Permission denied); check its permissions"
    ]


def test_links(tree):
    Path("photos/sub/link.png").symlink_to("c.png")
    Path("photos/sub/nowhere.png").symlink_to("gone.png")
    Path("photos/sub/round").symlink_to("..")
    os.mkfifo("photos/sub/pipe.png")
    assert [source for source, _ in pairs(plan([tree / "sub"], recursive=True))] == [
        "photos/sub/c.png",
        "photos/sub/link.png",
        "photos/sub/nowhere.png",
        "photos/sub/deep/e.png",
    ]


def test_names_beyond_what_a_disk_takes(tree):
    (job,) = plan(["x" * 300])
    assert not job.error
    assert list(plan([])) == []


@pytest.mark.parametrize("name", ["@eaDir", "__MACOSX", "$RECYCLE.BIN", ".thumbnails", "lost+found", "Old.lrdata"])
def test_folders_that_are_no_persons_are_passed_over(tree, png, name):
    inner = tree / "sub" / name
    inner.mkdir()
    (inner / "a.png").write_bytes(png(7))
    assert not [job for job in plan([tree], "out", recursive=True) if name in job.source.parts]
    assert [job.source.name for job in plan([inner], "out")] == ["a.png"]


def test_look_alikes_are_results_of_nothing(tree, png):
    for name in ("house.color.jpg", "house.color-2.jpg", "a.color-1.png", "sub/c.color.mp4", "sub/x.color.txt"):
        (tree / name).write_bytes(png(7))
    assert [str(path) for path in plan([tree], "out").look_alikes()] == [
        "photos/house.color-2.jpg",
        "photos/house.color.jpg",
    ]
    (tree / "sub" / "own.color.png").write_bytes(png(8))
    assert [path.name for path in plan([tree / "sub"], "out").look_alikes()] == ["own.color.png"]
