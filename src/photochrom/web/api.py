"""The HTTP interface for programs; the page uses the same."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import anyio.to_thread
from fastapi import APIRouter, Depends, Header, Query, Request, Response, Security
from fastapi.responses import FileResponse, StreamingResponse
from fastapi.security import HTTPBearer
from fastapi.sse import EventSourceResponse
from pydantic import BaseModel, Field
from starlette.background import BackgroundTask

from photochrom.imaging.formats import FORMATS
from photochrom.web import archive, films, worker
from photochrom.web.jobs import ColoringJob, Status
from photochrom.web.look import Look, look
from photochrom.web.negotiation import FormatName, extensions_of, media_type_of, wanted_format
from photochrom.web.problems import Problem, ProblemBody, documented
from photochrom.web.protocol import disposition, entity_tag, fingerprint, is_known, only_known
from photochrom.web.studio import Studio
from photochrom.web.upload import BODY, receive
from photochrom.web.worker import INPUT, PREVIEW_SIDE, Facts

PREFIX = "/api/v1"
TOKEN = Security(HTTPBearer(auto_error=False, description="The server's token, where it was started with one."))
router = APIRouter(prefix=PREFIX, tags=["colour"], dependencies=[TOKEN, Depends(only_known)])

MEDIA_TYPES = sorted({*(entry.media_type for entry in FORMATS.values()), *films.MEDIA_TYPES.values()})
IMAGES = {
    200: {
        "description": "The photograph.",
        "content": {kind: {"schema": {"type": "string", "format": "binary"}} for kind in MEDIA_TYPES},
    }
}
COLORED = ".color"
_LONGEST_NAME = 255
LARGEST_CROP = 16_000_000  # pixels
ALWAYS = (400, 401, 403, 421, 422, 429)  # what may be answered to any request
UPLOAD = (*ALWAYS, 408, 413, 415, 503, 507)
PICTURE = {**IMAGES, **documented(*UPLOAD, 404, 406, 409, 410, 500), 304: {"description": "Not Modified"}}

LookOf = Annotated[Look, Depends(look)]
NameOf = Annotated[
    str,
    Query(alias="name", max_length=255, description="What the file is called, for the result's name; a form says it."),
]
KeyOf = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        description="Any text of your own. Sent again with it, the same upload gives the same job.",
    ),
]
FormatOf = Annotated[FormatName | None, Query(description="The file format; by default the photograph's own.")]


class JobBody(BaseModel):
    """How far a job is."""

    id: str = Field(description="Names the job; who knows it may see the job.")
    status: Status
    progress: float = Field(ge=0, le=1, description="0 to 1.")
    width: int | None = Field(None, description="Of the photograph in pixels, once it has been read.")
    height: int | None = None
    kind: Literal["photograph", "film"] = Field(description="A film is whatever moves.")
    frames: int | None = Field(None, description="How many there are; 1 in a photograph.")
    seconds: float | None = Field(None, description="How long a film or moving picture lasts, where that is known.")
    format: str | None = Field(None, description="Of the file that came; of a film's result.")
    alpha: bool | None = Field(None, description="Whether parts are transparent.")
    colored: bool | None = Field(None, description="Whether the photograph came in colour, and can be a reference.")
    toning: Literal["gray", "tinted", "color"] | None = Field(
        None, description="How it came: tinted is one hue, as sepia; what is in color can be kept by `keep_color`."
    )
    name: str | None = Field(None, description="What the file that came is called, if that was said.")
    expires: datetime | None = Field(None, description="When it is removed if it is not asked for again.")
    problem: ProblemBody | None = Field(None, description="Why it failed.")

    @classmethod
    def of(cls, job: ColoringJob) -> JobBody:
        """What is said of a job."""
        facts: dict[str, Any] = {"format": job.film[1:]} if job.film else {}
        if job.facts is not None:
            facts = {**vars(job.facts), "format": job.facts.format.lower()}
        problem = None if job.problem is None else ProblemBody(**job.problem.body())
        kind = "film" if job.film else "photograph"
        told = {"name": job.name or None, "expires": job.expires, "problem": problem}
        return cls(id=job.id, kind=kind, status=job.status, progress=job.progress, **told, **facts)


async def studio(request: Request) -> Studio:
    """The server's studio."""
    return request.app.state.studio


StudioOf = Annotated[Studio, Depends(studio)]


async def job(studio: StudioOf, identity: str) -> ColoringJob:
    """The job that a path names."""
    return studio.jobs.get(identity)


@dataclass(frozen=True)
class Copy:
    """Which copy of a job's photograph is asked for."""

    format: FormatName | None
    accept: str | None
    max_side: int | None
    crop: tuple[int, int, int, int] | None


async def copy(
    request: Request,
    format: FormatOf = None,
    max_side: Annotated[
        int | None,
        Query(ge=16, le=PREVIEW_SIDE, description="A quick copy, this many pixels on its longer side at most."),
    ] = None,
    crop: Annotated[
        str | None,
        Query(
            pattern=r"^\d{1,6},\d{1,6},[1-9]\d{0,5},[1-9]\d{0,5}$",
            description="A part, as sharp as the photograph is: X,Y,WIDTH,HEIGHT in its pixels, 16 million at most.",
        ),
    ] = None,
) -> Copy:
    """The copy that a request's query and header ask for."""
    if crop is None:
        return Copy(format, request.headers.get("accept"), max_side, None)
    left, top, width, height = map(int, crop.split(","))
    if width * height > LARGEST_CROP:
        raise Problem(422, f"a crop has at most {LARGEST_CROP / 1e6:g} megapixels")
    return Copy(format, request.headers.get("accept"), max_side, (left, top, width, height))


JobOf = Annotated[ColoringJob, Depends(job)]
CopyOf = Annotated[Copy, Depends(copy)]


def client(request: Request) -> str:
    """Whose request it is, for the limits."""
    return request.client.host if request.client else ""


@contextlib.asynccontextmanager
async def _upload(request: Request, studio: Studio, name: str) -> AsyncIterator[tuple[ColoringJob, str]]:
    """A job with the request's body, and its kind (see `receive`); it is removed where the context fails."""
    with studio.uploads.enter(client(request)):
        length = request.headers.get("content-length", "")
        studio.jobs.make_room(int(length) if length.isdecimal() else 0)
        job = studio.jobs.new(client(request))
        try:
            received = await receive(request, job.folder / INPUT, studio.jobs.free_some)
            job.name = name or received.name[:_LONGEST_NAME]
            studio.jobs.measure(job)
        except BaseException:
            studio.jobs.remove(job)
            raise
    try:
        yield job, received.kind
    except BaseException:
        studio.jobs.remove(job)
        raise


@router.post(
    "/colorize",
    operation_id="colorize",
    response_class=Response,
    responses={**IMAGES, **documented(*UPLOAD, 406, 409, 410, 500)},
    openapi_extra=BODY,
)
async def colorize(
    request: Request, studio: StudioOf, look: LookOf, format: FormatOf = None, name: NameOf = ""
) -> Response:
    """Colour one photograph and answer with it, in its own format unless the query or the header Accept asks else.

    Nothing is kept of it, so that it may be sent again.
    """
    check_reference(studio, look)
    studio.places().check(client(request))
    async with _upload(request, studio, name) as (job, kind):
        if kind in films.MEDIA_TYPES:
            raise Problem(415, f"the upload is a film or an animation; send it to {PREFIX}/jobs")
        wanted = wanted_format(format, request.headers.get("accept"), kind)
        with studio.admit(job.client):
            path, format_name = await studio.colorize(job, look, wanted)
    headers = named(job, extensions_of(format_name)) | studio.places().limits(job.client)
    return _file(path, format_name, headers, BackgroundTask(studio.jobs.remove, job))


@router.post(
    "/jobs",
    operation_id="createJob",
    status_code=202,
    responses=documented(*UPLOAD, 409),
    openapi_extra=BODY,
)
async def submit(
    request: Request, response: Response, studio: StudioOf, look: LookOf, name: NameOf = "", key: KeyOf = None
) -> JobBody:
    """Send a photograph or a film and go on; the job says when it is ready.

    A photograph may then be asked for in any look. A film has the one it was sent with, of vividness, saturation,
    warmth, tint and palette.
    """
    with studio.keys.hold(client(request), key) as sent:
        async with _upload(request, studio, name) as (job, kind):
            job.film, job.look = kind if kind in films.MEDIA_TYPES else None, look
            if key is not None:
                path, query = job.folder / INPUT, str(request.url.query)
                seen = await anyio.to_thread.run_sync(fingerprint, path, query)
                if sent.job in studio.jobs:
                    studio.jobs.remove(job)
                    if seen != sent.fingerprint:
                        raise Problem(422, "this Idempotency-Key came with another upload; use a new one")
                    job = studio.jobs.get(sent.job)
                    response.headers["Idempotency-Replayed"] = "true"
                    return _told(request, response, studio, job)
                sent.fingerprint = seen
            with contextlib.ExitStack() as admitted:
                admitted.enter_context(studio.admit(job.client, film=job.film is not None))
                studio.submit(job, admitted.pop_all())
            sent.job = job.id
    return _told(request, response, studio, job)


def _told(request: Request, response: Response, studio: Studio, job: ColoringJob) -> JobBody:
    response.headers["Location"] = f"{request.scope['root_path']}{PREFIX}/jobs/{job.id}"
    response.headers.update(studio.places(job.film is not None).limits(job.client))
    return JobBody.of(job)


@router.get("/jobs/{identity}", operation_id="getJob", responses=documented(*ALWAYS, 404))
async def state(response: Response, job: JobOf) -> JobBody:
    """How far a job is."""
    response.headers.update(expiry(job))
    return JobBody.of(job)


@router.get(
    "/jobs/{identity}/events",
    operation_id="followJob",
    response_class=EventSourceResponse,
    responses=documented(*ALWAYS, 404),
)
async def events(job: JobOf) -> AsyncIterator[JobBody]:
    """How far a job is, again whenever that changes, until it is over (server-sent events)."""
    async for _ in job.changes():
        yield JobBody.of(job)


@router.get("/jobs/{identity}/result", operation_id="getResult", response_class=Response, responses=PICTURE)
async def result(request: Request, studio: StudioOf, job: JobOf, look: LookOf, copy: CopyOf) -> Response:
    """The photograph in colour: whole and with its metadata, or as a small copy.

    The network runs again only for hints and for restored tones, or for a variant that is made by dropped channels.
    """
    return await _picture(request, studio, job, look, copy)


@router.get("/jobs/{identity}/original", operation_id="getOriginal", response_class=Response, responses=PICTURE)
async def original(request: Request, studio: StudioOf, job: JobOf, copy: CopyOf) -> Response:
    """The original photograph, upright, in any format."""
    return await _picture(request, studio, job, None, copy)


@router.post(
    "/archive",
    operation_id="createArchive",
    response_class=Response,
    responses={
        200: {"content": {archive.MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}}},
        **documented(*UPLOAD, 404, 409, 410, 500),
    },
)
async def collect(request: Request, studio: StudioOf, selection: archive.Selection) -> StreamingResponse:
    """The results of many jobs that are done, as one ZIP archive, each photograph in a look of its own.

    The body is `{"photographs": [{"id": "...", "name": "portrait.jpg", "look": {"saturation": 1.2}}]}`; only the ids
    are needed. Names are made safe and unique.
    """
    for wish in selection.photographs:
        check_done(studio.jobs.get(wish.id))
        check_reference(studio, wish.look)
    pieces = archive.stream(studio, client(request), selection)
    # Taken here, so that a server that is busy can still say so.
    first = await anext(pieces)

    async def sent() -> AsyncIterator[bytes]:
        yield first
        async for piece in pieces:
            yield piece

    headers = {"Content-Disposition": 'attachment; filename="photochrom.zip"'}
    return StreamingResponse(sent(), media_type=archive.MEDIA_TYPE, headers=headers)


@router.delete("/jobs/{identity}", operation_id="deleteJob", status_code=204, responses=documented(*ALWAYS, 404))
async def remove(studio: StudioOf, job: JobOf) -> None:
    """End a job and delete what is kept of it."""
    studio.cancel(job)


def check_done(job: ColoringJob) -> Facts:
    """What is known of a job that is done.

    Raises:
        Problem: 409 where it is under way; its own where it failed.
    """
    if job.problem is not None:
        raise job.problem
    if job.facts is None:
        raise Problem(409, "the job is not done yet; follow its events", {"Retry-After": "1"})
    return job.facts


def check_reference(studio: Studio, look: Look) -> None:
    """Refuse a look whose reference is not there, or has no colours; one that is there is kept on.

    Raises:
        Problem: 409, 410, 422.
    """
    if not look.reference:
        return
    try:
        job = studio.jobs.get(look.reference)
    except Problem:
        raise Problem(410, "the reference picture is no longer on the server; send it again") from None
    facts = check_done(job)
    if job.film:
        raise Problem(422, "the reference is a film; take a photograph")
    if not facts.colored:
        raise Problem(422, "the reference is gray; take a picture that has the colours")


async def _picture(request: Request, studio: Studio, job: ColoringJob, look: Look | None, copy: Copy) -> Response:
    facts = check_done(job)
    if look is not None and not job.film:
        check_reference(studio, look)
    name = "" if job.film else wanted_format(copy.format, copy.accept, facts.format)
    tag = entity_tag(job.id, None if job.film else look, look is None, name, copy.max_side, copy.crop)
    # To be asked for again each time, which costs nothing where it is known, so that a job that is removed is gone.
    headers = {"ETag": tag, "Cache-Control": "private, no-cache", "Vary": "Accept", **expiry(job)}
    if is_known(request, tag):
        return Response(status_code=304, headers=headers)
    if job.film:
        path = job.folder / INPUT if look is None else films.result_of(job.folder, job.film)
        headers |= named(job, (job.film,), "" if look is None else COLORED)
        return FileResponse(path, media_type=films.MEDIA_TYPES[job.film], headers=headers)
    if copy.crop is not None:
        data = await studio.ask(job, worker.crop, look, copy.crop, copy.max_side, name)
        return Response(data, media_type=media_type_of(name), headers=headers)
    if copy.max_side is not None:
        data = await studio.preview(job, look, copy.max_side, name)
        return Response(data, media_type=media_type_of(name), headers=headers)
    with studio.admit(job.client):
        path = await studio.render(job, look, name)
    headers |= named(job, extensions_of(name), "" if look is None else COLORED)
    return _file(path, name, headers, BackgroundTask(path.unlink, missing_ok=True))


def expiry(job: ColoringJob) -> dict[str, str]:
    """The header that says when a job is removed."""
    return {} if job.expires is None else {"Expires": format_datetime(job.expires, usegmt=True)}


def named(job: ColoringJob, extensions: tuple[str, ...], mark: str = COLORED) -> dict[str, str]:
    """The header that gives a result its name: that of the client's file, as `photochrom colorize` would change it."""
    shown = archive.entry_name(job.name, extensions, set(), mark) if job.name else f"photochrom{extensions[0]}"
    return {"Content-Disposition": disposition(shown)}


def _file(path: Path, name: str, headers: dict[str, str], afterwards: BackgroundTask) -> FileResponse:
    return FileResponse(path, media_type=media_type_of(name), headers=headers, background=afterwards)


server_router = APIRouter(tags=["server"])


class Health(BaseModel):
    """That the server answers."""

    status: Literal["ok"] = "ok"


@server_router.get("/healthz", operation_id="getHealth", responses=documented(421))
async def health() -> Health:
    """Whether the server answers; needs no token."""
    return Health()


@server_router.get(
    "/metrics",
    operation_id="getMetrics",
    dependencies=[TOKEN],
    response_class=Response,
    responses={200: {"content": {"text/plain": {}}}, **documented(*ALWAYS)},
)
async def metrics(request: Request) -> Response:
    """Counters for Prometheus."""
    return Response(request.app.state.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")
