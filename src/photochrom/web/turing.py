"""The pages on which people take a Turing test: consent, practice, one trial at a time, thanks.

Every page is made from what is stored, so that a session goes on after the browser or the server died. A picture is
asked for by the number of its trial: no name that a browser sees says what it is.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Cookie, FastAPI, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from photochrom.research.turing import SAID, Answers, Entry, load_study
from photochrom.research.turing.judgements import FASTEST_MS, judged, judgements
from photochrom.web.pages import templates
from photochrom.web.problems import Problem

router = APIRouter(prefix="/turing", include_in_schema=False)
COOKIE = "photochrom-turing"
_COOKIE_SECONDS = 30 * 24 * 3600
Ticket = Annotated[str, Cookie(alias=COOKIE)]

QUESTIONS = {
    "single": "Real, or coloured by a computer?",
    "pair": "Which one did a computer colour?",
    "preference": "Which one looks better?",
}
CHOICES = {
    "single": ("Real", "Coloured by a computer"),
    "pair": ("The left one", "The right one"),
    "preference": ("The left one", "The right one"),
}


def install(app: FastAPI, folder: Path) -> None:
    """Add a study's pages to the site.

    Args:
        app: the site.
        folder: the study's.

    Raises:
        BadDataset: there is no study, or it is damaged.
    """
    app.state.turing = Session(folder)
    app.state.navigation.append(("/turing", "Study"))
    app.include_router(router)


class Session:
    """A study and its answers, as the pages need them."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.study = folder, load_study(folder)
        self.answers = Answers(folder, self.study)

    def tells(self, entry: Entry | None) -> bool:
        """Whether the solution of a trial is told: in practice, where there is one."""
        return entry is not None and entry.practice and entry.said is not None and self.study.kind != "preference"


@router.get("", response_class=HTMLResponse)
def welcome(request: Request, ticket: Ticket = "", another: bool = False) -> Response:
    """What it is about, what is stored, and the way in; for `another` person also where the last one has finished."""
    session = _session(request)
    entries = session.answers.of(ticket)
    begun = _open(entries) is not None
    if entries and not begun and not another:
        return _to(request, "/turing/thanks")
    return _page(request, "welcome", study=session.study, begun=begun)


@router.post("/begin")
def begin(request: Request, ticket: Ticket = "") -> Response:
    """Enter a new person, unless this browser has a session that is not finished."""
    answers = _session(request).answers
    response = _to(request, "/turing/trial")
    if not _open(answers.of(ticket)):
        response.set_cookie(
            COOKIE,
            answers.begin(),
            max_age=_COOKIE_SECONDS,
            path=f"{request.scope['root_path']}/turing",
            httponly=True,
            samesite="lax",
            secure=request.url.scheme == "https",
        )
    return response


@router.get("/trial", response_class=HTMLResponse)
def trial(request: Request, ticket: Ticket = "") -> Response:
    """The first trial that is not answered."""
    session = _session(request)
    entries = session.answers.of(ticket)
    if not entries:
        return _to(request, "/turing")
    entry = _open(entries)
    if entry is None:
        return _to(request, "/turing/thanks")
    session.answers.look(entry)
    kind = session.study.kind
    return _page(
        request,
        "trial",
        entry=entry,
        study=session.study,
        question=QUESTIONS[kind],
        choices=list(zip(SAID[kind], CHOICES[kind], strict=True)),
        sides=_sides(entry),
        progress=_progress(entries, entry),
        fastest=FASTEST_MS,
    )


@router.post("/answer")
def answer(
    request: Request,
    number: Annotated[int, Form()],
    said: Annotated[str, Form()],
    milliseconds: Annotated[int | None, Form()] = None,
    ticket: Ticket = "",
) -> Response:
    """Store an answer; one that is sent twice counts once."""
    session = _session(request)
    entries = session.answers.of(ticket)
    entry = _open(entries)
    if entry is not None and entry.number == number:
        session.answers.answer(entry, said, milliseconds)
        entries = session.answers.of(ticket)
    told = session.tells(_last(entries))
    return _to(request, "/turing/solution" if told else "/turing/trial")


@router.get("/solution", response_class=HTMLResponse)
def solution(request: Request, ticket: Ticket = "") -> Response:
    """What the trial of practice that was just answered really was."""
    session = _session(request)
    entries = session.answers.of(ticket)
    entry = _last(entries)
    if entry is None or not session.tells(entry):
        return _to(request, "/turing/trial")
    upcoming = _open(entries)
    return _page(
        request,
        "solution",
        entry=entry,
        right=judged(session.study.kind, entry).right,
        sides=_sides(entry),
        counts=sum(not e.practice for e in entries),
        last=upcoming is None or not upcoming.practice,
        progress=_progress(entries, entry),
    )


@router.get("/picture/{number}/{side}")
def picture(request: Request, number: int, side: str, ticket: Ticket = "") -> Response:
    """A picture of the trial that is to be answered, or of one whose solution is told."""
    session = _session(request)
    entries = session.answers.of(ticket)
    for entry in (_open(entries), _last(entries)):
        if entry and entry.number == number and (entry.said is None or session.tells(entry)) and side in _sides(entry):
            path = session.study.picture(session.folder, entry.photograph, _sides(entry)[side])
            # Neither a date nor a tag of the file goes with it.
            return Response(path.read_bytes(), media_type="image/png")
    raise Problem(404, "this picture is no longer available; continue at /turing")


@router.get("/thanks", response_class=HTMLResponse)
def thanks(request: Request, ticket: Ticket = "") -> Response:
    """The end, with the person's own score."""
    session = _session(request)
    entries = session.answers.of(ticket)
    if not entries or _open(entries):
        return _to(request, "/turing/trial")
    counted = judgements(session.study.kind, entries)
    colored = [j for j in counted if j.model is not None]
    return _page(
        request,
        "thanks",
        study=session.study,
        answers=len(counted),
        right=sum(j.right for j in counted),
        colored=len(colored),
        fooled=sum(j.real for j in colored),
    )


def _session(request: Request) -> Session:
    return request.app.state.turing


def _to(request: Request, path: str) -> Response:
    return RedirectResponse(f"{request.scope['root_path']}{path}", 303)


def _page(request: Request, name: str, **context: object) -> Response:
    return templates.TemplateResponse(request, f"turing/{name}.html", context)


def _open(entries: list[Entry]) -> Entry | None:
    """The first that is not answered."""
    return next((e for e in entries if e.said is None), None)


def _last(entries: list[Entry]) -> Entry | None:
    """The last that is answered; they are answered in order."""
    return next((e for e in reversed(entries) if e.said is not None), None)


def _sides(entry: Entry) -> dict[str, str]:
    """What is shown, by where."""
    return {"left": entry.left} | ({"right": entry.right} if entry.right else {})


def _progress(entries: list[Entry], entry: Entry) -> tuple[int, int]:
    """(which, of how many), of practice or of what counts."""
    part = [e.number for e in entries if e.practice == entry.practice]
    return part.index(entry.number) + 1, len(part)
