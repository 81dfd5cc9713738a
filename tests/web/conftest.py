"""The site in this process, asked without a socket, or behind one for Chromium."""

import contextlib
import io
import os
import re
import signal
import socket
import subprocess
import sys
import threading

import av
import numpy as np
import pytest
import uvicorn
from fastapi.testclient import TestClient
from PIL import Image
from playwright.sync_api import expect, sync_playwright

from photochrom.web.app import create_app
from photochrom.web.settings import ServeSettings

TOKEN = "a token of the tests"
ADDRESS = "http://127.0.0.1:8000"
CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def client_of(**settings):
    return TestClient(create_app(ServeSettings(**settings)), base_url=ADDRESS, follow_redirects=False)


@pytest.fixture
def site(tiny):
    """Makes a client for a site with these settings; its model is the tiny one, and its workers start when needed."""
    return lambda **settings: client_of(**{"model": str(tiny), **settings})


@pytest.fixture
def running(site):
    """The same with its workers and its folder for uploads, until the test is over."""
    with contextlib.ExitStack() as stack:
        yield lambda **settings: stack.enter_context(site(**settings))


@pytest.fixture(scope="module")
def server(tiny):
    """One site that is running, with the tiny model, for the tests that leave it as it was."""
    with client_of(model=str(tiny)) as client:
        yield client


@pytest.fixture(scope="module")
def real():
    """One site that is running, with the packaged model."""
    with client_of() as client:
        yield client


@pytest.fixture(scope="module")
def live(tiny):
    """The address of a site behind a real socket, with the tiny model and a token."""
    listening = socket.create_server(("127.0.0.1", 0))
    app = create_app(ServeSettings(model=str(tiny), token=TOKEN))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    thread.join(30)
    assert not thread.is_alive()


@pytest.fixture(scope="module")
def chromium():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium):
    """Opens an address; whatever a page logs (but `refusals`), throws, or asks of another host fails the test."""
    contexts, faults = [], []

    def opened(site, path="/", refusals="nothing", seconds=90, **settings):
        context = chromium.new_context(**settings)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(1000 * seconds)
        expect.set_options(timeout=1000 * seconds)
        page.on("console", lambda message: refusals in message.text or faults.append(message.text))
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("request", lambda request: request.url.startswith((site, "blob:")) or faults.append(request.url))
        page.goto(site + path)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert faults == []


def frames(count=6):
    ramp = np.asarray(Image.linear_gradient("L").resize((64, 48)))
    return [Image.fromarray(np.roll(ramp, 5 * index, 0)) for index in range(count)]


@pytest.fixture(scope="session")
def gif():
    """A moving picture of 6 frames, 64 x 48, half a second."""
    first, *others = frames()
    out = io.BytesIO()
    first.save(out, "GIF", save_all=True, append_images=others, duration=80, loop=0)
    return out.getvalue()


@pytest.fixture(scope="session")
def mp4():
    """A film of 12 frames, 64 x 48, ten a second."""
    out = io.BytesIO()
    with av.open(out, "w", "mp4") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for picture in frames(12):
            container.mux(stream.encode(av.VideoFrame.from_image(picture.convert("RGB"))))
        container.mux(stream.encode())
    return out.getvalue()


# ---- the page


@pytest.fixture(scope="session")
def address():
    """A server as people start it, one for all modules; each visit is a session of its own."""
    command = [sys.executable, "-m", "photochrom", "serve", "--port", "0"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as server:
        yield re.search(r"http://\S+", server.stderr.readline())[0]
        server.send_signal(signal.SIGTERM)
        assert server.wait(20) == 0
        assert server.stderr.read() == ""


@pytest.fixture
def open_page(visit, address):
    """Opens the start page; see `visit`."""
    return lambda viewport={"width": 1280, "height": 800}, refusals="nothing", **settings: visit(
        address, refusals=refusals, viewport=viewport, **settings
    )


@pytest.fixture
def photographs(tmp_path, drawn):
    """Two photographs in gray, one with metadata."""
    exif = Image.Exif()
    exif[0x010E] = "grandmother"
    paths = tmp_path / "grandmother.jpg", tmp_path / "harbour.png"
    drawn(1, 320, 240).convert("L").save(paths[0], exif=exif)
    drawn(2, 200, 300).convert("L").save(paths[1])
    return paths
