"""What is coloured and where it goes."""

import os
from pathlib import Path

import pytest

from photochrom import Colorizer
from photochrom.batch import plan
from photochrom.batch.kinds import attempt
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
        (
            ["photos/a.png"],
            "x.xyz",
            "no picture format has the ending '.xyz'; use one of .*, or end a folder's name with /",
        ),
        (["photos/a.png"], "photos/notes.txt", "no picture format has the ending '.txt'"),
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
    assert str(jobs[0].error) == "empty holds no pictures; --recursive searches its subfolders"
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
    deep = plan([tree / "sub"], recursive=True)
    assert [source for source, _ in pairs(deep)] == [
        "photos/sub/c.png",
        "photos/sub/link.png",
        "photos/sub/nowhere.png",
        "photos/sub/deep/e.png",
    ]
    assert [str(path) for path in deep.linked_folders()] == ["photos/sub/round"]
    assert not list(plan([tree / "sub"]).linked_folders())


def test_names_beyond_what_a_disk_takes(tree):
    (job,) = plan(["x" * 300])
    assert not job.error
    assert list(plan([])) == []


# ---- films whose results would have one name


@pytest.fixture
def films(tmp_path, monkeypatch):
    """Makes files of these names that begin like MPEG."""
    monkeypatch.chdir(tmp_path)

    def make(*names):
        for name in map(Path, names):
            name.parent.mkdir(exist_ok=True)
            name.write_bytes(b"\0\0\1\xba" + bytes(100))

    return make


def told(jobs):
    return [(str(job.source), str(job.error) if job.error else str(job.target)) for job in jobs]


def both(first, second, target):
    return (
        f"{os.path.realpath(first)} and {second} would both be written to {target}; colour one by itself, with -o FILE"
    )


@pytest.mark.parametrize(("output", "target"), [("out", "out/clip.mp4"), (None, "in/clip.color.mp4")])
def test_the_second_of_two_films_of_one_name_is_refused(films, output, target):
    films("in/clip.3gp", "in/clip.mpg", "in/other.ts")
    assert told(plan(["in"], output)) == [
        ("in/clip.3gp", target),
        ("in/clip.mpg", both("in/clip.3gp", "in/clip.mpg", target)),
        ("in/other.ts", target.replace("clip", "other")),
    ]


def test_a_film_that_keeps_its_name_has_it(films):
    films("in/clip.3gp", "in/clip.mp4", "in/clip.TS")
    assert told(plan(["in"], "out")) == [
        ("in/clip.3gp", both("in/clip.mp4", "in/clip.3gp", "out/clip.mp4")),
        ("in/clip.TS", both("in/clip.mp4", "in/clip.TS", "out/clip.mp4")),
        ("in/clip.mp4", "out/clip.mp4"),
    ]


def test_of_films_that_were_named_only_the_second_is_refused(films):
    films("a.mpg", "a.ts", "b.ts")
    assert told(plan(["a.mpg", "a.ts", "b.ts", "a.mpg"])) == [
        ("a.mpg", "a.color.mp4"),
        ("a.ts", both("a.mpg", "a.ts", "a.color.mp4")),
        ("b.ts", "b.color.mp4"),
    ]


def test_films_of_one_name_in_two_folders(films):
    films("one/clip.3gp", "two/clip.mpg", "three/clip.ts")
    assert told(plan(["one", "two", "three/clip.ts"], "out")) == [
        ("one/clip.3gp", both("three/clip.ts", "one/clip.3gp", "out/clip.mp4")),
        ("two/clip.mpg", both("three/clip.ts", "two/clip.mpg", "out/clip.mp4")),
        ("three/clip.ts", "out/clip.mp4"),
    ]
    assert told(plan(["one", "two"], "out")) == [
        ("one/clip.3gp", "out/clip.mp4"),
        ("two/clip.mpg", both("one/clip.3gp", "two/clip.mpg", "out/clip.mp4")),
    ]
    assert told(plan(["one", "one"], "out")) == [("one/clip.3gp", "out/clip.mp4")]


def test_films_in_folders_are_found_by_content_and_the_rest_is_counted(films):
    films("in/MOV003.MOD", "in/capture", "in/song.m4a", "in/half.mpg.part")
    Path("in/module.mod").write_bytes(b"an Amiga's song")
    Path("in/notes.txt").write_text("neither")
    Path("in/.hidden").write_text("neither")
    Path("in/old.color.mp4").write_text("a result")
    found = plan(["in"], "out")
    assert pairs(found) == [("in/MOV003.MOD", "out/MOV003.mp4"), ("in/capture", "out/capture.mp4")]
    assert [path.name for path in found.passed_over()] == ["half.mpg.part", "module.mod", "notes.txt", "song.m4a"]


def test_photographs_in_folders_without_an_ending_are_found_by_content(tmp_path, png):
    for name in ("scan", "twin", "twin.png"):
        (tmp_path / name).write_bytes(png(3))
    (tmp_path / "readme").write_text("neither")
    found = plan([tmp_path], tmp_path / "out")
    assert [(job.source.name, job.target.name) for job in found] == [("scan", "scan.png"), ("twin.png", "twin.png")]
    # What its twin's result would be called is taken.
    assert [path.name for path in found.passed_over()] == ["readme", "twin"]


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


def test_a_cameras_raw_files_are_found_and_refused_by_name(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "IMG_1.CR2").write_bytes(b"II*\0")
    (job,) = plan([tmp_path / "in"], tmp_path / "out")
    outcome = attempt(Colorizer(threads=1), job, overwrite=False, skip_existing=False, tell=lambda done, total: None)
    assert str(outcome.error) == (
        f"{tmp_path / 'in' / 'IMG_1.CR2'} is a camera's raw file, which is not developed here; develop it with a raw "
        "converter, save it as 16-bit TIFF, and colour that"
    )
