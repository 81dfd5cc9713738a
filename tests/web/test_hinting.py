"""What is asked before a hint is given, and looks with a palette or a reference."""

import io

import numpy as np
import pytest
from PIL import Image

from photochrom import Colorizer, Hint, color
from photochrom.painting.palette import Palette
from photochrom.web import worker
from photochrom.web.look import Look
from photochrom.web.variants import name_of


def job_of(client, data):
    created = client.post("/api/v1/jobs", content=data)
    assert created.status_code == 202, created.text
    address = created.headers["location"]
    with client.stream("GET", f"{address}/events") as events:
        list(events.iter_lines())
    return address


def encoded(image):
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def gray(response):
    assert response.status_code == 200, response.text
    return np.asarray(Image.open(io.BytesIO(response.content)), float) / 255


def lab(color_):
    return color.rgb_to_lab(np.array([int(color_[i : i + 2], 16) for i in (1, 3, 5)]) / 255)


@pytest.fixture
def halves():
    """Two even halves, dark and light, 240 x 160."""
    picture = np.full((160, 240), 90, np.uint8)
    picture[:, 120:] = 190
    return encoded(Image.fromarray(picture))


@pytest.fixture
def colourful(drawn):
    return encoded(drawn(3, 240, 160))


# ---- colours to choose from


def test_the_colors_at_a_point_are_seen_there_when_chosen(real):
    address = job_of(real, real.get("/samples/astronaut.jpg").content)
    found = real.get(f"{address}/colors", params={"x": 300, "y": 330}).json()
    assert 3 <= len(found["likely"]) <= 5
    assert sum(each["share"] for each in found["likely"]) <= 1.001
    for chosen in (found["likely"][0]["color"], found["likely"][-1]["color"], found["usual"]["leaves"]):
        look = {"hints": f"300,330={chosen}", "format": "png", "max_side": 512}
        shown = np.asarray(Image.open(io.BytesIO(real.get(f"{address}/result", params=look).content)))[330, 300] / 255
        assert np.abs(color.rgb_to_lab(shown) - lab(chosen))[1:].max() < 5


def test_the_colors_follow_the_contrast(real):
    address = job_of(real, real.get("/samples/astronaut.jpg").content)
    plain, strong = (
        real.get(f"{address}/colors", params={"x": 300, "y": 60, "contrast": contrast}).json()["lightness"]
        for contrast in (0, 1)
    )
    assert abs(plain - strong) > 2


# ---- where a hint reaches, and where one would help


def test_a_hint_reaches_to_the_edge(real, halves):
    address = job_of(real, halves)
    counts = gray(real.get(f"{address}/reach", params={"x": 51, "y": 81}))
    assert counts.shape == (107, 160)  # two thirds of the photograph
    assert counts[54, 34] > 0.95
    assert counts[:, 94:].mean() < 0.6 * counts[:, :66].mean()  # the network carries some of it over the edge
    # One that is to spread less stops there.
    near, nearer = (
        gray(real.get(f"{address}/reach", params={"x": 51, "y": 81, "factor": factor})) for factor in (0.9, 0.2)
    )
    assert near[:, 94:].max() < 0.05 < 0.5 < near[54, 60]
    assert nearer.mean() < near.mean() / 2
    # Another hint beside it takes its share.
    shared = gray(real.get(f"{address}/reach", params={"x": 51, "y": 81, "factor": 0.9, "hints": "95,81=#808080"}))
    assert shared[54, 60] < 0.2


def test_a_color_that_leaks_is_cut_back(real, halves):
    address = job_of(real, halves)

    def shown(hints, **how):
        return gray(real.get(f"{address}/result", params={"hints": hints, "format": "png", **how}))

    blue, keep = "50,80=#2040c0", '{"points": [[170, 20], [170, 140]], "width": 30, "color": "keep"}'
    stroke = f'[{{"x": 50, "y": 80, "color": "#2040c0"}}, {keep}]'
    for how in ({}, {"saturation": 2, "variant": 1}, {"contrast": -0.5}):
        plain, leaking, cut = shown("", **how), shown(blue, **how), shown(stroke, **how)
        under = np.s_[20:140, 158:182]
        assert np.abs(leaking[under] - plain[under]).mean() > 0.03
        assert np.abs(cut[under] - plain[under]).mean() < 0.01
        assert np.abs(cut[80, 50] - leaking[80, 50]).max() < 0.02
    part = {"crop": "150,60,40,40", "format": "png"}
    found = gray(real.get(f"{address}/result", params={"hints": stroke, **part}))
    assert np.abs(found - shown(stroke)[60:100, 150:190]).mean() < 0.01


def test_what_is_kept_is_as_unsure_as_before(real, halves):
    address = job_of(real, halves)
    plain, kept = (
        gray(real.get(f"{address}/confidence", params={"hints": hints})) for hints in ("", "50,80=keep;190,80=keep")
    )
    np.testing.assert_array_equal(kept, plain)


def test_confidence_is_the_librarys_and_hints_make_sure(real, halves):
    address = job_of(real, halves)
    found = gray(real.get(f"{address}/confidence"))
    expected, _ = Colorizer().map_confidence(
        np.asarray(color.gray_to_lightness(np.asarray(Image.open(io.BytesIO(halves))) / 255))
    )
    assert np.abs(found - expected).max() < 0.02
    hinted = gray(real.get(f"{address}/confidence", params={"hints": "50,80,0.9=#a05030"}))
    half = found.shape[1] // 2
    assert hinted[:, : half - 4].mean() > max(0.9, found[:, : half - 4].mean())
    assert np.abs(hinted - found)[:, half + 4 :].max() < 0.05


def test_the_places_where_a_hint_would_help_are_apart(real):
    address = job_of(real, real.get("/samples/astronaut.jpg").content)
    found = real.get(f"{address}/unsure").json()
    assert len(found) == 3
    points = np.array([[place["x"], place["y"]] for place in found])
    assert 0 < points.min() < points.max() < 512
    apart = np.linalg.norm(points[:, None] - points, axis=-1)[np.triu_indices(3, 1)]
    assert apart.min() > 50
    assert [place["gain"] for place in found] == sorted((place["gain"] for place in found), reverse=True)
    # What is given there is no longer asked for.
    hints = f"{points[0][0]},{points[0][1]}=#a05030"
    again = real.get(f"{address}/unsure", params={"hints": hints, "count": 1}).json()
    assert np.hypot(again[0]["x"] - points[0][0], again[0]["y"] - points[0][1]) > 50


@pytest.mark.parametrize(
    ("path", "status", "message"),
    [
        ("colors?x=240&y=3", 422, "the hint at 240,3 lies outside the photograph, which is 240 x 160 pixels"),
        ("colors?x=-1&y=3", 422, "x: it must be at least 0"),
        ("reach?x=3&y=160", 422, "lies outside"),
        ("unsure?count=99", 422, "it must be at most 8"),
        ("confidence?reference=none", 410, "the reference picture is no longer on the server; send it again"),
        ("palette", 422, "the picture is gray; take colours from one that has some"),
    ],
)
def test_what_cannot_be_asked(real, halves, path, status, message):
    refused = real.get(f"{job_of(real, halves)}/{path}")
    assert (refused.status_code, message in refused.json()["detail"]) == (status, True)
    assert "photochrom-" not in refused.json()["detail"]  # no folder


def test_films_take_no_hints(real, gif):
    refused = real.get(f"{job_of(real, gif)}/colors?x=3&y=3")
    assert (refused.status_code, "this is a film" in refused.json()["detail"]) == (422, True)


# ---- palettes and references


def test_a_palette_is_the_librarys(server, tiny, halves):
    expected = Colorizer(tiny, palette="#1f4e5f,#c9a27c").colorize(halves)
    look = {"palette": "#1f4e5f,#c9a27c"}
    assert server.post("/api/v1/colorize", content=halves, params=look).content == expected
    address = job_of(server, halves)
    assert server.get(f"{address}/result", params=look).content == expected
    assert server.get(f"{address}/result").content != expected


def test_a_palette_is_no_file(server, halves):
    refused = server.post("/api/v1/colorize", content=halves, params={"palette": "/etc/hostname"})
    assert (refused.status_code, "'/etc/hostname' is not a colour" in refused.json()["detail"]) == (422, True)


def test_the_palette_of_a_picture(server, colourful, tmp_path):
    (tmp_path / "picture.png").write_bytes(colourful)
    found = server.get(f"{job_of(server, colourful)}/palette").json()["colors"]
    assert found == str(Palette.read(tmp_path / "picture.png")).split(",")
    assert len(found) <= 8


def test_a_reference_is_another_job_with_colors(real, halves, colourful, tmp_path):
    (tmp_path / "reference.png").write_bytes(colourful)
    wanted = job_of(real, colourful)
    assert real.get(wanted).json()["colored"] is True
    expected = Colorizer(references=[tmp_path / "reference.png"]).colorize(halves)
    address, look = job_of(real, halves), {"reference": wanted.rpartition("/")[2]}
    assert real.get(address).json()["colored"] is False
    assert real.get(f"{address}/result", params=look).content == expected
    assert real.post("/api/v1/colorize", content=halves, params=look).content == expected
    assert real.get(f"{address}/result").content != expected


def test_a_reference_that_cannot_be(real, halves, gif):
    address = job_of(real, halves)
    for reference, status, message in (
        (address.rpartition("/")[2], 422, "the reference is gray; take a picture that has the colours"),
        (job_of(real, gif).rpartition("/")[2], 422, "the reference is a film; take a photograph"),
        ("gone", 410, "the reference picture is no longer on the server; send it again"),
        ("../../etc", 422, "reference: it is not written as it has to be"),
    ):
        refused = real.get(f"{address}/result", params={"reference": reference, "max_side": 64})
        assert (refused.status_code, message in refused.json()["detail"]) == (status, True), refused.json()
    wish = {"photographs": [{"id": address.rpartition("/")[2], "look": {"reference": "gone"}}]}
    assert real.post("/api/v1/archive", json=wish).status_code == 410


def test_hints_are_not_lost_beside_a_palette(server, tiny, halves):
    look = {"palette": "navy", "hints": "50,80=#a05030"}
    expected = Colorizer(tiny, palette="navy").colorize(halves, hints=[Hint(50, 80, "#a05030")])
    assert server.get(f"{job_of(server, halves)}/result", params=look).content == expected


# ---- variants by name


def test_variants_have_names_that_tell_what_changes(real):
    address = job_of(real, real.get("/samples/astronaut.jpg").content)
    found = real.get(f"{address}/variants").json()
    assert [each["variant"] for each in found] == [1, 2, 3, 4, 5]
    names = [each["name"] for each in found]
    assert len(set(names)) == 5

    def ab(variant):
        shown = real.get(f"{address}/result", params={"variant": variant, "max_side": 96, "format": "png"})
        rgb = np.asarray(Image.open(io.BytesIO(shown.content))) / 255
        return color.rgb_to_lab(rgb)[..., 1:].mean((0, 1))

    assert (ab(1 + names.index("warmer")) - ab(0))[1] > 2
    assert (ab(1 + names.index("bluer")) - ab(0))[1] < -2
    # With nothing left to choose, nothing differs.
    gray = real.get(f"{address}/variants", params={"saturation": 0, "count": 2}).json()
    assert [each["name"] for each in gray] == ["nearly the same"] * 2


def test_a_sky_that_turns_blue_is_called_so():
    plain = np.full((12, 12, 3), (70.0, 0.0, 8.0))
    other = plain.copy()
    other[:4, :, 2] = -15
    assert name_of(plain, other) == "blue sky"
    assert name_of(plain, other, ["blue sky"]) == "bluer"
    assert name_of(other, other - np.array([0, 0, 5])) == "bluer"


# ---- a network that is told the hints


def test_the_network_is_told_the_hints_of_a_photograph_once(tmp_path, monkeypatch, png):
    setup, folder = worker.Setup("default", 10**6, 1), str(tmp_path)
    (tmp_path / worker.INPUT).write_bytes(png(1, width=120, height=90))
    worker.prepare(setup, folder)
    network, told = worker.session(setup).network, []

    def counted(small, mirror=None, variant=None, hints=None):
        told.append(hints is not None)
        return type(network).scores(network, small, mirror, variant, hints)

    monkeypatch.setattr(network, "scores", counted)
    for more in ({}, {"saturation": 1.3}, {"contrast": 0.4}):
        look = Look(hints="30,20=red", **more)
        worker.preview(setup, folder, look, 100, "PNG")
        worker.crop(setup, folder, look, (10, 10, 40, 40), None, "PNG")
    assert told == [True]
    worker.preview(setup, folder, Look(hints="30,20=blue"), 100, "PNG")
    assert told == [True, True]
    worker.preview(setup, folder, Look(hints="30,20,0.5=blue"), 100, "PNG")  # it is to stay near
    assert told == [True, True]
    worker.render(setup, folder, Look(hints="30,20=red"), None)
    assert told == [True, True, True]
