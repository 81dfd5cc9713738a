"""Connections that stall, over real sockets: they hold nobody up, and they are ended."""

import contextlib
import socket
import threading
import time
import urllib.request
from typing import ClassVar

import pytest
import uvicorn

from photochrom.web import guard, wire
from photochrom.web.app import create_app
from photochrom.web.settings import ServeSettings
from photochrom.web.wire import PatientProtocol

PLACES = 8


class Watched(PatientProtocol):
    """Notes the other sides of the connections that have ended."""

    ended: ClassVar = []

    def connection_lost(self, exc):
        self.ended.append(self.client)
        super().connection_lost(exc)


@pytest.fixture(scope="module")
def small(tiny):
    """(address, app) of a site with as many places as there are sockets that stall."""
    with pytest.MonkeyPatch.context() as patch, socket.create_server(("127.0.0.1", 0)) as listening:
        patch.setattr(wire, "HEAD_SECONDS", 3.0)
        patch.setattr(wire, "WRITE_SECONDS", 1.0)
        patch.setattr(guard, "BODY_SECONDS", 1.0)
        app = create_app(ServeSettings(model=str(tiny), queue=PLACES, jobs_per_client=PLACES))
        server = uvicorn.Server(uvicorn.Config(app, http=Watched, ws="none", log_level="warning"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        while not server.started:
            time.sleep(0.02)
        yield listening.getsockname(), app
        server.should_exit = True
        thread.join(30)
        assert not thread.is_alive()


def head(length, path="/api/v1/colorize"):
    return f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {length}\r\n\r\n".encode()


def everything(connection):
    """What comes until the other side ends the connection."""
    connection.settimeout(20)
    received = b""
    with contextlib.suppress(ConnectionResetError):
        while piece := connection.recv(65536):
            received += piece
    return received


@pytest.fixture
def connect(small):
    with contextlib.ExitStack() as stack:
        yield lambda: stack.enter_context(socket.create_connection(small[0]))


@pytest.mark.parametrize("start", [head(100_000), head(100_000) + b"\x89PNG", b"POST /api/v1/col", b""])
def test_as_many_stalled_sockets_as_places_lock_nobody_out(small, connect, png, start):
    (host, port), app = small
    stalled = [connect() for _ in range(2 * PLACES)]
    for each in stalled:
        each.sendall(start)
    with urllib.request.urlopen(f"http://{host}:{port}/api/v1/colorize", png(1)) as response:
        assert response.status == 200
    assert app.state.studio.under_way == 0
    for each in stalled:
        answer = everything(each)
        if start.endswith((b"\r\n\r\n", b"PNG")):
            assert answer.startswith(b"HTTP/1.1 408")
            assert b"more slowly than 8 kB a second" in answer
        else:
            assert answer == b""
    assert app.state.studio.uploads.count == 0
    end = time.monotonic() + 10
    while len(app.state.studio.jobs):  # what was coloured at once goes after it was sent
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_trickle_is_ended_too(connect):
    for start, answer in ((head(100_000), b"HTTP/1.1 408"), (b"GET / HTTP/1.1\r\n", b"")):
        trickling, began = connect(), time.monotonic()
        trickling.sendall(start)
        with contextlib.suppress(OSError):
            while time.monotonic() < began + 10:
                trickling.sendall(b"a")
                time.sleep(0.1)
        assert time.monotonic() < began + 8
        with contextlib.suppress(ConnectionResetError):
            trickling.settimeout(5)
            assert trickling.recv(12).startswith(answer)


def test_a_slow_upload_that_is_fast_enough_goes_through(connect, drawn, tmp_path):
    drawn(1, 200, 200).convert("L").save(tmp_path / "a.bmp")
    data, connection = (tmp_path / "a.bmp").read_bytes(), connect()
    connection.sendall(head(len(data)).replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
    for at in range(0, len(data), 4000):  # 20 kB a second, for two seconds
        connection.sendall(data[at : at + 4000])
        time.sleep(0.2)
    assert everything(connection).startswith(b"HTTP/1.1 200")


def test_one_connection_may_ask_again_after_a_pause_and_in_pieces(connect):
    connection = connect()
    connection.settimeout(5)
    for _ in range(3):
        connection.sendall(b"GET /healthz HTTP/1.1\r\n")
        time.sleep(0.4)
        connection.sendall(b"Host: 127.0.0.1\r\n\r\n")
        answer = b""
        while not answer.endswith(b'{"status":"ok"}'):
            answer += (piece := connection.recv(65536))
            assert piece
        time.sleep(0.4)


def test_a_client_that_reads_nothing_is_given_up(small, connect, drawn, tmp_path):
    drawn(1, 2600, 2000).convert("L").save(tmp_path / "a.bmp")
    data = (tmp_path / "a.bmp").read_bytes()
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    with connection:
        connection.connect(small[0])
        connection.sendall(head(len(data)) + data)
        end = time.monotonic() + 300
        while connection.getsockname() not in Watched.ended:
            assert time.monotonic() < end
            time.sleep(0.02)
        received = everything(connection)
    assert received.startswith(b"HTTP/1.1 200")
    assert len(received) < 3 * 2600 * 2000
