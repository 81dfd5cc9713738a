"""Palettes: what is read as one, and how colours are drawn towards it."""

import struct

import numpy as np
import pytest
from PIL import Image

import photochrom
from photochrom import color
from photochrom.errors import BadSetting
from photochrom.painting.palette import Palette, transport


def hue(ab):
    return np.degrees(np.arctan2(ab[..., 1], ab[..., 0]))


def swatch(space, *numbers):
    body = struct.pack(">H", 2) + "a\0".encode("utf-16-be") + space + struct.pack(f">{len(numbers)}f", *numbers)
    return struct.pack(">HI", 1, len(body) + 2) + body + b"\0\0"


class TestRead:
    @pytest.mark.parametrize("text", ["#7a1f10,navy", " #7a1f10 , #000080"])
    def test_colors(self, text):
        palette = Palette.read(text)
        assert str(palette) == "#7a1f10,#000080"
        assert palette.shares.tolist() == [0.5, 0.5]

    def test_one_color_by_name(self):
        assert str(Palette.read("navy")) == "#000080"

    def test_a_gimp_palette(self, tmp_path):
        path = tmp_path / "old.gpl"
        path.write_text("GIMP Palette\nName: Old\nColumns: 2\n# comment\n122  31  16\tBrick\n  0   0 128\n")
        assert str(Palette.read(path)) == "#7a1f10,#000080"

    def test_a_swatch_file(self, tmp_path):
        swatches = [
            swatch(b"RGB ", 1, 0, 0),
            swatch(b"CMYK", 1, 1, 0, 0.5),
            swatch(b"LAB ", 0.5, 0, 0),
            swatch(b"Gray", 0.2),
        ]
        group = struct.pack(">HI", 0xC001, 4) + b"\0\1\0\0"
        data = b"ASEF" + struct.pack(">HHI", 1, 0, 5) + group + b"".join(swatches)
        (tmp_path / "a.ase").write_bytes(data)
        assert str(Palette.read(tmp_path / "a.ase")) == "#ff0000,#000080,#777777,#333333"

    def test_a_picture_gives_its_main_colors_and_their_shares(self, tmp_path):
        pixels = np.full((40, 40, 3), (128, 128, 128), np.uint8)
        pixels[:10], pixels[10:15] = (180, 40, 30), (20, 60, 160)
        Image.fromarray(pixels).save(tmp_path / "a.png")
        palette = Palette.read(tmp_path / "a.png")
        red = hue(palette.colors[:, 1:]) > -20
        assert palette.shares[red].sum() == pytest.approx(2 / 3, abs=0.03)
        expected = color.rgb_to_lab(np.array([180, 40, 30]) / 255)
        assert np.abs(palette.colors[red][0] - expected).max() < 3

    @pytest.mark.parametrize(
        ("name", "content", "message"),
        [
            ("none.gpl", None, "is neither a file nor a colour"),
            ("a.gpl", b"GIMP Palette\n", "the GIMP palette holds no colours"),
            ("a.ase", b"ASEF\0\1\0\0\0\0\0\1\0", "the swatch file holds no colours"),
            ("a.txt", b"hello", "the palette is not a picture, a GIMP palette or a swatch file"),
        ],
    )
    def test_files_that_are_none(self, tmp_path, name, content, message):
        if content is not None:
            (tmp_path / name).write_bytes(content)
        with pytest.raises(BadSetting, match=message) as error:
            Palette.read(tmp_path / name)
        assert str(tmp_path / name) in str(error.value)

    def test_a_damaged_picture_is_named_as_elsewhere(self, tmp_path):
        Image.effect_noise((60, 60), 90).convert("RGB").save(tmp_path / "a.png")
        (tmp_path / "b.png").write_bytes((tmp_path / "a.png").read_bytes()[:900])
        with pytest.raises(BadSetting, match=r"b\.png is damaged or incomplete"):
            Palette.read(tmp_path / "b.png")

    def test_a_gray_picture_has_no_colors(self, tmp_path):
        Image.new("RGB", (9, 9), (90, 91, 90)).save(tmp_path / "gray.png")
        with pytest.raises(BadSetting, match="the picture is gray; take colours from one that has some"):
            Palette.read(tmp_path / "gray.png")

    @pytest.mark.parametrize(("text", "message"), [("#7a1f10,blau", "'blau' is not a colour"), ("#12", "'#12' is not")])
    def test_colors_that_are_none(self, text, message):
        with pytest.raises(BadSetting, match=message):
            Palette.read(text)

    def test_too_many(self):
        with pytest.raises(BadSetting, match="the palette has 65 colours; it must have between 1 and 64"):
            Palette.of(["red"] * 65)


class TestTransport:
    def test_a_row_adds_up_to_one(self):
        plan = transport(np.random.default_rng(0).random((50, 4)) * 5, np.full(4, 0.25))
        np.testing.assert_allclose(plan.sum(1), 1, atol=1e-6)

    def test_of_equal_costs_each_color_gets_its_share(self):
        plan = transport(np.zeros((60, 3)), np.array([0.5, 0.3, 0.2]))
        np.testing.assert_allclose(plan.mean(0), [0.5, 0.3, 0.2], atol=0.07)

    def test_shares_yield_to_what_is_clear(self):
        cost = np.array([[0.0, 8.0]] * 90 + [[8.0, 0.0]] * 10)
        plan = transport(cost, np.array([0.5, 0.5]))
        np.testing.assert_allclose(plan[:, 0], [1] * 90 + [0] * 10, atol=0.02)


class TestDrawn:
    def test_hues_are_the_palettes_and_pale_stays_pale(self):
        ab = np.zeros((10, 10, 2), np.float32)
        ab[:5], ab[5:8], ab[8:] = (5, -40), (30, 30), (0.5, 0.5)
        light = np.full((10, 10), 60.0)
        palette = Palette.of(["#1f618d", "#c0392b"])
        drawn = palette.drawn(ab, light, None, None)
        blue, red = palette.colors[:, 1:]
        assert np.abs(hue(drawn[:5]) - hue(blue)).max() < 5
        assert np.abs(hue(drawn[5:8]) - hue(red)).max() < 5
        assert np.hypot(*np.moveaxis(drawn[8:], -1, 0)).max() < 2
        assert np.hypot(*drawn[0, 0]) == pytest.approx(np.hypot(*blue), rel=0.1)

    def test_there_is_less_of_a_color_in_shadow(self):
        ab, palette = np.full((2, 2, 2), 20, np.float32), Palette.of(["#c0392b"])
        light = np.array([[palette.colors[0, 0], palette.colors[0, 0] / 2]] * 2)
        drawn = palette.drawn(ab, light, None, None)
        np.testing.assert_allclose(drawn[:, 1], drawn[:, 0] / 2, rtol=1e-5)

    def test_a_photograph_keeps_its_lightness(self, drawn):
        gray = np.asarray(drawn(4, 64, 48).convert("L"))
        out = photochrom.colorize(gray, palette="#1f618d")
        lab, before = color.rgb_to_lab(out / 255), color.gray_to_lightness(gray / 255)
        assert np.abs(lab[..., 0] - before).mean() < 1
        chroma = np.hypot(lab[..., 1], lab[..., 2])
        assert chroma.max() > 5
        assert np.abs(hue(lab[chroma > 5][:, 1:]) - hue(Palette.of(["#1f618d"]).colors[0, 1:])).max() < 25
