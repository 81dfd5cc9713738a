"""`photochrom.Client` against a server behind a real socket."""

import asyncio
import contextlib
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

import photochrom
from photochrom import AsyncClient, Client, Colorizer, Hint, Stroke
from photochrom.async_client import AsyncRemoteJob
from photochrom.client import RemoteJob, _backoff
from photochrom.errors import BadSetting, ServerRefused, UnsupportedFormat, WriteFailed

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
    client.colorize(source, tmp_path / "b.jpg")
    assert (tmp_path / "b.jpg").read_bytes()[:2] == b"\xff\xd8", "the name says the format"
    client.colorize(source, tmp_path / "c.jpg", format="webp")
    assert (tmp_path / "c.jpg").read_bytes()[:4] == b"RIFF", "unless it is said"
    with pytest.raises(UnsupportedFormat, match=r"no picture format has the ending '\.xyz'"):
        client.colorize(source, tmp_path / "b.xyz")
    assert client.colorize(png(1), format="jpeg", saturation=0.5)[:2] == b"\xff\xd8"
    strokes = [Hint(5, 8, "navy"), Stroke(((4, 20), (30.5, 20)), "keep", width=3)]
    assert client.colorize(png(1), hints=strokes) == Colorizer(tiny).colorize(png(1), hints=strokes) != expected
    hints = [Hint(5, 8, "navy"), Hint(30.5, 20, "#808080", 0.25), Hint(40, 30, "keep")]
    assert client.colorize(png(1), hints=hints) == Colorizer(tiny).colorize(png(1), hints=hints) != expected


def test_a_job_is_followed_and_gives_its_looks(client, png):
    heard = []
    job = client.submit(png(2)).wait(heard.append)
    assert heard[-1] == job.state()
    assert (job.state().status, job.state().progress, job.state().problem) == ("done", 1.0, None)
    assert job.result() == client.colorize(png(2))
    assert job.result(saturation=0.2, max_side=None) != job.result()
    assert job.result(restore_tone=True, keep_color=False, mark=True) != job.result()
    assert job.export(saturation=0.2) == job.result(saturation=0.2)
    assert job.export("layer", size=20)[:4] == b"\x89PNG"
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


@pytest.mark.slow
def test_a_film_that_cannot_be_written_stays_on_the_server(client, mp4, tmp_path, monkeypatch):
    def full(target, *_):
        raise WriteFailed(f"{target} cannot be written: the disk is full")

    film, jobs = tmp_path / "a.mp4", []
    film.write_bytes(mp4)
    monkeypatch.setattr("photochrom.client.write_bytes", full)
    submit = Client._submit
    monkeypatch.setattr(Client, "_submit", lambda *given: jobs.append(submit(*given)) or jobs[-1])
    with pytest.raises(WriteFailed, match="the disk is full"):
        client.colorize(film)
    assert jobs[0].result()[4:8] == b"ftyp"


@pytest.mark.slow
def test_progress_films_and_variants(client, mp4, png, tmp_path):
    heard = []
    assert client.colorize(png(1), progress=heard.append) == client.colorize(png(1))
    assert heard == sorted(heard)
    assert (heard[-1], max(heard[:-1])) == (1.0, 0.5)
    film = tmp_path / "a.mp4"
    film.write_bytes(mp4)
    heard.clear()
    assert client.colorize(film, progress=heard.append, saturation=1.5) == tmp_path / "a.color.mp4"
    assert (tmp_path / "a.color.mp4").read_bytes()[4:8] == b"ftyp"
    assert heard == sorted(heard)
    assert heard[-1] == 1.0
    with pytest.raises(BadSetting, match=r"the server writes this film as \.mp4; end its name in that"):
        client.colorize(film, tmp_path / "b.webm")
    # Its own container is not written, and so it gets another name, which is taken.
    with pytest.raises(WriteFailed, match=r"a\.color\.mp4 is already there"):
        client.colorize(film.rename(tmp_path / "a.flv"))
    job = client.submit(png(3)).wait()
    assert job.original(format="png", max_side=20)[:4] == b"\x89PNG"
    with pytest.raises(ServerRefused, match="neither bins nor dropout"):
        job.variants(2)


def test_the_same_awaited(live, tiny, png, tmp_path):
    async def used():
        async with AsyncClient(live, token=TOKEN, timeout=60) as client:
            expected = Colorizer(tiny).colorize(png(1))
            assert await client.colorize(png(1)) == expected
            jobs = await asyncio.gather(*(client.submit(png(seed)) for seed in (1, 2)))
            states = [state async for state in jobs[0].follow()]
            assert states[-1] == await jobs[0].state()
            await asyncio.gather(*(job.wait() for job in jobs))
            assert await jobs[0].result() == expected
            assert (await jobs[1].original(format="png"))[:4] == b"\x89PNG"
            assert (await jobs[1].export("card", format="webp", size=32))[:4] == b"RIFF"
            await jobs[0].remove()
            with pytest.raises(ServerRefused, match="no such job"):
                await jobs[0].result()
        with pytest.raises(BadSetting, match="the client is closed; make another one"):
            await jobs[1].state()

    asyncio.run(used())


@pytest.fixture
def silent():
    """A server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def address_of(server):
    return f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.parametrize("retries", [0, 3])
def test_at_its_end_nobody_waits_for_an_answer(silent, retries):
    async def used():
        async with AsyncClient(address_of(silent), retries=retries) as client:
            job = AsyncRemoteJob(RemoteJob(client._client, "abc"))
            waiting = [asyncio.create_task(task) for task in (client.colorize(b"photograph"), job.wait())]
            taken = [await asyncio.to_thread(silent.accept) for _ in waiting]
        for task in waiting:
            with pytest.raises(BadSetting, match="the client is closed; make another one"):
                await task
        return taken

    for connection, _ in asyncio.run(used()):
        connection.close()


def test_nor_between_two_tries(flaky, monkeypatch):
    monkeypatch.setattr("photochrom.client._FIRST_WAIT", 8.0)
    address, answers, heard = flaky
    answers += [(503, b"{}")]
    with ThreadPoolExecutor() as thread, Client(address) as client:
        asked = thread.submit(client.colorize, b"photograph")
        while not heard:
            time.sleep(0.01)
        client.close()
        with pytest.raises(BadSetting, match="the client is closed"):
            asked.result()


@pytest.fixture
def flaky():
    """A server that answers as it is told: a status and a body, or None to break the connection; and what it heard."""
    answers, heard = [], []

    class Flaky(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            self.do_GET()

        def do_GET(self):
            heard.append((self.path, self.headers.get("Idempotency-Key")))
            answer = answers.pop(0)
            if answer is None:
                self.connection.close()
                return
            self.send_response(answer[0])
            self.send_header("Content-Length", str(len(answer[1])))
            self.end_headers()
            self.wfile.write(answer[1])

        def log_message(self, *_):
            pass

        def handle_one_request(self):
            with contextlib.suppress(OSError, ValueError):
                super().handle_one_request()

    with HTTPServer(("127.0.0.1", 0), Flaky) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", answers, heard
        server.shutdown()
        thread.join()


def test_a_connection_that_breaks_is_made_again_with_the_same_key(flaky, monkeypatch):
    monkeypatch.setattr("photochrom.client._FIRST_WAIT", 0.01)
    address, answers, heard = flaky
    answers += [None, (502, b"{}"), (202, b'{"id": "x"}')]
    assert Client(address).submit(b"photograph").id == "x"
    assert len(heard) == 3
    assert len({key for _, key in heard}) == 1
    assert heard[0][1]
    answers += [None] * 3
    with pytest.raises(ServerRefused, match="no answer from"):
        Client(address, retries=2).colorize(b"photograph")
    assert answers == []


def test_waits_grow_up_to_a_bound_and_differ():
    waits = [[_backoff(tries) for _ in range(50)] for tries in range(8)]
    for tries, found in enumerate(waits):
        longest = min(8.0, 0.5 * 2**tries)
        assert longest / 2 <= min(found) < max(found) <= longest


def test_a_job_in_a_look_is_named_by_its_id(flaky):
    address, answers, heard = flaky
    answers += [(200, b"x")]
    Client(address).colorize(b"x", reference=RemoteJob(Client(address), "abc"), vividness=None)
    assert heard[0][0] == "/api/v1/colorize?reference=abc"


def test_so_is_one_that_is_awaited(flaky):
    address, answers, heard = flaky
    answers += [(200, b"x")]
    job = AsyncRemoteJob(RemoteJob(Client(address), "abc"))
    asyncio.run(AsyncClient(address).colorize(b"x", reference=job, vividness=None))
    assert heard[0][0] == "/api/v1/colorize?reference=abc"


def test_a_job_is_followed_over_a_connection_that_ends(flaky, monkeypatch):
    monkeypatch.setattr("photochrom.client._FIRST_WAIT", 0.01)
    address, answers, _ = flaky
    told = '{{"status": "{}", "progress": {}, "problem": null, "kind": "photograph", "format": null}}'
    first = f"data: {told.format('running', 0.5)}\n\n".encode()
    answers += [(202, b'{"id": "x"}'), (200, first), (200, first + f"data: {told.format('done', 1)}\n\n".encode())]
    assert [s.status for s in Client(address).submit(b"x").follow()] == ["running", "running", "done"]


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
