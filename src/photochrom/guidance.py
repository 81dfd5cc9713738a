"""Colours that a person wants, whatever the photograph: those of references, of an album, of a palette."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from photochrom._support.text import shown
from photochrom.errors import BadSetting
from photochrom.imaging import io
from photochrom.imaging.picture import Picture
from photochrom.inference.bins import JointBins
from photochrom.inference.network import Network, Scores
from photochrom.painting.album import Album, signature
from photochrom.painting.palette import Palette
from photochrom.painting.reference import Reference, transferred
from photochrom.painting.upsample import resize


class Session(Protocol):
    """What colours pictures: a `photochrom.Colorizer`, as far as guidance needs it."""

    network: Network
    max_pixels: int | None
    palette: Palette | None
    references: list[Reference]
    reference_method: str
    album: Album | None

    def scores(self, L: np.ndarray) -> Scores:
        """The network's answer for a picture."""
        ...

    def map_size(self, scores: Scores) -> tuple[int, int]:
        """(w, h) of the part of the network's map that lies over the picture."""
        ...


@dataclass(frozen=True, eq=False)
class Seen:
    """What is known of the points of the network's map that lie over a picture.

    Attributes:
        light: (h, w) L, 0..100.
        log_p: (q, h, w) the network's log-probabilities; None for a network without joint bins.
    """

    light: np.ndarray
    log_p: np.ndarray | None

    @classmethod
    def of(cls, session: Session, scores: Scores, L: np.ndarray) -> Seen:
        """For a picture L (H, W)."""
        w, h = session.map_size(scores)
        bins, over = session.network.bins, scores.map[:, :h, :w].astype(np.float32)
        return cls(resize(L, (w, h)), bins.log_softmax(over) if isinstance(bins, JointBins) else None)


def light_of(session: Session, scores: Scores) -> np.ndarray:
    """L at all points of the network's map, as it saw the picture; beyond that its border is repeated."""
    w, h = session.map_size(scores)
    below, right = scores.map.shape[1] - h, scores.map.shape[2] - w
    return np.pad(resize(scores.small, (w, h)), ((0, below), (0, right)), mode="edge")


def wanted(session: Session) -> bool:
    """Whether a session has any of it."""
    return bool(session.references or session.album or session.palette)


def guided(session: Session, ab: np.ndarray, seen: Seen) -> np.ndarray:
    """The network's colours ab (h, w, 2), Lab units, changed to what a session wants; `seen` are the same points."""
    references = list(session.references)
    if session.album:
        references += session.album.like(signature(seen.light, seen.log_p), lambda path: in_color(session, path))
    if references:
        ab = transferred(ab, seen.light, seen.log_p, references, session.reference_method)
    if session.palette:
        ab = session.palette.drawn(ab, seen.light, seen.log_p, session.network.bins)
    return ab


def reference(session: Session, picture: Picture, scores: Scores | None = None) -> Reference:
    """What is known of a picture (H, W, 3) whose colours are wanted; `scores` is what the network gave for its L."""
    seen = _looked_at(session, picture, scores)
    return Reference.of(picture, seen.light, seen.log_p)


def reference_in(session: Session, source: str | os.PathLike[str]) -> Reference:
    """What is known of a picture file whose colours are wanted.

    Raises:
        UnreadableImage: it cannot be read.
        BadSetting: it is gray.
    """
    found = in_color(session, source)
    if found is None:
        raise BadSetting(f"{shown(source)}: the reference is gray; take a picture that has the colours")
    return found


def in_color(session: Session, source: str | os.PathLike[str]) -> Reference | None:
    """What is known of a picture file; None where it is gray."""
    picture = io.read(source, session.max_pixels)
    return None if picture.toning == "gray" else reference(session, picture)


def album_in(session: Session, folder: str | os.PathLike[str]) -> Album:
    """The album of a folder, see `Album.of`."""

    def signed(path: os.PathLike[str]) -> np.ndarray | None:
        picture = io.read(path, session.max_pixels)
        if picture.toning == "gray":
            return None
        seen = _looked_at(session, picture)
        return signature(seen.light, seen.log_p)

    return Album.of(folder, signed)


def _looked_at(session: Session, picture: Picture, scores: Scores | None = None) -> Seen:
    """The points over a picture."""
    L = picture.lightness()
    return Seen.of(session, scores or session.scores(L), L)
