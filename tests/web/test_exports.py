"""Exports: the formats, the sizes, the layer, the card and the film."""

import io

import av
import numpy as np
import pytest
from PIL import Image

from photochrom.imaging.reading import decode as read_picture
from photochrom.web.exports import RATE, shares


def job_of(client, data, name="portrait.jpg"):
    created = client.post("/api/v1/jobs", content=data, params={"name": name})
    assert created.status_code == 202, created.text
    address = created.headers["location"]
    with client.stream("GET", f"{address}/events") as events:
        list(events.iter_lines())
    return address


@pytest.fixture(scope="module")
def address(server, drawn):
    exif = Image.Exif()
    exif[0x010E] = "grandmother"
    out = io.BytesIO()
    drawn(2, 400, 300).convert("L").save(out, "JPEG", exif=exif)
    return job_of(server, out.getvalue())


def exported(server, address, **how):
    answer = server.get(f"{address}/export", params=how)
    assert answer.status_code == 200, answer.text
    return answer


def opened(answer):
    image = Image.open(io.BytesIO(answer.content))
    image.load()
    return image


def test_without_wishes_it_is_the_result(server, address):
    answer = exported(server, address, saturation=1.5)
    assert answer.content == server.get(f"{address}/result", params={"saturation": 1.5}).content
    assert 'filename="portrait.color.jpg"' in answer.headers["content-disposition"]


@pytest.mark.parametrize("format", ["jpeg", "png", "tiff", "webp"])
def test_a_smaller_copy_in_another_format_keeps_what_the_file_says(server, address, format):
    image = opened(exported(server, address, format=format, size=200))
    assert (image.format, image.size) == (format.upper(), (200, 150))
    assert image.getexif()[0x010E] == "grandmother"
    whole = opened(server.get(f"{address}/result", params={"format": "png"})).resize((200, 150), Image.Resampling.BOX)
    assert np.abs(np.asarray(image.convert("RGB"), float) - np.asarray(whole)).mean() < 3
    assert opened(exported(server, address, format=format, size=5000)).size == (400, 300)


@pytest.mark.parametrize("format", ["png", "tiff"])
def test_sixteen_bits_stay_when_it_is_shrunk(server, format):
    ramp = np.tile(np.linspace(0, 65535, 400).astype(np.uint16), (300, 1))
    out = io.BytesIO()
    Image.fromarray(ramp).save(out, "PNG")
    address = job_of(server, out.getvalue(), "scan.png")
    found = read_picture(io.BytesIO(exported(server, address, format=format, size=200).content), "it", 10**6)
    assert found.pixels.dtype == np.uint16
    assert found.size == (200, 150)
    assert len(np.unique(found.lightness().round(2))) > 190
    assert np.any(found.pixels % 257)  # which bytes spread to 16 bits would be multiples of


def test_what_keeps_its_colours_is_the_very_file(server, drawn):
    out = io.BytesIO()
    drawn(3, 300, 200).save(out, "JPEG", quality=87)
    address = job_of(server, out.getvalue())
    assert exported(server, address, keep_color=True).content == out.getvalue()
    assert opened(exported(server, address, keep_color=True, size=100)).size == (100, 67)
    assert exported(server, address, keep_color=True, quality=40).content != out.getvalue()


def test_less_quality_is_a_smaller_file(server, address):
    for format in ("jpeg", "webp"):
        sizes = [len(exported(server, address, format=format, quality=quality).content) for quality in (20, 60, 95)]
        assert sizes == sorted(set(sizes))


def test_the_layer_over_the_original_is_the_result(server, address):
    answer = exported(server, address, kind="layer")
    assert 'filename="portrait.layer.png"' in answer.headers["content-disposition"]
    layer = opened(answer)
    assert layer.mode == "RGBA"
    original = opened(server.get(f"{address}/original", params={"format": "png"})).convert("RGBA")
    result = opened(server.get(f"{address}/result", params={"format": "png"}))
    laid = np.asarray(Image.alpha_composite(original, layer).convert("RGB"), int)
    assert np.abs(laid - np.asarray(result)).max() <= 2
    refused = server.get(f"{address}/export", params={"kind": "layer", "format": "jpeg"})
    assert refused.status_code == 422
    assert "use PNG, TIFF or WebP" in refused.json()["detail"]


def test_the_card_has_both(server, address):
    answer = exported(server, address, kind="card", format="png", size=200)
    assert "before-after" in answer.headers["content-disposition"]
    card = np.asarray(opened(answer), int)
    height, width = card.shape[:2]
    assert (height, width) == (150 * 2 + 2 + 12, 200 + 12)  # a wide photograph, so one above the other
    before, after = card[6:156, 6:206], card[158:308, 6:206]
    assert np.ptp(before, -1).max() == 0
    assert np.ptp(after, -1).max() > 8
    assert (card[:6] == 245).all()


def test_the_film_goes_from_gray_to_colour_and_back(server, address):
    answer = exported(server, address, kind="film", size=161)
    assert answer.headers["content-type"] == "video/mp4"
    with av.open(io.BytesIO(answer.content)) as film:
        stream = film.streams.video[0]
        assert (stream.codec_context.name, stream.width, stream.height) == ("h264", 162, 122)
        frames = [frame.to_ndarray(format="rgb24").astype(int) for frame in film.decode(stream)]
    assert len(frames) == 6 * RATE == len(list(shares()))
    chroma = [np.ptp(frame, -1).mean() for frame in frames]
    assert chroma[0] < 2
    assert chroma[4 * RATE] > 6
    assert np.ptp(frames[2 * RATE][:, 100:], -1).mean() < 2 < 6 < np.ptp(frames[2 * RATE][:, :60], -1).mean()
    assert chroma[-1] < 2


@pytest.mark.parametrize("query", ["kind=poster", "quality=0", "size=3", "kind=film&format=png", "colour=red"])
def test_what_cannot_be(server, address, query):
    assert server.get(f"{address}/export?{query}").status_code == 422


def test_films_have_no_exports(server, gif):
    refused = server.get(f"{job_of(server, gif)}/export")
    assert refused.status_code == 422
    assert "this is a film" in refused.json()["detail"]
