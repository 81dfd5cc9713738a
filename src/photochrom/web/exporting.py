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
from photochrom.web.negotiation import FormatName, media_type_of
from photochrom.web.problems import Problem
from photochrom.web.protocol import only_known

router = APIRouter(prefix=PREFIX, tags=["colour"], dependencies=[TOKEN, Depends(only_known)])

_BINARY = {"schema": {"type": "string", "format": "binary"}}
FILES = {**PICTURE, 200: {"description": "The file.", "content": dict.fromkeys(MEDIA_TYPES, _BINARY)}}


@router.get("/jobs/{identity}/export", operation_id="getExport", response_class=Response, responses=FILES)
async def export(
    studio: StudioOf,
    job: JobOf,
    look: LookOf,
    kind: Annotated[
        exports.Kind,
        Query(
            description="The photograph; its colour alone, as a transparent layer over the original; a card with both; "
            "or a film of six seconds from one to the other (.mp4)."
        ),
    ] = exports.Kind.PHOTOGRAPH,
    format: Annotated[
        FormatName | None, Query(description="By default the photograph's own, PNG for a layer, JPEG for a card.")
    ] = None,
    size: Annotated[
        int | None,
        Query(ge=16, le=exports.MOST_SIZE, description="The longer side in pixels, if there are more."),
    ] = None,
    quality: Annotated[
        int | None, Query(ge=1, le=100, description="Of JPEG, WebP, AVIF and HEIF; by default as good as it came.")
    ] = None,
) -> FileResponse:
    """A photograph in a look as a file for somewhere else."""
    facts = check_done(job)
    if job.film:
        raise Problem(422, "this is a film; its result is all there is")
    check_reference(studio, look)
    chosen = exports.format_of(kind, format, facts.format)
    with studio.admit(job.client):
        path = await studio.export(job, look, kind, chosen, size, quality)
    media_type = films.MEDIA_TYPES[chosen] if chosen == exports.FILM else media_type_of(chosen)
    headers = named(job, exports.endings_of(chosen), exports.MARKS[kind]) | expiry(job)
    return FileResponse(path, media_type=media_type, headers=headers, background=BackgroundTask(path.unlink, True))
