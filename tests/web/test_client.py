"""`photochrom.Client` against a server behind a real socket."""

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

import photochrom
from photochrom import Client, Colorizer, Hint, Stroke
from photochrom.errors import BadSetting, ServerRefused, WriteFailed

TOKEN = "a token of the tests"


@pytest.fixture
def client(live):
    return Client(live, token=TOKEN, timeout=60)


def test_bytes_and_files_are_coloured_as_here(client, tiny, png, tmp_path):
    expected = Colorizer(tiny).colorize(png(1))
    assert client.colorize(png(1)) == expected
    source = tmp_path / "a.png"
    source.write_bytes(png(1))
    assert client.colorize(str(source)) == str(tmp_path / "a.color.png")
    assert (tmp_path / "a.color.png").read_bytes() == expected
    assert client.colorize(source, tmp_path / "b.png") == tmp_path / "b.png"
    with pytest.raises(WriteFailed, match="already there"):
        client.colorize(source)
    assert client.colorize(png(1), format="jpeg", saturation=0.5)[:2] == b"\xff\xd8"
    strokes = [Hint(5, 8, "navy"), Stroke(((4, 20), (30.5, 20)), "#a05030", width=3)]
    assert client.colorize(png(1), hints=strokes) == Colorizer(tiny).colorize(png(1), hints=strokes) != expected
    hints = [Hint(5, 8, "navy"), Hint(30.5, 20, "#808080", 0.25)]
    assert client.colorize(png(1), hints=hints) == Colorizer(tiny).colorize(png(1), hints=hints) != expected


def test_a_job_is_followed_and_gives_its_looks(client, png):
    heard = []
    job = client.submit(png(2)).wait(heard.append)
    assert heard[-1] == job.state()
    assert (job.state().status, job.state().progress, job.state().problem) == ("done", 1.0, None)
    assert job.result() == client.colorize(png(2))
    assert job.result(saturation=0.2, max_side=None) != job.result()
    job.remove()
    with pytest.raises(ServerRefused, match="no such job") as caught:
        job.result()
    assert caught.value.status == 404


def test_what_goes_wrong_is_one_line(client, live, png, tmp_path):
    with pytest.raises(ServerRefused, match="not a picture") as caught:
        client.colorize(b"hello")
    assert caught.value.status == 415
    with pytest.raises(ServerRefused, match="saturation"):
        client.colorize(png(1), saturation=9)
    with pytest.raises(ServerRefused, match="token") as caught:
        Client(live).colorize(png(1))
    assert caught.value.status == 401
    with pytest.raises(ServerRefused, match=r"damaged|data given"):
        client.submit(png(1)[:90]).wait()
    with pytest.raises(ServerRefused, match="photochrom serve") as caught:
        Client("http://127.0.0.1:1", patience=0).colorize(png(1))
    assert caught.value.status == 0
    with pytest.raises(BadSetting, match="http://"):
        Client("localhost:8000")
    with pytest.raises(BadSetting, match="output"):
        client.colorize(png(1), tmp_path / "a.png")
    with pytest.raises(photochrom.UnreadableImage, match="does not exist"):
        client.colorize(tmp_path / "none.png")


def test_a_busy_server_is_asked_again():
    answers = [(503, b'{"detail": "the queue is full"}'), (200, b"coloured")]

    class Busy(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            status, body = answers.pop(0) if len(answers) > 1 else answers[0]
            self.send_response(status)
            self.send_header("Retry-After", "0")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Busy) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            client = Client(f"http://127.0.0.1:{server.server_port}")
            assert client.colorize(b"photograph") == b"coloured"
            answers[:] = [(503, b'{"detail": "the queue is full"}')]
            with pytest.raises(ServerRefused, match="queue is full"):
                Client(client.url, patience=0).colorize(b"photograph")
        finally:
            server.shutdown()
            thread.join()
