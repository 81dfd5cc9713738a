"""A person's hints: their colour where they are, what hangs together with it, and nothing behind an edge."""

import numpy as np
import pytest
from PIL import Image

import photochrom
from photochrom import color
from photochrom.errors import BadSetting
from photochrom.imaging import io
from photochrom.inference.decode import Decoding
from photochrom.painting.hints import Hint, Stroke, distances, hint_map, hinted
from photochrom.painting.palette import Palette
from photochrom.painting.upsample import GuidedChroma

RNG = np.random.default_rng(5)


def halves(height=120, width=160):
    """L (H, W): dark on the left, light on the right, grain over both."""
    light = np.where(np.arange(width) < width // 2, 35.0, 70.0) + np.zeros((height, 1))
    return (light + np.random.default_rng(0).normal(0, 1, light.shape)).astype(np.float32)


def brown(light):
    """What a network may have found: the same ab all over."""
    ab = np.tile(np.float32([8, 12]), (30, 40, 1))
    return GuidedChroma.fit(ab, light, (40.0, 30.0))


def painted(light, *hints):
    return hinted(brown(light), light, hints).strip(light, 0, len(light))


def seen(hint, lightness):
    """ab of a hint's colour on something of this L: in shadow there is less of it."""
    return hint.lab[1:] * min(1, lightness / hint.lab[0])


class TestDistances:
    def dijkstra(self, ground, seeds, step):
        from scipy.sparse import coo_matrix
        from scipy.sparse.csgraph import dijkstra

        h, w, _ = ground.shape
        edges = []
        for i, j in np.ndindex(h, w):
            for down, right in ((0, 1), (1, 0), (1, 1), (1, -1)):
                if i + down < h and 0 <= j + right < w:
                    length = ((ground[i, j] - ground[i + down, j + right]) ** 2).sum() + step * np.hypot(down, right)
                    edges.append((i * w + j, (i + down) * w + j + right, length))
        a, b, length = zip(*edges, strict=True)
        graph = coo_matrix((length, (a, b)), (h * w, h * w))
        return dijkstra(graph, directed=False, indices=[i * w + j for i, j in seeds]).reshape(-1, h, w)

    @pytest.mark.parametrize("scale", [0.0, 0.1, 2.0])
    def test_are_the_shortest_ways(self, scale):
        ground, seeds = RNG.normal(0, scale, (13, 17, 3)), np.array([[0, 0], [6, 9], [12, 16]])
        expected = self.dijkstra(ground, seeds, 0.05)
        np.testing.assert_allclose(distances(ground, seeds[:, None], 0.05, 1e4), expected, rtol=1e-4, atol=2e-3)
        found = distances(ground, seeds[:, None], 0.05, 0.5)
        np.testing.assert_allclose(np.minimum(found, 0.5), np.minimum(expected, 0.5), atol=2e-3)

    def test_through_a_maze(self):
        walls = np.zeros((11, 11, 1))
        walls[1::4, :-1], walls[3::4, 1:] = 9, 9
        expected = self.dijkstra(walls, [[0, 0]], 0.05)
        assert 2 < expected[0, 10, 0] < 9
        np.testing.assert_allclose(distances(walls, [np.array([[0, 0]])], 0.05, 1e3), expected, rtol=1e-4, atol=2e-3)

    @pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1)])
    def test_of_a_line(self, shape):
        far = distances(np.zeros((*shape, 2)), [np.array([[0, 0]])], 0.5, 100)
        np.testing.assert_allclose(far.ravel(), np.arange(far.size) * 0.5, rtol=1e-5)


class TestHinted:
    def test_takes_its_color_up_to_the_edge_and_no_farther(self):
        light = halves()
        ab = painted(light, Hint(30, 60, "teal"))
        wanted = seen(Hint(30, 60, "teal"), 35)
        assert np.abs(ab[:, 4:74] - wanted).max() < 5
        assert np.abs(ab[:, 86:] - [8, 12]).max() < 3

    def test_each_hint_has_its_own_color_where_it_is(self):
        light = halves()
        hints = [Hint(20, 20, "teal"), Hint(60, 100, "gold"), Hint(130, 60, "#808080")]
        ab = painted(light, *hints)
        for hint in hints:
            assert np.abs(ab[int(hint.y), int(hint.x)] - seen(hint, light[int(hint.y), int(hint.x)])).max() < 3
        assert np.abs(ab[:, 90:]).max() < 3

    def test_there_is_less_of_it_in_shadow_and_no_more_in_light(self):
        light = np.linspace(10, 90, 160, dtype=np.float32) + np.zeros((120, 1), np.float32)
        hint = Hint(80, 60, "#a04030", 3)
        ab = painted(light, hint)
        for column in (20, 40, 80, 120):
            assert np.abs(ab[60, column] - seen(hint, light[60, column])).max() < 2
        assert np.abs(seen(hint, light[60, 20])).max() < 0.6 * np.abs(seen(hint, light[60, 120])).max()

    def test_order_does_not_matter(self):
        light, hints = halves(), [Hint(20, 20, "teal"), Hint(60, 100, "gold")]
        np.testing.assert_allclose(painted(light, *hints), painted(light, *hints[::-1]), atol=1e-4)

    def test_reach_is_a_factor(self):
        light = np.full((120, 160), 50, np.float32)
        reached = []
        for reach in (0.1, 0.2, 0.4):
            ab = painted(light, Hint(80, 60, "teal", reach))
            reached.append(np.sqrt((np.abs(ab - Hint(0, 0, "teal").lab[1:]).max(-1) < 10).sum()))
        assert reached[0] > 10
        assert reached[1] == pytest.approx(2 * reached[0], rel=0.1)
        assert reached[2] == pytest.approx(4 * reached[0], rel=0.1)

    @pytest.mark.parametrize("shrunk", [4, 8, 16])
    def test_hardly_depends_on_the_size_of_the_copy(self, shrunk):
        light, h, w = np.full((480, 640), 50, np.float32), 480 // shrunk, 640 // shrunk
        light[:, 320:] = 70
        large = painted(light, Hint(120, 240, "teal", 0.3)).reshape(h, shrunk, w, shrunk, 2).mean((1, 3))
        small = painted(light[::shrunk, ::shrunk], Hint(120, 240, "teal", 0.3).scaled(1 / shrunk, 1 / shrunk))
        assert np.abs(large - [8, 12]).mean() > 3
        assert np.abs(large - small).mean() < 1.5

    def test_a_long_strip_and_a_tiny_picture(self):
        for shape in ((4, 900), (1, 1), (3, 2)):
            light = np.full(shape, 50, np.float32)
            ab = painted(light, Hint(0, 0, "teal"))
            assert np.abs(ab[0, 0] - Hint(0, 0, "teal").lab[1:]).max() < 1

    @pytest.mark.parametrize(("x", "y"), [(-1, 5), (160, 5), (5, 120)])
    def test_outside_is_refused(self, x, y):
        message = f"the hint at {x},{y} lies outside the photograph, which is 160 x 120 pixels"
        with pytest.raises(BadSetting, match=message):
            painted(halves(), Hint(x, y, "teal"))

    def test_too_many_are_refused(self):
        with pytest.raises(BadSetting, match="there are 257 hints; 256 is the limit"):
            painted(halves(), *[Hint(5, 5, "teal")] * 257)


class TestHint:
    @pytest.mark.parametrize("size", [(0, 0), "x", (4,), 5, (1.5, 2)])
    def test_is_drawn_on_a_size(self, size):
        with pytest.raises(BadSetting, match="it must be a width and a height in pixels"):
            Hint(1, 2, "red", drawn_on=size)

    def test_points_of_a_stroke_may_be_an_array(self):
        drawn = Stroke(np.array([[1, 2], [5, 6]]), "red", width=3)
        assert drawn == Stroke(((1, 2), (5, 6)), "red", width=3)
        with pytest.raises(BadSetting, match="the points of a stroke are a list of pairs, not int"):
            Stroke(5, "red")

    def test_is_parsed(self):
        assert Hint.parse("120,340=navy") == Hint(120, 340, "navy")
        assert Hint.parse("12.5, 3, 0.5 = #8a2b1e") == Hint(12.5, 3, "#8a2b1e", 0.5)
        assert Hint.parse(str(Hint(1e-5, 123456.75, "navy", 2))) == Hint(0, 123456.75, "#000080", 2)

    @pytest.mark.parametrize("text", ["", "navy", "1,2", "1=navy", "1,2,3,4=navy", "a,b=navy", "=navy"])
    def test_what_is_none_is_said(self, text):
        with pytest.raises(BadSetting, match="is not X,Y=COLOR or X,Y,REACH=COLOR, such as"):
            Hint.parse(text)

    @pytest.mark.parametrize(
        ("values", "message"),
        [
            ((1, 2, "bluu"), "'bluu' is not a colour; use #rrggbb or a CSS name such as navy"),
            ((1, 2, 7), "'7' is not a colour"),
            ((1, 2, "navy", 0), r"the reach of a hint is 0; it must be between 0\.01 and 100"),
            ((1, 2, "navy", float("nan")), "the reach of a hint is nan"),
            ((float("nan"), 2, "navy"), "a hint cannot be at nan, 2; x and y are pixels"),
            (("1", 2, "navy"), "a hint cannot be at '1', 2"),
            ((10**400, 2, "navy"), "a hint cannot be at 10*, 2"),
            ((1, 2, "rgb(300,0,0)"), r"'rgb\(300,0,0\)' is not a colour"),
            ((1, float("inf"), "navy"), "a hint cannot be at 1, inf"),
        ],
    )
    def test_values_out_of_range_are_said(self, values, message):
        with pytest.raises(BadSetting, match=message):
            Hint(*values)


class TestColorizer:
    def photograph(self):
        light = halves()
        return np.clip(light * 2.4, 0, 255).astype(np.uint8)

    def test_lightness_stays_and_the_hint_is_seen(self, tiny):
        gray = self.photograph()
        session = photochrom.Colorizer(tiny, threads=1)
        plain, ours = session.colorize(gray), session.colorize(gray, hints=[Hint(30, 60, "#7a1f10")])
        lab = color.rgb_to_lab(ours / 255)
        assert np.abs(lab[..., 0] - io.from_array(gray).lightness()).max() < 1
        assert np.abs(lab[40:80, 10:60, 1:].mean((0, 1)) - Hint(0, 0, "#7a1f10").lab[1:]).max() < 3
        assert np.abs(ours[:, 100:].astype(int) - plain[:, 100:]).mean() < 2

    @pytest.mark.parametrize("ending", ["png", "tif"])
    def test_files_and_all_other_types(self, tiny, tmp_path, ending):
        source, hints = tmp_path / f"a.{ending}", [Hint(30, 60, "teal")]
        Image.fromarray(self.photograph()).save(source)
        expected = photochrom.colorize(self.photograph(), model=str(tiny), hints=hints)
        target = photochrom.colorize(source, model=str(tiny), hints=hints)
        np.testing.assert_array_equal(np.asarray(Image.open(target)), expected)
        image = photochrom.colorize(Image.open(source), model=str(tiny), hints=hints)
        np.testing.assert_array_equal(np.asarray(image), expected)
        back = io.read(photochrom.colorize(source.read_bytes(), model=str(tiny), hints=hints))
        np.testing.assert_array_equal(back.pixels, expected)

    def test_of_several_pages_they_are_on_the_first(self, tiny, tmp_path):
        pages, hints = [Image.fromarray(self.photograph())] * 2, [Hint(30, 60, "teal")]
        pages[0].save(tmp_path / "a.tif", save_all=True, append_images=pages[1:])
        coloured = io.read(photochrom.colorize(tmp_path / "a.tif", model=str(tiny), hints=hints))
        plain = photochrom.colorize(self.photograph(), model=str(tiny))
        np.testing.assert_array_equal(coloured.pages[0].pixels, plain)
        assert np.abs(coloured.pixels.astype(int) - plain).max() > 30

    @pytest.mark.parametrize("hints", [Hint(1, 1, "teal"), ["1,1=teal"], "1,1=teal", {1: 2}])
    def test_what_are_no_hints_is_said(self, tiny, hints):
        with pytest.raises(
            BadSetting, match=r'hints are a list of `photochrom\.Hint`, such as \[Hint\(120, 340, "navy"\)\]'
        ):
            photochrom.colorize(self.photograph(), model=str(tiny), hints=hints)

    def test_points_are_those_of_the_upright_photograph(self, tiny, tmp_path):
        gray = self.photograph()
        turned = Image.fromarray(np.rot90(gray))  # orientation 6: turn it clockwise to see it upright
        exif = Image.Exif()
        exif[0x112] = 6
        turned.save(tmp_path / "a.png", exif=exif)
        expected = photochrom.colorize(gray, model=str(tiny), hints=[Hint(30, 100, "teal")])
        target = photochrom.colorize(tmp_path / "a.png", model=str(tiny), hints=[Hint(30, 100, "teal")])
        np.testing.assert_array_equal(io.read(target).pixels, expected)


def test_contradicting_hints_mix_where_they_are_and_keep_to_themselves_elsewhere():
    light = np.full((120, 160), 50, np.float32)
    red, blue = (Hint(x, 60, color) for x, color in ((80, "#a03020"), (80, "#2040a0")))
    mixed = painted(light, red, blue)[60, 80]
    np.testing.assert_allclose(mixed, (seen(red, 50) + seen(blue, 50)) / 2, atol=2)
    left, right = Hint(20, 60, red.color), Hint(140, 60, blue.color)
    apart = painted(light, left, right)
    np.testing.assert_allclose(apart[60, 20], seen(left, 50), atol=2)
    np.testing.assert_allclose(apart[60, 140], seen(right, 50), atol=2)


class TestHintMap:
    def test_a_hint_covers_the_point_of_the_networks_map_that_it_lies_in(self):
        light = np.full((24, 32), 60.0, np.float32)
        hint = Hint(100, 50, "#c03030")  # of a photograph of 320 x 240: row 5, column 10 of what the network sees
        found = hint_map([hint], light, (320, 240), 4)
        assert found.shape == (3, 24, 32)
        assert sorted(set(map(tuple, np.argwhere(found[2])))) == [(r, c) for r in range(4, 8) for c in range(8, 12)]
        np.testing.assert_allclose(found[:2, 5, 10], seen(hint, 60))

    def test_overlapping_hints_give_their_mean_and_shadows_less_chroma(self):
        light = np.full((8, 8), 10.0, np.float32)
        first, second = Hint(1, 1, "#c03030"), Hint(2, 2, "#3030c0")
        found = hint_map([first, second], light, (8, 8), 4)
        np.testing.assert_allclose(found[:2, 0, 0], (seen(first, 10) + seen(second, 10)) / 2, rtol=1e-6)
        assert found[2].sum() == 16

    def test_what_is_to_be_kept_is_told_as_it_is_there(self):
        light, plain = np.full((8, 12), 60.0, np.float32), np.arange(12.0).reshape(2, 3, 2)
        found = hint_map([Hint(1, 1, "#c03030"), Hint(9, 6, "keep")], light, (12, 8), 4, plain)
        np.testing.assert_allclose(found[:2, 7, 11], plain[1, 2])
        np.testing.assert_allclose(found[:2, 0, 0], seen(Hint(1, 1, "#c03030"), 60), rtol=1e-6)
        assert found[2].sum() == 32

    def test_hints_outside_are_refused(self):
        with pytest.raises(BadSetting, match="lies outside"):
            hint_map([Hint(9, 1, "red")], np.zeros((8, 8), np.float32), (8, 8), 4)


class TestKeep:
    """A hint without a colour: as the photograph is without hints."""

    def photograph(self):
        return np.clip(halves() * 2.4, 0, 255).astype(np.uint8)

    def test_brings_back_what_was_there_up_to_the_edge(self):
        light, told = halves(), np.tile(np.float32([20, -40]), (30, 40, 1))
        chroma = GuidedChroma.fit(told, light, (40.0, 30.0))
        ab = hinted(chroma, light, [Hint(30, 60, "keep")], brown(light)).strip(light, 0, len(light))
        assert np.abs(ab[:, 4:74] - [8, 12]).max() < 5
        assert np.abs(ab[:, 86:] - [20, -40]).max() < 3

    @pytest.mark.parametrize("reach", [0.5, 1, 2])
    def test_stops_a_color_as_another_hint_does(self, reach):
        light = np.full((120, 160), 50, np.float32)
        blue = Hint(20, 60, "#2040a0")
        ab = painted(light, blue, Hint(140, 60, "keep", reach))
        np.testing.assert_allclose(ab[60, 20], seen(blue, 50), atol=2)
        np.testing.assert_allclose(ab[60, 140], [8, 12], atol=2)
        # Both are equally far, by their reach, from the place between them where the colours are mixed evenly.
        middle = int(20 + 120 / (1 + reach))
        np.testing.assert_allclose(ab[60, middle], np.mean([seen(blue, 50), (8, 12)], 0), atol=4)

    def test_has_no_color(self):
        hint = Hint.parse("12, 3, 0.5 = keep")
        assert hint == Hint(12, 3, "keep", 0.5)
        assert Hint.parse(str(hint)) == hint
        for ask in (lambda: hint.lab, lambda: Palette.of(["keep"])):
            with pytest.raises(BadSetting, match="'keep' is not a colour"):
                ask()

    @pytest.mark.parametrize("how", [Decoding(), Decoding(decoder="sample", saturation=2.0, warmth=0.5)])
    def test_under_its_stroke_the_photograph_is_as_without_hints(self, how):
        L, session = io.from_array(self.photograph()).lightness(), photochrom.Colorizer(threads=1)
        blue, keep = Hint(30, 60, "#2040a0"), Stroke(((120, 10), (120, 110)), "keep", width=20)
        scores = session.scores(L)
        plain, leaking, cut = (
            session.decode(scores, L, decoding=how, rng=np.random.default_rng(3), hints=hints)
            for hints in ((), [blue], [blue, keep])
        )
        under = np.s_[15:105, 112:128]
        assert np.abs(leaking[under] - plain[under]).mean() > 4
        assert np.abs(cut[under] - plain[under]).mean() < 0.5
        assert np.abs(cut[60, 30] - leaking[60, 30]).max() < 2
        assert np.abs(cut[60, 30] - seen(blue, L[60, 30])).max() < 4

    def test_alone_changes_nothing(self):
        gray = self.photograph()
        session = photochrom.Colorizer(threads=1)
        L = io.from_array(gray).lightness()
        assert session.scores(L, hints=[Hint(30, 60, "keep")]).plain is None
        kept, plain = (session.colorize(gray, hints=hints) for hints in ([Hint(30, 60, "keep")], ()))
        assert np.abs(kept.astype(int) - plain).mean() < 0.5

    def test_the_network_hears_of_it_unless_it_stays_local(self):
        L, session = io.from_array(self.photograph()).lightness(), photochrom.Colorizer(threads=1)
        blue = Hint(30, 60, "#2040a0")
        alone, local, told = (
            session.scores(L, hints=[blue, *more]).map
            for more in ((), [Hint(120, 60, "keep", 0.9)], [Hint(120, 60, "keep")])
        )
        np.testing.assert_array_equal(local, alone)
        assert np.abs(told - alone).max() > 0.1
