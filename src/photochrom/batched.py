"""Many pictures at once: the network runs over several of like shape, and each comes back as the kind it was."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from PIL import Image

from photochrom.errors import BadSetting
from photochrom.imaging import io
from photochrom.imaging.picture import Picture
from photochrom.inference.network import Network, Scores

AT_ONCE = 16  # pictures that the network sees together
MOST_WAITING = 64  # pictures of all shapes; each is held until the network has seen it
KINDS = "an array (n, H, W) or (n, H, W, 1 | 3), a list of arrays and PIL images, or a tensor (n, 1 | 3, H, W)"


class Session(Protocol):
    """What colours pictures: a `photochrom.Colorizer`, as far as many at once need it."""

    network: Network
    keep_color: bool

    def shrunk(self, L: np.ndarray) -> np.ndarray:
        """L of the size that the network sees."""
        ...

    def colorize_picture(self, picture: Picture, *, scores: Scores | None = None) -> Picture:
        """The picture in colour."""
        ...


@dataclass(frozen=True)
class Waiting:
    """A picture that waits until others of its shape are there.

    Attributes:
        place: its number among all.
        picture: what to colour.
        small: its L, 0..100, as the network sees it.
        back: from a picture to the kind that it was.
    """

    place: int
    picture: Picture
    small: np.ndarray
    back: Callable[[Picture], Any]


def colorize_batch(session: Session, x: Any) -> Any:
    """Colour many pictures; see `photochrom.Colorizer.colorize_batch`."""
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(x, torch.Tensor):
        return _of_tensor(session, x, torch)
    if isinstance(x, np.ndarray):
        if x.ndim not in (3, 4) or (x.ndim == 4 and x.shape[3] not in (1, 3)):
            raise BadSetting(f"several pictures have the shape (n, H, W) or (n, H, W, 1 | 3), not {x.shape}")
        if not len(x):
            return np.empty((*x.shape[:3], 3), x.dtype)
        return np.stack(_colored(session, list(x)))
    if isinstance(x, Sequence) and not isinstance(x, str | bytes | bytearray):
        return _colored(session, x)
    raise BadSetting(f"many pictures are {KINDS}, not {type(x).__name__}")


def _of_tensor(session: Session, x: Any, torch: Any) -> Any:
    if x.ndim != 4 or x.shape[1] not in (1, 3):
        raise BadSetting(f"a tensor of pictures has the shape (n, 1 | 3, H, W), not {tuple(x.shape)}")
    held = x.detach().cpu()
    # numpy has no bfloat16, and 16 bits would round what is computed in between.
    pictures = (held.float() if held.is_floating_point() else held).permute(0, 2, 3, 1).numpy()
    colored = torch.from_numpy(colorize_batch(session, pictures))
    return colored.permute(0, 3, 1, 2).contiguous().to(x.device, x.dtype)


def _colored(session: Session, pictures: Sequence[Any]) -> list[Any]:
    """Each picture in colour, in the order given."""
    done: list[Any] = [None] * len(pictures)
    waiting: dict[tuple[int, ...], list[Waiting]] = {}

    def finish(group: list[Waiting]) -> None:
        answers = session.network.scores_of_all([each.small for each in group])
        for each, scores in zip(group, answers, strict=True):
            done[each.place] = each.back(session.colorize_picture(each.picture, scores=scores))

    for place, given in enumerate(pictures):
        picture, back = _taken(given, place)
        if session.keep_color and picture.toning == "color":
            done[place] = back(session.colorize_picture(picture))
            continue
        small = session.shrunk(picture.lightness())
        group = waiting.setdefault(small.shape, [])
        group.append(Waiting(place, picture, small, back))
        if len(group) == AT_ONCE:
            finish(waiting.pop(small.shape))
        elif sum(map(len, waiting.values())) == MOST_WAITING:
            finish(waiting.pop(next(iter(waiting))))  # the shape that waits longest
    for group in waiting.values():
        finish(group)
    return done


def _taken(given: Any, place: int) -> tuple[Picture, Callable[[Picture], Any]]:
    """A picture, and what makes the kind that it was of it."""
    if isinstance(given, np.ndarray):
        return io.from_array(given), lambda picture: io.to_array(picture, given.dtype)
    if isinstance(given, Image.Image):
        return io.from_pil(given), io.to_pil
    raise BadSetting(f"number {place + 1} of the pictures is of type {type(given).__name__}, not an array or PIL image")
