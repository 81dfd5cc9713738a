"""The pages that people see."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, HTMLResponse, Response
from starlette.templating import Jinja2Templates

from photochrom.imaging.formats import FORMATS
from photochrom.inference.bins import JointBins
from photochrom.inference.card import ModelCard
from photochrom.inference.decode import SATURATION, TINT, VIVIDNESS, WARMTH
from photochrom.web.guard import STUDY, Access
from photochrom.web.look import Look
from photochrom.web.problems import Problem
from photochrom.web.reference import operations
from photochrom.web.settings import is_address, is_loopback
from photochrom.web.worker import INPUT

router = APIRouter(include_in_schema=False)
templates = Jinja2Templates(
    directory=str(resources.files("photochrom.web") / "templates"),
    context_processors=[lambda request: {"root": request.scope["root_path"]}],
)

SAMPLES = {path.name: path for path in sorted(Path(str(resources.files("photochrom") / "samples")).glob("*.jpg"))}
SAMPLE = SAMPLES["coffee.jpg"]  # whose colours come out as they were, and end where the things do
VARIANTS = 5


def navigation(request: Request) -> list[tuple[str, str]]:
    """(path, label) of the pages that this visitor may see."""
    pages = request.app.state.navigation
    if getattr(request.state, "access", None) is Access.STUDY:
        return [(path, label) for path, label in pages if path == STUDY]
    return pages


templates.env.globals["navigation"] = navigation


@dataclass(frozen=True)
class Slider:
    """One slider of the page; `name` is the look's field."""

    name: str
    label: str
    low: float
    high: float
    start: float
    step: float = 0.01


def sliders(card: ModelCard) -> list[Slider]:
    """Those that make sense for a model: one that gives ab alone has no vividness."""
    # Above 2 nothing looks good; programs may go on to `SATURATION.high`.
    plain = [
        Slider("saturation", "Saturation", SATURATION.low, 2, 1),
        Slider("warmth", "Warmth", WARMTH.low, WARMTH.high, 0),
        Slider("tint", "Tint", TINT.low, TINT.high, 0),
        Slider("contrast", "Contrast", -1, 1, 0),
    ]
    if card.bins is None:
        return plain
    return [Slider("vividness", "Vividness", VIVIDNESS.low, VIVIDNESS.high, card.default_decoding().vividness), *plain]


@router.get("/", response_class=HTMLResponse)
async def home(request: Request) -> HTMLResponse:
    """The colour page."""
    settings, card = request.app.state.settings, request.app.state.card
    accept = ["image/*", "video/*", *(extension for entry in FORMATS.values() for extension in entry.extensions)]
    return templates.TemplateResponse(
        request,
        "colour.html",
        {
            "accept": ",".join(accept),
            "local": is_loopback(settings.host) and _is_here(request),
            "keep": f"{settings.keep_minutes:g} minute{'' if settings.keep_minutes == 1 else 's'}",
            "album": settings.album is not None,
            "samples": [(name, Path(name).stem) for name in SAMPLES],
            "sliders": sliders(card),
            "has_variants": card.has_variants,
            "has_confidence": isinstance(card.codebook(), JointBins),
            "variants": VARIANTS,
        },
    )


def _is_here(request: Request) -> bool:
    """Whether the visitor sits at this computer, as far as the request shows."""
    address = request.client.host if request.client else ""
    return is_loopback(request.url.hostname or "") and (is_loopback(address) or not is_address(address))


@router.get("/docs", response_class=HTMLResponse)
async def docs(request: Request) -> HTMLResponse:
    """The interface for programs, from its OpenAPI description."""
    address = str(request.base_url).rstrip("/")
    found = {"operations": operations(request.app.openapi()), "address": address}
    return templates.TemplateResponse(request, "docs.html", found)


@router.get("/samples/coffee.color.jpg")
async def coloured_sample(request: Request) -> Response:
    """The sample as this server colours it; done once."""
    state = request.app.state
    if not hasattr(state, "coloured_sample"):
        studio = state.studio
        job = studio.jobs.new("")
        try:
            (job.folder / INPUT).write_bytes(SAMPLE.read_bytes())
            path, _ = await studio.colorize(job, Look(), "JPEG")
            state.coloured_sample = path.read_bytes()
        finally:
            studio.jobs.remove(job)
    return Response(state.coloured_sample, media_type="image/jpeg")


@router.get("/samples/{name}")
async def sample(name: str) -> FileResponse:
    """A sample photograph, gray."""
    if name not in SAMPLES:
        raise Problem(404, "there is no such sample")
    return FileResponse(SAMPLES[name], media_type="image/jpeg")
