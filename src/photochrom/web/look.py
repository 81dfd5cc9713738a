"""How a client wants its photograph coloured; the same few choices in the page, the interface and the client."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import numpy as np
from fastapi import Query
from pydantic import BaseModel, Field

from photochrom.colorizer import Colorizer
from photochrom.decode import Decoding
from photochrom.errors import BadSetting
from photochrom.hints import Hint, check_inside

MOST_VARIANTS = 99
MOST_SATURATION = 4.0


class Look(BaseModel, frozen=True):
    """One way to colour a photograph; none of it makes the network run again.

    Attributes:
        vividness: 0..1; None takes the model's own.
        saturation: 0..4, a factor on the colours.
        contrast: -1..1, see `photochrom.tone`.
        variant: 0 is the likeliest colouring; others are drawn from what the network holds possible, each the same
            every time.
    """

    vividness: float | None = Field(
        default=None,
        ge=0,
        le=1,
        allow_inf_nan=False,
        description="0 is cautious, 1 garish; by default as the model has it.",
    )
    saturation: float = Field(
        default=1.0, ge=0, le=MOST_SATURATION, allow_inf_nan=False, description="A factor on the colours."
    )
    contrast: float = Field(
        default=0.0, ge=-1, le=1, allow_inf_nan=False, description="Tones: -1 flat, 0 as they are, 1 strong."
    )
    variant: int = Field(
        default=0, ge=0, le=MOST_VARIANTS, description="0 is the likeliest colouring; 1 and on are other ones."
    )

    hints: str = Field(
        default="",
        max_length=10_000,
        description="Colours that you know, X,Y=COLOR or X,Y,REACH=COLOR, several with ; between them: X and Y are "
        "pixels of the whole, upright photograph, REACH is a factor on how far the colour, #rrggbb, spreads.",
    )

    def given(self, whole: tuple[int, int], copy: tuple[int, int]) -> list[Hint]:
        """The hints for a copy of a photograph.

        Args:
            whole: (W, H) of the photograph.
            copy: (w, h) of the copy.

        Raises:
            BadSetting: something is no hint, or lies outside.
        """
        hints = [Hint.parse(text) for text in self.hints.split(";") if text]
        check_inside(hints, *whole)
        return [hint.scaled(copy[0] / whole[0], copy[1] / whole[1]) for hint in hints]

    def decoding(self, colorizer: Colorizer) -> Decoding:
        """How `colorizer` has to decode for this look.

        Raises:
            BadSetting: its model gives one colouring only.
        """
        how = colorizer.decoding
        if colorizer.card.bins is None and (self.vividness is not None or self.variant):
            raise BadSetting(f"the model '{colorizer.card.name}' has no vividness and no variants; omit them")
        return replace(
            how,
            vividness=how.vividness if self.vividness is None else self.vividness,
            saturation=how.saturation * self.saturation,
            decoder="sample" if self.variant else how.decoder,
        )

    def rng(self) -> np.random.Generator:
        """The draw that makes this variant."""
        return np.random.default_rng(self.variant)


async def look(look: Annotated[Look, Query()]) -> Look:
    """The look that a request's query asks for."""
    return look
