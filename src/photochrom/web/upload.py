"""An upload, from the wire into a job's folder, under our own name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import anyio
import anyio.to_thread
from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from photochrom.errors import UnreadableImage, UnsupportedFormat
from photochrom.imaging.formats import SNIFF_BYTES, sniff
from photochrom.web.films import ending_of
from photochrom.web.problems import Problem
from photochrom.web.storage import is_full

FIELD = "file"
_CHUNK = 1 << 20
_MOST_FIELDS = 16

# What OpenAPI says of the body, since it is read by hand.
BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {FIELD: {"type": "string", "format": "binary"}},
                    "required": [FIELD],
                }
            },
            "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
        },
    }
}


class Received(NamedTuple):
    """What came: its kind, and what the client called it in a form, or ""."""

    kind: str
    name: str


async def receive(request: Request, target: Path, make_room: Callable[[], object]) -> Received:
    """Write the photograph or film in a request's body to a file.

    Args:
        request: a form with the field `file`, or else the bytes themselves.
        target: where to.
        make_room: deletes something where the disk is full, or raises.

    Returns:
        What came: the format by its first bytes, or for what moves the ending of its result (see `films.ending_of`).

    Raises:
        Problem: 400 where the form or the connection is broken, 413, 415 where it is no picture, 422 where there is
            none.
    """
    try:
        if request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
            name = await _from_form(request, target, make_room)
        else:
            name = await _from_body(request, target, make_room)
    except HTTPException as error:
        raise Problem(400, f"the form cannot be read: {error.detail}") from None
    except ClientDisconnect:
        raise Problem(400, "the upload was interrupted") from None
    return Received(await anyio.to_thread.run_sync(_kind, target), name)


async def _from_form(request: Request, target: Path, make_room: Callable[[], object]) -> str:
    async with request.form(max_files=1, max_fields=_MOST_FIELDS) as form:
        file = form.get(FIELD)
        if not isinstance(file, UploadFile):
            raise Problem(422, f"the form has no file in its field '{FIELD}'")
        async with await anyio.open_file(target, "xb", buffering=0) as out:
            while chunk := await file.read(_CHUNK):
                await _write(out, chunk, make_room)
        return file.filename or ""


async def _from_body(request: Request, target: Path, make_room: Callable[[], object]) -> str:
    async with await anyio.open_file(target, "xb", buffering=0) as out:
        async for chunk in request.stream():
            await _write(out, chunk, make_room)
    return ""


async def _write(out: anyio.AsyncFile[bytes], data: bytes, make_room: Callable[[], object]) -> None:
    left = memoryview(data)
    while left:
        try:
            left = left[await out.write(left) :]
        except OSError as error:
            if not is_full(error):
                raise
            make_room()


def _kind(target: Path) -> str:
    with open(target, "rb") as file:
        head = file.read(SNIFF_BYTES)
    if not head:
        raise Problem(422, "the upload is empty; send a photograph")
    if ending := ending_of(target):
        return ending
    try:
        return sniff(head)
    except (UnreadableImage, UnsupportedFormat) as error:
        raise Problem(415, f"the upload {error}") from None
