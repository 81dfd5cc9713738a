"""What a server is started with: where it listens, who may talk to it, and how much it takes."""

from __future__ import annotations

import ipaddress
import os
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from photochrom._support.processes import usable_cores
from photochrom._support.text import shown
from photochrom.errors import BadSetting

LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")
SHORTEST_TOKEN = 16
MEGABYTE = 1_000_000

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_ROOT_PATH = re.compile(r"(/[A-Za-z0-9._~-]+)+")
_UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30}


@dataclass(frozen=True)
class ServeSettings:
    """Settings of one server.

    Attributes:
        host: the address to listen on. Anything but loopback needs a token.
        port: the port to listen on; 0 takes a free one.
        token: what a client has to show; None asks for nothing.
        no_token: let everybody in who reaches the server under one of `allow_hosts`.
        allow_hosts: further names under which the server is reached, such as "photos.example.org". They need a
            token, or `no_token`.
        root_path: the path under which a proxy shows the site, such as "/photochrom"; "" for none.
        trusted_proxies: addresses or networks of proxies; what they say of a visitor's address, scheme and host counts.
        cors: origins whose pages may use the API, such as "https://example.org".
        model: a packaged model's name, or a .onnx file.
        workers: processes that run the network on photographs; None takes one for two cores.
        max_body: the largest request body, in bytes.
        max_pixels: the largest photograph, in pixels.
        max_seconds: the longest film or animation, in seconds.
        max_job_seconds: how long a worker may take for one photograph; then it is stopped.
        queue: how many photographs may wait or run at a time, and as many films; more are answered with 503.
        jobs_per_client: how many of them one client may have; more are answered with 429.
        keep_minutes: how long an upload and its result are kept after they were last asked for.
        max_kept: how many bytes of uploads and results are kept at a time; the oldest go first. None takes 4 GB, or a
            quarter of the memory where temporary files are kept in memory (tmpfs).
        album: a folder in which results can be kept for good; it is made if need be.
        turing: the folder of a Turing test in which people take part at /turing; see `photochrom.research.turing`.

    Raises:
        BadSetting: one that cannot be, by its name.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    token: str | None = None
    no_token: bool = False
    allow_hosts: tuple[str, ...] = ()
    root_path: str = ""
    trusted_proxies: tuple[str, ...] = ()
    cors: tuple[str, ...] = ()
    model: str = "default"
    workers: int | None = None
    max_body: int = 64 * MEGABYTE
    max_pixels: int = 100_000_000
    max_seconds: float = 60
    max_job_seconds: float = 30
    queue: int = 32
    jobs_per_client: int = 8
    keep_minutes: float = 30
    max_kept: int | None = None
    album: Path | None = None
    turing: Path | None = None

    def __post_init__(self) -> None:
        _least("port", self.port, 0, 65535)
        _least("number of workers", self.workers, 1, 64)
        _least("largest body", self.max_body, 1)
        _least("largest number of pixels", self.max_pixels, 1)
        _least("longest film", self.max_seconds, 0)
        _least("number of seconds per photograph", self.max_job_seconds, 1)
        _least("length of the queue", self.queue, 1)
        _least("number of jobs per client", self.jobs_per_client, 1)
        _least("number of minutes that files are kept", self.keep_minutes, 0)
        _least("room for kept files", self.max_kept, self.max_body)
        if self.token is not None and len(self.token) < SHORTEST_TOKEN:
            raise BadSetting(f"the token has {len(self.token)} characters; take {SHORTEST_TOKEN} or more")
        if self.token is not None and self.no_token:
            raise BadSetting("there is a token and --no-token; omit one of them")
        if self.token is None and not is_loopback(self.host):
            raise BadSetting(f"on {self.host} others can reach the server; set a --token, or omit --host")
        if self.root_path and not _ROOT_PATH.fullmatch(self.root_path):
            raise BadSetting(
                f"'{self.root_path}' is not a path such as /photochrom; it needs a / in front, none behind"
            )
        if self.album is not None:
            _writable(self.album)
        for address in self.trusted_proxies:
            _network(address)
        for origin in self.cors:
            _check_origin(origin)
        if self.token is None and not self.no_token and (self.allow_hosts or self.trusted_proxies):
            how = f"as {self.allow_hosts[0]}" if self.allow_hosts else "by a proxy"
            raise BadSetting(f"others can reach the server {how}; set a --token, or --no-token to open it to all")

    @property
    def processes(self) -> int:
        """Worker processes for photographs."""
        return self.workers or max(1, usable_cores() // 2)

    @property
    def proxies(self) -> tuple[Network, ...]:
        """The networks of trusted proxies."""
        return tuple(map(_network, self.trusted_proxies))

    @property
    def names(self) -> tuple[str, ...]:
        """The names under which it answers; see `photochrom.web.guard`."""
        return (*LOOPBACK_NAMES, self.host.lower(), *(name.lower() for name in self.allow_hosts))


def is_address(host: str) -> bool:
    """Whether it is an IP address, not a name; in brackets, too."""
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


def is_loopback(host: str) -> bool:
    """Whether only this computer reaches what listens there."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def size(text: str) -> int:
    """A number of bytes, as people write it.

    Raises:
        BadSetting: it is no size.

    Example:
        >>> size("500MB"), size("1.5 GiB")
        (500000000, 1610612736)
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([A-Za-z]*)", text.strip())
    if found is None or found[2].upper() not in _UNITS:
        raise BadSetting(f"'{text}' is not a size such as 500MB or 4GB")
    return round(float(found[1]) * _UNITS[found[2].upper()])


def _network(text: str) -> Network:
    try:
        return ipaddress.ip_network(text)
    except ValueError:
        raise BadSetting(f"the proxy '{text}' is not an address such as 127.0.0.1 or 10.0.0.0/8") from None


def _writable(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadSetting(f"{shown(folder)}: no album can be made here ({error.strerror}); name another") from None
    if not os.access(folder, os.W_OK):
        raise BadSetting(f"{shown(folder)}: nothing can be written into this album; name another folder")


def _check_origin(text: str) -> None:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.netloc or text != f"{parts.scheme}://{parts.netloc}":
        raise BadSetting(f"'{text}' is not an origin such as https://example.org")


def _least(what: str, value: float | None, low: float, high: float | None = None) -> None:
    if value is not None and not (low <= value <= (value if high is None else high)):
        limits = f"at least {low:g}" if high is None else f"between {low:g} and {high:g}"
        raise BadSetting(f"the {what} is {value:g}; it must be {limits}")
