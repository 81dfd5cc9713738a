"""How long a study will take, told before it starts: by the work of each network, and by the runs that are finished."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from photochrom.research.study.plan import StudyJob
from photochrom.research.study.prepare import read_facts
from photochrom.research.study.run import RESULT, machine
from photochrom.train.summary import summary

# Measured by benchmarks/study_step.py on one core, see docs/experiments/study.md; the first finished run corrects them.
MULTIPLY_ADDS = 24e9  # a second; a step of training has three times those of an answer
WEIGHTS = 7e-9  # seconds a weight and step: its gradient and its optimiser
# What is trained besides the recipe's network, as a factor on its work; from the runs of the small scale.
BESIDES = {"adversarial": 2.0, "cyclegan": 5.0}
MEASURING = 0.2  # seconds a test photograph


class Estimate:
    """Hours of jobs on this machine.

    Args:
        folder: of the scale; what is finished there on the same machine says how fast that is.
        jobs: those that are told.
        device: "cpu" or "cuda".
        tested: how many test photographs are measured.
        others: the study's other jobs, which say how fast the machine is where they are finished.
    """

    def __init__(
        self, folder: Path, jobs: Sequence[StudyJob], device: str, tested: int, others: Sequence[StudyJob] = ()
    ) -> None:
        self.jobs, self._folder, self._device = list(jobs), folder, device
        self._all = list({job.folder: job for job in (*jobs, *others)}.values())
        self._measuring = MEASURING * tested
        self._known: dict[str, float] = {}
        self.finished: set[str] = set()
        self.look()

    def look(self) -> None:
        """See what is finished by now."""
        predicted = spent = 0.0
        for job in self._all:
            path = self._folder / "runs" / job.folder / RESULT
            if path.exists():
                self.finished.add(job.folder)
                facts = read_facts(path)
                if facts["machine"] == machine(self._device) and not job.given:
                    predicted, spent = predicted + self._work(job), spent + facts["seconds"]
        self._factor = spent / predicted if predicted else 1.0 if self._device == "cpu" else None

    def hours(self, job: StudyJob) -> float | None:
        """Of one job; None where nothing is known of a GPU's speed yet."""
        return None if self._factor is None else (self._work(job) * self._factor + self._measuring) / 3600

    def _work(self, job: StudyJob) -> float:
        if job.name not in self._known:  # the same with every seed
            self._known[job.name] = 0.0 if job.given else training_seconds(job)
        return self._known[job.name]

    def left(self) -> float | None:
        """Of all jobs that are not finished."""
        found = [self.hours(job) for job in self.jobs if job.folder not in self.finished]
        known = [hours for hours in found if hours is not None]
        return sum(known) if len(known) == len(found) else None

    def rows(self) -> list[tuple[str, ...]]:
        """A row for each job, the heading first, and the sum of what is left."""
        rows = [("part", "run", "seed", "weights", "photographs", "hours", "")]
        for job in self.jobs:
            state = "finished" if job.folder in self.finished else ""
            rows.append((job.part, job.name, str(job.seed), *_facts(job), told(self.hours(job)), state))
        return [*rows, ("", "left to do", "", "", "", told(self.left()), "")]


def training_seconds(job: StudyJob) -> float:
    """Of one core."""
    found, run = summary(job.recipe), job.recipe.run
    each = 3 * found.multiply_adds * BESIDES.get(job.recipe.task.name, 1.0) / MULTIPLY_ADDS
    return run.steps * (run.batch * each + found.parameters * WEIGHTS)


def told(hours: float | None) -> str:
    """Hours in words; a GPU's are known after its first run."""
    return "unknown" if hours is None else f"{hours:.2f}" if hours < 1 else f"{hours:.1f}"


def _facts(job: StudyJob) -> tuple[str, str]:
    if job.given:
        return "", ""
    return f"{summary(job.recipe).parameters / 1e6:.2f} M", f"{job.recipe.run.steps * job.recipe.run.batch:,}"
