"""The session: every kind of input, the lightness that stays, the settings, and what goes wrong."""

import io
import threading
from dataclasses import replace

import numpy as np
import onnx
import pytest
import skimage.data
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image, ImageCms

from photochrom import Colorizer, Hint, Stroke, color
from photochrom.errors import (
    BadCheckpoint,
    BadSetting,
    DeviceUnavailable,
    ImageTooLarge,
    OutOfMemory,
    PhotochromError,
    UnknownName,
    UnreadableImage,
    UnsupportedFormat,
    WriteFailed,
)
from photochrom.imaging import io as pio
from photochrom.imaging.picture import Picture
from photochrom.imaging.result_names import beside
from photochrom.inference import network
from photochrom.inference.card import KEY, ModelCard, seal
from photochrom.inference.decode import in_agreement

# What the gamut's edge may cost on top of rounding: 1e-4 of linear light is 0.09 of L in black.
GAMUT = 0.1


@pytest.fixture(scope="module")
def session(tiny):
    return Colorizer(tiny, threads=1)


@pytest.fixture(scope="module")
def default():
    """The packaged model: tests on it say nothing about which colours it finds."""
    return Colorizer(threads=1)


@pytest.fixture(scope="module")
def astronaut():
    return skimage.data.astronaut()


def noise(shape, dtype="uint8", seed=0):
    values = np.random.default_rng(seed).random(shape)
    return values.astype(dtype) if np.dtype(dtype).kind == "f" else np.rint(values * np.iinfo(dtype).max).astype(dtype)


def unit(array):
    return array / (1 if array.dtype.kind == "f" else np.iinfo(array.dtype).max)


def lightness(array):
    """L in 64 bits of (H, W), (H, W, 1), (H, W, 3) or (H, W, 4) samples."""
    values = unit(array).astype(np.float64)
    values = values[..., :3] if values.ndim == 3 else values[..., None]
    return color.rgb_to_lab(np.repeat(values, 3, -1) if values.shape[2] == 1 else values)[..., 0]


def assert_keeps_lightness(before, after):
    """L before lies within what rounding to the samples of `after` can have made of it."""
    half = 0.5 / {"uint8": 255, "uint16": 65535}.get(after.dtype.name, 1e9)
    rgb, wanted = unit(after[..., :3]).astype(np.float64), lightness(before)
    low, high = (color.rgb_to_lab(np.clip(rgb + step, 0, 1))[..., 0] for step in (-half, half))
    assert (wanted >= low - GAMUT).all()
    assert (wanted <= high + GAMUT).all()


def ab_of(rgb):
    return color.rgb_to_lab(unit(rgb[..., :3]).astype(np.float64))[..., 1:]


def chroma(rgb):
    return float(np.linalg.norm(ab_of(rgb), axis=-1).mean())


def opened(path):
    with Image.open(path) as image:
        image.load()
        return image


def encoded(image, kind, **settings):
    out = io.BytesIO()
    image.save(out, kind, **settings)
    return out.getvalue()


# ---- the colours are the network's


@pytest.mark.parametrize("value", [40, 90, 119, 150, 200])
@pytest.mark.parametrize("shape", [(60, 80), (7, 300), (1, 1)])
def test_the_answer_of_the_network_arrives(session, value, shape):
    rgb = session.colorize(np.full(shape, value, np.uint8))
    x = (lightness(np.uint8([[value]]))[0, 0] - 50) / 50
    expected = [33 * x + 11, -22 * x + 5.5]
    np.testing.assert_allclose(ab_of(rgb), np.broadcast_to(expected, (*shape, 2)), atol=1)


def test_one_answer_of_the_network_colours_copies_of_any_size(session):
    gray = np.full((129, 301), 60, np.uint8)
    gray[:, 150:] = 180
    scores = session.scores(lightness(gray).astype(np.float32))
    whole = session.decode(scores, lightness(gray).astype(np.float32))
    for w, h in ((300, 128), (99, 43), (7, 3)):
        small = np.full((h, w), 60, np.uint8)
        small[:, w // 2 :] = 180
        ab = session.decode(scores, lightness(small).astype(np.float32))
        assert ab.shape == (h, w, 2)
        np.testing.assert_allclose(ab[h // 2, [0, -1]], whole[64, [0, -1]], atol=1)


def test_a_kept_answer_gives_the_same_photograph(session):
    picture = Picture(np.random.default_rng(3).integers(0, 255, (40, 60), np.uint8))
    kept = session.scores(picture.lightness())
    again = session.colorize_picture(picture, scores=kept)
    np.testing.assert_array_equal(again.pixels, session.colorize_picture(picture).pixels)
    gray = session.colorize_picture(picture, scores=kept, decoding=replace(session.decoding, saturation=0.0))
    assert chroma(gray.pixels) < 0.5


def test_it_follows_the_picture_and_not_the_padding(session):
    gray = np.full((64, 300), 60, np.uint8)
    gray[:, 150:] = 180
    found = ab_of(session.colorize(gray))
    for columns, value in ((slice(0, 140), 60), (slice(160, 300), 180)):
        x = (lightness(np.uint8([[value]]))[0, 0] - 50) / 50
        np.testing.assert_allclose(found[:, columns, 0], 33 * x + 11, atol=2.5)


@pytest.mark.parametrize("value", [0, 255])
def test_black_and_white_stay(default, value):
    assert (default.colorize(np.full((70, 50), value, np.uint8)) == value).all()


# ---- the type that was given


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float16", "float32", "float64"])
@pytest.mark.parametrize("channels", [None, 1, 3, 4])
def test_arrays(session, dtype, channels):
    shape = (23, 31) if channels is None else (23, 31, channels)
    before = noise(shape, dtype)
    kept = before.copy()
    after = session.colorize(before)
    assert (after.shape, after.dtype) == ((23, 31, 4 if channels == 4 else 3), before.dtype)
    np.testing.assert_array_equal(before, kept)
    if channels == 4:
        np.testing.assert_allclose(after[..., 3], before[..., 3], rtol=1e-7)
    if dtype != "float16":
        assert_keeps_lightness(before, after)


MODES = {
    "1": "RGB",
    "L": "RGB",
    "LA": "RGBA",
    "P": "RGB",
    "RGB": "RGB",
    "RGBA": "RGBA",
    "CMYK": "RGB",
    "YCbCr": "RGB",
    "HSV": "RGB",
    "I;16": "RGB",
    "I": "RGB",
}


@pytest.mark.parametrize("mode", MODES)
def test_pil_images(session, mode):
    before = noise((19, 27, 4)) if mode == "RGBA" else noise((19, 27, 3)) if mode in ("RGB", "P") else noise((19, 27))
    image = Image.fromarray(before.astype(np.uint16) * 257) if mode[0] == "I" else Image.fromarray(before)
    image = image.convert(mode) if mode != "I;16" else image
    if mode == "LA":
        image.putalpha(Image.fromarray(noise((19, 27), seed=1)))
    after = session.colorize(image)
    assert isinstance(after, Image.Image)
    assert (after.mode, after.size) == (MODES[mode], (27, 19))
    assert_keeps_lightness(pio.from_pil(image).pixels, np.asarray(after))
    if mode in ("LA", "RGBA"):
        np.testing.assert_array_equal(np.asarray(after)[..., 3], np.asarray(image)[..., -1])


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP", "JPEG", "WEBP", "GIF", "AVIF", "JPEG2000"])
def test_bytes_give_bytes_of_their_format(session, astronaut, kind):
    gray = Image.fromarray(astronaut[::4, ::4]).convert("L")
    for data in (encoded(gray, kind), bytearray(encoded(gray, kind)), memoryview(encoded(gray, kind))):
        after = session.colorize(data)
        assert isinstance(after, bytes)
    image = Image.open(io.BytesIO(after))
    assert (image.format, image.size) == (kind, gray.size)
    if kind in ("PNG", "TIFF", "BMP"):
        assert_keeps_lightness(np.asarray(gray), np.asarray(image))
    assert chroma(np.asarray(image.convert("RGB"))) > 5


@pytest.mark.parametrize("as_given", [str, lambda path: path])
def test_paths_give_paths(session, tmp_path, as_given):
    source = tmp_path / "a portrait [1] ü.PNG"
    Image.fromarray(noise((20, 30))).save(source)
    done = session.colorize(as_given(source))
    assert done == as_given(tmp_path / "a portrait [1] ü.color.PNG")
    assert isinstance(done, str) == (as_given is str)
    assert_keeps_lightness(np.asarray(opened(source)), np.asarray(opened(done)))
    with pytest.raises(WriteFailed, match="already there"):
        session.colorize(as_given(source))
    session.colorize(as_given(source), overwrite=True)
    target = tmp_path / "new" / "b.tif"
    assert session.colorize(as_given(source), target) == as_given(target)
    assert opened(target).format == "TIFF"
    assert sorted(p.name for p in tmp_path.rglob("*") if p.is_file()) == sorted(
        [source.name, beside(source).name, "b.tif"]
    )


def test_16_bits_stay_through_a_file(session, tmp_path):
    before = noise((20, 30), "uint16")
    pio.write(Picture(before), tmp_path / "deep.tif")
    after = pio.read(session.colorize(tmp_path / "deep.tif")).pixels
    assert after.dtype == np.uint16
    assert len(np.unique(after & 255)) > 100
    assert_keeps_lightness(before, after)


@pytest.mark.parametrize("kind", ["jpg", "png", "tif", "webp"])
def test_metadata_stays(session, tmp_path, kind):
    exif = Image.Exif()
    exif[0x010F] = "Contax"
    exif[0x0112] = 6
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    source = tmp_path / f"x.{kind}"
    Image.fromarray(noise((16, 40, 3))).save(source, exif=exif, icc_profile=profile, dpi=(300, 300))
    image = opened(session.colorize(source))
    assert image.size == (16, 40)
    assert image.getexif().get(0x010F) == "Contax"
    assert image.getexif().get(0x0112, 1) == 1
    assert image.info["icc_profile"]
    if kind != "webp":
        assert tuple(map(round, image.info["dpi"])) == (300, 300)


# ---- the lightness, at any size and mode


@given(
    height=st.integers(1, 70),
    width=st.integers(1, 70),
    channels=st.sampled_from([None, 1, 3, 4]),
    dtype=st.sampled_from(["uint8", "uint16", "float32"]),
    seed=st.integers(0, 99),
)
@example(height=1, width=1, channels=None, dtype="uint8", seed=0)
@example(height=1, width=70, channels=3, dtype="uint16", seed=0)
def test_any_size_keeps_its_lightness(tiny, height, width, channels, dtype, seed):
    before = noise((height, width) if channels is None else (height, width, channels), dtype, seed)
    after = SESSIONS.setdefault(tiny, Colorizer(tiny, threads=1, saturation=3)).colorize(before)
    assert after.shape[:2] == (height, width)
    assert_keeps_lightness(before, after)


SESSIONS = {}


@pytest.mark.parametrize("shape", [(1, 1), (1, 8000), (8000, 1), (2, 3), (3000, 17)])
def test_extreme_shapes_with_the_real_network(default, shape):
    before = noise(shape)
    after = default.colorize(before)
    assert after.shape == (*shape, 3)
    assert_keeps_lightness(before, after)


def test_what_has_color_is_colored_from_its_lightness(session, astronaut):
    small = astronaut[::3, ::3]
    after = session.colorize(small)
    assert_keeps_lightness(small, after)
    light = Picture(small).lightness()
    x = (light - 50) / 50
    assert np.abs(ab_of(after)[..., 0] - (33 * x + 11)).mean() < 8


# ---- one picture, one answer


def test_repeated_and_threaded_calls_agree(default, astronaut):
    gray = astronaut[..., 1]
    first = default.colorize(gray)
    results = {}

    def work(name):
        results[name] = default.colorize(gray)

    threads = [threading.Thread(target=work, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for again in (*results.values(), Colorizer(threads=2).colorize(gray)):
        assert np.abs(again.astype(int) - first).max() <= 1
    np.testing.assert_array_equal(default.colorize(gray), first)
    assert len(results) == 2


@pytest.mark.parametrize("strip", [1, 3000, 50_000])
def test_strips_equal_the_whole(session, monkeypatch, strip):
    gray = noise((120, 211))
    whole = session.colorize(gray)
    monkeypatch.setattr("photochrom.painting.painter.STRIP_PIXELS", strip)
    parts = session.colorize(gray).astype(int)
    assert np.abs(parts - whole).max() <= 1
    assert (parts != whole).mean() < 0.001


def test_the_size_of_the_copy_matters_little(default, astronaut):
    image = Image.fromarray(astronaut).convert("L")
    found = {}
    for side in (256, 512, 1024):
        copy = np.asarray(image.resize((side, side), Image.Resampling.LANCZOS))
        small = Image.fromarray(default.colorize(copy)).resize((128, 128), Image.Resampling.BOX)
        found[side] = color.rgb_to_lab(np.asarray(small) / 255)
    for side in (256, 1024):
        assert color.ciede2000(found[side], found[512]).mean() < 2.5


# ---- settings


def test_colors_are_smoothed_in_the_radius_that_the_decoding_says(default, astronaut):
    light = color.rgb_to_lab(astronaut / 255.0)[..., 0].astype(np.float32)
    scores = default.scores(light)

    def roughness(radius):
        ab = default.decode(scores, light, decoding=replace(default.decoding, smooth_radius=radius))
        return np.abs(np.diff(ab, axis=0)).mean()

    assert roughness(4) < roughness(2) < roughness(0)


def test_points_that_look_alike_agree_as_much_as_the_decoding_says(default):
    light = np.full((90, 130), 60, np.float32)  # one tone, in two halves of which the network says different things
    scores = default.scores(light)
    scores.map[:, :, : scores.map.shape[2] // 2] *= 0.8

    def unevenness(share):
        ab = default.decode(scores, light, decoding=replace(default.decoding, agreement=share))
        return np.abs(ab[:, :50].mean((0, 1)) - ab[:, 80:].mean((0, 1))).sum()

    assert unevenness(1) < unevenness(0.5) < unevenness(0)


def test_another_saturation_or_contrast_does_not_ask_the_points_again(default, monkeypatch):
    asked = []

    def counted(*args):
        asked.append(args)
        return in_agreement(*args)

    monkeypatch.setattr(network, "in_agreement", counted)
    light = np.tile(np.linspace(20, 80, 130, dtype=np.float32), (90, 1))
    scores, how = default.scores(light), default.decoding
    default.decode(scores, light)
    vivid = default.decode(scores, light, decoding=replace(how, vividness=0.6, saturation=1.0))
    assert len(asked) == 1
    fresh = replace(scores)
    np.testing.assert_array_equal(
        vivid, default.decode(fresh, light, decoding=replace(how, vividness=0.6, saturation=1.0))
    )
    assert len(asked) == 2
    brighter = default.decode(scores, light + 10)
    smaller = default.decode(scores, light[::2, ::2])
    assert len(asked) == 2
    np.testing.assert_array_equal(brighter, default.decode(fresh, light + 10))
    np.testing.assert_array_equal(smaller, default.decode(fresh, light[::2, ::2]))
    default.decode(scores, light, decoding=replace(how, agreement=0.9))
    assert len(asked) == 3


def test_vividness_and_saturation_raise_color(default, astronaut):
    by_vividness = [chroma(Colorizer(threads=1, vividness=v).colorize(astronaut)) for v in (0, 0.5, 1)]
    assert by_vividness[0] < by_vividness[1] < by_vividness[2]
    assert by_vividness[2] > 1.2 * by_vividness[0]
    # Well inside the gamut, whose limits the model's own saturation reaches.
    low, lower = (chroma(Colorizer(threads=1, saturation=s).colorize(astronaut)) for s in (0.5, 0.25))
    assert lower == pytest.approx(low / 2, rel=0.1)
    gray = Colorizer(threads=1, saturation=0).colorize(astronaut)
    assert int(np.ptp(gray, axis=-1).max()) <= 1


def test_render_size_is_what_the_network_sees(tiny, monkeypatch):
    for size, shape, seen in ((64, (50, 50), (64, 64)), (96, (100, 400), (48, 192)), (32, (4, 4000), (16, 96))):
        session = Colorizer(tiny, render_size=size)
        shapes = []
        run = session.network.backend.run
        monkeypatch.setattr(
            session.network.backend,
            "run",
            lambda x, *more, run=run, shapes=shapes: shapes.append(x.shape) or run(x, *more),
        )
        session.colorize(noise(shape))
        assert shapes == [(1, 1, *seen)]
    assert Colorizer(tiny).render_size == 64


@pytest.fixture(scope="module")
def square(tiny, tmp_path_factory):
    """A model that is bound to squares of 16 pixels, and subtracts 40 from L: a = 33 x + 11, b = -22 x + 5.5."""
    proto = onnx.load(tiny)
    for attribute in proto.graph.node[0].attribute:
        attribute.ints[:] = [1, 1]
    for value in (proto.graph.input[0], proto.graph.output[0]):
        for dimension in value.type.tensor_type.shape.dim[2:]:
            dimension.dim_value = 16
    card = ModelCard("square", size=16, render_size=16, multiple=1, stride=1, l_center=40.0)
    onnx.helper.set_model_props(proto, {KEY: card.to_json()})
    path = tmp_path_factory.mktemp("square") / "square.onnx"
    path.write_bytes(seal(proto.SerializeToString()))
    return path


class TestFixedSize:
    @pytest.mark.parametrize("shape", [(16, 16), (30, 90), (90, 30), (5, 7), (1, 40)])
    def test_the_whole_picture_is_pressed_into_the_square(self, square, monkeypatch, shape):
        session, seen = Colorizer(square, threads=1), []
        run = session.network.backend.run
        monkeypatch.setattr(session.network.backend, "run", lambda x, *more: seen.append(x) or run(x, *more))
        light = np.linspace(10, 90, shape[0] * shape[1], dtype=np.float32).reshape(shape)
        session.ab(light)
        expected = np.asarray(Image.fromarray(light).resize((16, 16), Image.Resampling.BILINEAR))
        np.testing.assert_allclose(seen[0][0, 0], (expected - 40) / 50, atol=1e-5)

    @pytest.mark.parametrize("value", [90, 150])
    @pytest.mark.parametrize("shape", [(30, 90), (1, 40), (200, 20)])
    def test_its_answer_arrives(self, square, value, shape):
        x = (lightness(np.uint8([[value]]))[0, 0] - 40) / 50
        expected = np.broadcast_to([33 * x + 11, -22 * x + 5.5], (*shape, 2))
        rgb = Colorizer(square, threads=1).colorize(np.full(shape, value, np.uint8))
        np.testing.assert_allclose(ab_of(rgb), expected, atol=1)

    def test_left_stays_left_and_top_stays_top(self, square):
        light = np.full((40, 80), 30.0, np.float32)
        light[:20, 60:] = 80.0
        ab = Colorizer(square, threads=1).ab(light)
        for rows, columns, value in ((slice(0, 16), slice(64, 80), 80), (slice(24, 40), slice(0, 80), 30)):
            np.testing.assert_allclose(ab[rows, columns, 0], 33 * (value - 40) / 50 + 11, atol=1.5)

    def test_it_takes_no_render_size(self, square):
        assert Colorizer(square).render_size == 16
        with pytest.raises(BadSetting, match="the model 'square' needs squares of 16 pixels; omit --render-size"):
            Colorizer(square, render_size=64)

    def test_memory_that_runs_out_is_not_the_render_sizes_fault(self, square, monkeypatch):
        session = Colorizer(square, threads=1)
        monkeypatch.setattr(session.network.backend, "_answer", broken(RuntimeError("std::bad_alloc")))
        with pytest.raises(OutOfMemory, match="ran out of memory at 16 x 16; close other programs"):
            session.ab(np.full((4, 4), 50, np.float32))


@pytest.mark.parametrize("decoder", ["annealed_mean", "mean", "argmax", "sample", "tilted"])
def test_decoders(astronaut, decoder):
    session = Colorizer(threads=1, decoder=decoder, temperature=0.5)
    assert (session.decoding.decoder, session.decoding.temperature) == (decoder, 0.5)
    assert_keeps_lightness(astronaut[::8, ::8], session.colorize(astronaut[::8, ::8]))


@pytest.mark.parametrize(
    "settings",
    [
        {"vividness": -0.1},
        {"vividness": 1.01},
        {"vividness": float("nan")},
        {"vividness": "much"},
        {"saturation": -1},
        {"saturation": 5},
        {"temperature": 0},
        {"render_size": 31},
        {"render_size": 4096},
        {"render_size": 64.5},
        {"threads": 0},
        {"threads": -1},
        {"max_pixels": 0},
        {"max_pixels": "many"},
        {"device": "tpu"},
        {"model": 7},
    ],
    ids=str,
)
def test_settings_out_of_range(settings):
    with pytest.raises(BadSetting) as caught:
        Colorizer(**settings)
    assert str(next(iter(settings.values()))) in str(caught.value) or "int" in str(caught.value)


def test_unknown_names():
    with pytest.raises(UnknownName, match="did you mean 'annealed_mean'"):
        Colorizer(decoder="anealed_mean")
    with pytest.raises(UnknownName, match=r"no model is called 'best'.*there are: default"):
        Colorizer("best")


def test_cuda_is_honoured_or_an_error(tiny):
    import onnxruntime

    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("this machine has CUDA")
    with pytest.raises(DeviceUnavailable):
        Colorizer(tiny, device="cuda")
    assert Colorizer(tiny, device="auto").colorize(noise((4, 4))).shape == (4, 4, 3)


# ---- what goes wrong


@pytest.mark.parametrize("bad", [None, 3, [1, 2], object(), {"a": 1}, io.BytesIO(b"x")])
def test_what_is_no_picture_at_all(session, bad):
    with pytest.raises(BadSetting, match="can be coloured, not"):
        session.colorize(bad)


@pytest.mark.parametrize(
    "bad",
    [
        np.zeros((0, 4), np.uint8),
        np.zeros((4, 4, 2), np.uint8),
        np.zeros(4, np.uint8),
        np.zeros((4, 4), np.int64),
        np.zeros((4, 4), complex),
        np.full((4, 4), 2.0),
        np.full((4, 4), np.nan),
        np.array([["a"]]),
    ],
    ids=lambda a: f"{a.dtype}{a.shape}",
)
def test_bad_arrays(session, bad):
    with pytest.raises(BadSetting):
        session.colorize(bad)


def test_an_output_for_what_is_no_path(session, tmp_path):
    with pytest.raises(BadSetting, match="an output needs a path"):
        session.colorize(noise((4, 4)), tmp_path / "x.png")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("path", ["", ".", "..", "/", "gone.png", "gone", "a\0b.png", "x" * 300 + ".png", "x" * 300])
def test_paths_to_no_file(session, path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises((UnreadableImage, WriteFailed)):
        session.colorize(path)
    assert not list(tmp_path.iterdir())


def test_bad_files(session, tmp_path, png):
    for name, data in (("empty.png", b""), ("half.png", png(1)[:45]), ("text.jpg", b"hello"), ("notes.txt", b"hello")):
        path = tmp_path / name
        path.write_bytes(data)
        with pytest.raises(UnreadableImage, match=name):
            session.colorize(path)
    with pytest.raises(UnsupportedFormat, match=r"no picture format has the ending '\.xyz'"):
        session.colorize(tmp_path / "half.png", tmp_path / "out.xyz")
    assert len(list(tmp_path.iterdir())) == 4


@given(data=st.binary(max_size=300) | st.binary(max_size=60).map(lambda tail: b"\x89PNG\r\n\x1a\n" + tail))
def test_nothing_else_escapes_for_random_bytes(tiny, data):
    with pytest.raises(PhotochromError) as caught:
        SESSIONS.setdefault("bytes", Colorizer(tiny, threads=1)).colorize(data)
    assert "\n" not in str(caught.value)


def test_max_pixels(tiny, png):
    session = Colorizer(tiny, max_pixels=40 * 48 - 1)
    with pytest.raises(ImageTooLarge, match="48 x 40"):
        session.colorize(png(0))
    assert isinstance(Colorizer(tiny, max_pixels=40 * 48).colorize(png(0)), bytes)
    assert isinstance(Colorizer(tiny, max_pixels=None).colorize(png(0)), bytes)


@pytest.mark.parametrize(
    "place", ["photochrom.color.lab_to_rgb_gently", "photochrom.imaging.io.encode", "photochrom.colorizer.resize"]
)
def test_memory_that_runs_out(tiny, monkeypatch, tmp_path, png, place):
    session = Colorizer(tiny, threads=1)
    source = tmp_path / "a.png"
    source.write_bytes(png(0))

    def fail(*_, **__):
        raise MemoryError

    monkeypatch.setattr(place, fail)
    with pytest.raises(OutOfMemory, match=r"a\.png: memory ran out"):
        session.colorize(source)
    with pytest.raises(OutOfMemory, match="memory ran out"):
        session.colorize(png(0))
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def broken(answer):
    """What stands for the call of onnxruntime: it gives this, or raises it."""

    def run(inputs):
        if isinstance(answer, Exception):
            raise answer
        return answer

    return run


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (RuntimeError("Failed to allocate memory for requested buffer"), OutOfMemory, "lower --render-size"),
        (np.full((1, 2, 16, 16), np.nan, np.float32), BadCheckpoint, "not numbers"),
        (np.zeros((1, 3, 16, 16), np.float32), BadCheckpoint, "does not match its card"),
        (np.zeros((1, 2, 4, 4), np.float32), BadCheckpoint, "does not match its card"),
    ],
)
def test_a_network_that_fails_gives_no_gray_picture(tiny, monkeypatch, tmp_path, answer, kind, words):
    session = Colorizer(tiny, threads=1)
    monkeypatch.setattr(session.network.backend, "_answer", broken(answer))
    Image.fromarray(noise((50, 50))).save(tmp_path / "a.png")
    with pytest.raises(kind, match=words) as caught:
        session.colorize(tmp_path / "a.png")
    assert "a.png: " in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


# ---- names


@pytest.mark.parametrize(
    ("name", "kind", "expected"),
    [
        ("portrait.jpg", "JPEG", "portrait.color.jpg"),
        ("PORTRAIT.JPEG", "JPEG", "PORTRAIT.color.JPEG"),
        ("a.b.tif", "TIFF", "a.b.color.tif"),
        ("scan", "JPEG", "scan.color.jpg"),
        ("Mr. Smith", "PNG", "Mr. Smith.color.png"),
        ("old.bak", "WEBP", "old.bak.color.webp"),
        (".png", "PNG", ".png.color.png"),
    ],
)
def test_where_the_result_goes(session, tmp_path, name, kind, expected):
    (tmp_path / name).write_bytes(encoded(Image.fromarray(noise((9, 9))), kind))
    assert beside(tmp_path / name) == tmp_path / expected
    assert session.colorize(tmp_path / name) == tmp_path / expected
    assert opened(tmp_path / expected).format == kind


# ---- what is done besides


@pytest.fixture
def finished(tiny):
    return lambda **settings: Colorizer(tiny, threads=1, **settings)


def sepia(light):
    """(H, W) L in 0..100 to sRGB bytes of a sepia print."""
    tint = np.stack([light, light * (100 - light) / 250, light * (100 - light) / 100], -1)
    return np.rint(color.lab_to_rgb_gently(tint) * 255).astype("uint8")


def test_colour_is_kept_where_asked(finished, tmp_path, astronaut):
    session = finished(keep_color=True)
    np.testing.assert_array_equal(session.colorize(astronaut), astronaut)
    Image.fromarray(astronaut).save(tmp_path / "a.jpg")
    data = (tmp_path / "a.jpg").read_bytes()
    assert session.colorize(data) == data
    report = session.colorize_file(tmp_path / "a.jpg", tmp_path / "b.jpg")
    assert (report.kept, report.toning) == (True, ("color",))
    assert (tmp_path / "b.jpg").read_bytes() == (tmp_path / "a.jpg").read_bytes()
    session.colorize_file(tmp_path / "a.jpg", tmp_path / "b.png")
    np.testing.assert_array_equal(pio.read(tmp_path / "b.png").pixels, pio.read(tmp_path / "a.jpg").pixels)
    assert pio.read(tmp_path / "b.png").xmp is None


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"palette": 5}, "a palette is colours such as '#7a1f10,navy' or a file, not int"),
        ({"palette": [(1, 2, 3)]}, r"'\(1, 2, 3\)' is not a colour; use #rrggbb or a CSS name such as navy"),
        ({"references": 5}, "references is a list of pictures, not int"),
        ({"references": None}, "references is a list of pictures, not NoneType"),
        ({"like": 5}, "like is a folder of pictures, not int"),
    ],
)
def test_guidance_of_another_type(finished, settings, told):
    with pytest.raises(BadSetting, match=told):
        finished(**settings)


@pytest.mark.parametrize("output", [5, b"out.png"])
def test_an_output_is_a_path(session, png, tmp_path, output):
    (tmp_path / "a.png").write_bytes(png(7))
    with pytest.raises(BadSetting, match=f"an output is a path, not {type(output).__name__}"):
        session.colorize(tmp_path / "a.png", output)


def test_palettes_and_references_are_lists(finished, astronaut, tmp_path):
    listed, read = (finished(palette=colors).colorize(astronaut) for colors in (["#7a1f10", "navy"], "#7a1f10,navy"))
    np.testing.assert_array_equal(listed, read)
    with pytest.raises(BadSetting, match=r"references is a list of pictures; write \[\.\.\.\] around a single one"):
        finished(references=str(tmp_path / "a.jpg"))
    with pytest.raises(BadSetting, match="a hint cannot be at 1; each point is a pair of x and y"):
        Stroke((1, 2), "red")
    with pytest.raises(BadSetting, match="some floating samples are NaN"):
        finished().colorize(np.full((4, 4), np.nan))


def test_gray_and_sepia_are_coloured_even_then(finished, astronaut):
    session, plain = finished(keep_color=True), finished()
    for photograph in (astronaut[..., 1], sepia(lightness(astronaut).astype("float32"))):
        np.testing.assert_array_equal(session.colorize(photograph), plain.colorize(photograph))
    assert (plain.colorize(astronaut) != astronaut).any()


def test_a_faded_print_is_restored_where_asked(finished, astronaut):
    faded = sepia((lightness(astronaut) * 0.4 + 40).astype("float32"))
    plain, restored = (finished(restore_tone=on).colorize(faded) for on in (False, True))
    assert_keeps_lightness(faded, plain)
    inner = lightness(restored)[30:-30, 30:-30]
    assert np.percentile(inner, 1) < 5
    assert np.percentile(inner, 99) > 93
    np.testing.assert_allclose(finished(restore_tone=True).colorize(faded), restored)


def test_the_mark_is_there_where_asked(finished):
    gray = np.full((200, 300), 128, "uint8")
    plain, marked = (finished(mark=on).colorize(gray) for on in (False, True))
    rows, columns = np.nonzero((plain != marked).any(-1))
    assert rows.min() > 180
    assert columns.min() > 280


def test_settings_make_another_session_of_the_kind(finished):
    first = finished(mark=True, saturation=0.5)
    again = Colorizer(**first.settings)
    assert again.settings == first.settings
    assert again.decoding == first.decoding


def test_warmth_and_tint_move_the_colours_and_hints_stay(tiny, session):
    gray = noise((60, 80), seed=3) // 2 + 60
    plain = session.colorize(gray)
    assert np.array_equal(Colorizer(tiny, threads=1, warmth=0.0, tint=0.0).colorize(gray), plain)

    def moved(**look):
        new = Colorizer(tiny, threads=1, **look).colorize(gray)
        lab, before = (color.rgb_to_lab(each / 255) for each in (new, plain))
        assert np.abs(lab[..., 0] - before[..., 0]).max() < 1
        return (lab - before).mean((0, 1))[1:]

    (a, b), (cold_a, cold_b), (tint_a, tint_b) = moved(warmth=0.5), moved(warmth=-0.5), moved(tint=0.5)
    assert b > max(6, 3 * abs(a))
    assert cold_b < min(-6, -3 * abs(cold_a))
    assert tint_a > max(5, 3 * abs(tint_b))
    hint = [Hint(40, 30, "#7a4f10", 2)]
    warm = Colorizer(tiny, threads=1, warmth=1.0).colorize(gray, hints=hint)
    at = np.abs(warm[30, 40].astype(int) - session.colorize(gray, hints=hint)[30, 40])
    assert at.max() <= 4  # the colour that was picked is the colour that is seen
    with pytest.raises(BadSetting, match=r"the warmth is 1\.5"):
        Colorizer(tiny, warmth=1.5)
