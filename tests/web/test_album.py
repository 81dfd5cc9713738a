"""Results that are saved in the server's album, through the interface and on the page."""

import io
import json
import re
import signal
import subprocess
import sys

import numpy as np
import pytest
from browsing import coloured
from PIL import Image
from playwright.sync_api import expect

from photochrom import BadSetting
from photochrom.web.settings import ServeSettings

pytestmark = pytest.mark.slow


def finished(site, data, name=""):
    created = site.post("/api/v1/jobs", content=data, params={"name": name} if name else {})
    address = created.headers["location"]
    with site.stream("GET", f"{address}/events") as events:
        assert json.loads([line for line in events.iter_lines() if line][-1][5:])["status"] == "done"
    return address


def test_results_are_saved_under_free_names(running, png, tmp_path):
    folder = tmp_path / "new" / "album"
    site = running(album=folder)
    address = finished(site, png(1), "../portrait.png")
    first = site.post(f"{address}/album")
    assert (first.status_code, first.json()) == (201, {"name": "portrait.color.png"})
    assert site.post(f"{address}/album?saturation=0").json() == {"name": "portrait-2.color.png"}
    assert site.post(f"{address}/album?name=a/b.png").json() == {"name": "b.color.png"}
    assert (folder / "portrait.color.png").read_bytes() == site.get(f"{address}/result").content
    with Image.open(folder / "portrait-2.color.png") as image:
        assert np.ptp(np.asarray(image.convert("RGB"), int), -1).max() <= 1
    assert len(list(folder.iterdir())) == 3
    assert site.post(f"{address}/album?saturaton=0").status_code == 422


def test_a_film_is_saved_as_it_was_coloured(running, gif, tmp_path):
    site = running(album=tmp_path)
    address = finished(site, gif, "train.gif")
    assert site.post(f"{address}/album").json() == {"name": "train.color.gif"}
    assert (tmp_path / "train.color.gif").read_bytes() == site.get(f"{address}/result").content


def test_an_album_that_cannot_be_written_is_said(running, png, tmp_path):
    site = running(album=tmp_path / "album")
    address = finished(site, png(1))
    (tmp_path / "album").rmdir()
    (tmp_path / "album").write_bytes(b"")
    refused = site.post(f"{address}/album")
    assert refused.status_code == 507
    assert refused.json()["detail"].startswith("the album cannot be written (")
    assert str(tmp_path) not in refused.text
    with pytest.raises(BadSetting, match="no album can be made here"):
        ServeSettings(album=tmp_path / "album")


def test_without_an_album_there_is_nothing_of_it(server):
    assert server.post("/api/v1/jobs/x/album").status_code == 404
    assert "album" not in server.get("/").text
    assert "saveToAlbum" not in server.get("/openapi.json").text


def test_on_the_page(visit, tiny, photographs, tmp_path):
    folder = tmp_path / "album"
    command = [sys.executable, "-m", "photochrom", "serve", "--port", "0", "--model", str(tiny), "--album", str(folder)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        try:
            page = visit(re.search(r"http://\S+", server.stderr.readline())[0])
            page.set_input_files("#files", photographs)
            expect(page.locator("#queue")).to_have_text("2 photographs")
            coloured(page)
            button = page.locator("#album")
            expect(button).to_have_text("Save all to the album")
            button.click()
            expect(page.locator("#queue")).to_have_text("2 saved in the album")
            assert {path.name for path in folder.iterdir()} == {"grandmother.color.jpg", "harbour.color.png"}
            button.click()  # nothing has changed
            expect(page.locator("#queue")).to_have_text("All are in the album")
            page.get_by_role("slider", name="Saturation").press("Home")
            button.click()
            expect(page.locator("#queue")).to_have_text("Saved in the album")
            assert len(list(folder.iterdir())) == 3
            with Image.open(io.BytesIO((folder / "grandmother-2.color.jpg").read_bytes())) as image:
                assert image.size == (320, 240)
            page.close()
        finally:
            server.send_signal(signal.SIGTERM)
