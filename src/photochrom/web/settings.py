"""What a server is started with: where it listens, who may talk to it, and how much it takes."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from pathlib import Path

from photochrom._support.processes import usable_cores
from photochrom.errors import BadSetting

LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")
SHORTEST_TOKEN = 8
MEGABYTE = 1_000_000


@dataclass(frozen=True)
class ServeSettings:
    """Settings of one server.

    Attributes:
        host: the address to listen on. Anything but loopback needs a token.
        port: the port to listen on; 0 takes a free one.
        token: what a client has to show; None asks for nothing.
        allow_hosts: further names under which the server is reached, such as "photos.example.org".
        model: a packaged model's name, or a .onnx file.
        workers: processes that run the network on photographs; None takes one for two cores.
        max_body: the largest request body, in bytes.
        max_pixels: the largest photograph, in pixels.
        max_seconds: the longest film or animation, in seconds.
        queue: how many jobs may wait or run at a time; more are answered with 503.
        jobs_per_client: how many of them one client may have; more are answered with 429.
        keep_minutes: how long an upload and its result are kept after they were last asked for.
        max_kept: how many bytes of uploads and results are kept at a time; the oldest go first.
        turing: the folder of a Turing test in which people take part at /turing; see `photochrom.research.turing`.

    Raises:
        BadSetting: one that cannot be, by its name.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    token: str | None = None
    allow_hosts: tuple[str, ...] = ()
    model: str = "default"
    workers: int | None = None
    max_body: int = 64 * MEGABYTE
    max_pixels: int = 100_000_000
    max_seconds: float = 60
    queue: int = 32
    jobs_per_client: int = 8
    keep_minutes: float = 30
    max_kept: int = 4000 * MEGABYTE
    turing: Path | None = None

    def __post_init__(self) -> None:
        _least("port", self.port, 0, 65535)
        _least("number of workers", self.workers, 1, 64)
        _least("largest body", self.max_body, 1)
        _least("largest number of pixels", self.max_pixels, 1)
        _least("longest film", self.max_seconds, 0)
        _least("length of the queue", self.queue, 1)
        _least("number of jobs per client", self.jobs_per_client, 1)
        _least("number of minutes that files are kept", self.keep_minutes, 0)
        _least("room for kept files", self.max_kept, self.max_body)
        if self.token is not None and len(self.token) < SHORTEST_TOKEN:
            raise BadSetting(f"the token has {len(self.token)} characters; take {SHORTEST_TOKEN} or more")
        if self.token is None and not is_loopback(self.host):
            raise BadSetting(f"on {self.host} others can reach the server; set a --token, or omit --host")

    @property
    def processes(self) -> int:
        """Worker processes for photographs."""
        return self.workers or max(1, usable_cores() // 2)

    @property
    def names(self) -> tuple[str, ...]:
        """The names under which it answers; see `photochrom.web.guard`."""
        return (*LOOPBACK_NAMES, self.host.lower(), *(name.lower() for name in self.allow_hosts))


def is_loopback(host: str) -> bool:
    """Whether only this computer reaches what listens there."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _least(what: str, value: float | None, low: float, high: float | None = None) -> None:
    if value is not None and not (low <= value <= (value if high is None else high)):
        limits = f"at least {low:g}" if high is None else f"between {low:g} and {high:g}"
        raise BadSetting(f"the {what} is {value:g}; it must be {limits}")
