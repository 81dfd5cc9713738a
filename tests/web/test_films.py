"""Films and moving pictures through the interface and in the page's words."""

import io
import json

import av
import numpy as np
import pytest
from PIL import Image

from photochrom import PhotochromError, UnsupportedFormat, WriteFailed
from photochrom.web import films
from photochrom.web.look import Look
from photochrom.web.problems import problem_of
from photochrom.web.worker import Setup

pytestmark = pytest.mark.slow


def followed(client, data, query=""):
    created = client.post(f"/api/v1/jobs{query}", content=data)
    assert created.status_code == 202, created.text
    assert created.json()["kind"] == "film"
    address = created.headers["location"]
    with client.stream("GET", f"{address}/events") as events:
        return address, [json.loads(line[5:]) for line in events.iter_lines() if line.startswith("data:")]


def test_a_moving_picture_comes_back_in_colour(server, gif):
    address, states = followed(server, gif, "?saturation=1.5")
    assert states[-1]["status"] == "done", states[-1]
    assert (states[-1]["width"], states[-1]["height"], states[-1]["frames"]) == (64, 48, 6)
    assert states[-1]["seconds"] == pytest.approx(0.48)
    result = server.get(f"{address}/result")
    assert result.headers["content-type"] == "image/gif"
    with Image.open(io.BytesIO(result.content)) as image:
        assert (image.n_frames, image.size) == (6, (64, 48))
        assert np.ptp(np.asarray(image.convert("RGB"), int), -1).max() > 8
    assert server.get(f"{address}/original").content == gif


def test_a_film_says_how_far_it_is_and_can_be_read_in_parts(server, mp4):
    address, states = followed(server, mp4)
    assert states[-1]["status"] == "done", states[-1]
    assert [state["progress"] for state in states] == sorted(state["progress"] for state in states)
    whole = server.get(f"{address}/result")
    assert whole.headers["content-type"] == "video/mp4"
    with av.open(io.BytesIO(whole.content)) as container:
        assert sum(1 for _ in container.decode(video=0)) == 12
    part = server.get(f"{address}/result", headers={"Range": "bytes=4-7"})
    assert (part.status_code, part.content) == (206, b"ftyp")


def test_what_films_have_not(server, gif):
    at_once = server.post("/api/v1/colorize", content=gif)
    assert at_once.status_code == 415
    assert "/api/v1/jobs" in at_once.json()["detail"]
    _, states = followed(server, gif, "?contrast=0.5")
    assert states[-1]["problem"]["status"] == 422
    assert "no contrast" in states[-1]["problem"]["detail"]


def test_a_film_may_not_be_too_long(running, mp4):
    _, states = followed(running(max_seconds=1), mp4)
    assert states[-1]["problem"]["status"] == 413
    assert "at most 1" in states[-1]["problem"]["detail"]


def test_a_damaged_film_is_named_without_a_path(server, mp4):
    _, states = followed(server, mp4[:40] + bytes(4000))
    assert states[-1]["problem"]["status"] == 422
    assert states[-1]["problem"]["detail"].startswith("the film")
    assert "photochrom-" not in states[-1]["problem"]["detail"]


@pytest.mark.parametrize(
    ("head", "ending"),
    [
        (b"\0\0\0\x14ftypqt  ", ".mov"),
        (b"\0\0\0\x18ftypisom", ".mp4"),
        (b"\x1aE\xdf\xa3\x01\0\0\0\0\0\0\x1fB\x86\x81\x01B\x82\x84webm", ".webm"),
        (b"\x1aE\xdf\xa3\x01\0\0\0\0\0\0\x23B\x86\x81\x01B\x82\x88matroska", ".mkv"),
        (b"RIFF\0\0\0\0AVI LIST", ".avi"),
        (b"\0\0\0\x1cftypavis", ".avif"),
        (b"\x1f\x07\0\x3f", ".mp4"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", None),
        (b"\0\0\0\x1cftypavif", None),
    ],
)
def test_the_ending_is_by_content(tmp_path, head, ending):
    path = tmp_path / "input"
    path.write_bytes(head + bytes(500))
    assert films.ending_of(path) == ending


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (lambda path: UnsupportedFormat(f"{path} cannot be encoded (no)"), 415, "the coloured film cannot be encoded"),
        (lambda path: WriteFailed(f"{path.parent}/.x/film.part cannot be written"), 500, ".x/film.part cannot be"),
    ],
)
def test_no_folder_of_the_servers_is_told(tmp_path, monkeypatch, tiny, error, status, words):
    def failing(source, target, *_, **__):
        raise error(target)

    monkeypatch.setattr(films, "colorize_film", failing)
    monkeypatch.setattr(films, "_seconds", lambda *_: None)
    with pytest.raises(PhotochromError) as caught:
        films.colour(Setup(str(tiny), 10**6, 1), str(tmp_path), Look(), ".mp4", 10.0)
    assert str(caught.value).startswith(words)
    assert str(tmp_path) not in str(caught.value)
    assert problem_of(caught.value).status == status
