"""A page that asks for the token, and the cookie that remembers it."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from photochrom.web.guard import COOKIE, STUDY, Access, Given, access_of, cookie_for
from photochrom.web.pages import templates

router = APIRouter(include_in_schema=False)

WRONG_SECONDS = 1.0  # a wrong token costs a guesser this long
COOKIE_SECONDS = 30 * 24 * 3600


@router.get("/login", response_class=HTMLResponse)
async def ask(request: Request, token: str | None = None, to: str = "/") -> Response:
    """Ask for the token; a link that brings it along goes straight on, to one of the pages in the head."""
    return await _enter(request, token, to) if token else templates.TemplateResponse(request, "login.html")


@router.post("/login", response_class=HTMLResponse)
async def enter(request: Request, token: Annotated[str, Form()] = "") -> Response:
    """Take the token from the page's form."""
    return await _enter(request, token)


async def _enter(request: Request, token: str, to: str = "/") -> Response:
    settings, root = request.app.state.settings, request.scope["root_path"]
    pages = [path for path, _ in request.app.state.navigation]
    start = to if to in pages else "/"
    if settings.token is None:
        return RedirectResponse(f"{root}{start}", 303)
    attempts, address = request.app.state.attempts, request.client.host if request.client else ""
    attempts.check(address)
    access = access_of(Given(token.strip()), settings.token, settings.turing is not None)
    if access is Access.NONE:
        attempts.wrong(address, token)
        await asyncio.sleep(WRONG_SECONDS)
        return templates.TemplateResponse(request, "login.html", {"wrong": True}, status_code=401)
    if access is Access.STUDY:
        start = STUDY
    response = RedirectResponse(f"{root}{start}", 303)
    response.set_cookie(
        COOKIE,
        cookie_for(token.strip()),
        max_age=COOKIE_SECONDS,
        path=root or "/",
        httponly=True,
        # Not "strict", with which a link in a message would lead to the question for the token again.
        samesite="lax",
        secure=request.url.scheme == "https",
    )
    return response
