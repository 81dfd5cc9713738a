"""What a set of weights needs and promises, carried inside its file, so that no runtime guesses."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from photochrom.color import AB_SCALE, L_CENTER, L_SCALE
from photochrom.errors import BadCheckpoint, BadPlugin, PhotochromError, UnknownName
from photochrom.inference.bins import Bins, bins_from_dict
from photochrom.inference.decode import RENDER_SIZE, SATURATION, Decoding

KEY = "photochrom.card"
FORMAT = 5  # one more when a key is added here or to `Decoding`, so that older versions say that they are older
NO_DIGEST = "0" * 64


@dataclass(frozen=True)
class ModelCard:
    """Facts about one model file.

    Attributes:
        name: what people call it.
        title: one line.
        architecture: the registered network.
        bins: the codebook as plain values; None where the network gives ab / `ab_scale`.
        decoding: the default decoding, see `photochrom.inference.decode.Decoding`.
        render_size: side, in pixels, of the square whose area the network sees by default.
        mirror: the network also sees the picture mirrored, and the mean of both answers counts: a better answer for
            twice the network's time, and the same colours for a picture and its mirror image.
        multiple: the network's input sides are multiples of this.
        stride: input pixels a side for each output.
        size: the network takes squares of this side only; the picture is squeezed into it. None takes any size.
        channels: of the network's input: 1 for L alone; 4 with the hints' a and b, divided by `ab_scale`, and 1 where
            they are.
        l_center, l_scale: the network sees (L - l_center) / l_scale.
        ab_scale: regression gives ab / ab_scale.
        variation: how many factors the network's second input `variation` takes, 1 unless a variant is wanted;
            0 where it has none.
        dropout: share of those factors that are 0 in a variant, as channels were dropped in training.
        steadies: name and digest of the model whose answers for films it makes steady; empty for one that colours.
        parameters: number of weights.
        recipe: the resolved recipe.
        training: data, digest, seed, steps, time, machine, versions.
        metrics: measured quality, with the set it was measured on.
        limits: what it cannot do, in words.
        license: of the weights.
        digest: SHA-256 of the file with this field zeroed.
        format: version of this description.
    """

    name: str
    title: str = ""
    architecture: str = ""
    bins: dict[str, Any] | None = None
    decoding: dict[str, Any] = field(default_factory=dict)
    render_size: int = 192
    mirror: bool = False
    multiple: int = 32
    stride: int = 4
    size: int | None = None
    channels: int = 1
    l_center: float = L_CENTER
    l_scale: float = L_SCALE
    ab_scale: float = AB_SCALE
    variation: int = 0
    dropout: float = 0.0
    steadies: dict[str, str] = field(default_factory=dict)
    parameters: int = 0
    recipe: dict[str, Any] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, Any] = field(default_factory=dict)
    limits: str = ""
    license: str = "Apache-2.0"
    digest: str = NO_DIGEST
    format: int = FORMAT

    @property
    def has_variants(self) -> bool:
        """Whether a photograph has several colourings: drawn over bins, or by dropping channels at use."""
        return self.bins is not None or self.variation > 0

    def codebook(self) -> Bins | None:
        """The bins, rebuilt."""
        return bins_from_dict(self.bins) if self.bins else None

    def default_decoding(self) -> Decoding:
        """How the model wants its scores decoded.

        Raises:
            UnknownName, BadSetting: no such decoder, or a value out of its range.
        """
        how = Decoding(**self.decoding)
        SATURATION.check("the saturation", how.saturation)
        if self.size is None:
            RENDER_SIZE.check("the render size", self.render_size)
        return how

    def to_json(self) -> str:
        """The card as it stands in a file's metadata."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str, where: str) -> ModelCard:
        """Read a card.

        Args:
            text: what `to_json` wrote.
            where: the file, for messages.

        Raises:
            BadCheckpoint: no card, a damaged one, or one of a newer format.
        """
        try:
            facts = json.loads(text)
            _refuse_newer(facts, where)
            card = cls(**facts)
            # Both are rebuilt here, so that a damaged card is named now and not in the middle of a folder.
            card.codebook()
            card.default_decoding()
            return card
        except (BadCheckpoint, BadPlugin):
            raise
        except UnknownName as error:
            raise BadCheckpoint(
                f"{where}: {error}; update photochrom, or install what the model was made with"
            ) from None
        except (ValueError, KeyError, TypeError, AttributeError, PhotochromError) as error:
            raise BadCheckpoint(f"{where}: its model card cannot be read ({error}); the file is damaged") from None


def _refuse_newer(facts: dict[str, Any], where: str) -> None:
    known = {field.name for field in fields(ModelCard)}, {field.name for field in fields(Decoding)}
    keys = [key for key in facts if key not in known[0]]
    keys += [f"decoding.{key}" for key in facts.get("decoding", {}) if key not in known[1]]
    if facts["format"] > FORMAT or keys:
        reason = f"it has the key {keys[0]}" if keys else f"its format is {facts['format']}"
        raise BadCheckpoint(
            f"{where}: its model card was written by a newer photochrom ({reason}); update this one to use it"
        )


def seal(data: bytes) -> bytes:
    """Put the digest into a model file whose card has none yet."""
    # The last one is the card's own; what it says of the model that training started from comes before.
    before, blank, after = data.rpartition(f'"digest": "{NO_DIGEST}"'.encode())
    if not blank:
        raise ValueError("the file holds no card without a digest")
    return before + f'"digest": "{hashlib.sha256(data).hexdigest()}"'.encode() + after


def is_intact(data: bytes, digest: str) -> bool:
    """Whether a sealed file is byte for byte as it was written."""
    blank = data.replace(f'"digest": "{digest}"'.encode(), f'"digest": "{NO_DIGEST}"'.encode(), 1)
    return hashlib.sha256(blank).hexdigest() == digest
