"""The HTTP interface for exports: files of a photograph for somewhere else."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response
from fastapi.responses import FileResponse
from starlette.background import BackgroundTask

from photochrom.web import exports, films
from photochrom.web.api import (
    MEDIA_TYPES,
    PICTURE,
    PREFIX,
    TOKEN,
    JobOf,
    LookOf,
    StudioOf,
    check_done,
    check_reference,
    expiry,
    named,
)
from photochrom.web.negotiation import media_type_of
from photochrom.web.protocol import only_known

router = APIRouter(prefix=PREFIX, tags=["colour"], dependencies=[TOKEN, Depends(only_known)])

_BINARY = {"schema": {"type": "string", "format": "binary"}}
FILES = {**PICTURE, 200: {"description": "The file.", "content": dict.fromkeys(MEDIA_TYPES, _BINARY)}}


@router.get("/jobs/{identity}/export", operation_id="getExport", response_class=Response, responses=FILES)
async def export(
    studio: StudioOf,
    job: JobOf,
    look: LookOf,
    wanted: Annotated[exports.Export, Query()],
) -> FileResponse:
    """A photograph in a look as a file for somewhere else."""
    check_done(job)
    check_reference(studio, look)
    with studio.admit(job.client):
        path, chosen = await studio.export(job, look, wanted)
    media_type = films.MEDIA_TYPES[chosen] if chosen == exports.FILM else media_type_of(chosen)
    headers = named(job, exports.endings_of(chosen), exports.MARKS[wanted.kind]) | expiry(job)
    return FileResponse(path, media_type=media_type, headers=headers, background=BackgroundTask(path.unlink, True))
