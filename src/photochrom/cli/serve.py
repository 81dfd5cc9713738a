"""`photochrom serve`: the local site and its HTTP interface."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from photochrom._support.optional_packages import needing
from photochrom.cli.show import say
from photochrom.web.settings import MEGABYTE, ServeSettings, size

DEFAULTS = ServeSettings()


def serve(
    *,
    host: str = DEFAULTS.host,
    port: Annotated[int, Parameter(alias="-p")] = DEFAULTS.port,
    token: Annotated[str | None, Parameter(env_var="PHOTOCHROM_TOKEN")] = None,
    no_token: Annotated[bool, Parameter(negative=())] = False,
    allow_host: Annotated[list[str], Parameter(negative=())] = [],  # noqa: B006 - cyclopts wants a literal
    root_path: str = "",
    trusted_proxy: Annotated[list[str], Parameter(negative=())] = [],  # noqa: B006
    cors: Annotated[list[str], Parameter(negative=())] = [],  # noqa: B006
    model: Annotated[str, Parameter(alias="-m")] = DEFAULTS.model,
    workers: int | None = None,
    max_megabytes: int = DEFAULTS.max_body // MEGABYTE,
    max_pixels: int = DEFAULTS.max_pixels,
    max_seconds: float = DEFAULTS.max_seconds,
    max_job_seconds: float = DEFAULTS.max_job_seconds,
    queue: int = DEFAULTS.queue,
    jobs_per_client: int = DEFAULTS.jobs_per_client,
    keep: float = DEFAULTS.keep_minutes,
    max_kept: str | None = None,
    album: Path | None = None,
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
    no_token
        Let everybody in who reaches the server under a name of --allow-host.
    allow_host
        Another name under which the server is reached, such as photos.example.org; repeat for more.
    root_path
        The path under which a proxy shows the site, such as /photochrom.
    trusted_proxy
        The address or network of a proxy that says truly who its visitors are; repeat for more.
    cors
        An origin whose pages may use the API, such as https://example.org; repeat for more.
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
    max_job_seconds
        How long a worker can take for one photograph; then it is refused.
    queue
        The most photographs that can wait or run at once, and the most films.
    jobs_per_client
        The most of these for one client.
    keep
        Minutes to keep uploads and results after their last use.
    max_kept
        How much to keep of them, such as 500MB; the oldest go first. [default: 4GB, or a quarter of the memory where
        temporary files are kept in memory]
    album
        A folder in which results can be kept for good, by a button of the page; nothing in it is overwritten.
    turing
        The folder of a Turing test (see `photochrom turing new`); people take part at /turing.
    """
    settings = ServeSettings(
        host=host,
        port=port,
        token=token,
        no_token=no_token,
        allow_hosts=tuple(allow_host),
        root_path=root_path.rstrip("/"),
        trusted_proxies=tuple(trusted_proxy),
        cors=tuple(cors),
        model=model,
        workers=workers,
        max_body=max_megabytes * MEGABYTE,
        max_pixels=max_pixels,
        max_seconds=max_seconds,
        max_job_seconds=max_job_seconds,
        queue=queue,
        jobs_per_client=jobs_per_client,
        keep_minutes=keep,
        max_kept=None if max_kept is None else size(max_kept),
        album=album,
        turing=turing,
    )
    with needing("photochrom serve", "web"):
        from photochrom.web.guard import study_token
        from photochrom.web.server import run
    # As Ctrl-C, so that a service manager's stop cleans up too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))

    def ready(address: str) -> None:
        say(f"photochrom is at {address} (Ctrl-C stops it)")
        if turing:
            key = f"/login?token={study_token(token)}" if token else "/turing"
            say(f"people take part in the Turing test at {address}{settings.root_path}{key}")

    run(settings, ready)
