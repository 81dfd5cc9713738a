"""The site as one ASGI application."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from fastapi import FastAPI
from starlette.staticfiles import StaticFiles

from photochrom import __version__
from photochrom.web import api, pages, problems
from photochrom.web.guard import Guard
from photochrom.web.settings import ServeSettings

STATIC = Path(str(resources.files("photochrom.web") / "static"))


def create_app(settings: ServeSettings | None = None) -> FastAPI:
    """The site with its own settings, ready for an ASGI server.

    Args:
        settings: see `ServeSettings`; its defaults where it is None.

    Example:
        >>> create_app().title
        'photochrom'
    """
    settings = settings or ServeSettings()
    app = FastAPI(title="photochrom", version=__version__, docs_url=None, redoc_url=None)
    app.state.settings = settings
    # (path, label) of what the head of every page links to; a router that has pages adds its own.
    app.state.navigation = [("/", "Colour")]
    app.include_router(api.router)
    app.include_router(pages.router)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    problems.install(app)
    app.add_middleware(Guard, settings=settings)
    return app
