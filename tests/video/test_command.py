"""`photochrom colorize` with films, moving pictures and sequences among photographs."""

import av
import pytest
from PIL import Image

from photochrom.cli import main

pytestmark = pytest.mark.slow


@pytest.fixture
def run(tiny, capsys):
    def call(*arguments):
        with pytest.raises(SystemExit) as caught:
            main(["colorize", *map(str, arguments), "--model", str(tiny)])
        return caught.value.code, capsys.readouterr().err

    return call


def test_a_folder_of_everything(run, film, drawn, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    film(folder / "a.mp4", frames=5)
    film(folder / "b.mkv", frames=5).rename(folder / "old.m2ts")
    drawn(0).convert("L").save(folder / "c.png")
    frames = [drawn(i).convert("L") for i in range(3)]
    frames[0].save(folder / "d.gif", save_all=True, append_images=frames[1:], duration=80)
    frames[0].save(folder / "still.gif")
    (folder / "notes.txt").write_text("neither")
    status, said = run(folder, "-o", tmp_path / "out", "--consistency", "frame", "--jobs", "1")
    assert status == 0, said
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "a.mp4",
        "c.png",
        "d.gif",
        "old.mp4",
        "still.gif",
    ]
    with Image.open(tmp_path / "out" / "d.gif") as moving:
        assert moving.n_frames == 3
    assert "5 coloured, 0 failed" in said


def test_a_film_beside_itself_with_its_options(run, film, tmp_path):
    source = film(tmp_path / "a.mp4")
    status, said = run(source, "--start", "0:00.5", "--codec", "hevc", "--consistency", "frame")
    assert status == 0, said
    assert said == f"{source} -> {tmp_path}/a.color.mp4\n"
    with av.open(str(tmp_path / "a.color.mp4")) as file:
        assert file.streams.video[0].codec_context.name == "hevc"
        assert sum(1 for _ in file.decode(video=0)) == 12
    status, said = run(source, "--start", "0.5")
    assert status == 1
    assert "a.color.mp4 is already there" in said


def test_a_film_by_its_content_and_by_another_name(run, film, tmp_path):
    source = film(tmp_path / "a.mp4", frames=3).rename(tmp_path / "nameless")
    assert run(source, "--consistency", "frame")[0] == 0
    assert (tmp_path / "nameless.color.mp4").is_file()
    assert run(source, "-o", tmp_path / "b.mkv", "--consistency", "frame")[0] == 0
    status, said = run(source, "-o", tmp_path / "b.jpg")
    assert (status, said) == (
        1,
        f"photochrom: {tmp_path}/b.jpg: films are written as .mp4, .m4v, .mov, .mkv, .webm, .avi\n",
    )


def test_a_sequence(run, drawn, tmp_path):
    for i in range(3):
        drawn(i).convert("L").save(tmp_path / f"f-{i:03d}.png")
    assert run(tmp_path / "f-%03d.png", "-o", tmp_path / "out" / "f-%03d.png")[0] == 0
    assert len(list((tmp_path / "out").iterdir())) == 3


def test_one_line_for_what_is_broken(run, tmp_path):
    (tmp_path / "a.mp4").write_bytes(b"\0\0\0\x18ftypisom" + bytes(400))
    status, said = run(tmp_path / "a.mp4")
    assert status == 1
    assert said.startswith(f"photochrom: {tmp_path}/a.mp4 cannot be read as a film")
    assert said.count("\n") == 1


def test_what_is_passed_over_is_counted_and_named(run, film, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    film(folder / "a.mp4", frames=3)
    for name in ("notes.txt", "b.xyz", ".hidden", "old.color.mp4"):
        (folder / name).write_text("neither")
    status, said = run(folder, "-o", tmp_path / "out", "--consistency", "frame")
    assert status == 0
    assert said.endswith("2 files passed over, neither photograph nor film; --verbose names them\n")
    status, said = run(folder, "-o", tmp_path / "out", "--skip-existing", "--verbose")
    assert said.splitlines()[-3:] == [
        f"{folder}/b.xyz passed over",
        f"{folder}/notes.txt passed over",
        "2 files passed over, neither photograph nor film",
    ]


@pytest.mark.parametrize("how", ["--overwrite", "--skip-existing"])
def test_two_films_of_one_name_are_never_taken_for_one(run, film, tmp_path, how):
    folder = tmp_path / "in"
    folder.mkdir()
    for name in ("clip.3gp", "clip.mpg"):
        film(tmp_path / "a.mp4", frames=3).rename(folder / name)
    for _ in range(2):
        status, said = run(folder, "-o", tmp_path / "out", "--consistency", "frame", how)
        assert status == 1
        assert "clip.mpg would both be written to" in said
        assert "1 failed" in said
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["clip.mp4"]


def test_no_audio_and_strict(run, film, tmp_path):
    source = film(tmp_path / "a.mkv", sound="aac")
    assert run(source, "--no-audio", "--strict", "--consistency", "frame") == (
        0,
        f"{source} -> {tmp_path}/a.color.mkv\n",
    )
    with av.open(str(tmp_path / "a.color.mkv")) as file:
        assert [stream.type for stream in file.streams] == ["video"]
    source.write_bytes(source.read_bytes()[: source.stat().st_size // 2])
    status, said = run(source, "--strict", "-o", tmp_path / "b.mkv", "--consistency", "frame")
    assert (status, "a.mkv is damaged" in said) == (1, True)
    assert run(source, "-o", tmp_path / "b.mkv", "--consistency", "frame")[0] == 0
