"""Files of hints: JSON there and back, layers that were painted, and what is no file of hints."""

import json
import tracemalloc

import numpy as np
import pytest
from PIL import Image

import photochrom
from photochrom.errors import AlreadyThere, BadSetting
from photochrom.painting.hint_files import (
    MOST_PIXELS,
    areas_of,
    hints_from_json,
    hints_to_json,
    read_hints,
    write_hints,
)
from photochrom.painting.hints import Area, Hint, Stroke

RED, BLUE = (200, 30, 20, 255), (20, 30, 200, 255)


def layer(size=(80, 60)):
    """Two strokes on a transparent layer (H, W, 4), the upper one with a soft rim."""
    rgba = np.zeros((size[1], size[0], 4), np.uint8)
    rgba[10:14, 5:40] = RED
    rgba[9, 5:40] = (200, 30, 20, 90)
    rgba[30:50, 50:52] = BLUE
    return rgba


class TestShapes:
    def test_a_stroke_covers_its_line_and_its_ends(self):
        wide = Stroke(((20, 20), (60, 20)), "navy", width=10).covers((80, 40), (80, 40))
        mask = np.zeros((40, 80), bool)
        mask[tuple(wide.T)] = True
        assert mask[16:24, 25:56].all()
        assert mask[20, 16:64].all()
        assert not mask[:13].any()
        assert not mask[:, :13].any()

    def test_a_dot_is_a_stroke_of_one_point(self):
        places = Stroke(((30, 10),), "navy", width=4).covers((60, 20), (60, 20))
        assert np.abs(places - (10, 30)).max() == 2

    @pytest.mark.parametrize("hint", [Hint(20, 10, "red"), Stroke(((20, 10), (40, 10)), "red", 4)])
    def test_what_was_drawn_on_a_copy_is_scaled(self, hint):
        drawn = hints_from_json(hints_to_json([hint], (80, 60)))[0]
        large = drawn.on((800, 600))
        assert large.places[0] == (200, 100)
        assert large.covers((800, 600), (80, 60)).tolist() == hint.covers((80, 60), (80, 60)).tolist()
        with pytest.raises(BadSetting, match="were drawn on 80 x 60 pixels, and the photograph has 600 x 800"):
            drawn.on((600, 800))

    def test_a_dot_thinner_than_a_pixel_of_the_copy_is_not_lost(self):
        assert Stroke(((300, 100),), "navy", width=1).covers((600, 200), (60, 20)).tolist() == [[10, 30]]

    @pytest.mark.parametrize("size", [(60, 20), (17, 90)])
    def test_a_brush_of_any_width_covers_all_at_once(self, size):
        def covered(width):
            return Stroke(((0, 0), (5, 5)), "navy", width=width).covers(size, size).tolist()

        diagonal, whole = float(np.hypot(*size)), np.argwhere(np.ones(size[::-1])).tolist()
        assert all(covered(width) == whole for width in (1.99 * diagonal, 2.01 * diagonal, 1e8))
        assert len(covered(diagonal)) < len(whole)

    def test_an_area_is_scaled_without_a_mask_of_that_size(self):
        area = Area(np.eye(20, 30) > 0, "red")
        large = area.on((3000, 2000)).scaled(0.5, 0.5)
        assert (large.mask is area.mask, large.drawn_on, large.whole_mask.shape) == (True, (1500, 1000), (1000, 1500))
        assert large.covers((1500, 1000), (30, 20)).tolist() == area.covers((30, 20), (30, 20)).tolist()
        (back,) = hints_from_json(hints_to_json([area], (60, 40)))
        assert (back.mask == np.kron(area.mask, np.ones((2, 2), bool))).all()

    def test_a_thin_line_of_a_large_layer_is_not_lost(self):
        mask = np.zeros((600, 800), bool)
        mask[300, 100:700] = True
        places = Area(mask, "red").covers((800, 600), (40, 30))
        assert set(places[:, 0]) == {15}
        assert sorted(places[:, 1]) == list(range(5, 35))

    @pytest.mark.parametrize(
        ("stroke", "message"),
        [
            ({"points": ()}, "a stroke has 0 points; it must have between 1 and 10000"),
            ({"points": ((0, "x"),)}, "a hint cannot be at 0, 'x'"),
            ({"points": ((0, 0),), "width": 0}, "the width of a stroke is 0; it must be above 0"),
            ({"points": ((0, 0),), "reach": 0}, "the reach of a hint is 0; it must be between 0.01 and 100"),
            ({"points": ((0, 0),), "color": "reddish"}, "'reddish' is not a colour"),
        ],
    )
    def test_what_is_wrong_is_named(self, stroke, message):
        with pytest.raises(BadSetting, match=message):
            Stroke(**{"color": "red"} | stroke)


@pytest.mark.parametrize(
    "hint", [Hint(3, 4, "keep"), Stroke(((3, 4), (5, 6)), "keep", 2.0, 0.5), Area(np.eye(8, 10) > 0, "keep")]
)
def test_what_is_to_be_kept_goes_there_and_back(hint):
    written = hints_to_json([hint], (10, 8))
    assert '"color": "keep"' in written
    (read,) = hints_from_json(written)
    assert (type(read), read.color, read.reach) == (type(hint), "keep", hint.reach)
    assert read.covers((10, 8), (10, 8)).tolist() == hint.covers((10, 8), (10, 8)).tolist()


class TestLayers:
    def test_each_color_is_an_area(self):
        areas = areas_of(layer())
        assert [area.color for area in areas] == ["#c81e14", "#141ec8"]
        assert [int(area.mask.sum()) for area in areas] == [140, 40]
        assert areas[0].drawn_on == (80, 60)

    def test_the_shades_of_a_brush_are_one_color(self):
        rgba = layer()
        rgba[10:14, 5:40, 1] += np.random.default_rng(0).integers(0, 9, (4, 35)).astype(np.uint8)
        assert len(areas_of(rgba)) == 2

    @pytest.mark.parametrize("name", ["layer.png", "layer.webp", "layer.tif"])
    def test_from_a_file(self, tmp_path, name):
        Image.fromarray(layer()).save(tmp_path / name, **({"lossless": True} if name.endswith("webp") else {}))
        assert [area.color for area in read_hints(tmp_path / name)] == ["#c81e14", "#141ec8"]

    def test_many_colors_are_refused(self):
        rgba = np.full((64, 64, 4), 255, np.uint8)
        rgba[..., :2] = np.stack(np.meshgrid(np.arange(0, 256, 4), np.arange(0, 256, 4)), -1)
        rgba[..., 2] = np.random.default_rng(0).integers(0, 256, (64, 64))
        assert len(areas_of(rgba)) <= 256


class TestJson:
    def test_there_and_back(self):
        hints = [Hint(3, 4, "navy"), Stroke(((1, 2), (30.5, 20)), "#ff0000", 5, 0.5), *areas_of(layer())]
        back = hints_from_json(hints_to_json(hints, (80, 60)))
        assert (back[0].x, back[0].y, back[0].color) == (3, 4, "#000080")
        assert (back[1].points, back[1].width, back[1].reach) == (((1, 2), (30.5, 20)), 5, 0.5)
        for ours, theirs in zip(back[2:], hints[2:], strict=True):
            assert (ours.mask == theirs.mask).all()
            assert ours.color == theirs.color

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("{", "these hints are not JSON"),
            ("{}", "no hints are in it; write"),
            ('{"hints": [], "size": [0, 3]}', r'"size" is \[0, 3\]; it must be \[WIDTH, HEIGHT\]'),
            ('[{"x": 1}]', r'hint 1 is {"x": 1}; it must have "color", "x", "y"'),
            ('[{"x": 1, "y": 2, "color": "red", "z": 3}]', "hint 1 is"),
            ('[{"x": 1, "y": 2, "color": "red"}, 7]', "hint 2 is 7; it must have"),
            ('[{"x": "a", "y": 2, "color": "red"}]', "hint 1: a hint cannot be at 'a', 2"),
            ('[{"x": 1, "y": 2, "color": "reddish"}]', "hint 1: 'reddish' is not a colour"),
            ('[{"points": [[1]], "color": "red"}]', r"hint 1: places are numbers of pixels, in points as \[\[X, Y\]"),
            ('[{"runs": [[0, 0, 1]], "color": "red"}]', 'hint 1: with runs, the file must have the "size"'),
            ('{"size": [4, 4], "hints": [{"runs": [[0, 2, 9]], "color": "red"}]}', "lies outside 4 x 4 pixels"),
            ('{"size": [4, 4], "hints": [{"runs": [], "color": "red"}]}', "hint 1: it has no runs"),
            (
                '{"size": [4, 4], "hints": [{"runs": [[0.5, 0, 1]], "color": "red"}]}',
                r"hint 1: a run is \[0\.5, 0, 1\]; it must be \[ROW, FIRST, LAST\], each a whole number of pixels",
            ),
            ('{"size": [4, 4], "hints": [{"runs": [[true, 0, 1]], "color": "red"}]}', r"a run is \[true, 0, 1\]"),
            ('{"size": [4, 4], "hints": [{"runs": [[0, 1]], "color": "red"}]}', r"a run is \[0, 1\]"),
            ('{"size": [4, 4], "hints": [{"runs": "abc", "color": "red"}]}', 'a run is "a"'),
            ('{"size": [4, 4], "hints": [{"runs": 7, "color": "red"}]}', "hint 1: places are numbers of pixels"),
            ('{"hints": [], "size": [true, true]}', r'"size" is \[true, true\]; it must be \[WIDTH, HEIGHT\]'),
            ('{"hints": [], "size": [4.0, 4]}', r'"size" is \[4\.0, 4\]; it must be'),
            ('{"hints": [], "size": [4, 1000000000]}', r'"size" is \[4, 1000000000\]; it must be'),
            (f'{{"hints": [], "size": [{"9" * 400}, {"9" * 400}]}}', r'"size" is \[9{199}\.\.\.; it must be'),
            ("[" * 20_000, r"these hints are not JSON \(it is nested too deeply\)"),
            ('{"hints":' * 20_000, "nested too deeply"),
        ],
    )
    def test_what_is_wrong_is_named(self, tmp_path, text, message):
        (tmp_path / "h.json").write_text(text)
        with pytest.raises(BadSetting, match=message) as error:
            read_hints(tmp_path / "h.json")
        assert str(error.value).startswith(str(tmp_path / "h.json"))

    @pytest.mark.parametrize(
        ("before", "after"),
        [
            ('{"hints": [', "]}"),
            ('{"hints": [], "size": ', "}"),
            ('[{"x": 0, "y": 0, "color": "red", "reach": ', "}]"),
        ],
    )
    def test_any_depth_is_one_line(self, before, after):
        for depth in range(800, 1000):  # there is one at which it can be read, but not told
            with pytest.raises(BadSetting) as error:
                hints_from_json(before + "[" * depth + "]" * depth + after)
            assert "\n" not in str(error.value)

    def test_a_large_size_takes_no_more_memory_than_its_runs_need(self):
        side, most = 60_000, 3 * 2**24
        runs = [[row, 1000, 1999] for row in range(30_000, 30_600)]
        entries = ", ".join(json.dumps({"runs": runs, "color": "red"}) for _ in range(3))
        tracemalloc.start()
        areas = hints_from_json(f'{{"size": [{side}, {side}], "hints": [{entries}]}}')
        places = [area.on((1600, 1600)).covers((1600, 1600), (192, 192)) for area in areas]
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 2 * most
        assert sum(area.mask.size for area in areas) <= MOST_PIXELS
        assert {area.drawn_on for area in areas} == {(side, side)}
        for found in places:
            assert found.min(0).tolist() == [96, 3]
            assert found.max(0).tolist() in ([97, 6], [98, 6])

    @pytest.mark.parametrize("size", [(999_999_999, 1), (1, 999_999_999), (999_999_999, 999_999_999)])
    def test_no_shape_takes_more(self, size):
        (area,) = hints_from_json(f'{{"size": {list(size)}, "hints": [{{"runs": [[0, 0, 0]], "color": "red"}}]}}')
        assert (area.mask.size <= MOST_PIXELS, int(area.mask.sum()), bool(area.mask[0, 0])) == (True, 1, True)

    def test_what_is_wrong_is_not_told_at_length(self):
        with pytest.raises(BadSetting) as error:
            hints_from_json(json.dumps([{"points": [[1, 2]] * 10_000, "colour": "red"}]))
        assert len(str(error.value)) < 400

    def test_files_that_are_no_hints(self, tmp_path):
        Image.new("RGB", (4, 4)).save(tmp_path / "opaque.png")
        Image.new("RGBA", (4, 4)).save(tmp_path / "empty.png")
        (tmp_path / "text").write_text("hello")
        for name, message in (
            ("opaque.png", "has no transparency"),
            ("empty.png", "nothing is painted on this layer"),
            ("text", "it is neither JSON nor a picture"),
            ("none.json", "cannot be read .No such file"),
        ):
            with pytest.raises(BadSetting, match=message):
                read_hints(tmp_path / name)
        Image.fromarray(layer()).save(tmp_path / "large.png")
        with pytest.raises(BadSetting, match=r"large\.png has 80 x 60 pixels"):
            read_hints(tmp_path / "large.png", 100)
        (tmp_path / "broken.png").write_bytes((tmp_path / "large.png").read_bytes()[:90])
        with pytest.raises(BadSetting, match=r"broken\.png is damaged or incomplete"):
            read_hints(tmp_path / "broken.png")

    def test_a_time_is_for_films_and_is_kept(self, tmp_path):
        hints = [Hint(3, 4, "navy", time=12.5), Stroke(((1, 2), (30, 20)), "#ff0000", 5, time=0.25)]
        write_hints(tmp_path / "h.json", hints, (80, 60))
        back = read_hints(tmp_path / "h.json")
        assert [hint.time for hint in back] == [12.5, 0.25]
        with pytest.raises(BadSetting, match=r"a photograph has no frame at 12\.5 s; omit the time of the hint"):
            photochrom.colorize(np.zeros((60, 80), np.uint8), hints=back)

    def test_a_gray_layer(self, tmp_path):
        gray = np.zeros((20, 30, 2), np.uint8)
        gray[4:8, 4:20] = (90, 255)
        Image.fromarray(gray).save(tmp_path / "gray.png")
        (area,) = read_hints(tmp_path / "gray.png")
        assert (area.color, area.mask.sum()) == ("#5a5a5a", 64)

    def test_an_older_file_is_kept(self, tmp_path):
        write_hints(tmp_path / "h.json", [Hint(1, 1, "red")], (4, 4))
        with pytest.raises(AlreadyThere):
            write_hints(tmp_path / "h.json", [Hint(2, 2, "red")], (4, 4))
        write_hints(tmp_path / "h.json", [Hint(2, 2, "red")], (4, 4), overwrite=True)
        assert json.loads((tmp_path / "h.json").read_text())["hints"] == [{"x": 2, "y": 2, "color": "#ff0000"}]


def test_a_layer_colors_as_a_stroke_of_the_same_place_does(drawn):
    gray = np.asarray(drawn(4, 80, 60).convert("L"))
    mask = np.zeros((60, 80, 4), np.uint8)
    mask[28:33, 10:70] = RED
    stroke = Stroke(((10, 30), (69, 30)), "#c81e14", width=5)
    by_layer, by_stroke, plain = (photochrom.colorize(gray, hints=h) for h in (areas_of(mask), [stroke], ()))
    assert np.abs(by_layer.astype(int) - by_stroke).mean() < 3
    assert np.abs(by_layer.astype(int) - plain).mean() > 3
