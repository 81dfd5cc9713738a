"""A folder of this computer in which results are kept for good (`photochrom serve --album`)."""

from __future__ import annotations

import shutil
from pathlib import Path

import anyio.to_thread
from fastapi import APIRouter, Depends, FastAPI, Request
from pydantic import BaseModel, Field

from photochrom._support.files import writing
from photochrom.errors import AlreadyThere, WriteFailed
from photochrom.web import films
from photochrom.web.api import PREFIX, TOKEN, UPLOAD, JobOf, LookOf, NameOf, StudioOf, check_done, check_reference
from photochrom.web.archive import entry_name
from photochrom.web.negotiation import extensions_of
from photochrom.web.problems import Problem, documented
from photochrom.web.protocol import only_known
from photochrom.web.studio import present

router = APIRouter(prefix=PREFIX, tags=["colour"], dependencies=[TOKEN, Depends(only_known)])


class Saved(BaseModel):
    """What was written."""

    name: str = Field(description="The file's name in the album.")


def install(app: FastAPI, folder: Path) -> None:
    """Let results be saved in `folder`, which is there."""
    app.state.album = folder
    app.include_router(router)


@router.post(
    "/jobs/{identity}/album",
    operation_id="saveToAlbum",
    status_code=201,
    responses=documented(*UPLOAD, 404, 409, 410, 500),
)
async def save(request: Request, studio: StudioOf, job: JobOf, look: LookOf, name: NameOf = "") -> Saved:
    """Write a photograph in a look, or a film as it was coloured, into the server's album; nothing is overwritten."""
    facts, folder = check_done(job), request.app.state.album
    called = name or job.name or "photograph"
    if job.film:
        path = films.result_of(job.folder, job.film)
        with present():
            return Saved(name=await anyio.to_thread.run_sync(_copied, path, folder, called, (job.film,)))
    check_reference(studio, look)
    with studio.admit(job.client):
        path = await studio.render(job, look, facts.format)
    try:
        return Saved(name=await anyio.to_thread.run_sync(_copied, path, folder, called, extensions_of(facts.format)))
    finally:
        path.unlink(missing_ok=True)


def _copied(path: Path, folder: Path, name: str, extensions: tuple[str, ...]) -> str:
    """Copy a result under a free name, which is given."""
    taken: set[str] = set()
    while True:
        target = folder / entry_name(name, extensions, taken)
        try:
            with open(path, "rb") as source, writing(target) as file:
                shutil.copyfileobj(source, file)
        except AlreadyThere:
            continue
        except WriteFailed as error:
            reason = getattr(error.__cause__, "strerror", None) or "the system refused it"
            raise Problem(507, f"the album cannot be written ({reason}); make room, or choose another folder") from None
        return target.name
