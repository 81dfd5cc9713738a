"""Moving GIF, WebP and PNG, and sequences: times, loops, transparency and depth are kept."""

import sys
import zlib

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from photochrom import AlreadyThere, BadSetting, Colorizer, Hint, MissingExtra, UnreadableFilm, WriteFailed
from photochrom.imaging.facts import facts_of
from photochrom.imaging.writing import with_packet
from photochrom.video import colorize_film, pictures

TIMES = [40, 100, 250, 40, 70]


@pytest.fixture(autouse=True)
def _short_segments(monkeypatch):
    monkeypatch.setattr(pictures, "SEGMENT", 2)


@pytest.fixture
def moving(tmp_path, drawn_scene):
    """A moving picture whose upper left corner is transparent."""

    def save(name, loop=3, clear=True, **more):
        frames = []
        for i in range(len(TIMES)):
            gray = Image.fromarray(drawn_scene(i, 48, 40))
            alpha = Image.new("L", gray.size, 255)
            if clear:
                alpha.paste(0, (0, 0, 12, 10))
            frames.append(Image.merge("LA", (gray, alpha)).convert("RGBA"))
        path = tmp_path / name
        how = more | ({} if loop is None else {"loop": loop})
        if name.endswith("webp"):
            how["lossless"] = True
        else:
            how["disposal"] = 2 if name.endswith("gif") else 0
        frames[0].save(path, save_all=True, append_images=frames[1:], duration=TIMES, **how)
        return path

    return save


def read(path):
    """Times, loop, and the frames (n, H, W, 4)."""
    with Image.open(path) as image:
        times, frames = [], []
        for i in range(image.n_frames):
            image.seek(i)
            image.load()
            times.append(image.info["duration"])
            frames.append(np.asarray(image.convert("RGBA")))
        return times, image.info.get("loop"), np.stack(frames)


@pytest.mark.parametrize("ending", ["gif", "webp", "png"])
def test_times_loop_and_transparency_stay(moving, colorizer, tmp_path, ending):
    source = moving(f"a.{ending}")
    target = tmp_path / f"b.{ending}"
    report = colorize_film(source, target, colorizer, consistency="frame")
    old, new = read(source), read(target)
    assert report.frames == 5
    assert new[:2] == old[:2] == (TIMES, 3)
    assert (new[2][..., 3] == old[2][..., 3]).all()
    seen = old[2][..., 3] > 0
    exact = np.stack([colorizer.colorize(frame) for frame in old[2]])
    difference = np.abs(new[2][..., :3].astype(int) - exact[..., :3])[seen].mean()
    assert difference < {"gif": 6, "webp": 4, "png": 1e-9}[ending]
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("ending", ["gif", "webp", "png"])
def test_what_is_shown_once_is_shown_once(moving, colorizer, tmp_path, ending):
    source = moving(f"a.{ending}", loop={"gif": None}.get(ending, 1))
    colorize_film(source, tmp_path / f"b.{ending}", colorizer, consistency="frame")
    assert read(tmp_path / f"b.{ending}")[1] == read(source)[1]


@pytest.mark.parametrize("ending", ["webp", "png"])
def test_one_that_lies_on_its_side_is_turned_once(moving, colorizer, tmp_path, ending):
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "hello"
    source, upright = moving(f"a.{ending}", exif=exif.tobytes()), moving(f"upright.{ending}")
    target = tmp_path / f"b.{ending}"
    hint = Hint(35, 40, "#ff0000", time=0)  # within the upright one alone
    report = colorize_film(source, target, colorizer, consistency="frame", hints=[hint])
    assert (report.width, report.height) == (40, 48)
    with Image.open(target) as image:
        assert dict(image.getexif()) == {0x0112: 1, 0x010E: "hello"}
    assert (read(target)[2][..., 3] == np.rot90(read(upright)[2][..., 3], -1, (1, 2))).all()


def test_what_a_png_says_of_its_frames_is_kept(moving, colorizer, tmp_path):
    words = PngInfo()
    words.add(b"gAMA", (100_000).to_bytes(4, "big"))
    words.add_text("Title", "Kaiser 1910")
    words.add_itxt("XML:com.adobe.xmp", "<x:xmpmeta/>")
    source = moving("a.png", clear=False, pnginfo=words, dpi=(300, 300))
    report = colorize_film(source, tmp_path / "b.png", colorizer, consistency="frame")
    assert report.notes == ()
    with Image.open(source) as image:
        image.convert("RGB").save(tmp_path / "still.png", pnginfo=words)
    colorizer.colorize_file(tmp_path / "still.png", tmp_path / "exact.png")
    with Image.open(tmp_path / "b.png") as image, Image.open(tmp_path / "exact.png") as exact:
        assert image.info["dpi"] == pytest.approx((300, 300), abs=0.01)
        assert (image.info["Title"], image.info["xmp"]) == ("Kaiser 1910", b"<x:xmpmeta/>")
        assert image.info["icc_profile"] == exact.info["icc_profile"]
        assert (np.asarray(image.convert("RGB")) == np.asarray(exact)).all()


def test_what_a_gif_says_is_kept(moving, colorizer, tmp_path):
    source = moving("a.gif", comment=b"a comment")
    source.write_bytes(with_packet(source.read_bytes(), b"<x:xmpmeta/>"))
    assert colorize_film(source, tmp_path / "b.gif", colorizer, consistency="frame").notes == ()
    assert read(tmp_path / "b.gif")[:2] == (TIMES, 3)
    with open(tmp_path / "b.gif", "rb") as file:
        facts = facts_of("GIF", file)
    assert (facts["xmp"], facts["captions"].comments) == (b"<x:xmpmeta/>", (b"a comment",))


def test_parts_of_a_millisecond_are_said(moving, colorizer, tmp_path):
    source = moving("a.png")
    # The length of the first frame: 40 of 1000 parts of a second, and then of 1001.
    chunk = source.read_bytes().index(b"fcTL")
    data = bytearray(source.read_bytes())
    data[chunk + 26 : chunk + 28] = (1001).to_bytes(2, "big")
    data[chunk + 30 : chunk + 34] = zlib.crc32(data[chunk : chunk + 30]).to_bytes(4, "big")
    source.write_bytes(data)
    report = colorize_film(source, tmp_path / "b.png", colorizer, consistency="frame")
    assert report.notes == ("its times were rounded to milliseconds",)


def test_a_moving_avif_stays_one(moving, colorizer, tmp_path):
    source = moving("a.avif", clear=False)
    report = colorize_film(source, tmp_path / "b.avif", colorizer, consistency="frame")
    old, new = read(source), read(tmp_path / "b.avif")
    assert report.frames == len(new[2]) == 5
    assert new[0] == old[0] == TIMES
    exact = np.stack([colorizer.colorize(frame) for frame in old[2]])
    assert np.abs(new[2][..., :3].astype(int) - exact[..., :3]).mean() < 5


def test_a_first_picture_that_is_no_frame_stays_none(colorizer, tmp_path, drawn_scene):
    still, *frames = (Image.fromarray(drawn_scene(i, 48, 40, seed=i == 0)) for i in range(6))
    still.save(
        tmp_path / "a.png", save_all=True, append_images=frames, default_image=True, duration=TIMES, loop=2, disposal=0
    )
    report = colorize_film(tmp_path / "a.png", tmp_path / "b.png", colorizer, consistency="frame")
    assert report.frames == 5
    with Image.open(tmp_path / "a.png") as old, Image.open(tmp_path / "b.png") as new:
        assert (new.n_frames, new.info["default_image"], new.info["loop"]) == (6, True, 2)
        for i in range(6):
            old.seek(i)
            new.seek(i)
            assert new.info.get("duration") == old.info.get("duration")
            exact = colorizer.colorize(np.asarray(old.convert("RGB")))
            assert np.array_equal(np.asarray(new.convert("RGB")), exact)


class Stop(Exception):
    pass


def stopping(at):
    def listener(progress):
        if progress.done == at:
            raise Stop

    return listener


@pytest.mark.parametrize("consistency", ["frame", "flow"])
def test_an_animation_goes_on_to_the_same_bytes(moving, colorizer, tmp_path, consistency):
    source = moving("a.gif")
    colorize_film(source, tmp_path / "whole.gif", colorizer, consistency=consistency)
    with pytest.raises(Stop):
        colorize_film(source, tmp_path / "b.gif", colorizer, consistency=consistency, progress=stopping(3))
    report = colorize_film(source, tmp_path / "b.gif", colorizer, consistency=consistency)
    assert (report.frames, report.resumed) == (5, 2)
    assert (tmp_path / "b.gif").read_bytes() == (tmp_path / "whole.gif").read_bytes()


def test_a_gif_that_breaks_off_gives_what_is_there(moving, colorizer, tmp_path):
    source = moving("a.gif")
    cut = tmp_path / "cut.gif"
    cut.write_bytes(source.read_bytes()[: source.stat().st_size // 2])
    report = colorize_film(cut, tmp_path / "b.gif", colorizer, consistency="frame")
    assert 1 <= report.frames < 5
    assert report.notes or report.repeated


@pytest.mark.parametrize("part", [0.3, 0.5, 0.75, 0.95])
def test_a_gif_that_breaks_off_is_refused_if_strict(moving, colorizer, tiny, tmp_path, part):
    data = moving("a.gif").read_bytes()
    cut = tmp_path / "cut.gif"
    cut.write_bytes(data[: round(len(data) * part)])
    report = colorize_film(cut, tmp_path / "b.gif", colorizer, consistency="frame")
    assert "ends early" in report.summary() or "broken frame" in report.summary()
    with pytest.raises(UnreadableFilm, match=r"cut\.gif is damaged; without --strict"):
        colorize_film(cut, tmp_path / "c.gif", Colorizer(tiny, strict=True), consistency="frame")
    assert not (tmp_path / "c.gif").exists()


def test_a_gif_whose_frame_lies_far_away_breaks_off_there(moving, colorizer, tmp_path):
    data = bytearray(moving("a.gif", clear=False).read_bytes())
    # The descriptor of the third frame: a comma, and where it lies; then it claims to be far to the right.
    at = [i for i in range(len(data) - 9) if data[i : i + 1] == b"," and data[i + 5 : i + 9] == bytes([48, 0, 40, 0])][
        2
    ]
    data[at + 1 : at + 5] = b"\xff\x7f\xff\x7f"
    (tmp_path / "far.gif").write_bytes(data)
    report = colorize_film(tmp_path / "far.gif", tmp_path / "b.gif", colorizer, consistency="frame")
    assert (report.frames, report.notes) == (2, ("the film ends early, after 2 frames",))


@pytest.fixture
def sequence(tmp_path, drawn_scene):
    folder = tmp_path / "frames"
    folder.mkdir()
    for i in (1, 2, 3, 5, 6):
        Image.fromarray(drawn_scene(i, 48, 40).astype(np.uint16) * 257).save(folder / f"f-{i:03d}.png")
    (folder / "f-4.png").write_bytes(b"not of the sequence: three digits are asked for")
    return folder / "f-%03d.png"


def test_a_sequence_keeps_numbers_and_depth(sequence, colorizer, tmp_path):
    target = tmp_path / "out" / "f-%03d.png"
    report = colorize_film(sequence, target, colorizer, consistency="frame")
    assert (report.frames, report.width, report.height) == (5, 48, 40)
    names = sorted(path.name for path in target.parent.iterdir())
    assert names == [f"f-{i:03d}.png" for i in (1, 2, 3, 5, 6)]
    header = (target.parent / "f-001.png").read_bytes()[16:26]
    assert header[8] == 16  # bits a sample


def test_a_sequence_goes_on_to_the_same_bytes(sequence, colorizer, tmp_path):
    whole, broken = tmp_path / "whole" / "f-%03d.png", tmp_path / "broken" / "f-%03d.png"
    colorize_film(sequence, whole, colorizer)
    with pytest.raises(Stop):
        colorize_film(sequence, broken, colorizer, progress=stopping(3))
    assert colorize_film(sequence, broken, colorizer).resumed == 2
    for path in whole.parent.iterdir():
        assert (broken.parent / path.name).read_bytes() == path.read_bytes()
    assert len(list(broken.parent.iterdir())) == 5


def test_a_broken_picture_of_a_sequence_is_repeated(sequence, colorizer, tmp_path):
    (sequence.parent / "f-003.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    target = tmp_path / "out" / "f-%03d.png"
    report = colorize_film(sequence, target, colorizer, consistency="frame")
    assert report.notes == (f"{sequence.parent}/f-003.png is broken; its neighbour is used instead",)
    assert (target.parent / "f-003.png").read_bytes() == (target.parent / "f-002.png").read_bytes()


def test_a_sequence_goes_on_after_a_broken_picture(sequence, colorizer, tmp_path):
    (sequence.parent / "f-002.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    whole, broken = tmp_path / "whole" / "f-%03d.png", tmp_path / "broken" / "f-%03d.png"
    notes = colorize_film(sequence, whole, colorizer).notes
    with pytest.raises(Stop):
        colorize_film(sequence, broken, colorizer, progress=stopping(3))
    report = colorize_film(sequence, broken, colorizer)
    assert (report.resumed, report.notes) == (2, notes)
    assert notes == (f"{sequence.parent}/f-002.png is broken; its neighbour is used instead",)
    for path in whole.parent.iterdir():
        assert (broken.parent / path.name).read_bytes() == path.read_bytes()


def test_a_sequence_replaces_nothing(sequence, colorizer, tmp_path):
    (tmp_path / "f-005.png").write_bytes(b"precious")
    with pytest.raises(WriteFailed, match=r"f-005\.png is already there"):
        colorize_film(sequence, tmp_path / "f-%03d.png", colorizer)
    assert not (tmp_path / "f-001.png").exists()


def test_a_sequence_of_which_some_have_a_result_is_not_done(sequence, colorizer, tmp_path):
    target = tmp_path / "out" / "f-%d.png"
    colorize_film(sequence, target, colorizer, consistency="frame")
    with pytest.raises(AlreadyThere):
        colorize_film(sequence, target, colorizer, consistency="frame")
    (tmp_path / "out" / "f-3.png").unlink()
    with pytest.raises(
        WriteFailed, match=r"f-1\.png is already there, and 1 of 5 pictures have no result yet"
    ) as caught:
        colorize_film(sequence, target, colorizer, consistency="frame")
    assert not isinstance(caught.value, AlreadyThere), "which --skip-existing takes for done"
    assert not (tmp_path / "out" / "f-3.png").exists()


def test_a_stopped_sequence_starts_over_with_other_settings(sequence, colorizer, tiny, tmp_path):
    target = tmp_path / "out" / "f-%d.png"
    with pytest.raises(Stop):
        colorize_film(sequence, target, colorizer, consistency="frame", progress=stopping(3))
    assert (tmp_path / "out" / "f-1.png").exists()
    vivid = Colorizer(tiny, threads=1, saturation=1.5)
    assert colorize_film(sequence, target, vivid, consistency="frame").resumed == 0
    colorize_film(sequence, tmp_path / "again" / "f-%d.png", vivid, consistency="frame")
    for path in (tmp_path / "again").glob("*.png"):
        assert (tmp_path / "out" / path.name).read_bytes() == path.read_bytes()


def test_a_sequence_does_not_overwrite_itself(colorizer, tmp_path, drawn_scene):
    for number in (98, 99, 100, 101):
        Image.fromarray(drawn_scene(number, 48, 40)).save(tmp_path / f"f-{number:03d}.png")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(BadSetting, match=r"would overwrite its own picture .*f-100\.png; name another folder"):
        colorize_film(tmp_path / "f-%03d.png", tmp_path / "f-%d.png", colorizer, consistency="frame", overwrite=True)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_what_is_not_there(colorizer, tmp_path):
    with pytest.raises(UnreadableFilm, match="there are no pictures like"):
        colorize_film(tmp_path / "x-%d.png", tmp_path / "y-%d.png", colorizer)
    with pytest.raises(BadSetting, match="are for films"):
        colorize_film(tmp_path / "x-%d.png", tmp_path / "y-%d.png", colorizer, crf=3)


def test_frame_by_frame_needs_no_extra(moving, film, colorizer, tmp_path, monkeypatch):
    source, clip = moving("a.gif"), film(tmp_path / "a.mp4", frames=2)
    for name in ("av", "cv2"):
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.delitem(sys.modules, "photochrom.video.flow", raising=False)
    assert colorize_film(source, tmp_path / "b.gif", colorizer, consistency="frame").frames == 5
    with pytest.raises(MissingExtra, match=r"flow \(--consistency frame does without\) needs the extra 'video'"):
        colorize_film(source, tmp_path / "c.gif", colorizer)
    with pytest.raises(MissingExtra, match="colouring films needs the extra 'video'"):
        colorize_film(clip, tmp_path / "b.mp4", colorizer, consistency="frame")
