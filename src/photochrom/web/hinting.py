"""The HTTP interface for who is about to choose: what is plausible at a point, where a hint would help, and what the
variants are like."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, Field

from photochrom.web import places, variants
from photochrom.web.api import ALWAYS, PREFIX, TOKEN, JobOf, LookOf, StudioOf, check_done, check_reference
from photochrom.web.jobs import ColoringJob
from photochrom.web.look import Look
from photochrom.web.problems import Problem, documented
from photochrom.web.protocol import only_known

router = APIRouter(prefix=PREFIX, tags=["hints"], dependencies=[TOKEN, Depends(only_known)])

ANSWERS = documented(*ALWAYS, 404, 409, 410, 415, 500, 503)
PNG = {200: {"description": "A gray picture.", "content": {"image/png": {"schema": {"type": "string"}}}}, **ANSWERS}

XOf = Annotated[float, Query(ge=0, allow_inf_nan=False, description="Pixels from the left of the photograph.")]
YOf = Annotated[float, Query(ge=0, allow_inf_nan=False, description="Pixels from its top.")]


async def photograph(job: JobOf) -> ColoringJob:
    """A job that is done and no film."""
    check_done(job)
    if job.film:
        raise Problem(422, "this is a film; only photographs take hints, references and palettes here")
    return job


async def known(studio: StudioOf, look: LookOf) -> Look:
    """A look whose reference is there, and has colours."""
    check_reference(studio, look)
    return look


PhotographOf = Annotated[ColoringJob, Depends(photograph)]
KnownLookOf = Annotated[Look, Depends(known)]


class Likely(BaseModel):
    """A colour that is plausible at a point."""

    color: str = Field(description="#rrggbb, as light as the photograph is there; a hint in it looks the same.")
    share: float = Field(description="How likely it is by the network, with what is near it.")


class Colors(BaseModel):
    """What a point of a photograph could be coloured with."""

    lightness: float = Field(description="L of the photograph there, 0 to 100.")
    likely: list[Likely] = Field(description="The network's own, the likeliest first.")
    usual: dict[str, str] = Field(description="Skin, hair, wood, leaves and sky at that lightness.")


class Unsure(BaseModel):
    """A place where a hint would help."""

    x: float = Field(description="Pixels from the left of the photograph.")
    y: float = Field(description="Pixels from its top.")
    gain: float = Field(description="How much of the photograph it would settle, 0 to 1.")


class VariantBody(BaseModel):
    """Another colouring of a photograph."""

    variant: int = Field(description="Its number, as in a look.")
    name: str = Field(description="What is to be seen of it beside the likeliest colours, such as warmer.")


class PaletteBody(BaseModel):
    """The main colours of a picture."""

    colors: list[str] = Field(description="#rrggbb; as a palette, with commas between them.")


@router.get("/jobs/{identity}/colors", operation_id="getColors", responses=ANSWERS)
async def colors(studio: StudioOf, job: PhotographOf, look: LookOf, x: XOf, y: YOf) -> Colors:
    """The colours that are plausible at a point of a photograph, for a person to choose from."""
    light, likely, usual = await studio.ask(job, places.colors, look, x, y)
    return Colors(
        lightness=round(light, 1),
        likely=[Likely(color=color, share=round(share, 3)) for color, share in likely],
        usual=usual,
    )


@router.get("/jobs/{identity}/reach", operation_id="getReach", response_class=Response, responses=PNG)
async def reach(
    studio: StudioOf,
    job: PhotographOf,
    look: KnownLookOf,
    x: XOf,
    y: YOf,
    factor: Annotated[float, Query(ge=0.01, le=100, allow_inf_nan=False, description="A factor on its reach.")] = 1.0,
) -> Response:
    """How much a hint at a point would count, over the photograph: white is all, black nothing."""
    return _picture(await studio.ask(job, places.reach, look, x, y, factor))


@router.get("/jobs/{identity}/confidence", operation_id="getConfidence", response_class=Response, responses=PNG)
async def confidence(studio: StudioOf, job: PhotographOf, look: KnownLookOf) -> Response:
    """How sure the colours of a photograph are in a look: white is sure, black is not. What hints with a colour
    reach is sure."""
    return _picture(await studio.ask(job, places.sureness, look))


@router.get("/jobs/{identity}/unsure", operation_id="getUnsure", responses=ANSWERS)
async def unsure(
    studio: StudioOf,
    job: PhotographOf,
    look: KnownLookOf,
    count: Annotated[int, Query(ge=1, le=8, description="How many.")] = 3,
) -> list[Unsure]:
    """The places of a photograph where a hint would help most, the best first."""
    found = await studio.ask(job, places.unsure, look, count)
    return [Unsure(x=round(x, 1), y=round(y, 1), gain=round(gain, 4)) for x, y, gain in found]


@router.get("/jobs/{identity}/variants", operation_id="getVariants", responses=ANSWERS)
async def names(
    studio: StudioOf,
    job: PhotographOf,
    look: KnownLookOf,
    count: Annotated[int, Query(ge=1, le=16, description="How many.")] = 5,
) -> list[VariantBody]:
    """The first variants of a photograph by name, in a look: what changes in them."""
    found = await studio.ask(job, variants.names, look, count)
    return [VariantBody(variant=number, name=name) for number, name in enumerate(found, 1)]


@router.get("/jobs/{identity}/palette", operation_id="getPalette", responses=ANSWERS)
async def palette(studio: StudioOf, job: PhotographOf) -> PaletteBody:
    """The main colours of a photograph that is in colour."""
    return PaletteBody(colors=await studio.ask(job, places.main_colors))


def _picture(data: bytes) -> Response:
    return Response(data, media_type="image/png")
