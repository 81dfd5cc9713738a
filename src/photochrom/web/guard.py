"""Who gets in: the checks before any page or endpoint runs, and the headers on whatever comes out.

Plain ASGI, so that a body is counted while it arrives and a refused one is never read.
"""

from __future__ import annotations

import hmac
import ipaddress
from http.cookies import CookieError, SimpleCookie
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from photochrom.web.problems import Problem, response
from photochrom.web.settings import MEGABYTE, ServeSettings, is_loopback

COOKIE = "photochrom"
OPEN = ("/healthz", "/login", "/static/")  # what is served without a token
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

    def __init__(self, app: ASGIApp, settings: ServeSettings) -> None:
        self.app, self.settings = app, settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            return  # no websocket is served; the server closes it
        headers, send = Headers(scope=scope), _with_headers(send)
        try:
            self._check_host(headers)
            _check_origin(scope["method"], headers)
            refusal = self._check_token(scope, headers)
            if refusal is not None:
                await refusal(scope, receive, send)
                return
            self._check_length(headers)
        except Problem as problem:
            await response(problem)(scope, receive, send)
            return
        await self.app(scope, self._counted(receive), send)

    def _check_host(self, headers: Headers) -> None:
        """A name that is not ours means that another site's name was pointed at this server (DNS rebinding)."""
        host = headers.get("host", "").lower()
        name = host[: host.index("]") + 1] if host.startswith("[") and "]" in host else host.partition(":")[0]
        if name in self.settings.names or (not is_loopback(self.settings.host) and _is_address(name)):
            return
        raise Problem(421, f"'{name[:80]}' is not a name of this server; allow it with --allow-host")

    def _check_token(self, scope: Scope, headers: Headers) -> Response | None:
        token, path = self.settings.token, scope["path"]
        if token is None or path.startswith(OPEN) or shown_token(headers, token):
            return None
        if scope["method"] in SAFE_METHODS and "text/html" in headers.get("accept", ""):
            return RedirectResponse("/login", 303)
        raise Problem(
            401,
            "this server needs a token; send it as 'Authorization: Bearer TOKEN'",
            {"WWW-Authenticate": "Bearer"},
        )

    def _check_length(self, headers: Headers) -> None:
        length = headers.get("content-length", "0")
        if not length.isdigit():
            raise Problem(400, "the Content-Length is not a number")
        if int(length) > self.settings.max_body:
            raise self._too_large()

    def _counted(self, receive: Receive) -> Receive:
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > self.settings.max_body:
                raise self._too_large()
            return message

        return counted

    def _too_large(self) -> Problem:
        return Problem(
            413, f"the largest request is {self.settings.max_body / MEGABYTE:g} MB; send a smaller file", _CLOSE
        )


_CLOSE = {"Connection": "close"}


def shown_token(headers: Headers, token: str) -> bool:
    """Whether a request shows the token: itself in its header, or what stands for it in the cookie."""
    kind, _, given = headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer":
        return same_token(given, token)
    return same_token(_cookie(headers.get("cookie", "")), cookie_for(token))


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


def _check_origin(method: str, headers: Headers) -> None:
    """A page of another site may not act in its visitor's name."""
    if method in SAFE_METHODS:
        return
    origin, site = headers.get("origin"), headers.get("sec-fetch-site")
    foreign = origin is not None and urlsplit(origin).netloc.lower() != headers.get("host", "").lower()
    if foreign or site not in (None, "same-origin", "none"):
        raise Problem(403, "requests from another site's page are refused")


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
            headers.setdefault("cache-control", "no-store")
        await send(message)

    return sending
