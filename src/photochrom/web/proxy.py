"""What a trusted proxy says of its visitor: address, scheme, host; and the path under which it shows the site."""

from __future__ import annotations

import ipaddress
import re

from starlette.datastructures import Headers
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from photochrom.web.settings import Network, ServeSettings

_MOST_HOPS = 20


class Forwarded:
    """Puts the visitor's address, scheme and host, and the root path into the scope.

    `X-Forwarded-For`, `-Proto` and `-Host` count, or `Forwarded` (RFC 7239) where there is no `X-Forwarded-For`: most
    proxies write the former and hand on what a visitor made up in the latter. Each proxy adds the address that it
    was asked from, so the visitor is the last address that is no trusted proxy's; what stands before it may be made up.
    A proxy may cut the root path off or leave it.
    """

    def __init__(self, app: ASGIApp, settings: ServeSettings) -> None:
        self.app, self.root, self.proxies = app, settings.root_path, settings.proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        scope = dict(scope)
        if self.proxies and scope["client"] and _is_in(scope["client"][0], self.proxies):
            self._believe(scope)
        if self.root:
            scope["root_path"] = self.root
            if scope["path"] == self.root:
                await RedirectResponse(f"{self.root}/", 307)(scope, receive, send)
                return
            if not scope["path"].startswith(f"{self.root}/"):
                scope["path"] = self.root + scope["path"]
        await self.app(scope, receive, send)

    def _believe(self, scope: Scope) -> None:
        headers = Headers(scope=scope)
        hops = _x_forwarded(headers) if "x-forwarded-for" in headers else _forwarded(headers) or _x_forwarded(headers)
        for hop in reversed(hops[-_MOST_HOPS:]):
            address = _address(hop.get("for", ""))
            if hop.get("proto") in ("http", "https"):
                scope["scheme"] = hop["proto"]
            if host := hop.get("host"):
                others = [pair for pair in scope["headers"] if pair[0] != b"host"]
                scope["headers"] = [*others, (b"host", host.encode("latin-1", "replace"))]
            if address is None:
                return
            scope["client"] = (address, 0)
            if not _is_in(address, self.proxies):
                return


def own_path(scope: Scope) -> str:
    """The path of a request within the site."""
    return scope["path"].removeprefix(scope.get("root_path", ""))


def _forwarded(headers: Headers) -> list[dict[str, str]]:
    text = ", ".join(headers.getlist("forwarded"))
    hops = []
    for element in re.findall(r'(?:[^,"]|"(?:[^"\\]|\\.)*")+', text):
        pairs = re.findall(r'([A-Za-z]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s;,"]*))', element)
        hops.append({name.lower(): re.sub(r"\\(.)", r"\1", quoted) or plain for name, quoted, plain in pairs})
    return hops


def _x_forwarded(headers: Headers) -> list[dict[str, str]]:
    addresses = _listed(headers, "x-forwarded-for")
    hops = [{"for": address} for address in addresses] or [{}]
    # Proxies replace these two as often as they add to them, so that only the last is sure to be the nearest one's.
    for name, field in (("x-forwarded-proto", "proto"), ("x-forwarded-host", "host")):
        values = _listed(headers, name)
        for hop, value in zip(reversed(hops), reversed(values), strict=False):
            hop[field] = value
        if len(values) == 1:
            for hop in hops:
                hop[field] = values[0]
    return [hop for hop in hops if hop]


def _listed(headers: Headers, name: str) -> list[str]:
    return [part.strip() for value in headers.getlist(name) for part in value.split(",") if part.strip()]


def _address(text: str) -> str | None:
    """An address without its port; None for what is none, such as "unknown" or "_hidden"."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return None


def _is_in(address: str, networks: tuple[Network, ...]) -> bool:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(found in network for network in networks)
