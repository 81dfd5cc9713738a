"""The site as one ASGI application."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from importlib import resources
from pathlib import Path

from fastapi import FastAPI
from starlette.staticfiles import StaticFiles

from photochrom._support.version import __version__
from photochrom.inference.model_files import read_card, read_model
from photochrom.web import album, api, exporting, hinting, login, pages, problems, turing
from photochrom.web.attempts import Attempts
from photochrom.web.guard import Guard
from photochrom.web.metrics import Measured, Metrics
from photochrom.web.protocol import Cors, Heads
from photochrom.web.proxy import Forwarded
from photochrom.web.settings import ServeSettings
from photochrom.web.studio import Studio

STATIC = Path(str(resources.files("photochrom.web") / "static"))
ABOUT = (
    "Colours grayscale photographs. Send one to `/api/v1/colorize`, or as a job where you want to choose among looks."
)


def create_app(settings: ServeSettings | None = None) -> FastAPI:
    """The site with its own settings, ready for an ASGI server; its worker processes start with it.

    Args:
        settings: see `ServeSettings`; its defaults where it is None.

    Raises:
        UnknownName, BadCheckpoint: the model.

    Example:
        >>> create_app().title
        'photochrom'
    """
    settings = settings or ServeSettings()
    metrics = Metrics()
    app = FastAPI(
        title="photochrom", version=__version__, description=ABOUT, docs_url=None, redoc_url=None, lifespan=_lifespan
    )
    app.state.settings = settings
    app.state.metrics = metrics
    app.state.card = read_card(*read_model(settings.model))
    # (path, label) of what the head of every page links to; a router that has pages adds its own.
    app.state.navigation = [("/", "Colour"), ("/docs", "API")]
    for router in (api.router, exporting.router, hinting.router, api.server_router, login.router, pages.router):
        app.include_router(router)
    if settings.album:
        album.install(app, settings.album)
    if settings.turing:
        turing.install(app, settings.turing)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    problems.install(app)
    app.state.attempts = Attempts()
    app.add_middleware(Guard, settings=settings, attempts=app.state.attempts)
    app.add_middleware(Measured, metrics=metrics)
    if settings.cors:
        app.add_middleware(Cors, origins=settings.cors)
    app.add_middleware(Forwarded, settings=settings)
    app.add_middleware(Heads)
    return app


@contextlib.asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    metrics: Metrics = app.state.metrics
    studio = app.state.studio = Studio(app.state.settings, metrics)
    metrics.gauge("photochrom_jobs_under_way", "Jobs that wait or run.", lambda: studio.under_way)
    metrics.gauge("photochrom_jobs_kept", "Jobs whose files are kept.", lambda: len(studio.jobs))
    metrics.gauge("photochrom_kept_bytes", "Size of the files that are kept.", lambda: studio.jobs.kept)
    async with studio.open():
        yield
