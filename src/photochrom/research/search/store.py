"""The trials of a search in SQLite, by way of Optuna, so that a search that was stopped goes on."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from optuna.exceptions import StorageInternalError
from optuna.samplers import RandomSampler
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy.exc import SQLAlchemyError

from photochrom.errors import BadCheckpoint, BadRecipe, BadSetting, WriteFailed
from photochrom.research.search.ranges import parse_ranges
from photochrom.research.search.spans import Ranges, narrowed
from photochrom.research.search.trial import Outcome, Trial
from photochrom.train.config import Recipe

DATABASE = "search.db"
_NAME = "search"
_FACTS = "facts"


class Store:
    """The trials of one search.

    A trial has a number from 1 on, and what is drawn for it depends on the seed and that number alone: neither on
    how many run at a time nor on which were killed.
    """

    def __init__(self, study: optuna.Study, ranges: Ranges, seed: int) -> None:
        self.study, self.ranges, self.seed = study, ranges, seed

    def trials(self) -> list[Trial]:
        """The finished ones: the best first, those that could not be trained last."""
        frozen = self.study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED))
        found = [_trial(each, self.ranges) for each in frozen]
        return sorted(found, key=lambda t: (t.score is None, t.score or 0.0, t.number))

    def begin(self, number: int) -> tuple[optuna.Trial, dict[str, Any]]:
        """Draw a trial's values and note that it runs."""
        state = np.random.SeedSequence((self.seed, number)).generate_state(1)
        self.study.sampler = RandomSampler(seed=int(state[0]))
        trial = self.study.ask({name: span.distribution() for name, span in self.ranges.items()})
        trial.set_user_attr("number", number)
        return trial, {name: span.value(trial.params[name]) for name, span in self.ranges.items()}

    def end(self, trial: optuna.Trial, outcome: Outcome) -> None:
        """Note how it went; one with a reason counts as pruned."""
        # JSON knows no NaN, and what is left out is NaN again when it is read.
        trial.set_user_attr("outcome", {k: v for k, v in asdict(outcome).items() if v == v})
        if outcome.reason:
            self.study.tell(trial, state=TrialState.PRUNED)
        else:
            self.study.tell(trial, outcome.lowest / outcome.first if self.relative else outcome.lowest)

    def forget_killed(self) -> None:
        """Count the trials that a kill left running as failed, so that their numbers are run again."""
        for each in self.study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            self.study.tell(each.number, state=TrialState.FAIL)

    @property
    def relative(self) -> bool:
        """Whether trials are ranked by the lowest loss as a share of the first: where what is drawn changes what the
        loss counts (50 bins start at ln 50, 10 at ln 10), the losses themselves cannot be compared."""
        return any(name.split(".")[0] in ("bins", "loss") for name in self.ranges)


@contextmanager
def opened(out: Path, ranges: Ranges, seed: int, facts: dict[str, Any]) -> Iterator[Store]:
    """The store of a search, for this process alone.

    Args:
        out: the search's folder; it is there.
        ranges: what is drawn from.
        seed: decides what is drawn.
        facts: all that makes a search what it is, as plain values.

    Raises:
        BadRecipe: the folder holds a search of other facts.
        BadSetting: a search runs there.
        BadCheckpoint: the database is damaged.
        WriteFailed: the disk is full, the folder read-only.
    """
    with _alone(out), _study(out / DATABASE) as study:
        facts = json.loads(json.dumps(facts))
        if _FACTS in study.user_attrs:
            _same(facts, study.user_attrs[_FACTS], out)
        else:
            study.set_user_attr(_FACTS, facts)
        store = Store(study, ranges, seed)
        store.forget_killed()
        yield store


def narrow_from(out: Path, recipe: Recipe) -> Ranges:
    """The ranges of a second round: those of the search in `out`, narrowed to its best quarter of trials.

    Raises:
        BadSetting: no search is there, or fewer than two of its trials could be trained to their end.
        BadRecipe: the recipe does not have the fields that were searched.
        BadCheckpoint: the database is damaged.
    """
    if not (out / DATABASE).is_file():
        raise BadSetting(f"{out}: there is no search to narrow (no {DATABASE})")
    with _study(out / DATABASE) as study:
        ranges = parse_ranges(study.user_attrs.get(_FACTS, {}).get("ranges"), recipe, str(out))
        best = best_quarter(Store(study, ranges, 0).trials())
    if len(best) < 2:
        raise BadSetting(f"{out}: fewer than two trials finished training; widen the ranges, or run more trials")
    return narrowed(ranges, [trial.values for trial in best])


def best_quarter(trials: list[Trial]) -> list[Trial]:
    """The best quarter of the trials that were trained to their end, but two at least; `trials` is sorted."""
    finished = [trial for trial in trials if trial.score is not None]
    return finished[: max(2, ceil(len(finished) / 4))]


def _trial(frozen: FrozenTrial, ranges: Ranges) -> Trial:
    values = {name: span.value(frozen.params[name]) for name, span in ranges.items()}
    return Trial(frozen.user_attrs["number"], values, Outcome(**frozen.user_attrs["outcome"]), frozen.value)


@contextmanager
def _study(path: Path) -> Iterator[optuna.Study]:
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    storage = None
    try:
        storage = _storage(path)
        yield optuna.create_study(storage=storage, study_name=_NAME, load_if_exists=True)
    except (SQLAlchemyError, StorageInternalError) as error:
        raise _failed(path, error) from None
    finally:
        optuna.logging.set_verbosity(verbosity)
        if storage:
            storage.remove_session()
            storage.engine.dispose()


def _storage(path: Path) -> RDBStorage:
    try:
        # A connection of our own, since a path may hold what means something in a URL.
        connect = {"creator": lambda: sqlite3.connect(path, timeout=60)}
        return RDBStorage("sqlite:///search.db", engine_kwargs=connect)
    except RuntimeError as error:
        raise BadCheckpoint(f"{path}: written by another version of Optuna ({error}); give another --out") from None


def _failed(path: Path, error: BaseException) -> BadCheckpoint | WriteFailed:
    text = " ".join(str(error.__cause__ or error).split())
    if any(sign in text for sign in ("not a database", "malformed", "no such", "already exists")):
        return BadCheckpoint(f"{path}: not the database of a search, or damaged ({text}); give another --out")
    return WriteFailed(f"{path}: the database cannot be used ({text})")


@contextmanager
def _alone(out: Path) -> Iterator[None]:
    """Hold the folder's lock: a second search would take the first one's running trials for killed ones."""
    try:
        # SQLite's lock, which every system has and which ends with the process.
        lock = sqlite3.connect(out / "search.lock", timeout=0)
    except sqlite3.OperationalError as error:
        raise WriteFailed(f"{out}: the search cannot be stored there ({error})") from None
    with closing(lock):
        try:
            lock.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                raise BadSetting(f"{out}: a search is running there; wait for it, or give another --out") from None
            raise WriteFailed(f"{out}: the search cannot be stored there ({error})") from None
        yield


def _same(facts: dict[str, Any], saved: dict[str, Any], out: Path) -> None:
    now, then = _dotted(facts), _dotted(saved)
    for name in [*now, *then]:
        if now.get(name) != then.get(name):
            raise BadRecipe(
                f"{out}: it holds another search ({name} was {then.get(name)!r}, now {now.get(name)!r}); "
                "give another --out"
            )


def _dotted(facts: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in facts.items():
        found |= _dotted(value, f"{prefix}{name}.") if isinstance(value, dict) else {prefix + name: value}
    return found
