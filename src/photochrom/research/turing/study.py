"""A study on disk: its facts in study.json, its pictures under names that say nothing, its answers in answers.db."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from photochrom._support.text import shown
from photochrom.errors import BadDataset
from photochrom.research.turing.design import KINDS, Kind

FACTS = "study.json"
ANSWERS = "answers.db"
PICTURES = "pictures"
FORMAT = 1


@dataclass(frozen=True)
class TuringStudy:
    """What a study asks and shows.

    Attributes:
        kind: "single" (is this picture real or coloured by a computer?), "pair" (which of the two is coloured?) or
            "preference" (which of two colourings looks better?).
        models: names of the models whose colourings are shown.
        seed: decides who sees what.
        time_limit: seconds for which pictures are shown; None is until the answer.
        photographs: what everyone judges once.
        practice: what everyone judges first, with the solution told; it does not count.
        pictures: {photograph: {form: file name}}; the forms are "real" and the models.
        made: where it comes from: the version, the models' digests and decodings, what was left out.
        format: version of this description.
    """

    kind: Kind
    models: tuple[str, ...]
    seed: int
    time_limit: float | None
    photographs: tuple[str, ...]
    practice: tuple[str, ...]
    pictures: dict[str, dict[str, str]]
    made: dict[str, Any] = field(default_factory=dict)
    format: int = FORMAT

    def picture(self, folder: Path, photograph: str, form: str) -> Path:
        """The file of a photograph in one form, in the study's folder."""
        return folder / PICTURES / self.pictures[photograph][form]

    def to_json(self) -> str:
        """The study as it stands in study.json."""
        return json.dumps(asdict(self), indent=1, ensure_ascii=False) + "\n"


def load_study(folder: Path) -> TuringStudy:
    """Read a study's facts.

    Raises:
        BadDataset: there is no study, it is damaged, or of a newer version.
    """
    path = folder / FACTS
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        if facts["format"] > FORMAT:
            raise BadDataset(f"{shown(path)}: made by a newer version of photochrom; update this one")
        for name in ("models", "photographs", "practice"):
            facts[name] = tuple(facts[name])
        study = TuringStudy(**facts)
        complete = all(study.pictures[photograph] for photograph in study.photographs + study.practice)
        if study.kind not in KINDS or not complete:
            raise ValueError("its parts do not match")
        return study
    except (FileNotFoundError, NotADirectoryError):
        raise BadDataset(f"{shown(folder)}: no Turing study; make one with `photochrom turing new`") from None
    except OSError as error:
        raise BadDataset(f"{shown(path)}: the study cannot be read ({error.strerror})") from None
    except (ValueError, KeyError, TypeError) as error:
        raise BadDataset(f"{shown(path)}: the study is damaged ({error}); create it again") from None
