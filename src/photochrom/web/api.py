"""The HTTP interface for programs; the page uses the same."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import FileResponse, StreamingResponse
from fastapi.sse import EventSourceResponse
from pydantic import BaseModel, Field
from starlette.background import BackgroundTask

from photochrom.imaging.formats import FORMATS
from photochrom.web import archive, films
from photochrom.web.jobs import ColoringJob, Status
from photochrom.web.look import Look, look
from photochrom.web.negotiation import FormatName, extension_of, media_type_of, wanted_format
from photochrom.web.problems import Problem, ProblemBody, documented
from photochrom.web.studio import Studio
from photochrom.web.upload import BODY, receive
from photochrom.web.worker import INPUT, PREVIEW_SIDE, Facts

PREFIX = "/api/v1"
router = APIRouter(prefix=PREFIX, tags=["colour"])

MEDIA_TYPES = sorted({*(entry.media_type for entry in FORMATS.values()), *films.MEDIA_TYPES.values()})
IMAGES = {
    200: {
        "description": "The photograph.",
        "content": {kind: {"schema": {"type": "string", "format": "binary"}} for kind in MEDIA_TYPES},
    }
}
ALWAYS = (400, 401, 403, 421)  # what the guard may answer to any request
UPLOAD = (*ALWAYS, 408, 413, 415, 422, 429, 503, 507)
PICTURE = {**IMAGES, **documented(*UPLOAD, 404, 406, 409, 410, 500)}

LookOf = Annotated[Look, Depends(look)]
FormatOf = Annotated[FormatName | None, Query(description="The file format; by default as it came.")]


class JobBody(BaseModel):
    """How far a job is."""

    id: str = Field(description="Names the job; who knows it may see the job.")
    status: Status
    progress: float = Field(ge=0, le=1, description="0 to 1.")
    width: int | None = Field(None, description="Of the photograph in pixels, once it has been read.")
    height: int | None = None
    kind: Literal["photograph", "film"] = Field(description="A film is whatever moves.")
    frames: int | None = Field(None, description="How many there are; 1 in a photograph.")
    format: str | None = Field(None, description="Of the file that came; of a film's result.")
    alpha: bool | None = Field(None, description="Whether parts are transparent.")
    problem: ProblemBody | None = Field(None, description="Why it failed.")

    @classmethod
    def of(cls, job: ColoringJob) -> JobBody:
        """What is said of a job."""
        facts = {} if job.facts is None else {**vars(job.facts), "format": job.facts.format.lower()}
        problem = None if job.problem is None else ProblemBody(**job.problem.body())
        kind = "film" if job.film else "photograph"
        return cls(id=job.id, kind=kind, status=job.status, progress=job.progress, problem=problem, **facts)


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


async def copy(
    request: Request,
    format: FormatOf = None,
    max_side: Annotated[
        int | None,
        Query(ge=16, le=PREVIEW_SIDE, description="A quick copy, this many pixels on its longer side at most."),
    ] = None,
) -> Copy:
    """The copy that a request's query and header ask for."""
    return Copy(format, request.headers.get("accept"), max_side)


JobOf = Annotated[ColoringJob, Depends(job)]
CopyOf = Annotated[Copy, Depends(copy)]


def client(request: Request) -> str:
    """Whose request it is, for the limits."""
    return request.client.host if request.client else ""


@contextlib.asynccontextmanager
async def _upload(request: Request, studio: Studio) -> AsyncIterator[tuple[ColoringJob, str]]:
    """A job with the request's body, and its kind (see `receive`); it is removed where the context fails."""
    with studio.uploads.enter(client(request)):
        length = request.headers.get("content-length", "")
        studio.jobs.make_room(int(length) if length.isdecimal() else 0)
        job = studio.jobs.new(client(request))
        try:
            kind = await receive(request, job.folder / INPUT, studio.jobs.free_some)
            studio.jobs.measure(job)
        except BaseException:
            studio.jobs.remove(job)
            raise
    try:
        yield job, kind
    except BaseException:
        studio.jobs.remove(job)
        raise


@router.post(
    "/colorize",
    response_class=Response,
    responses={**IMAGES, **documented(*UPLOAD, 406, 500)},
    openapi_extra=BODY,
)
async def colorize(request: Request, studio: StudioOf, look: LookOf, format: FormatOf = None) -> Response:
    """Colour one photograph and answer with it, in its own format unless the query or the header Accept asks else."""
    studio.places().check(client(request))
    async with _upload(request, studio) as (job, kind):
        if kind in films.MEDIA_TYPES:
            raise Problem(415, f"the upload is a film or an animation; send it to {PREFIX}/jobs")
        wanted = wanted_format(format, request.headers.get("accept"), kind)
        with studio.admit(job.client):
            path, format_name = await studio.colorize(job, look, wanted)
    return _file(path, format_name, BackgroundTask(studio.jobs.remove, job))


@router.post(
    "/jobs",
    status_code=202,
    responses=documented(*UPLOAD),
    openapi_extra=BODY,
)
async def submit(request: Request, response: Response, studio: StudioOf, look: LookOf) -> JobBody:
    """Send a photograph or a film and go on; the job says when it is ready.

    A photograph may then be asked for in any look. A film has the one it was sent with, of vividness and saturation.
    """
    async with _upload(request, studio) as (job, kind):
        job.film, job.look = kind if kind in films.MEDIA_TYPES else None, look
        with contextlib.ExitStack() as admitted:
            admitted.enter_context(studio.admit(job.client, film=job.film is not None))
            studio.submit(job, admitted.pop_all())
    response.headers["Location"] = f"{request.scope['root_path']}{PREFIX}/jobs/{job.id}"
    return JobBody.of(job)


@router.get("/jobs/{identity}", responses=documented(*ALWAYS, 404))
async def state(job: JobOf) -> JobBody:
    """How far a job is."""
    return JobBody.of(job)


@router.get("/jobs/{identity}/events", response_class=EventSourceResponse, responses=documented(*ALWAYS, 404))
async def events(job: JobOf) -> AsyncIterator[JobBody]:
    """How far a job is, again whenever that changes, until it is over (server-sent events)."""
    async for _ in job.changes():
        yield JobBody.of(job)


@router.get("/jobs/{identity}/result", response_class=Response, responses=PICTURE)
async def result(studio: StudioOf, job: JobOf, look: LookOf, copy: CopyOf) -> Response:
    """The photograph in colour: whole and with its metadata, or as a small copy. The network does not run again."""
    return await _picture(studio, job, look, copy)


@router.get("/jobs/{identity}/original", response_class=Response, responses=PICTURE)
async def original(studio: StudioOf, job: JobOf, copy: CopyOf) -> Response:
    """The photograph as it came, upright, in any format."""
    return await _picture(studio, job, None, copy)


@router.post(
    "/archive",
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
        _check_done(studio.jobs.get(wish.id))
    pieces = archive.stream(studio, client(request), selection)
    # Taken here, so that a server that is busy can still say so.
    first = await anext(pieces)

    async def sent() -> AsyncIterator[bytes]:
        yield first
        async for piece in pieces:
            yield piece

    headers = {"Content-Disposition": 'attachment; filename="photochrom.zip"'}
    return StreamingResponse(sent(), media_type=archive.MEDIA_TYPE, headers=headers)


@router.delete("/jobs/{identity}", status_code=204, responses=documented(*ALWAYS, 404))
async def remove(studio: StudioOf, job: JobOf) -> None:
    """End a job and delete what is kept of it."""
    studio.cancel(job)


def _check_done(job: ColoringJob) -> Facts:
    if job.problem is not None:
        raise job.problem
    if job.facts is None:
        raise Problem(409, "the job is not done yet; follow its events", {"Retry-After": "1"})
    return job.facts


async def _picture(studio: Studio, job: ColoringJob, look: Look | None, copy: Copy) -> Response:
    facts = _check_done(job)
    if job.film:
        path = job.folder / INPUT if look is None else films.result_of(job.folder, job.film)
        return FileResponse(path, media_type=films.MEDIA_TYPES[job.film])
    name = wanted_format(copy.format, copy.accept, facts.format)
    if copy.max_side is not None:
        data = await studio.preview(job, look, copy.max_side, name)
        return Response(data, media_type=media_type_of(name))
    with studio.admit(job.client):
        path = await studio.render(job, look, name)
    return _file(path, name, BackgroundTask(path.unlink, missing_ok=True))


def _file(path: Path, name: str, afterwards: BackgroundTask) -> FileResponse:
    # The name is ours: what the client called its file never comes here.
    shown = f"photochrom{extension_of(name)}"
    return FileResponse(path, media_type=media_type_of(name), filename=shown, background=afterwards)


server_router = APIRouter(tags=["server"])


class Health(BaseModel):
    """That the server answers."""

    status: Literal["ok"] = "ok"


@server_router.get("/healthz", responses=documented(421))
async def health() -> Health:
    """Whether the server answers; needs no token."""
    return Health()


@server_router.get(
    "/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}, **documented(*ALWAYS)}
)
async def metrics(request: Request) -> Response:
    """Counters for Prometheus."""
    return Response(request.app.state.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")
