"""A page that asks for the token, and the cookie that remembers it."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from photochrom.web.guard import COOKIE, cookie_for, same_token
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
    pages = [path for path, _ in request.app.state.navigation]
    start = to if to in pages else "/"
    expected = request.app.state.settings.token
    if expected is None:
        return RedirectResponse(start, 303)
    if not same_token(token, expected):
        await asyncio.sleep(WRONG_SECONDS)
        return templates.TemplateResponse(request, "login.html", {"wrong": True}, status_code=401)
    response = RedirectResponse(start, 303)
    response.set_cookie(
        COOKIE,
        cookie_for(expected),
        max_age=COOKIE_SECONDS,
        httponly=True,
        # Not "strict", with which a link in a message would lead to the question for the token again.
        samesite="lax",
        secure=request.url.scheme == "https",
    )
    return response
