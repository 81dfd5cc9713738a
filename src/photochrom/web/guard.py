"""Who gets in: the checks before any page or endpoint runs, and the headers on whatever comes out.

Plain ASGI, so that a body is counted while it arrives and a refused one is never read.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hmac
import time
from enum import Enum
from http.cookies import CookieError, SimpleCookie
from typing import NamedTuple
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from photochrom.web.attempts import Attempts
from photochrom.web.problems import Problem, response
from photochrom.web.proxy import own_path
from photochrom.web.settings import MEGABYTE, ServeSettings, is_address, is_loopback

COOKIE = "photochrom"
OPEN = ("/healthz", "/login", "/static/")  # what is served without a token
STUDY = "/turing"  # what a participant's token opens
BODY_SECONDS = 15.0  # for a body's first bytes, and for pauses in all of it
LINGER_SECONDS = 10.0  # for the rest of a body that is refused
BODY_SPEED = 8000  # bytes a second that have to come besides
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")

# Nothing is loaded from elsewhere, nothing inline runs, and no other site may frame, embed or read a page.
CONTENT_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "font-src 'self'",
        "img-src 'self' blob: data:",
        "media-src 'self' blob:",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "content-security-policy": CONTENT_POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",  # "no-referrer" would take the origin from our own forms, too
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}


class Guard:
    """Checks a request's host, origin, token and size, in this order, and puts the headers on its response."""

    def __init__(self, app: ASGIApp, settings: ServeSettings, attempts: Attempts) -> None:
        self.app, self.settings, self.attempts = app, settings, attempts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            return  # no websocket is served; the server closes it
        headers = Headers(scope=scope)
        body = _Body(receive, self.settings.max_body)
        send = _with_headers(body.before(send, headers))
        scope.setdefault("state", {})
        try:
            self._check_host(headers)
            _check_origin(scope, headers, self.settings.cors)
            refusal = self._check_token(scope, headers)
            if refusal is not None:
                await refusal(scope, receive, send)
                return
            self._check_length(headers)
        except Problem as problem:
            await response(problem)(scope, receive, send)
            return
        await self.app(scope, body.receive, send)

    def _check_host(self, headers: Headers) -> None:
        """A name that is not ours means that another site's name was pointed at this server (DNS rebinding)."""
        host = headers.get("host", "").lower()
        name = host[: host.index("]") + 1] if host.startswith("[") and "]" in host else host.partition(":")[0]
        if name in self.settings.names or (not is_loopback(self.settings.host) and is_address(name)):
            return
        raise Problem(421, f"'{name[:80]}' is not a name of this server; allow it with --allow-host")

    def _check_token(self, scope: Scope, headers: Headers) -> Response | None:
        token, path = self.settings.token, own_path(scope)
        if token is None:
            return None
        if path.startswith(OPEN):
            return None
        access, given = Access.NONE, given_token(headers)
        if given.text:
            address = scope["client"][0] if scope["client"] else ""
            self.attempts.check(address)
            access = access_of(given, token, self.settings.turing is not None)
            if access is Access.NONE:
                self.attempts.wrong(address, given.text)
        scope["state"]["access"] = access
        if access is Access.ALL:
            return None
        page = scope["method"] in SAFE_METHODS and "text/html" in headers.get("accept", "")
        root = scope.get("root_path", "")
        if access is Access.STUDY:
            if path == STUDY or path.startswith(f"{STUDY}/"):
                return None
            if page:
                return RedirectResponse(f"{root}{STUDY}", 303)
            raise Problem(403, "this token opens the study only")
        if page:
            return RedirectResponse(f"{root}/login", 303)
        raise Problem(
            401, "this server needs its token: send it as 'Authorization: Bearer TOKEN'", {"WWW-Authenticate": "Bearer"}
        )

    def _check_length(self, headers: Headers) -> None:
        length = headers.get("content-length", "0")
        if not length.isdecimal():
            raise Problem(400, "the Content-Length is not a number")
        if int(length) > self.settings.max_body:
            raise too_large(self.settings.max_body)


class _Body:
    """A request's body, of which so much may come at most, and so much has to come each second."""

    def __init__(self, receive: Receive, most: int) -> None:
        self._receive, self._most = receive, most
        self._seen, self._waited = 0, 0.0
        self._whole = self._late = False

    async def receive(self) -> Message:
        if self._whole:
            return await self._receive()  # the end of the connection
        began = time.monotonic()
        try:
            async with asyncio.timeout(BODY_SECONDS + self._seen / BODY_SPEED - self._waited):
                message = await self._receive()
        except TimeoutError:
            self._late = True
            raise Problem(
                408, f"the body came more slowly than {BODY_SPEED / 1000:g} kB a second; send it again", _CLOSE
            ) from None
        # Only what the client takes is its own; the time in which a disk is written is not.
        self._waited += time.monotonic() - began
        self._seen += len(message.get("body", b""))
        self._whole = not message.get("more_body", False)
        if self._seen > self._most:
            raise too_large(self._most)
        return message

    async def drain(self) -> None:
        """Take what still comes, for a while: a client that is cut off while it sends never reads the answer."""
        left = self._most
        with contextlib.suppress(TimeoutError, Problem):
            async with asyncio.timeout(LINGER_SECONDS):
                while not self._whole and not self._late and left > 0:
                    message = await self._receive()
                    left -= len(message.get("body", b""))
                    self._whole = not message.get("more_body", False)

    def before(self, send: Send, headers: Headers) -> Send:
        """`send` that lets the body come before a refusal is sent."""

        async def sending(message: Message) -> None:
            # Who waits to be told to go on has sent nothing yet.
            if message["type"] == "http.response.start" and message["status"] >= 400 and "expect" not in headers:
                await self.drain()
            await send(message)

        return sending


def too_large(most: int) -> Problem:
    """The refusal of a body of more than `most` bytes."""
    return Problem(413, f"the largest request is {most / MEGABYTE:g} MB; send a smaller file", _CLOSE)


_CLOSE = {"Connection": "close"}


class Access(Enum):
    """What a token opens."""

    NONE = "nothing"
    STUDY = "the study"
    ALL = "everything"


class Given(NamedTuple):
    """What a request shows: a token, or the cookie that stands for one."""

    text: str
    is_cookie: bool = False


def given_token(headers: Headers) -> Given:
    """The token in a request's header, or else its cookie."""
    kind, _, given = headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer":
        return Given(given.strip())
    return Given(_cookie(headers.get("cookie", "")), True)


def access_of(given: Given, token: str, study: bool) -> Access:
    """What is opened on a server with the token `token`, with or without a study."""
    of_study = study_token(token)
    expected = (cookie_for(token), cookie_for(of_study)) if given.is_cookie else (token, of_study)
    if same_token(given.text, expected[0]):
        return Access.ALL
    return Access.STUDY if study and same_token(given.text, expected[1]) else Access.NONE


def study_token(token: str) -> str:
    """The token for participants of a study, which opens nothing else; who has it cannot find the server's."""
    digest = hmac.digest(token.encode(), b"photochrom study", "sha256")
    return base64.urlsafe_b64encode(digest[:18]).decode()


def cookie_for(token: str) -> str:
    """What the cookie holds, so that the token itself is kept in no browser."""
    return hmac.digest(token.encode(), b"photochrom cookie", "sha256").hex()


def same_token(given: str, token: str) -> bool:
    """Whether two tokens are equal, in a time that does not tell where they differ."""
    return hmac.compare_digest(given.strip().encode(), token.encode())


def _cookie(header: str) -> str:
    try:
        morsel = SimpleCookie(header).get(COOKIE)
    except CookieError:
        return ""
    return morsel.value if morsel else ""


def _check_origin(scope: Scope, headers: Headers, cors: tuple[str, ...]) -> None:
    """A page of another site may not act in its visitor's name, but one that is allowed may use the interface."""
    if scope["method"] in SAFE_METHODS:
        return
    if headers.get("origin") in cors and own_path(scope).startswith("/api/"):
        return
    origin, site = headers.get("origin"), headers.get("sec-fetch-site")
    foreign = origin is not None and urlsplit(origin).netloc.lower() != headers.get("host", "").lower()
    if foreign or site not in (None, "same-origin", "none"):
        raise Problem(403, "requests from another site's page are refused")


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
            headers.setdefault("cache-control", "no-store")
        await send(message)

    return sending
