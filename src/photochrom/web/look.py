"""How a client wants its photograph coloured; the same few choices in the page, the interface and the client."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import Query
from pydantic import BaseModel, Field

from photochrom._support.settings import Range
from photochrom.colorizer import Colorizer
from photochrom.errors import BadSetting
from photochrom.inference.decode import SATURATION, TINT, VIVIDNESS, WARMTH, Decoding
from photochrom.painting.hint_files import hints_from_json
from photochrom.painting.hints import Colored, Hint, check_inside
from photochrom.painting.palette import Palette

MOST_VARIANTS = 99
MOST_TEXT = 20_000  # characters of hints; as a query it is up to three times as long, and 64 kB are read


def _within(allowed: Range, default: float | None, description: str) -> Any:
    """A number of a look that has its range elsewhere."""
    return Field(default=default, ge=allowed.low, le=allowed.high, allow_inf_nan=False, description=description)


class Look(BaseModel, frozen=True):
    """One way to colour a photograph. The network runs again only for hints, if it takes them, for restored tones, and
    for a variant, if it drops channels for that.

    Attributes:
        vividness: 0..1; None takes the model's own.
        saturation: 0..4, a factor on the colours.
        warmth, tint: -1..1, see `photochrom.inference.decode`.
        contrast: -1..1, see `photochrom.painting.tone`.
        variant: 0 is the likeliest colouring; others are what `photochrom colorize --variants` numbers so.
        hints: colours that a person knows, see `given`.
        palette: colours to which the photograph's are drawn, with commas between them.
        reference: the id of a job whose photograph has the colours that are wanted.
        keep_color, restore_tone, mark: as `photochrom.Colorizer` takes them.
    """

    vividness: float | None = _within(VIVIDNESS, None, "0 is cautious, 1 garish; by default as the model has it.")
    saturation: float = _within(SATURATION, 1.0, "A factor on the colours.")
    warmth: float = _within(WARMTH, 0.0, "-1 as in cold light, 1 as in warm light.")
    tint: float = _within(TINT, 0.0, "-1 greener, 1 more magenta.")
    contrast: float = Field(
        default=0.0, ge=-1, le=1, allow_inf_nan=False, description="Tones: -1 flat, 0 as they are, 1 strong."
    )
    variant: int = Field(
        default=0, ge=0, le=MOST_VARIANTS, description="0 is the likeliest colouring; 1 and on are other ones."
    )

    hints: str = Field(
        default="",
        max_length=MOST_TEXT,
        description="Colours that you know, X,Y=COLOR or X,Y,REACH=COLOR, several with ; between them: X and Y are "
        "pixels of the whole, upright photograph, REACH is a factor on how far the colour, #rrggbb, spreads. The "
        "colour keep is that without hints: there other hints stop. Or the JSON of a file of hints, with strokes.",
    )
    palette: str = Field(
        default="",
        max_length=1000,
        description="Colours to which the photograph's are drawn, #rrggbb or names, with commas between them.",
    )
    reference: str = Field(
        default="",
        max_length=64,
        pattern="^[A-Za-z0-9_-]*$",
        description="The id of a job whose photograph has the colours that are wanted.",
    )
    keep_color: bool = Field(
        default=False, description="Leave a photograph that is in colour as it is; a tinted one is coloured."
    )
    restore_tone: bool = Field(
        default=False, description="Stretch the tones of a faded print to the full range, before the contrast."
    )
    mark: bool = Field(default=False, description="Add a small visible mark in the lower right corner.")

    def given(self, whole: tuple[int, int], copy: tuple[int, int]) -> list[Colored]:
        """The hints for a copy of a photograph.

        Args:
            whole: (W, H) of the photograph.
            copy: (w, h) of the copy.

        Raises:
            BadSetting: something is no hint, or lies outside.
        """
        known: Sequence[Colored]
        if self.hints.lstrip().startswith(("{", "[")):
            known = hints_from_json(self.hints)
        else:
            known = [Hint.parse(text) for text in self.hints.split(";") if text]
        hints = [hint.on(whole) for hint in known]
        check_inside(hints, *whole)
        return [hint.scaled(copy[0] / whole[0], copy[1] / whole[1]) for hint in hints]

    def chosen_palette(self) -> Palette | None:
        """The palette, or None.

        Raises:
            BadSetting: something is no colour. A file's name is none: nothing is read.
        """
        return Palette.of(self.palette.split(",")) if self.palette.strip() else None

    def decoding(self, colorizer: Colorizer) -> Decoding:
        """How `colorizer` has to decode for this look; what a variant changes is `Colorizer.colorize_picture`'s to say.

        Raises:
            BadSetting: its model has no vividness, or one colouring only.
        """
        if colorizer.card.bins is None and self.vividness is not None:
            raise BadSetting(f"the model '{colorizer.card.name}' has no vividness; omit it")
        if self.variant:
            colorizer.network.need_variants()
        return colorizer.decoding.chosen(
            vividness=self.vividness, saturation=self.saturation, warmth=self.warmth, tint=self.tint
        )


async def look(look: Annotated[Look, Query()]) -> Look:
    """The look that a request's query asks for."""
    return look
