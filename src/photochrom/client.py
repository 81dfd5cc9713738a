"""A photochrom server from Python, without any extra."""

from __future__ import annotations

import json
import os
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from photochrom._support.files import check_free, write_bytes
from photochrom._support.text import shown
from photochrom.errors import BadSetting, ServerRefused, UnreadableImage
from photochrom.imaging.result_names import beside

_API = "/api/v1"
_BUSY = (429, 503)
_BYTES = "application/octet-stream"


@dataclass(frozen=True)
class JobState:
    """The progress of a job.

    Attributes:
        status: "queued", "running", "done" or "failed".
        progress: 0 to 1.
        problem: why it failed, or None.
    """

    status: str
    progress: float
    problem: str | None = None


class Client:
    """Colours photographs on a server that `photochrom serve` started.

    Args:
        url: of the server.
        token: what it was started with.
        timeout: seconds to wait for an answer.
        patience: seconds to retry while the server is busy (429 or 503).

    Example:
        >>> client = Client("http://127.0.0.1:8000")
        >>> client.colorize("portrait.jpg", saturation=1.2)  # doctest: +SKIP
        'portrait.color.jpg'
    """

    def __init__(
        self,
        url: str = "http://127.0.0.1:8000",
        *,
        token: str | None = None,
        timeout: float = 120.0,
        patience: float = 60.0,
    ) -> None:
        if urllib.parse.urlsplit(url).scheme not in ("http", "https"):
            raise BadSetting(f"a server's address starts with http:// or https://, not '{url}'")
        self.url, self.timeout, self.patience = url.rstrip("/"), timeout, patience
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    def colorize(
        self,
        x: str | os.PathLike[str] | bytes,
        output: str | os.PathLike[str] | None = None,
        *,
        overwrite: bool = False,
        **look: Any,
    ) -> Any:
        """Colour one photograph.

        Args:
            x: a path, or a file's bytes.
            output: where to write the result of a path; by default NAME.color.EXT next to it.
            overwrite: replace an existing file.
            **look: vividness, saturation, contrast, variant, format; see the server's /docs. `hints` are `Hint`s.

        Returns:
            The path of the result, or for bytes the result's bytes.

        Raises:
            UnreadableImage: the file cannot be read.
            ServerRefused: the server does not answer, or refuses the photograph; the message says why.
            WriteFailed: the result cannot be written; the server was not asked then.
        """
        if isinstance(x, bytes | bytearray | memoryview):
            if output is not None:
                raise BadSetting("an output needs a path as input; for bytes the result is returned")
            return self._ask("POST", f"{_API}/colorize", look, bytes(x))
        source = Path(x)
        target = Path(output) if output is not None else beside(source)
        check_free(target, overwrite)
        write_bytes(target, self._ask("POST", f"{_API}/colorize", look, _read(source)), overwrite)
        return str(target) if isinstance(x, str) else target

    def submit(self, x: str | os.PathLike[str] | bytes) -> RemoteJob:
        """Send a photograph and return at once; the job renders it with any settings, once it is done."""
        data = bytes(x) if isinstance(x, bytes | bytearray | memoryview) else _read(Path(x))
        answer = json.loads(self._ask("POST", f"{_API}/jobs", {}, data))
        return RemoteJob(self, answer["id"])

    def _ask(self, method: str, path: str, query: dict[str, Any], body: bytes | None = None) -> bytes:
        """One request, again while the server is busy."""
        end = time.monotonic() + self.patience
        while True:
            try:
                with self._open(method, path, query, body) as response:
                    return response.read()
            except ServerRefused as error:
                wait = error.retry_after or 1.0
                if error.status not in _BUSY or time.monotonic() + wait > end:
                    raise
                time.sleep(wait)

    def _open(self, method: str, path: str, query: dict[str, Any], body: bytes | None = None) -> Any:
        given = {name: _written(value) for name, value in query.items() if value is not None}
        asked = urllib.parse.urlencode(given)
        address = f"{self.url}{path}{'?' if asked else ''}{asked}"
        headers = {**self._headers, **({"Content-Type": _BYTES} if body is not None else {})}
        request = urllib.request.Request(address, body, headers, method=method)
        try:
            return urllib.request.urlopen(request, timeout=self.timeout)
        except urllib.error.HTTPError as error:
            with error:
                raise _refused(error) from None
        except (urllib.error.URLError, OSError) as error:
            reason = getattr(error, "reason", error)
            raise ServerRefused(f"no answer from {self.url} ({reason}); is `photochrom serve` running there?") from None


class RemoteJob:
    """A photograph on the server."""

    def __init__(self, client: Client, identity: str) -> None:
        self._client, self.id = client, identity
        self._path = f"{_API}/jobs/{identity}"

    def state(self) -> JobState:
        """How far it is."""
        return _state(json.loads(self._client._ask("GET", self._path, {})))

    def follow(self) -> Iterator[JobState]:
        """How far it is, again whenever that changes, until it is over."""
        with self._client._open("GET", f"{self._path}/events", {}) as response:
            for line in response:
                if line.startswith(b"data:"):
                    yield _state(json.loads(line[5:]))

    def wait(self, heard: Callable[[JobState], None] = lambda _: None) -> RemoteJob:
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
        """The coloured photograph's file.

        Args:
            **look: vividness, saturation, contrast, variant, format, max_side; see the server's /docs. `hints` are
                `Hint`s at points of the whole photograph.
        """
        return self._client._ask("GET", f"{self._path}/result", look)

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
    """A look's value as the server reads it: points as text, and where there are strokes, all hints as JSON."""
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
    return JobState(answer["status"], answer["progress"], problem["detail"] if problem else None)


def _refused(error: urllib.error.HTTPError) -> ServerRefused:
    try:
        detail = str(json.loads(error.read())["detail"])
    except (ValueError, KeyError, TypeError, OSError):
        detail = f"the server answered with {error.code} {error.reason}"
    wait = error.headers.get("Retry-After", "")
    return ServerRefused(detail, error.code, float(wait) if wait.isdigit() else None)
