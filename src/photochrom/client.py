"""A photochrom server from Python, without any extra."""

from __future__ import annotations

import contextlib
import http.client
import io
import json
import os
import random
import secrets
import socket
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from photochrom._support.files import check_free, write_bytes
from photochrom._support.text import shown
from photochrom.errors import BadSetting, ServerRefused, UnreadableImage, WriteFailed
from photochrom.imaging.formats import format_for
from photochrom.imaging.moving import moving_kind
from photochrom.imaging.result_names import beside

Progress = Callable[[float], object]
_API = "/api/v1"
_BUSY = (429, 503, 507)
_PASSING = (502, 504)  # a proxy's word while the server behind it starts again
_FIRST_WAIT, _LONGEST_WAIT = 0.5, 8.0  # seconds before a request is sent again
_BYTES = "application/octet-stream"


@dataclass(frozen=True)
class JobState:
    """The progress of a job.

    Attributes:
        status: "queued", "running", "done" or "failed".
        progress: 0 to 1.
        problem: why it failed, or None.
        kind: "photograph" or "film".
        format: of the file that came, or of a film's result, once that is known.
    """

    status: str
    progress: float
    problem: str | None = None
    kind: str = "photograph"
    format: str | None = None

    @property
    def is_over(self) -> bool:
        """Whether nothing will change any more."""
        return self.status in ("done", "failed")


class Client:
    """Colours photographs and films on a server that `photochrom serve` started.

    A request that got no answer is sent again; no upload is coloured twice by that (Idempotency-Key). With `with` it is
    closed at the end.

    Args:
        url: of the server.
        token: what it was started with.
        timeout: seconds to wait for an answer.
        patience: seconds to retry while the server is busy (429, 503 or 507).
        retries: how often to send a request again whose connection broke.

    Example:
        >>> with Client("http://127.0.0.1:8000") as client:
        ...     client.colorize("portrait.jpg", saturation=1.2)  # doctest: +SKIP
        'portrait.color.jpg'
    """

    def __init__(
        self,
        url: str = "http://127.0.0.1:8000",
        *,
        token: str | None = None,
        timeout: float = 120.0,
        patience: float = 60.0,
        retries: int = 3,
    ) -> None:
        if urllib.parse.urlsplit(url).scheme not in ("http", "https"):
            raise BadSetting(f"a server's address starts with http:// or https://, not '{url}'")
        self.url, self.timeout, self.patience, self.retries = url.rstrip("/"), timeout, patience, retries
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._connections = _Connections()
        self._opener = urllib.request.build_opener(_Http(self._connections), _Https(self._connections))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the connections that are open. Whoever waits for an answer in another thread, or asks afterwards, by a
        job of this client too, gets a BadSetting. Jobs stay on the server."""
        self._connections.close()

    def colorize(
        self,
        x: str | os.PathLike[str] | bytes,
        output: str | os.PathLike[str] | None = None,
        *,
        overwrite: bool = False,
        progress: Progress | None = None,
        **look: Any,
    ) -> Any:
        """Colour one photograph or film.

        Args:
            x: a path, or a photograph's bytes.
            output: where to write the result of a path; by default NAME.color.EXT next to it. Its ending says the
                format.
            overwrite: replace an existing file.
            progress: called with 0 to 1: half for the upload, half for the work.
            **look: vividness, saturation, warmth, tint, contrast, variant, keep_color, restore_tone, mark, format; see
                the server's /docs. `hints` are `Hint`s.

        Returns:
            The path of the result, or for bytes the result's bytes.

        Raises:
            UnreadableImage: the file cannot be read.
            ServerRefused: the server does not answer, or refuses the photograph; the message says why.
            WriteFailed: the result cannot be written; a film is kept by the server for a while.
            BadSetting: the server writes a film as something else than `output` ends in.
            UnsupportedFormat: no picture format has the ending of `output`.
        """
        if isinstance(x, bytes | bytearray | memoryview):
            if output is not None:
                raise BadSetting("an output needs a path as input; for bytes the result is returned")
            return self._color(bytes(x), look, progress)
        source = Path(x)
        target = Path(output) if output is not None else beside(source)
        check_free(target, overwrite)
        if moving_kind(source):
            target = self._color_film(source, target, output is None, overwrite, look, progress)
        else:
            if "format" not in look:
                look["format"] = format_for(target).name.lower()
            write_bytes(target, self._color(_read(source), look, progress), overwrite)
        return str(target) if isinstance(x, str) else target

    def submit(self, x: str | os.PathLike[str] | bytes, *, progress: Progress | None = None, **look: Any) -> RemoteJob:
        """Send a photograph or a film and return at once.

        Args:
            x: a path, or a file's bytes.
            progress: called with how much has gone up, 0 to 1.
            **look: vividness, saturation, warmth, tint and palette of a film. A photograph is rendered with any
                settings once it is done.
        """
        if isinstance(x, bytes | bytearray | memoryview):
            return self._submit(bytes(x), look, "", progress)
        return self._submit(_read(Path(x)), look, Path(x).name, progress)

    def _color(self, data: bytes, look: dict[str, Any], progress: Progress | None) -> bytes:
        result = self._ask("POST", f"{_API}/colorize", look, data, progress=_part(progress, 0, 0.5))
        if progress:
            progress(1.0)
        return result

    def _color_film(
        self,
        source: Path,
        target: Path,
        may_move: bool,
        overwrite: bool,
        look: dict[str, Any],
        progress: Progress | None,
    ) -> Path:
        """Colour a film; gives where the result is, as one whose own container cannot be written is an .mp4."""
        job = self._submit(_read(source), look, source.name, _part(progress, 0, 0.5))
        ending = f".{job.state().format}"
        try:
            if ending != target.suffix.lower():
                if not may_move:
                    raise BadSetting(f"{shown(target)}: the server writes this film as {ending}; end its name in that")
                target = target.with_suffix(ending)
                check_free(target, overwrite)
            job.wait(lambda state: progress and progress(0.5 + state.progress / 2))
        except (BadSetting, WriteFailed):
            job.remove()
            raise
        write_bytes(target, job.result(), overwrite)
        job.remove()  # not before: a disk may be full, and the film is still there then
        return target

    def _submit(self, data: bytes, look: dict[str, Any], name: str, progress: Progress | None) -> RemoteJob:
        query = {**look, "name": name[:255] or None}
        answer = json.loads(
            self._ask("POST", f"{_API}/jobs", query, data, {"Idempotency-Key": secrets.token_urlsafe(16)}, progress)
        )
        return RemoteJob(self, answer["id"])

    def _ask(
        self,
        method: str,
        path: str,
        query: dict[str, Any],
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
        progress: Progress | None = None,
    ) -> bytes:
        """One request, again while the server is busy or the connection breaks; it has to be idempotent."""
        end, failures, refusals = time.monotonic() + self.patience, 0, 0
        while True:
            try:
                with self._open(method, path, query, body, headers, progress) as response:
                    return response.read()
            except ServerRefused as error:
                if error.status in _BUSY:
                    wait, refusals = error.retry_after or _backoff(refusals), refusals + 1
                    if time.monotonic() + wait > end:
                        raise
                elif self._may_pass(error) and failures < self.retries:
                    wait, failures = _backoff(failures), failures + 1
                else:
                    raise
                self._connections.pause(wait)
            except (OSError, http.client.HTTPException) as error:
                self._connections.check()
                if failures >= self.retries:
                    raise self._silent(error) from None
                self._connections.pause(_backoff(failures))
                failures += 1

    @staticmethod
    def _may_pass(error: ServerRefused) -> bool:
        """Whether it may be better when asked again; a server that is not there is told at once."""
        return error.status in _PASSING or (error.status == 0 and not isinstance(error.__cause__, _ABSENT))

    def _silent(self, error: Exception) -> ServerRefused:
        reason = getattr(error, "reason", error)
        return ServerRefused(f"no answer from {self.url} ({reason}); is `photochrom serve` running there?")

    def _open(
        self,
        method: str,
        path: str,
        query: dict[str, Any],
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
        progress: Progress | None = None,
    ) -> Any:
        given = {name: _written(value) for name, value in query.items() if value is not None}
        asked = urllib.parse.urlencode(given)
        address = f"{self.url}{path}{'?' if asked else ''}{asked}"
        sent = {**self._headers, **(headers or {})}
        if body is not None:
            sent |= {"Content-Type": _BYTES, "Content-Length": str(len(body))}
        upload = _Upload(body, progress) if body and progress else body
        request = urllib.request.Request(address, upload, sent, method=method)
        self._connections.check()
        try:
            return self._opener.open(request, timeout=self.timeout)
        except urllib.error.HTTPError as error:
            with error:
                raise _refused(error) from None
        except (urllib.error.URLError, http.client.HTTPException, OSError) as error:
            self._connections.check()
            reason = getattr(error, "reason", error)
            raise self._silent(error) from (reason if isinstance(reason, BaseException) else error)


_ABSENT = (ConnectionRefusedError, socket.gaierror)


class _Connections:
    """The sockets of a client, so that one thread can end what others wait for."""

    def __init__(self) -> None:
        self._closed, self._lock = threading.Event(), threading.Lock()
        self._sockets = weakref.WeakSet[socket.socket]()

    def check(self) -> None:
        if self._closed.is_set():
            raise BadSetting("the client is closed; make another one")

    def pause(self, seconds: float) -> None:
        self._closed.wait(seconds)
        self.check()

    def add(self, made: socket.socket) -> None:
        with self._lock:
            self.check()
            self._sockets.add(made)

    def close(self) -> None:
        with self._lock:
            self._closed.set()
            for each in self._sockets:
                with contextlib.suppress(OSError):  # it has ended by itself
                    # That of TCP: a TLS socket's own lets go of what another thread reads from.
                    socket.socket.shutdown(each, socket.SHUT_RDWR)


class _Remembering(urllib.request.AbstractHTTPHandler):
    def __init__(self, connections: _Connections) -> None:
        super().__init__()
        self._connections = connections

    def do_open(self, http_class: Any, req: urllib.request.Request, **how: Any) -> http.client.HTTPResponse:
        connections = self._connections

        class Remembered(http_class):
            def connect(self) -> None:
                super().connect()
                connections.add(self.sock)

        made: Any = Remembered  # which takes what a connection takes
        return super().do_open(made, req, **how)


class _Http(_Remembering, urllib.request.HTTPHandler):
    pass


class _Https(_Remembering, urllib.request.HTTPSHandler):
    pass


class _Upload(io.BytesIO):
    """Bytes that say how much of them was read."""

    def __init__(self, data: bytes, progress: Progress) -> None:
        super().__init__(data)
        self._size, self._progress = len(data), progress

    def read(self, size: int | None = -1, /) -> bytes:
        piece = super().read(size)
        self._progress(self.tell() / self._size)
        return piece


def _part(progress: Progress | None, low: float, high: float) -> Progress | None:
    return None if progress is None else lambda done: progress(low + done * (high - low))


class RemoteJob:
    """A photograph or a film on the server."""

    def __init__(self, client: Client, identity: str) -> None:
        self._client, self.id = client, identity
        self._path = f"{_API}/jobs/{identity}"

    def state(self) -> JobState:
        """How far it is."""
        return _state(json.loads(self._client._ask("GET", self._path, {})))

    def follow(self) -> Iterator[JobState]:
        """How far it is, again whenever that changes, until it is over."""
        failures = 0
        while True:
            try:
                with self._client._open("GET", f"{self._path}/events", {}) as response:
                    for line in response:
                        if line.startswith(b"data:"):
                            yield (state := _state(json.loads(line[5:])))
                            if state.is_over:
                                return
                reason: Exception = ConnectionError("the connection ended")
            except ServerRefused as error:
                if not self._client._may_pass(error):
                    raise
                reason = error
            except (OSError, http.client.HTTPException) as error:
                reason = self._client._silent(error)
            # The connection ended before the job did.
            self._client._connections.check()
            if failures >= self._client.retries:
                raise reason if isinstance(reason, ServerRefused) else self._client._silent(reason)
            self._client._connections.pause(_backoff(failures))
            failures += 1

    def wait(self, heard: Callable[[JobState], object] = lambda _: None) -> RemoteJob:
        """Wait until it is done.

        Args:
            heard: called with each change.

        Raises:
            ServerRefused: it failed.
        """
        for state in self.follow():
            heard(state)
            if state.status == "failed":
                raise ServerRefused(state.problem or "the job failed")
        return self

    def result(self, **look: Any) -> bytes:
        """The coloured photograph's or film's file.

        Args:
            **look: as for `Client.colorize`, and max_side. `hints` are `Hint`s at points of the whole photograph.
        """
        return self._client._ask("GET", f"{self._path}/result", look)

    def export(self, kind: str = "photograph", **how: Any) -> bytes:
        """A photograph as a file for somewhere else.

        Args:
            kind: "photograph", "layer" (its colour alone, transparent), "card" (with the original) or "film" (from one
                to the other, .mp4).
            **how: format, size (pixels of the longer side), quality (1 to 100), and a look as for `result`.
        """
        return self._client._ask("GET", f"{self._path}/export", {"kind": kind, **how})

    def variants(self, count: int, **look: Any) -> list[bytes]:
        """So many other colourings of a photograph, in a look; they are `result(variant=1)` and on."""
        return [self.result(variant=number, **look) for number in range(1, count + 1)]

    def original(self, **copy: Any) -> bytes:
        """The photograph as it came, upright; `format` and `max_side` as for `result`."""
        return self._client._ask("GET", f"{self._path}/original", copy)

    def remove(self) -> None:
        """End the job and delete what the server keeps of it."""
        self._client._ask("DELETE", self._path, {})


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise UnreadableImage(f"{shown(path)} does not exist; check the name and the folder") from None
    except OSError as error:
        raise UnreadableImage(f"{shown(path)} cannot be opened ({error.strerror}); check the name") from None


def _written(value: Any) -> Any:
    """A look's value as the server reads it: a job by its id, hints as text, and where there are strokes as JSON."""
    if isinstance(value, RemoteJob):
        return value.id
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, list | tuple):
        return value
    # Whoever has hints has these modules; all others need not wait for them.
    from photochrom.painting.hint_files import hints_to_json
    from photochrom.painting.hints import Hint

    if all(isinstance(hint, Hint) for hint in value):
        return ";".join(map(str, value))
    return hints_to_json(value, None)


def _state(answer: dict[str, Any]) -> JobState:
    problem = answer.get("problem")
    reason = problem["detail"] if problem else None
    return JobState(answer["status"], answer["progress"], reason, answer["kind"], answer["format"])


def _backoff(tries: int) -> float:
    """Seconds before a request is sent again: twice as long each time, and by chance up to half less, so that clients
    that failed together do not come back together."""
    return min(_LONGEST_WAIT, _FIRST_WAIT * 2**tries) * random.uniform(0.5, 1.0)


def _refused(error: urllib.error.HTTPError) -> ServerRefused:
    try:
        detail = str(json.loads(error.read())["detail"])
    except (ValueError, KeyError, TypeError, OSError):
        detail = f"the server answered with {error.code} {error.reason}"
    wait = error.headers.get("Retry-After", "")
    return ServerRefused(detail, error.code, float(wait) if wait.isdigit() else None)
