"""What HTTP gives programs beside the photographs: HEAD, CORS, entity tags, file names, keys against sending twice."""

from __future__ import annotations

import contextlib
import hashlib
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from fastapi import Request
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from photochrom.web.problems import Problem
from photochrom.web.proxy import own_path

CORS_PATHS = ("/api/", "/openapi.json")
CORS_SECONDS = 600
SENT_HEADERS = ("Authorization", "Content-Type", "Idempotency-Key", "If-None-Match")
TOLD_HEADERS = (
    "Content-Disposition",
    "ETag",
    "Expires",
    "Idempotency-Replayed",
    "Location",
    "RateLimit-Limit",
    "RateLimit-Remaining",
    "RateLimit-Reset",
    "Retry-After",
)
_MOST_KEYS = 10_000


class Heads:
    """Middleware that answers HEAD with the headers that GET has."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self.app(scope, receive, send)
            return
        sent = False

        async def bare() -> Message:
            return {"type": "http.disconnect"} if sent else await receive()

        async def sending(message: Message) -> None:
            nonlocal sent
            if message["type"] == "http.response.start":
                await send(message)
                await send({"type": "http.response.body", "body": b""})
                sent = True  # what streams hears of its end by `bare`

        await self.app({**scope, "method": "GET"}, bare, sending)


class Cors:
    """Middleware that lets pages of other origins use the interface, without cookies (opt-in)."""

    def __init__(self, app: ASGIApp, origins: tuple[str, ...]) -> None:
        self.plain = app
        self.shared = CORSMiddleware(
            app,
            allow_origins=origins,
            allow_methods=("GET", "HEAD", "POST", "DELETE"),
            allow_headers=SENT_HEADERS,
            expose_headers=TOLD_HEADERS,
            max_age=CORS_SECONDS,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        shared = scope["type"] == "http" and own_path(scope).startswith(CORS_PATHS)
        await (self.shared if shared else self.plain)(scope, receive, send)


async def only_known(request: Request) -> None:
    """Refuse parameters that the operation does not have: a spelling mistake must not go unnoticed.

    Raises:
        Problem: 422.
    """
    operation = request.app.openapi()["paths"][request.scope["route"].path][request.method.lower()]
    known = [entry["name"] for entry in operation.get("parameters", ()) if entry["in"] == "query"]
    for name in request.query_params:
        if name not in known:
            there = f"there are: {', '.join(known)}" if known else "there are none"
            raise Problem(422, f"{name[:80]}: there is no such parameter; {there}")


def entity_tag(*parts: object) -> str:
    """An entity tag for what `parts` decide."""
    return f'"{hashlib.blake2b(repr(parts).encode(), digest_size=16).hexdigest()}"'


def is_known(request: Request, tag: str) -> bool:
    """Whether the client has what the tag stands for (If-None-Match, RFC 9110, 13.1.2)."""
    given = [part.strip().removeprefix("W/") for part in request.headers.get("if-none-match", "").split(",")]
    return tag in given or "*" in given


def disposition(name: str) -> str:
    """Content-Disposition for a file that is called so (RFC 6266), whatever letters it has (RFC 8187).

    Example:
        >>> print(disposition("Zoë.jpg"))
        attachment; filename="Zoe.jpg"; filename*=UTF-8''Zo%C3%AB.jpg
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    plain = "".join(letter for letter in plain if letter.isprintable() and letter not in '"\\%')
    if plain == name:
        return f'attachment; filename="{plain}"'
    stem, dot, ending = plain.rpartition(".")
    return (
        f"attachment; filename=\"{stem.strip() or 'photochrom'}{dot}{ending}\"; filename*=UTF-8''{quote(name, safe='')}"
    )


@dataclass
class _Sent:
    fingerprint: bytes = b""
    job: str = ""
    busy: bool = True


class Keys:
    """Which job was made for which Idempotency-Key, so that what is sent again is not done again."""

    def __init__(self) -> None:
        self._of: dict[tuple[str, str], _Sent] = {}

    @contextlib.contextmanager
    def hold(self, client: str, key: str | None) -> Iterator[_Sent]:
        """What is known of a client's key, for the time of one request; None is a key of its own.

        Raises:
            Problem: 409 where another request with the key is under way.
        """
        if key is None:
            yield _Sent()
            return
        known = self._of.get((client, key))
        if known is not None and known.busy:
            raise Problem(409, "a request with this Idempotency-Key is under way; wait for it", {"Retry-After": "1"})
        while len(self._of) >= _MOST_KEYS and (idle := next((k for k, s in self._of.items() if not s.busy), None)):
            del self._of[idle]
        known = self._of.setdefault((client, key), _Sent())
        known.busy = True
        try:
            yield known
        finally:
            known.busy = False
            if not known.job:
                del self._of[(client, key)]


def fingerprint(path: Path, query: str) -> bytes:
    """What tells one upload from another."""
    digest = hashlib.blake2b(query.encode(), digest_size=16)
    with open(path, "rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.digest()
