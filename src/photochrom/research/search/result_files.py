"""A search's results as files: every trial, the ranges, and the best values in a form that `train --set` takes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from photochrom._support.files import write_bytes
from photochrom.evaluation.files import write_csv
from photochrom.research.search.spans import Ranges
from photochrom.research.search.trial import Trial


def write(trials: Sequence[Trial], ranges: Ranges, relative: bool, out: Path) -> list[Path]:
    """Write trials.csv, ranges.toml and, where a trial was trained to its end, best.toml; return their paths.

    Raises:
        WriteFailed: the disk is full, the folder read-only.
    """
    table, searched, best = (out / name for name in ("trials.csv", "ranges.toml", "best.toml"))
    write_csv(table, [_row(trial, relative) for trial in trials], overwrite=True)
    lines = [f"{_toml(name)} = {_inline(span.plain())}" for name, span in ranges.items()]
    write_bytes(searched, _text("[ranges]", *lines), overwrite=True)
    if trials[0].score is None:
        return [table, searched]
    write_bytes(best, _best(trials[0]), overwrite=True)
    return [table, searched, best]


def table(trials: Sequence[Trial], relative: bool) -> list[tuple[str, ...]]:
    """Printable rows of the trials that were trained to their end, the heading first."""
    names = list(trials[0].values)
    share = ("of the first",) if relative else ()
    rows = [("trial", *names, "lowest loss", *share, "drop per step")]
    for trial in trials:
        if trial.score is None:
            continue
        shown = (f"{trial.score:.1%}",) if relative else ()
        values = (_short(value) for value in trial.values.values())
        outcome = trial.outcome
        rows.append((str(trial.number), *values, f"{outcome.lowest:.4g}", *shown, f"{outcome.drop:.3g}"))
    return rows


def _row(trial: Trial, relative: bool) -> dict[str, object]:
    outcome = trial.outcome
    finished = trial.score is not None
    numbers = {"lowest_loss": outcome.lowest, "first_loss": outcome.first, "drop_per_step": outcome.drop}
    if relative:
        numbers = {"lowest_share": trial.score} | numbers
    return {
        "trial": trial.number,
        **{name: json.dumps(value) if isinstance(value, list) else value for name, value in trial.values.items()},
        **{name: value if finished else "" for name, value in numbers.items()},
        "seconds": round(outcome.seconds, 2),
        "reason": outcome.reason,
    }


def _best(trial: Trial) -> bytes:
    outcome = trial.outcome
    return _text(
        f"# Trial {trial.number}: lowest loss {outcome.lowest:.6g}, from {outcome.first:.6g}.",
        "# Each line can follow --set in `photochrom train RECIPE --set LINE`; all of them can also begin a",
        "# recipe that does not set these fields.",
        *(f"{name}={_toml(value)}" for name, value in trial.values.items()),
    )


def _inline(facts: dict[str, Any]) -> str:
    return "{ " + ", ".join(f"{name} = {_toml(value)}" for name, value in facts.items()) + " }"


def _toml(value: Any) -> str:
    # TOML writes these values as JSON does, but takes no surrogate pairs.
    return json.dumps(value, ensure_ascii=False)


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else value if isinstance(value, str) else _toml(value)


def _text(*lines: str) -> bytes:
    return ("\n".join(lines) + "\n").encode()
