"""The kinds of input: how their names end, and what colours one.

A new kind is one entry of `KINDS`. Its `colorize` imports what it needs when it is called, as `--help` must stay cheap.
"""

from __future__ import annotations

import os
import time
from collections.abc import Set
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from photochrom._support.text import shown
from photochrom.batch.jobs import BatchJob, Done, Outcome, Tell
from photochrom.colorizer import Colorizer
from photochrom.errors import AlreadyThere, BadSetting, PhotochromError, UnsupportedFormat
from photochrom.imaging.formats import EXTENSIONS
from photochrom.imaging.moving import ANIMATIONS, FILMS, ONLY_READ, moving_kind
from photochrom.imaging.reading import RAW_REFUSED
from photochrom.imaging.result_names import format_of, picture_name
from photochrom.photographs import PhotographReport

_NO_FILMS = frozenset(
    (".m4a", ".m4b", ".m4p", ".m4r", ".wma", ".mka", ".oga", ".ra", ".part", ".crdownload", ".download", ".tmp")
)

NOTE_COLOR = "it had colour already and was coloured from its lightness"
NOTE_TINTED = "it was tinted and was coloured from its lightness"
NOTE_KEPT = "it had colour already and was kept as it is"


class Worker(Protocol):
    """Colours the job's source into its target, which then is there whole or not at all.

    `tell` may be called with the parts done so far and their number. What fails is a PhotochromError that names the
    file. A target that is there is replaced only with `overwrite`.
    """

    def __call__(self, colorizer: Colorizer, job: BatchJob, *, overwrite: bool, tell: Tell) -> Done: ...


@dataclass(frozen=True)
class Kind:
    """One kind of input.

    Attributes:
        name: as `BatchJob.kind` has it.
        extensions: the endings by which a walk through folders finds it, lower case.
        colorize: does it.
    """

    name: str
    extensions: Set[str]
    colorize: Worker


def _photograph(colorizer: Colorizer, job: BatchJob, *, overwrite: bool, tell: Tell) -> Done:
    how = job.settings or {}
    report = colorizer.colorize_file(job.source, job.target, overwrite=overwrite, variant=job.variant, **how)
    return Done(note_of(report), report.size, report.kept)


def note_of(report: PhotographReport) -> str:
    """What is worth telling of a photograph, in one line."""
    notes = {"gray": "", "tinted": NOTE_TINTED, "color": NOTE_COLOR}
    coloured = [toning for toning in report.toning if not (report.pages_kept and toning == "color")]
    said = max(coloured, key=lambda toning: list(notes).index(toning))
    pages = f"{len(report.toning)} pages" if len(report.toning) > 1 else ""
    some = f"{report.pages_kept} of them in colour already and kept" if report.pages_kept else ""
    return "; ".join(filter(None, [pages, some, NOTE_KEPT if report.kept else notes[said], *report.notes]))


def _film(colorizer: Colorizer, job: BatchJob, *, overwrite: bool, tell: Tell) -> Done:
    from photochrom.video import colorize_film

    if colorizer.keep_color or colorizer.restore_tone or colorizer.mark:
        raise BadSetting(
            f"{shown(job.source)}: --keep-color, --restore-tone and --mark are for photographs; colour films separately"
        )
    how = job.settings or {}
    report = colorize_film(
        job.source,
        job.target,
        colorizer,
        overwrite=overwrite,
        progress=lambda progress: tell(progress.done, progress.total),
        **how,
    )
    return Done(report.summary(), (report.width, report.height))


def _raw(colorizer: Colorizer, job: BatchJob, *, overwrite: bool, tell: Tell) -> Done:
    raise UnsupportedFormat(f"{shown(job.source)} {RAW_REFUSED}")


KINDS = {
    kind.name: kind
    for kind in (
        Kind("photograph", EXTENSIONS, _photograph),
        Kind("film", frozenset((*FILMS, *ONLY_READ, ".apng")), _film),
        # Found, so that a folder of them is not said to hold no pictures.
        Kind("raw", frozenset((".dng", ".nef", ".cr2", ".cr3", ".arw", ".raf", ".rw2", ".orf", ".pef", ".srw")), _raw),
    )
}


def kind_of(path: str | os.PathLike[str]) -> Kind | None:
    """The kind that a file's name says, or None where it says none.

    Example:
        >>> kind_of("a/Portrait.JPG").name
        'photograph'
        >>> kind_of("notes.txt")
    """
    suffix = os.path.splitext(path)[1].lower()  # pathlib takes several times as long, and folders are large
    return next((kind for kind in KINDS.values() if suffix in kind.extensions), None)


def kind_of_file(path: str | os.PathLike[str]) -> Kind | None:
    """The kind of an input: what its name says, but for pictures that move and for names that say nothing."""
    kind = kind_of(path)
    suffix = os.path.splitext(path)[1].lower()
    if kind is None or suffix in ANIMATIONS or "%" in os.path.basename(path):
        return KINDS["film"] if moving_kind(path) else kind
    return kind


def is_film_by_content(path: str | os.PathLike[str]) -> bool:
    """Whether a file whose name says nothing is a film, and neither sound in a film's container nor half a download.

    Example:
        >>> is_film_by_content("a/song.m4a"), is_film_by_content("a/notes")
        (False, False)
    """
    return os.path.splitext(path)[1].lower() not in _NO_FILMS and moving_kind(path) == "film"


def is_photograph_by_content(path: Path) -> bool:
    """Whether a file whose name has no ending is a picture, by its first bytes, and no other has its result's name."""
    named = not path.suffix and format_of(path) is not None
    return named and not os.path.lexists(path.with_name(picture_name(path)))


def attempt(colorizer: Colorizer, job: BatchJob, overwrite: bool, skip_existing: bool, *, tell: Tell) -> Outcome:
    """Do one job; what goes wrong is in the outcome."""
    start = time.perf_counter()
    try:
        done = KINDS[job.kind].colorize(colorizer, job, overwrite=overwrite, tell=tell)
        return Outcome(job, None, done, time.perf_counter() - start)
    except PhotochromError as error:
        if skip_existing and isinstance(error, AlreadyThere):
            return Outcome(job)  # another run was faster
        return Outcome(job, error, None, time.perf_counter() - start)
