"""The site behind a real socket, until it is stopped."""

from __future__ import annotations

import socket
from collections.abc import Callable

import uvicorn

from photochrom.errors import BadSetting, PhotochromError
from photochrom.web.app import create_app
from photochrom.web.settings import ServeSettings
from photochrom.web.wire import PatientProtocol


def run(settings: ServeSettings, ready: Callable[[str], None] = lambda _: None) -> None:
    """Serve until Ctrl-C or SIGTERM.

    Args:
        settings: see `ServeSettings`.
        ready: called with the address once the socket listens.

    Raises:
        BadSetting: the address cannot be listened on.
        PhotochromError: the model cannot be loaded.
    """
    app = create_app(settings)
    listening = _listen(settings)
    ready(address(listening))
    config = uvicorn.Config(
        app,
        http=PatientProtocol,
        ws="none",
        log_level="warning",
        access_log=False,
        # `photochrom.web.proxy` does this, for proxies that are trusted.
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=5,
    )
    server = uvicorn.Server(config)
    server.run(sockets=[listening])
    if not server.started:
        raise PhotochromError("the server did not start; see the lines above")


def address(listening: socket.socket) -> str:
    """The address as people type it."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _listen(settings: ServeSettings) -> socket.socket:
    try:
        family, kind, protocol, _, where = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(family, kind, protocol)
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind(where)
            listening.listen(128)
        except OSError:
            listening.close()
            raise
    except OSError as error:
        reason = error.strerror or error
        raise BadSetting(
            f"nothing can listen on {settings.host} port {settings.port} ({reason}); choose another --port"
        ) from None
    return listening
