"""Many clients at a server of photochrom's own, some of which may stall: times, refusals and memory.

Starts `photochrom serve` on a free port of 127.0.0.1 and ends it. Each client has a loopback address of its own, sends
a photograph to be coloured, sends one as a job and looks at previews and the result of it, and begins again.

    python benchmarks/load.py --seconds 600
    python benchmarks/load.py --seconds 60 --stalled 10
"""

from __future__ import annotations

import argparse
import collections
import http.client
import io
import json
import os
import re
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
from bench import begin, watched
from PIL import Image

SIZE = (800, 600)
EXPECTED = (200, 202, 204, 429, 503, 507)
NO_ANSWER = 0  # within two minutes; counted, and unexpected


def photograph(seed: int) -> bytes:
    """A drawn picture with some texture, as JPEG."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 255, (12, 16), np.uint8)).resize(SIZE, Image.Resampling.BICUBIC)
    grain = rng.normal(0, 6, (SIZE[1], SIZE[0]))
    out = io.BytesIO()
    Image.fromarray(np.clip(np.asarray(coarse) + grain, 0, 255).astype(np.uint8)).save(out, "JPEG", quality=90)
    return out.getvalue()


class Client(threading.Thread):
    """One client, until its time is over."""

    def __init__(self, port: int, number: int, end: float) -> None:
        super().__init__()
        self.port, self.number, self.end = port, number, end
        self.times: dict[str, list[float]] = collections.defaultdict(list)
        self.statuses: collections.Counter[int] = collections.Counter()

    def run(self) -> None:
        data = photograph(self.number)
        while time.monotonic() < self.end:
            self.ask("colorize", "POST", "/api/v1/colorize", data)
            status, answer = self.ask("submit", "POST", "/api/v1/jobs", data)
            if status != 202:
                continue
            path = f"/api/v1/jobs/{json.loads(answer)['id']}"
            self.ask("follow", "GET", f"{path}/events")
            for saturation in (0.5, 1.0, 1.5):
                self.ask("preview", "GET", f"{path}/result?max_side=512&format=jpeg&saturation={saturation}")
            self.ask("result", "GET", f"{path}/result")
            self.ask("remove", "DELETE", path)

    def ask(self, what: str, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, 120, (f"127.0.1.{self.number + 1}", 0))
        began = time.perf_counter()
        try:
            connection.request(method, path, body)
            response = connection.getresponse()
            answer = response.read()
        except OSError:
            self.statuses[NO_ANSWER] += 1
            return NO_ANSWER, b""
        finally:
            connection.close()
        self.statuses[response.status] += 1
        if response.status in (429, 503, 507):
            time.sleep(float(response.headers["Retry-After"]))
        else:
            self.times[what].append(time.perf_counter() - began)
        return response.status, answer


class Stalled(threading.Thread):
    """A client that trickles its headers or its body, never ends, and begins again when it is cut off."""

    HEAD = "POST /api/v1/colorize HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000000\r\n"

    def __init__(self, port: int, number: int, end: float) -> None:
        super().__init__()
        self.port, self.end, self.ended = port, end, 0
        self.start_of_it = self.HEAD + ("\r\n" if number % 2 else "X-Slow: ")

    def run(self) -> None:
        while time.monotonic() < self.end:
            with socket.create_connection(("127.0.0.1", self.port)) as connection:
                try:
                    connection.sendall(self.start_of_it.encode())
                    while time.monotonic() < self.end:
                        connection.sendall(b"a")
                        time.sleep(0.5)
                except OSError:
                    self.ended += 1


def family(pid: int) -> list[int]:
    """A process and its descendants."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(each for child in children for each in family(int(child)))]


def megabytes(pid: int) -> float:
    """What a server and its workers take, shared pages counted once."""
    total = 0
    for process in family(pid):
        text = Path(f"/proc/{process}/smaps_rollup").read_text()
        total += int(re.search(r"^Pss:\s+(\d+)", text, re.MULTILINE)[1])
    return total / 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--stalled", type=int, default=0, help="clients besides that never end what they say")
    parser.add_argument("--seconds", type=float, default=60)
    options = parser.parse_args()
    begin("as long as --seconds says")
    command = [sys.executable, "-m", "photochrom", "serve", "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        try:
            port = int(re.search(r":(\d+) ", server.stderr.readline())[1])
            run(server.pid, port, options)
        finally:
            server.send_signal(signal.SIGTERM)


def run(pid: int, port: int, options: argparse.Namespace) -> None:
    warm = Client(port, 0, 0)
    warm.ask("colorize", "POST", "/api/v1/colorize", photograph(0))
    memory = [megabytes(pid)]
    began = time.monotonic()
    clients = [Client(port, number, began + options.seconds) for number in range(options.clients)]
    stalled = [Stalled(port, number, began + options.seconds) for number in range(options.stalled)]
    for client in (*clients, *stalled):
        client.start()
    for _ in watched(range(10), "tenths of the time"):
        time.sleep(options.seconds / 10)
        memory.append(megabytes(pid))
    for client in (*clients, *stalled):
        client.join()
    memory.append(megabytes(pid))
    statuses = sum((client.statuses for client in clients), collections.Counter())
    seconds = time.monotonic() - began
    print(
        f"{options.clients} clients, {seconds:.0f} s, {len(os.sched_getaffinity(0))} cores, {SIZE[0]} x {SIZE[1]} JPEG"
    )
    if stalled:
        print(f"besides, {len(stalled)} clients that stall; they were cut off {sum(s.ended for s in stalled)} times")
    print(f"{'what':10}{'count':>8}{'p50 s':>9}{'p95 s':>9}")
    for what in ("colorize", "submit", "follow", "preview", "result"):
        times = [second for client in clients for second in client.times[what]]
        if len(times) > 1:
            cuts = statistics.quantiles(times, n=20)
            print(f"{what:10}{len(times):8}{cuts[9]:9.3f}{cuts[18]:9.3f}")
    print("answers: " + ", ".join(f"{count} x {status}" for status, count in sorted(statuses.items())))
    print("memory, MB: " + " ".join(f"{value:.0f}" for value in memory))
    wrong = {status: count for status, count in statuses.items() if status not in EXPECTED}
    sys.exit(f"unexpected answers: {wrong}" if wrong else 0)


if __name__ == "__main__":
    main()
