"""Many results as one ZIP archive: whole, under names that every system takes, and sent while it is made."""

import asyncio
import io
import zipfile

import pytest
from PIL import Image

from photochrom.web import archive


def submitted(client, data):
    """The id of a job that is done."""
    created = client.post("/api/v1/jobs", content=data)
    client.get(f"{created.headers['location']}/events")
    return created.json()["id"]


def collected(client, *wishes):
    response = client.post("/api/v1/archive", json={"photographs": list(wishes)})
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/zip"
    return zipfile.ZipFile(io.BytesIO(response.content))


def local_headers(data, entries):
    """What stands before each file: its flags and its length."""
    return [(data[at + 6] + 256 * data[at + 7], int.from_bytes(data[at + 22 : at + 26], "little")) for at in entries]


def test_each_photograph_in_its_look(server, png):
    first, second = (submitted(server, png(seed)) for seed in (1, 2))
    found = collected(
        server,
        {"id": first, "name": "grandmother.png"},
        {"id": second, "name": "Grandmother.png", "look": {"saturation": "0.5"}},
        {"id": first, "name": "grandmother.png", "format": "jpeg"},
        {"id": first},
    )
    assert found.testzip() is None
    names = ["grandmother.color.png", "Grandmother-2.color.png", "grandmother.color.jpg", "photograph.color.png"]
    assert found.namelist() == names
    assert {entry.compress_type for entry in found.infolist()} == {zipfile.ZIP_STORED}
    assert found.read(names[0]) == server.get(f"/api/v1/jobs/{first}/result").content
    assert found.read(names[1]) == server.get(f"/api/v1/jobs/{second}/result?saturation=0.5").content
    with Image.open(io.BytesIO(found.read(names[2]))) as image:
        assert image.format == "JPEG"


def test_an_archive_takes_the_name_of_the_job(server, png):
    created = server.post("/api/v1/jobs", files={"file": ("portrait.png", png(1), "image/png")})
    server.get(f"{created.headers['location']}/events")
    identity = created.json()["id"]
    assert collected(server, {"id": identity}, {"id": identity, "name": "b.png"}).namelist() == [
        "portrait.color.png",
        "b.color.png",
    ]


def test_lengths_stand_before_the_files_and_nothing_is_left_over(server, png):
    identity = submitted(server, png(1))
    studio = server.app.state.studio
    found = collected(server, *[{"id": identity, "name": f"{i}.png"} for i in range(3)])
    found.fp.seek(0)
    headers = local_headers(found.fp.read(), [entry.header_offset for entry in found.infolist()])
    assert headers == [(0, entry.file_size) for entry in found.infolist()]
    assert sorted(path.name for path in studio.jobs.get(identity).folder.iterdir()) == ["input", "kept.npz"]
    assert studio.under_way == 0


def test_films_come_as_they_were_sent(server):
    ramp = Image.linear_gradient("L").resize((48, 32))
    out = io.BytesIO()
    ramp.save(out, "GIF", save_all=True, append_images=[ramp.rotate(180), ramp], duration=80)
    identity = submitted(server, out.getvalue())
    found = collected(server, {"id": identity, "name": "train.gif", "look": {"contrast": 1}, "format": "jpeg"})
    assert found.namelist() == ["train.color.gif"]
    assert found.read("train.color.gif") == server.get(f"/api/v1/jobs/{identity}/result").content


def test_each_photograph_is_exported_as_it_is_asked_for(server, png, gif):
    identity, film = submitted(server, png(1)), submitted(server, gif)
    wishes = [
        {"format": "webp", "size": 40, "quality": 30},
        {"kind": "layer", "look": {"saturation": 2}},
        {"kind": "card", "size": 40},
        {"kind": "film", "size": 40},
        {"kind": "film", "format": "png"},
        {"look": {"mark": True}},
    ]
    found = collected(
        server,
        *[{"id": identity, "name": "harbour.png", **wish} for wish in wishes],
        {"id": film, "name": "train.gif", "kind": "card"},
        {"id": film, "name": "train.gif", "size": 40, "format": "png"},
    )
    names = ["harbour.color.webp", "harbour.layer.png", "harbour.before-after.jpg", "harbour.before-after.mp4"]
    assert found.namelist() == [*names, "harbour.color.png", "train.color.gif", archive.MISSING]
    for name, wish in zip([*names, "harbour.color.png"], [*wishes[:4], wishes[5]], strict=True):
        how = {**wish.get("look", {}), **{key: value for key, value in wish.items() if key != "look"}}
        assert found.read(name) == server.get(f"/api/v1/jobs/{identity}/export", params=how).content
    missing = found.read(archive.MISSING).decode().splitlines()
    assert missing == [
        "harbour.png: a film is written as .mp4; omit the format",
        "train.gif: this is a film; its result is all there is",
    ]
    for wrong in (
        {"kind": "poster"},
        {"quality": 0},
        {"size": 3},
        {"format": "xcf"},
        {"saturation": 1.2},
        {"look": {"colour": 1}},
    ):
        refused = server.post("/api/v1/archive", json={"photographs": [{"id": identity, **wrong}]})
        assert refused.status_code == 422, wrong


def test_what_is_refused_before_anything_is_sent(running, png):
    client = running(queue=2, jobs_per_client=1)
    studio = client.app.state.studio
    good, bad = submitted(client, png(1)), submitted(client, png(1)[:90])

    def refused(*identities):
        response = client.post("/api/v1/archive", json={"photographs": [{"id": each} for each in identities]})
        return response.status_code, response.json()["detail"]

    assert refused(good, "unknown")[0] == 404
    assert refused(good, bad)[0] == 422
    assert refused()[0] == 422
    assert refused(*[good] * (archive.MOST + 1))[0] == 422
    studio.jobs.new("testclient").id = waiting = studio.jobs.new("testclient").id
    assert refused(waiting) == (409, "the job is not done yet; follow its events")
    with studio.admit("testclient"):
        assert refused(good)[0] == 429
    with studio.admit("one"), studio.admit("two"):
        assert refused(good)[0] == 503
    assert collected(client, {"id": good}).namelist() == ["photograph.color.png"]
    assert studio.under_way == 0


def test_what_goes_wrong_later_is_named_in_the_archive(server, png, monkeypatch):
    identity = submitted(server, png(1))
    found = collected(
        server,
        {"id": identity, "name": "a.png"},
        {"id": identity, "name": "no\nsuch.png", "look": {"vividness": 0.5}},  # which this model has not
        {"id": identity, "name": "c.png"},
    )
    assert found.testzip() is None
    assert found.namelist() == ["a.color.png", "c.color.png", archive.MISSING]
    assert found.read(archive.MISSING).decode().startswith("no such.png: the model")


def test_a_client_that_goes_away_costs_no_process(running, png):
    client = running()
    studio = client.app.state.studio
    identity = submitted(client, png(1))
    selection = archive.Selection(photographs=[archive.Wish(id=identity)] * 3)

    async def broken_off():
        pieces = archive.stream(studio, "one", selection)
        await anext(pieces)
        reading = asyncio.ensure_future(anext(pieces))
        await asyncio.sleep(0)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        return studio.under_way

    assert client.portal.call(broken_off) == 0
    assert client.post("/api/v1/colorize", content=png(1)).status_code == 200
    assert b"photochrom_workers_replaced_total 0.0" in client.get("/metrics").content
    assert sorted(path.name for path in studio.jobs.get(identity).folder.iterdir()) == ["input", "kept.npz"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("portrait.JPG", "portrait.color.JPG"),
        ("portrait", "portrait.color.jpg"),
        ("portrait.png", "portrait.color.jpg"),
        ("../../etc/passwd", "passwd.color.jpg"),
        (r"C:\photos\aunt: 1931?.jpeg", "aunt 1931.color.jpeg"),
        ("..", "photograph.color.jpg"),
        ("", "photograph.color.jpg"),
        ("\0\n", "photograph.color.jpg"),
        (".htaccess", "htaccess.color.jpg"),
        ("con.jpg", "con_.color.jpg"),
        ("Großmutter 1.jpg", "Großmutter 1.color.jpg"),
        ("x" * 900 + ".jpg", "x" * 100 + ".color.jpg"),
    ],
)
def test_names(name, expected):
    assert archive.entry_name(name, (".jpg", ".jpeg"), set()) == expected


def test_names_that_differ_in_case_or_form_only_are_told_apart():
    taken = {archive.MISSING}
    given = ["\u00e9.jpg", "e\u0301.jpg", "\u00c9.jpg", "f.jpg", "f-2.jpg", "f.jpg"]
    names = [archive.entry_name(name, (".jpg",), taken) for name in given]
    assert names == [f"{stem}.color.jpg" for stem in ("\u00e9", "e\u0301-2", "\u00c9-3", "f", "f-2", "f-3")]
