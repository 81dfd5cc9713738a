"""A disk that fills up: finished jobs make room, and then the server says so in one line."""

import json
import os
import re
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from types import SimpleNamespace

import pytest

from photochrom.errors import BadSetting, WriteFailed
from photochrom.web import films, storage
from photochrom.web.jobs import Jobs, Status
from photochrom.web.look import Look
from photochrom.web.problems import Problem
from photochrom.web.settings import ServeSettings, size
from photochrom.web.worker import Setup

FULL = "no room left for uploads and results"


@pytest.mark.parametrize(("text", "expected"), [("500MB", 500_000_000), ("1.5 GiB", 1_610_612_736), ("7", 7)])
def test_sizes(text, expected):
    assert size(text) == expected


@pytest.mark.parametrize("text", ["", "MB", "-5MB", "5 elephants", "nan"])
def test_what_is_no_size(text):
    with pytest.raises(BadSetting, match="not a size such as 500MB"):
        size(text)


def kept(jobs, count, status=Status.DONE):
    made = []
    for number in range(count):
        job = jobs.new("client")
        (job.folder / "input").write_bytes(bytes(1000))
        job.status, job.touched = status, number
        job.size = 1000
        made.append(job)
    return made


@pytest.fixture
def jobs():
    made = Jobs(ServeSettings(max_body=100, max_kept=5000))
    yield made
    made.close()


def test_the_oldest_that_are_over_make_room(jobs):
    made = kept(jobs, 5)
    made[0].status = Status.RUNNING
    jobs.make_room(1500)
    assert [job.folder.exists() for job in made] == [True, False, False, True, True]
    assert jobs.kept == 3000


def test_without_any_that_is_over_there_is_no_room(jobs):
    kept(jobs, 5, Status.RUNNING)
    with pytest.raises(Problem, match=FULL) as caught:
        jobs.make_room(1)
    assert (caught.value.status, caught.value.headers) == (507, {"Retry-After": "30"})


def test_a_full_disk_counts_as_the_limit_does(jobs, monkeypatch):
    made = kept(jobs, 3)
    monkeypatch.setattr(storage, "free", lambda _: 100 + 1000 * sum(not job.folder.exists() for job in made))
    jobs.make_room(1500)
    assert [job.folder.exists() for job in made] == [False, False, True]


def test_files_in_memory_count_as_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(storage, "is_memory", lambda _: True)
    monkeypatch.setattr(storage, "memory_limit", lambda: 1_000_000_000)
    monkeypatch.setattr(storage, "memory_left", lambda: 5_000_000)
    usage = SimpleNamespace(total=2_000_000_000, used=0, free=2_000_000_000)
    monkeypatch.setattr(storage.shutil, "disk_usage", lambda _: usage)
    assert storage.default_kept(tmp_path) == 250_000_000
    assert storage.free(tmp_path) == 5_000_000 - 64_000_000
    monkeypatch.setattr(storage, "is_memory", lambda _: False)
    assert storage.default_kept(tmp_path) == 4_000_000_000
    assert storage.free(tmp_path) == 2_000_000_000 - 64_000_000


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="there is no /dev/shm")
def test_a_tmpfs_is_known():
    assert storage.is_memory(Path("/dev/shm"))
    assert not storage.is_memory(Path("/proc"))


def test_a_film_that_finds_the_disk_full_says_so(tmp_path, monkeypatch, tiny):
    def failing(*_, **__):
        try:
            raise OSError(28, "No space left on device")
        except OSError as error:
            raise WriteFailed("film.part cannot be written") from error

    monkeypatch.setattr(films, "colorize_film", failing)
    monkeypatch.setattr(films, "_seconds", lambda *_: None)
    with pytest.raises(OSError, match="No space") as caught:
        films.colour(Setup(str(tiny), 10**6, 1), str(tmp_path), Look(), ".mp4", 10.0)
    assert storage.is_full(caught.value)


def test_a_worker_that_finds_the_disk_full_tries_again_once_there_is_room(running, png, monkeypatch):
    client = running()
    studio = client.app.state.studio
    address = client.post("/api/v1/jobs", content=png(1)).headers["location"]
    with client.stream("GET", f"{address}/events") as events:
        events.read()
    run, tries = studio.photographs.run, []

    async def full_at_first(*args, **named):
        tries.append(1)
        if len(tries) == 1:
            raise OSError(28, "No space left on device")
        return await run(*args, **named)

    monkeypatch.setattr(studio.photographs, "run", full_at_first)
    assert client.post("/api/v1/colorize", content=png(1)).status_code == 200
    assert client.get(address).status_code == 404  # it made room
    tries.clear()
    refused = client.post("/api/v1/colorize", content=png(1))  # nothing is left that could
    assert (refused.status_code, refused.headers["retry-after"]) == (507, "30")
    assert FULL in refused.json()["detail"]


def test_a_job_that_failed_keeps_no_files(running, png):
    client = running()
    address = client.post("/api/v1/jobs", content=png(1)[:90]).headers["location"]
    with client.stream("GET", f"{address}/events") as events:
        events.read()
    assert client.get(address).json()["status"] == "failed"
    assert client.app.state.studio.jobs.kept == 0


# A mount namespace of its own, with a small file system in memory as TMPDIR.
SMALL = ("unshare", "--user", "--map-root-user", "--mount", "sh", "-ec")
MOUNTED = 'mount -t tmpfs -o size=4m none "$TMPDIR"; exec "$@"'


@pytest.mark.slow
def test_a_real_file_system_that_is_full(tmp_path, tiny, drawn):
    environment = {**os.environ, "TMPDIR": str(tmp_path), "OMP_NUM_THREADS": "1"}
    if subprocess.run([*SMALL, MOUNTED, "sh", "true"], env=environment, capture_output=True).returncode:
        pytest.skip("this system lets nobody mount a tmpfs")
    drawn(1, 640, 480).convert("L").save(tmp_path / "a.bmp")
    data = (tmp_path / "a.bmp").read_bytes()  # 0.3 MB, and more for what is kept of it
    command = [sys.executable, "-m", "photochrom", "serve", "--port", "0", "--model", str(tiny)]
    started = [*SMALL, MOUNTED, "sh", *command]
    with subprocess.Popen(started, stderr=subprocess.PIPE, text=True, env=environment) as server:
        try:
            address = re.search(r"http://\S+", server.stderr.readline())[0]

            def asked(path, body=None):
                try:
                    with urllib.request.urlopen(f"{address}/api/v1{path}", body) as response:
                        return response.status, response.read()
                except urllib.error.HTTPError as error:
                    return error.code, error.read()

            made = []
            for _ in range(12):
                status, answer = asked("/jobs", data)
                assert status == 202, answer
                made.append(json.loads(answer)["id"])
                assert b'"done"' in asked(f"/jobs/{made[-1]}/events")[1]
            assert asked(f"/jobs/{made[0]}")[0] == 404
            assert asked(f"/jobs/{made[-1]}/result")[0] == 200
            status, answer = asked("/colorize", data * 20)  # larger than everything
            assert (status, FULL in answer.decode()) == (507, True)
            assert asked("/colorize", data)[0] == 200  # and it goes on
        finally:
            server.terminate()
        assert server.wait(20) == 0
