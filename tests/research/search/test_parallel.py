"""Trials in processes of their own: the same results, and none that outlives its search."""

import multiprocessing
import signal
import threading
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait

import pytest

from photochrom._support.workers import Done, Pool
from photochrom.errors import OutOfMemory
from photochrom.research.search.run import _outcome, search
from photochrom.research.search.spans import Range
from photochrom.research.search.trial import Outcome
from photochrom.train.recipe import recipe_from_dict

pytestmark = pytest.mark.slow


def test_a_process_finds_what_this_one_finds(folder, tmp_path, monkeypatch):
    monkeypatch.setattr("photochrom.research.search.run.plot_rates", lambda trials, relative, path: path)
    recipe = recipe_from_dict(
        {
            "model": {"name": "baseline", "settings": {"channels": [4, 4, 1]}},
            "bins": {"kind": "equal", "samples": 4},
            "data": {"size": 32, "workers": 0},
            "run": {"batch": 2, "precision": "fp32"},
        }
    )
    rates = {"optim.lr": Range(1e-4, 1e-2, log=True)}
    # A pool starts a process only when there is work for it: here one.
    one, two = (
        search(recipe, rates, [folder], tmp_path / str(jobs), trials=1, images=4, steps=2, jobs=jobs) for jobs in (1, 2)
    )
    assert one.trials[0].values == two.trials[0].values
    assert one.trials[0].score == pytest.approx(two.trials[0].score, rel=1e-4)
    assert multiprocessing.active_children() == []


class Threads:
    """A pool whose calls are made in this process, where they can be told when to end."""

    def __init__(self, size, daemon):
        self.size, self.running, self.threads = size, {}, ThreadPoolExecutor(size)

    __class_getitem__ = classmethod(lambda cls, _: cls)
    is_free = property(lambda self: len(self.running) < self.size)
    is_busy = property(lambda self: bool(self.running))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.threads.shutdown()

    def begin(self, key, function, *args):
        self.running[self.threads.submit(function, *args)] = key

    def next_ended(self):
        future = wait(self.running, return_when=FIRST_COMPLETED).done.pop()
        return self.running.pop(future), Done(future.result())


def test_results_belong_to_their_trials_in_whatever_order_they_come(recipe, folder, tmp_path, monkeypatch):
    second_is_done = threading.Event()

    def fake(work):
        number = int(work.folder.name)
        if number == 1:
            assert second_is_done.wait(60)
        if number == 2:
            second_is_done.set()
        return Outcome(first=1.0, lowest=work.recipe.optim.lr, drop=0.1)

    monkeypatch.setattr("photochrom.research.search.run.Pool", Threads)
    monkeypatch.setattr("photochrom.research.search.run.train_trial", fake)
    monkeypatch.setattr("photochrom.research.search.run.plot_rates", lambda trials, relative, path: path)
    rates = {"optim.lr": Range(1e-4, 1e-2, log=True)}
    found = search(recipe, rates, [folder], tmp_path / "out", trials=6, images=4, steps=2, jobs=2)
    assert sorted(t.number for t in found.trials) == [1, 2, 3, 4, 5, 6]
    assert [t.score for t in found.trials] == [t.values["optim.lr"] for t in found.trials]


def test_a_process_that_is_killed_is_named():
    with Pool(2) as pool:
        pool.begin(1, signal.raise_signal, signal.SIGKILL)
        _, killed = pool.next_ended()
    with pytest.raises(OutOfMemory, match="a trial's process was killed, probably out of memory"):
        _outcome(killed)
