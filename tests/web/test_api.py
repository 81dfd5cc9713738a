"""The interface for programs: what comes back is what the library makes, and what is refused says why."""

import io
import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydantic import TypeAdapter, ValidationError

import photochrom
from photochrom import Colorizer, Hint, color
from photochrom.cli import main
from photochrom.errors import MissingExtra
from photochrom.imaging.formats import FORMATS
from photochrom.imaging.picture import Picture
from photochrom.painting.tone import with_contrast
from photochrom.web import worker
from photochrom.web.look import Look
from photochrom.web.negotiation import FormatName, wanted_format
from photochrom.web.problems import Problem


def opened(response):
    assert response.status_code == 200, response.text
    image = Image.open(io.BytesIO(response.content))
    image.load()
    return image


def encoded(image, kind="PNG", **settings):
    out = io.BytesIO()
    image.save(out, kind, **settings)
    return out.getvalue()


def submitted(client, data):
    """The job of a photograph, followed by its events until it is over."""
    created = client.post("/api/v1/jobs", content=data)
    assert created.status_code == 202, created.text
    address = created.headers["location"]
    with client.stream("GET", f"{address}/events") as events:
        assert events.headers["content-type"].startswith("text/event-stream")
        states = [json.loads(line[5:]) for line in events.iter_lines() if line.startswith("data:")]
    assert states[-1]["status"] in ("done", "failed")
    return address, states


# ---- colouring


def test_it_is_what_the_library_makes(server, tiny, png):
    expected = Colorizer(tiny).colorize(png(1))
    assert server.post("/api/v1/colorize", content=png(1)).content == expected
    form = server.post("/api/v1/colorize", files={"file": ("../../etc/passwd", png(1), "image/png")})
    assert form.content == expected
    assert form.headers["content-type"] == "image/png"


def test_metadata_and_format_come_back(server, drawn):
    exif = Image.Exif()
    exif[0x010E] = "grandmother"
    data = encoded(drawn(2), "JPEG", exif=exif, dpi=(300, 300))
    response = server.post("/api/v1/colorize", content=data)
    image = opened(response)
    assert (image.format, response.headers["content-type"]) == ("JPEG", "image/jpeg")
    assert image.getexif()[0x010E] == "grandmother"
    assert image.info["dpi"] == (300, 300)


def test_another_format_by_name_or_by_accept(server, png):
    assert opened(server.post("/api/v1/colorize?format=webp", content=png(1))).format == "WEBP"
    accepted = server.post("/api/v1/colorize", content=png(1), headers={"Accept": "image/tiff"})
    assert opened(accepted).format == "TIFF"
    refused = server.post("/api/v1/colorize", content=png(1), headers={"Accept": "text/html"})
    assert refused.status_code == 406


def test_saturation_scales_the_chroma(server, png):
    def chroma(address):
        rgb = np.asarray(opened(server.post(address, content=png(3)))) / 255
        return float(np.hypot(*np.moveaxis(color.rgb_to_lab(rgb)[..., 1:], -1, 0)).mean())

    assert chroma("/api/v1/colorize?saturation=0") < 0.5
    assert chroma("/api/v1/colorize?saturation=0.5") == pytest.approx(chroma("/api/v1/colorize") / 2, rel=0.05)


def test_contrast_moves_the_lightness_and_nothing_is_coloured_anew(server, tiny):
    gray = np.tile(np.arange(256, dtype=np.uint8), (32, 1))
    result = np.asarray(opened(server.post("/api/v1/colorize?contrast=1", content=encoded(Image.fromarray(gray)))))
    found = color.rgb_to_lab(result / 255)[..., 0]
    expected = with_contrast(Picture(gray).lightness(), 1.0)
    assert np.abs(found - expected).max() < 1
    assert found[0, 64] < Picture(gray).lightness()[0, 64] - 8


@pytest.mark.parametrize(
    "look",
    [
        {"restore_tone": True},
        {"mark": True, "warmth": 0.6, "tint": -0.4},
        {"keep_color": True, "restore_tone": True, "mark": True, "warmth": -1.0},
    ],
)
def test_what_is_done_besides_colouring_is_what_the_library_does(server, tiny, drawn, look):
    image = drawn(4, 400, 300)
    faded = image.convert("L").point(lambda value: 80 + value // 4)
    for data, toning in ((encoded(faded), "gray"), (encoded(image, "JPEG"), "color")):
        kept = toning == "color" and "keep_color" in look
        expected = data if kept else Colorizer(tiny, **look).colorize(data)
        assert server.post("/api/v1/colorize", content=data, params=look).content == expected
        address, states = submitted(server, data)
        assert states[-1]["toning"] == toning
        assert server.get(f"{address}/result", params=look).content == expected
        small = server.get(f"{address}/result", params={**look, "format": "png", "max_side": 400})
        whole = server.get(f"{address}/result", params={**look, "format": "png"})
        assert np.abs(np.asarray(opened(small), float) - np.asarray(opened(whole))).max() <= 1
        assert server.get(f"{address}/result").content != expected


def test_contrast_goes_onto_restored_tones(server):
    faded = Image.fromarray(np.tile(np.linspace(80, 160, 256).astype(np.uint8), (64, 1)))
    restored, strong = (
        np.asarray(opened(server.post(f"/api/v1/colorize?saturation=0&{query}", content=encoded(faded))), int)[32]
        for query in ("restore_tone=true", "restore_tone=true&contrast=1")
    )
    assert np.ptp(restored) > 230
    assert strong[64].mean() < restored[64].mean() - 20
    assert strong[192].mean() > restored[192].mean() + 20


def test_hints_are_those_of_the_whole_photograph(server, tiny, drawn):
    data, hints = encoded(drawn(4, 400, 300).convert("L")), [Hint(300, 250, "#607090"), Hint(20, 20, "#808080", 0.5)]
    look = {"hints": ";".join(map(str, hints))}
    expected = Colorizer(tiny).colorize(data, hints=hints)
    assert server.post("/api/v1/colorize", content=data, params=look).content == expected
    address, _ = submitted(server, data)
    assert server.get(f"{address}/result", params=look).content == expected
    assert server.get(f"{address}/result").content != expected
    small = opened(server.get(f"{address}/result", params={**look, "max_side": 100, "format": "png"}))
    assert small.size == (100, 75)
    for hint in hints:
        lab = color.rgb_to_lab(np.asarray(small)[int(hint.y / 4), int(hint.x / 4)] / 255)
        assert np.abs(lab[1:] - hint.lab[1:] * min(1, lab[0] / hint.lab[0])).max() < 4


@pytest.mark.parametrize(
    ("hints", "message"),
    [
        ("30,5=rde", "'rde' is not a colour; use #rrggbb or a CSS name such as navy"),
        ("30,5=keeps", "'keeps' is not a colour; use #rrggbb or a CSS name such as navy"),
        ("30=#ff0000", "the hint '30=#ff0000' is not X,Y=COLOR or X,Y,REACH=COLOR, such as"),
        ("-3,5=#ff0000", "the hint at -3,5 lies outside the photograph"),
        ("1,1=red;" * 257, "there are 257 hints; 256 is the limit"),
        ("30,5,0=#ff0000", "the reach of a hint is 0"),
        ('[{"x": 1, "y": 2}]', 'hint 1 is {"x": 1, "y": 2}; it must have "color", "x", "y"'),
        ('{"size": [9, 40], "hints": [{"x": 1, "y": 2, "color": "red"}]}', "the hints were drawn on 9 x 40 pixels"),
        ("48,5=#ff0000", "the hint at 48,5 lies outside the photograph, which is 48 x 40 pixels"),
    ],
)
def test_hints_that_cannot_be_are_refused(server, png, hints, message):
    refused = server.post("/api/v1/colorize", content=png(1), params={"hints": hints})
    assert refused.status_code == 422
    assert message in refused.json()["detail"]
    address, _ = submitted(server, png(1))
    refused = server.get(f"{address}/result", params={"hints": hints, "max_side": 20})
    assert (refused.status_code, message in refused.json()["detail"]) == (422, True)


def test_nothing_is_kept_of_a_photograph_that_was_coloured_at_once(server, png):
    jobs = server.app.state.studio.jobs
    before = len(jobs)
    assert server.post("/api/v1/colorize", content=png(1)).status_code == 200
    assert server.post("/api/v1/colorize", content=png(1)[:80]).status_code == 422
    assert len(jobs) == before


def test_samples(server):
    for name in ("astronaut.jpg", "cat.jpg", "coffee.jpg"):
        response = server.get(f"/samples/{name}")
        assert (response.status_code, response.headers["content-type"]) == (200, "image/jpeg")
        assert Image.open(io.BytesIO(response.content)).mode == "L"
    for name in ("dog.jpg", "..%2Fweights%2Fdefault.onnx", "astronaut"):
        assert server.get(f"/samples/{name}").status_code == 404


# ---- jobs


def test_a_job_gives_every_look_of_one_answer(real, tmp_path):
    from importlib import resources

    data = (resources.files("photochrom") / "samples" / "astronaut.jpg").read_bytes()
    address, states = submitted(real, data)
    assert datetime.fromisoformat(states[-1].pop("expires")) > datetime.now(UTC) + timedelta(minutes=29)
    assert states[-1] == {
        "name": None,
        "id": address.rsplit("/", 1)[1],
        "kind": "photograph",
        "status": "done",
        "progress": 1.0,
        "colored": False,
        "toning": "gray",
        "frames": 1,
        "seconds": None,
        "width": 512,
        "height": 512,
        "format": "jpeg",
        "alpha": False,
        "problem": None,
    }
    assert {**states[-1], "expires": None} == {**real.get(address).json(), "expires": None}
    assert real.get(f"{address}/result").content == photochrom.colorize(data)
    vivid = real.get(f"{address}/result?vividness=0.9").content
    assert vivid == photochrom.colorize(data, vividness=0.9)
    # A small copy is the large result made small, not the colours of another answer.
    small = np.asarray(opened(real.get(f"{address}/result?max_side=128&format=png")), float)
    large = opened(real.get(f"{address}/result?format=png")).resize((128, 128), Image.Resampling.BOX)
    assert small.shape == (128, 128, 3)
    assert np.abs(small - np.asarray(large, float)).mean() < 6
    original = opened(real.get(f"{address}/original?max_side=100&format=png"))
    assert original.size == (100, 100)
    assert real.delete(address).status_code == 204
    assert real.get(address).status_code == 404
    assert real.get(f"{address}/result").status_code == 404


def test_a_crop_is_that_part_of_the_result(server, drawn):
    address, _ = submitted(server, encoded(drawn(4, 900, 700).convert("L")))
    hint = str(Hint(400, 300, "#7a4f10", 2))
    for look in ({}, {"warmth": 0.7, "hints": hint}, {"restore_tone": True, "contrast": 0.5}):
        whole = np.asarray(opened(server.get(f"{address}/result", params={**look, "format": "png"})), float)
        how = {**look, "format": "png", "crop": "310,205,300,260"}
        part = np.asarray(opened(server.get(f"{address}/result", params=how)), float)
        assert part.shape == (260, 300, 3)
        assert np.abs(part - whole[205:465, 310:610]).mean() < 1.5
        small = opened(server.get(f"{address}/result", params={**how, "max_side": 150}))
        assert small.size == (150, 130)
    how = {"mark": True, "format": "png"}
    whole = np.asarray(opened(server.get(f"{address}/result", params=how)), float)
    part = np.asarray(opened(server.get(f"{address}/result", params={**how, "crop": "800,600,100,100"})), float)
    plain = np.asarray(
        opened(server.get(f"{address}/result", params={"format": "png", "crop": "800,600,100,100"})), float
    )
    assert np.abs(part - whole[600:, 800:]).mean() < 1.5
    assert np.abs(part - plain).max() > 60  # the mark is seen
    original = opened(server.get(f"{address}/original", params={"format": "png", "crop": "310,205,300,260"}))
    whole = np.asarray(opened(server.get(f"{address}/original", params={"format": "png"})))
    assert np.array_equal(np.asarray(original), whole[205:465, 310:610])
    for crop, reason in (
        ("800,0,200,100", "beyond the photograph"),
        ("0,0,9000,9000", "16 megapixels"),
        ("0,0,0,5", "crop: it is not written as it has to be"),
    ):
        refused = server.get(f"{address}/result", params={"crop": crop})
        assert refused.status_code == 422
        assert reason in refused.json()["detail"]


def test_transparency_is_in_the_small_copy_too(server, drawn):
    image = drawn(4, 300, 200).convert("RGBA")
    image.putalpha(Image.linear_gradient("L").resize(image.size))
    address, states = submitted(server, encoded(image))
    assert states[-1]["alpha"] is True
    copy = opened(server.get(f"{address}/result?max_side=30"))
    assert (copy.mode, copy.size) == ("RGBA", (30, 20))
    assert copy.getchannel("A").getextrema()[0] < 20


def test_a_job_that_fails_says_why_and_keeps_saying_it(server, png):
    address, states = submitted(server, png(1)[:90])
    assert states[-1]["status"] == "failed"
    assert states[-1]["problem"]["status"] == 422
    assert "damaged" in states[-1]["problem"]["detail"] or "cut off" in states[-1]["problem"]["detail"]
    assert server.get(f"{address}/result").json() == states[-1]["problem"]


def test_a_model_without_bins_and_dropout_has_no_vividness_and_no_variants(server, png):
    reasons = {"vividness=0.5": "has no vividness; omit it", "variant=1": "it has neither bins nor dropout"}
    for query, reason in reasons.items():
        refused = server.post(f"/api/v1/colorize?{query}", content=png(1))
        assert refused.status_code == 422
        assert refused.json()["detail"].endswith(reason)
    assert 'id="variants"' not in server.get("/").text


@pytest.mark.parametrize("name", ["default", "gan"])
@pytest.mark.slow
def test_a_variant_is_the_picture_of_that_number_everywhere(running, drawn, gan_file, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = str(gan_file) if name == "gan" else name
    drawn(3, 200, 160).convert("L").save("old.png")
    with pytest.raises(SystemExit) as ended:
        main(["colorize", "old.png", "--model", model, "--variants", "2"])
    assert ended.value.code == 0
    data = Path("old.png").read_bytes()
    expected = [np.asarray(Image.open(f"old.color-{n}.png")) for n in (1, 2)]
    assert not np.array_equal(*expected)
    site = running(model=model)
    assert 'id="variants"' in site.get("/").text
    address, _ = submitted(site, data)
    for number, picture in enumerate(expected, 1):
        look = {"variant": number}
        for answer in (
            site.post("/api/v1/colorize", content=data, params=look),
            site.get(f"{address}/result", params=look),
            site.get(f"{address}/result", params={**look, "max_side": 200, "format": "png"}),
        ):
            assert np.array_equal(np.asarray(opened(answer)), picture)
    plain = np.asarray(opened(site.get(f"{address}/result")))
    assert not np.array_equal(plain, expected[0])


# ---- what is refused


@pytest.mark.parametrize(
    ("status", "content", "line"),
    [
        (415, b"hello", "not a picture"),
        (415, b"%PDF-1.7", "PDF"),
        (422, b"", "empty"),
        (422, b"\x89PNG\r\n\x1a\n" + bytes(50), "the photograph"),
    ],
)
def test_what_is_no_photograph(server, status, content, line):
    for address in ("/api/v1/colorize", "/api/v1/jobs"):
        answer = server.post(address, content=content)
        if answer.status_code == 202:
            answer = server.get(f"{submitted(server, content)[0]}/result")
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/problem+json"
        assert line in answer.json()["detail"]
        assert "photochrom-" not in answer.text, "a path of the server stands in a message"


def test_a_form_without_its_file(server, png):
    assert server.post("/api/v1/colorize", files={"photo": png(1)}).status_code == 422
    assert server.post("/api/v1/colorize", files=[("file", png(1)), ("file", png(1))]).status_code == 400
    broken = server.post("/api/v1/colorize", content=b"x", headers={"Content-Type": "multipart/form-data"})
    assert broken.status_code == 400


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("saturation=5", "it must be at most 4"),
        ("saturation=nan", "it must be a number"),
        ("vividness=-1", "it must be at least 0"),
        ("variant=1.5", "it must be a whole number"),
        ("format=exe", "there is no format 'exe'; there are: jpeg, "),
        ("contrast=x", "it must be a number"),
        ("mark=perhaps", "it must be true or false"),
        ("name=" + 300 * "x", "it can have at most 255 characters"),
    ],
)
def test_a_query_that_cannot_be(server, png, query, words):
    refused = server.post(f"/api/v1/colorize?{query}", content=png(1))
    assert refused.status_code == 422
    assert refused.json()["detail"].startswith(f"{query.partition('=')[0]}: {words}")


@pytest.mark.parametrize(
    ("method", "address", "status", "words"),
    [
        ("POST", "/api/v1/archive", 422, "the body is not JSON"),
        ("GET", "/api/v1/nothing", 404, "/docs lists what there is"),
        ("PUT", "/api/v1/jobs", 405, "PUT is not possible here"),
    ],
)
def test_what_is_asked_wrongly(server, method, address, status, words):
    refused = server.request(method, address, content=b'{"photographs": ', headers={"Content-Type": "application/json"})
    assert refused.status_code == status
    assert words in refused.json()["detail"]


def test_a_photograph_of_too_many_pixels(running, png):
    refused = running(max_pixels=1000).post("/api/v1/colorize", content=png(1))
    assert refused.status_code == 413
    assert "pixels" in refused.json()["detail"]


def test_one_client_may_have_so_many_jobs_and_all_together_as_many_as_the_queue_holds(running, png):
    client = running(queue=2, jobs_per_client=1)
    studio = client.app.state.studio
    with studio.admit("testclient"):
        refused = client.post("/api/v1/jobs", content=png(1))
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "2")
    with studio.admit("one"), studio.admit("two"):
        refused = client.post("/api/v1/colorize", content=png(1))
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "2")
    with studio.admit("one", film=True), studio.admit("two", film=True):  # films have places of their own
        assert client.post("/api/v1/colorize", content=png(1)).status_code == 200
    assert client.post("/api/v1/colorize", content=png(1)).status_code == 200
    assert studio.under_way == 0


def test_a_photograph_that_takes_too_long_is_refused(running, png, monkeypatch):
    client = running(max_job_seconds=1)
    monkeypatch.setattr(worker, "colorize", _sleep)
    refused = client.post("/api/v1/colorize", content=png(1))
    assert refused.status_code == 413
    assert refused.json()["detail"] == "the photograph took longer than 1 s and was stopped; send a smaller one"
    monkeypatch.undo()
    monkeypatch.setattr(client.app.state.studio.photographs, "_limit", 60)  # a second is short for a busy machine
    assert client.post("/api/v1/colorize", content=png(1)).status_code == 200


def test_a_preview_that_takes_too_long_is_refused(running, png, monkeypatch):
    client = running()
    address, _ = submitted(client, png(1))
    monkeypatch.setattr(worker, "preview", _sleep)
    monkeypatch.setattr(client.app.state.studio._previews, "_limit", 1)
    refused = client.get(f"{address}/result?max_side=20")
    assert (refused.status_code, "was stopped; send a smaller one" in refused.json()["detail"]) == (413, True)


def test_uploads_are_removed_after_their_time_and_at_the_end(site, png):
    with site(keep_minutes=0.005) as client:
        address, _ = submitted(client, png(1))
        root = client.app.state.studio.jobs.folder
        end = time.monotonic() + 20
        while client.app.state.studio.jobs.counts() and time.monotonic() < end:
            time.sleep(0.05)
        assert client.get(address).status_code == 404
        submitted(client, png(1))
    assert not Path(root).exists()


def test_the_oldest_make_room(running, png):
    data = png(1)
    client = running()
    first, _ = submitted(client, data)
    jobs = client.app.state.studio.jobs
    jobs.most = int(jobs.kept * 1.5)
    second, _ = submitted(client, data)
    assert client.get(first).status_code == 404
    assert client.get(second).status_code == 200


# ---- workers


def test_a_crash_fails_its_job_only_and_the_worker_is_replaced(running, png):
    client = running()
    studio = client.app.state.studio
    assert client.post("/api/v1/colorize", content=png(1)).status_code == 200
    crash = studio.photographs.run
    with pytest.raises(photochrom.PhotochromError, match="crashed"):
        client.portal.call(crash, _die)
    assert client.post("/api/v1/colorize", content=png(1)).status_code == 200
    assert b"photochrom_workers_replaced_total 1.0" in client.get("/metrics").content


def _sleep(*_):
    time.sleep(60)


def _die(setup):
    import os

    os._exit(1)


def test_a_mistake_of_ours_ends_the_job_too(running, png, monkeypatch):
    client = running()

    async def broken(*_):
        raise ZeroDivisionError

    monkeypatch.setattr(client.app.state.studio, "_photograph", broken)
    _, states = submitted(client, png(1))
    assert (states[-1]["status"], states[-1]["problem"]["status"]) == ("failed", 500)
    assert client.app.state.studio.under_way == 0


def test_errors_come_back_from_a_process_as_they_were():
    import pickle

    error = pickle.loads(pickle.dumps(MissingExtra("reading it", "heif")))
    assert type(error) is MissingExtra
    assert (error.extra, str(error)) == ("heif", str(MissingExtra("reading it", "heif")))


def test_a_removed_job_is_no_mistake_of_ours(tmp_path, tiny, png):
    setup = worker.Setup(str(tiny), 10**6, 1)
    (tmp_path / worker.INPUT).write_bytes(png(1))
    facts = worker.prepare(setup, str(tmp_path))
    assert (facts.width, facts.height, facts.format) == (48, 40, "PNG")
    (tmp_path / worker.INPUT).unlink()
    with pytest.raises(FileNotFoundError):
        worker.render(setup, str(tmp_path), Look(), None)


# ---- the rest


def test_metrics_count_by_route_and_never_by_what_a_client_typed(server):
    server.get("/api/v1/jobs/secret-name")
    text = server.get("/metrics").text
    assert 'route="/api/v1/jobs/{identity}",status="404"' in text
    assert "secret-name" not in text
    assert "photochrom_jobs_under_way 0.0" in text


def test_the_names_of_the_formats_are_those_of_the_library():
    schema = TypeAdapter(FormatName).json_schema()
    assert schema["enum"] == [name.lower() for name in FORMATS]
    assert TypeAdapter(FormatName).validate_python("jpeg2000") == "jpeg2000"
    with pytest.raises(ValidationError, match="there is no format 'exe'; there are: jpeg, png"):
        TypeAdapter(FormatName).validate_python("exe")


@pytest.mark.parametrize(
    ("accept", "format_name"),
    [
        (None, "PNG"),
        ("*/*", "PNG"),
        ("image/webp,image/*;q=0.8", "PNG"),
        ("image/jpeg", "JPEG"),
        ("image/jpeg;q=0.2, image/webp;q=0.9", "WEBP"),
        ("image/png;q=0, image/jpeg", "JPEG"),
        ("IMAGE/JPEG ; q=oops, image/tiff", "TIFF"),
    ],
)
def test_negotiation(accept, format_name):
    assert wanted_format(None, accept, "PNG") == format_name


def test_negotiation_without_anything_that_fits():
    with pytest.raises(Problem) as caught:
        wanted_format(None, "application/json", "PNG")
    assert caught.value.status == 406


@pytest.mark.parametrize(("minutes", "words"), [(1, "Kept for 1 minute after"), (30, "Kept for 30 minutes after")])
def test_the_page_says_how_long_files_are_kept(site, minutes, words):
    assert words in site(keep_minutes=minutes).get("/").text
