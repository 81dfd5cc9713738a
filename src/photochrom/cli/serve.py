"""`photochrom serve`: the local site and its HTTP interface."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from photochrom._support.optional_packages import needing
from photochrom.cli.show import say
from photochrom.web.settings import MEGABYTE, ServeSettings

DEFAULTS = ServeSettings()


def serve(
    *,
    host: str = DEFAULTS.host,
    port: Annotated[int, Parameter(alias="-p")] = DEFAULTS.port,
    token: Annotated[str | None, Parameter(env_var="PHOTOCHROM_TOKEN")] = None,
    allow_host: Annotated[list[str], Parameter(negative=())] = [],  # noqa: B006 - cyclopts wants a literal
    model: Annotated[str, Parameter(alias="-m")] = DEFAULTS.model,
    workers: int | None = None,
    max_megabytes: int = DEFAULTS.max_body // MEGABYTE,
    max_pixels: int = DEFAULTS.max_pixels,
    max_seconds: float = DEFAULTS.max_seconds,
    queue: int = DEFAULTS.queue,
    jobs_per_client: int = DEFAULTS.jobs_per_client,
    keep: float = DEFAULTS.keep_minutes,
    turing: Path | None = None,
) -> None:
    """Colour in the browser, and serve an HTTP API for programs, on this computer.

    Parameters
    ----------
    host
        The address to listen on; any address that others can reach needs a token.
    port
        The port to listen on; 0 picks a free one.
    token
        The secret that clients must send. Other users of this computer can see the option, but not the variable.
    allow_host
        Another name under which the server is reached, such as photos.example.org; repeat for more.
    model
        A packaged model's name (see `photochrom models`), or a .onnx file.
    workers
        Processes that run the network. [default: one per two cores]
    max_megabytes
        Largest upload.
    max_pixels
        Largest photograph, in pixels.
    max_seconds
        Longest film.
    queue
        The most jobs that can wait or run at once.
    jobs_per_client
        The most of these for one client.
    keep
        Minutes to keep uploads and results after their last use.
    turing
        The folder of a Turing test (see `photochrom turing new`); people take part at /turing.
    """
    settings = ServeSettings(
        host=host,
        port=port,
        token=token,
        allow_hosts=tuple(allow_host),
        model=model,
        workers=workers,
        max_body=max_megabytes * MEGABYTE,
        max_pixels=max_pixels,
        max_seconds=max_seconds,
        queue=queue,
        jobs_per_client=jobs_per_client,
        keep_minutes=keep,
        turing=turing,
    )
    with needing("photochrom serve", "web"):
        from photochrom.web.server import run
    # As Ctrl-C, so that a service manager's stop cleans up too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))

    def ready(address: str) -> None:
        say(f"photochrom is at {address} (Ctrl-C stops it)")
        if turing:
            say(f"people take part in the Turing test at {address}/turing")

    run(settings, ready)
