"""Errors as a client sees them: a status and one clear line, as JSON (RFC 9457, "Problem Details for HTTP APIs")."""

from __future__ import annotations

import contextlib
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from photochrom import errors
from photochrom.web.films import FilmTooLong
from photochrom.web.storage import is_full

MEDIA_TYPE = "application/problem+json"
# The first that fits counts, so a kind stands before its parent.
_STATUS: tuple[tuple[type[errors.PhotochromError], int], ...] = (
    (errors.ImageTooLarge, 413),
    (FilmTooLong, 413),
    (errors.UnsupportedFormat, 415),
    (errors.MissingExtra, 415),
    (errors.UnreadableImage, 422),
    (errors.BadSetting, 422),
    (errors.UnknownName, 422),
    (errors.OutOfMemory, 413),
)


class Problem(Exception):
    """A request that is refused.

    Args:
        status: of the response.
        detail: one line that says what was wrong and what to do.
        headers: further headers of the response.
    """

    def __init__(self, status: int, detail: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status, self.detail, self.headers = status, detail, headers

    def body(self) -> dict[str, Any]:
        """What `ProblemBody` describes."""
        return {"title": HTTPStatus(self.status).phrase, "status": self.status, "detail": self.detail}


def full() -> Problem:
    """The refusal where the disk is full."""
    return Problem(507, "the server has no room left for uploads and results; try again later", {"Retry-After": "30"})


class ProblemBody(BaseModel):
    """What went wrong (RFC 9457)."""

    title: str = Field(description="The status in words.", examples=["Content Too Large"])
    status: int = Field(description="The status again.", examples=[413])
    detail: str = Field(description="What was wrong and what to do, in one line.")


def problem_of(error: errors.PhotochromError) -> Problem:
    """The refusal for an error of the library."""
    status = next((status for kind, status in _STATUS if isinstance(error, kind)), 500)
    return Problem(status, str(error))


def response(problem: Problem) -> JSONResponse:
    """The response for a refusal."""
    return JSONResponse(problem.body(), problem.status, problem.headers, MEDIA_TYPE)


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What OpenAPI says of refusals with these statuses."""
    schema = {"schema": {"$ref": "#/components/schemas/ProblemBody"}}
    return {status: {"description": HTTPStatus(status).phrase, "content": {MEDIA_TYPE: schema}} for status in statuses}


def install(app: FastAPI) -> None:
    """Answer every error of `app` in this form."""

    @app.exception_handler(Problem)
    async def _problem(_: Request, error: Problem) -> JSONResponse:
        return response(error)

    @app.exception_handler(errors.PhotochromError)
    async def _ours(_: Request, error: errors.PhotochromError) -> JSONResponse:
        return response(problem_of(error))

    @app.exception_handler(HTTPException)
    async def _http(request: Request, error: HTTPException) -> JSONResponse:
        detail = str(error.detail)
        if detail == HTTPStatus.NOT_FOUND.phrase:
            detail = "there is nothing at this address; /docs lists what there is"
        elif detail == HTTPStatus.METHOD_NOT_ALLOWED.phrase:
            detail = f"{request.method} is not possible here; /docs lists what is"
        return response(Problem(error.status_code, detail, dict(error.headers or {})))

    @app.exception_handler(OSError)
    async def _system(request: Request, error: OSError) -> JSONResponse:
        if not is_full(error):
            raise error
        # What is here now did not fit, but the next may.
        with contextlib.suppress(Problem):
            request.app.state.studio.jobs.free_some()
        return response(full())

    @app.exception_handler(RequestValidationError)
    async def _invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        return response(Problem(422, "; ".join(map(_line, error.errors()))))

    @app.exception_handler(Exception)
    async def _fault(_: Request, error: Exception) -> JSONResponse:
        return response(Problem(500, "internal error; see the server's log"))


_FAULTS = {
    "missing": "it is missing",
    "float_parsing": "it must be a number",
    "finite_number": "it must be a number",
    "int_parsing": "it must be a whole number",
    "bool_parsing": "it must be true or false",
    "greater_than_equal": "it must be at least {ge:g}",
    "less_than_equal": "it must be at most {le:g}",
    "too_short": "there must be at least {min_length}",
    "too_long": "there can be at most {max_length}",
    "string_too_short": "it must have at least {min_length} characters",
    "string_too_long": "it can have at most {max_length} characters",
    "string_pattern_mismatch": "it is not written as it has to be; /docs says how",
}
"""What pydantic finds, in our words; the rest is said in its own."""


def _line(fault: Any) -> str:
    if fault["type"] == "json_invalid":
        return f"the body is not JSON ({fault['ctx']['error']})"
    where = " ".join(str(part) for part in fault["loc"] if part not in ("query", "body", "path", "header"))
    words = _FAULTS.get(fault["type"], "").format(**fault.get("ctx", {}))
    if not words:
        own = fault["msg"].removeprefix("Value error, ").replace("Input should be", "it must be", 1)
        words = own[:1].lower() + own[1:]
    return f"{where}: {words}" if where else words
