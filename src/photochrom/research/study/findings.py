"""The paper's claims against our numbers: each holds, does not hold, or is undecided between the seeds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from photochrom.evaluation.classes import synset_of
from photochrom.research.study.results import Results, scene_of

CLOSENESS, SATURATION = "closeness_ab", "mean_saturation"
HOLDS, FAILS, UNDECIDED, UNTESTED = "holds", "does not hold", "undecided", "not tested"


Side = tuple[str, Mapping[int | None, float]]
"""A name and its values by seed; a value that no seed changes has the key None."""


@dataclass(frozen=True)
class Comparison:
    """One inequality of a claim: `left` is smaller than `right`, seed by seed.

    Attributes:
        what: the measure, in words.
        left, right: what is compared.
    """

    what: str
    left: Side
    right: Side

    def pairs(self) -> list[tuple[float, float]]:
        (_, left), (_, right) = self.left, self.right
        if None in right:
            return [(value, right[None]) for value in left.values()]
        if None in left:
            return [(left[None], value) for value in right.values()]
        return [(left[seed], right[seed]) for seed in left if seed in right]

    @property
    def verdict(self) -> str:
        """Holds if so for every seed, does not hold if for none, else undecided."""
        smaller = [a < b for a, b in self.pairs()]
        if not smaller:
            return UNTESTED
        return HOLDS if all(smaller) else UNDECIDED if any(smaller) else FAILS

    def __str__(self) -> str:
        missing = [name for name, values in (self.left, self.right) if not values]
        if missing:
            return f"{self.what}: {' and '.join(missing)} not run"
        return f"{self.what}: {_number(*self.left)} < {_number(*self.right)}: {self.verdict}"


def _number(name: str, by_seed: Mapping[int | None, float]) -> str:
    values = list(by_seed.values())
    return f"{name} {np.mean(values):.4g}" + (f" ±{np.ptp(values) / 2:.2g}" if len(values) > 1 else "")


@dataclass(frozen=True)
class Finding:
    """A claim of the paper with the comparisons that test it."""

    claim: str
    section: str
    comparisons: tuple[Comparison, ...]
    reading: str = ""

    @property
    def verdict(self) -> str:
        """Of all comparisons: one that fails refutes the claim."""
        verdicts = [c.verdict for c in self.comparisons]
        if not verdicts or UNTESTED in verdicts:
            return UNTESTED
        return next((v for v in (FAILS, UNDECIDED) if v in verdicts), HOLDS)


def findings(results: Results) -> list[Finding]:
    """Every claim for which the runs are there; the others come out as not tested."""
    return [
        Finding(claim, section, tuple(compare(_Reader(results))), reading)
        for claim, section, reading, compare in _CLAIMS
    ]


class _Reader:
    """Writes comparisons short; a run that is not there gives no values, and so "not tested"."""

    def __init__(self, results: Results) -> None:
        self.results = results

    def value(self, name: str, metric: str, part: str = "test") -> Side:
        if name not in self.results:
            return name, {}
        values: dict[int | None, float] = {**self.results.by_seed(name, metric, part)}
        return name, values

    def truth(self, metric: str) -> Side:
        return "truth", {None: self.results.references["imagenet"]["truth"][metric]}

    def less(self, left: str, right: str, metric: str, what: str, part: str = "test") -> Comparison:
        return Comparison(what, self.value(left, metric, part), self.value(right, metric, part))

    def loss(self, name: str) -> Side:
        """The mean training loss over the run: low where it falls fast."""
        values: dict[int | None, float] = {}
        for seed, run in self.results.runs.get(name, {}).items():
            values[seed] = float(np.mean([loss for _, loss in run["loss"]]))
        return name, values

    def scenes(self, name: str, scene: str) -> Side:
        """Mean closeness over the photographs of a kind of scene."""
        kinds = {synset: kind for synset, (_, kind) in scene_of().items()}
        values: dict[int | None, float] = {}
        for seed, run in self.results.runs.get(name, {}).items():
            chosen = [float(r[CLOSENESS]) for r in run.rows if kinds.get(synset_of(r["key"]) or "") == scene]
            if chosen:
                values[seed] = float(np.mean(chosen))
        return scene, values


def _saturated(r: _Reader) -> Iterator[Comparison]:
    for other in ("cnn-l2", "cnn-l2-dropout", "cnn-smooth-l1"):
        yield r.less(other, "cnn-ce10", SATURATION, "saturation")
    for other in ("cnn-l2", "cnn-l2-dropout", "cnn-smooth-l1"):
        yield r.less("cnn-ce10", other, CLOSENESS, "closeness")


def _desaturates(r: _Reader) -> Iterator[Comparison]:
    yield Comparison("saturation", r.value("cnn-l2", SATURATION), r.truth(SATURATION))
    yield r.less("cnn-l2", "cnn-ce10", SATURATION, "saturation")


def _dropout(r: _Reader) -> Iterator[Comparison]:
    yield r.less("cnn-l2-dropout", "cnn-l2", SATURATION, "saturation of training photographs", "seen")


def _accuracy(r: _Reader) -> Iterator[Comparison]:
    for many, few in ((30, 10), (50, 30)):
        yield Comparison(
            "accuracy", r.value(f"cnn-ce{many}", f"accuracy_{many}"), r.value(f"cnn-ce{few}", f"accuracy_{few}")
        )


def _scenes(r: _Reader) -> Iterator[Comparison]:
    yield Comparison("closeness of cnn-ce10", r.scenes("cnn-ce10", "outdoor"), r.scenes("cnn-ce10", "indoor"))


def _adam(r: _Reader) -> Iterator[Comparison]:
    for other in ("cnn-ce10-nadam", "cnn-ce10-sgd"):
        yield Comparison("mean training loss", r.loss("cnn-ce10"), r.loss(other))


def _smooth_l1(r: _Reader) -> Iterator[Comparison]:
    # Dead ReLUs answer every photograph alike: where both losses were run without, they have to say the same.
    leaky = "cnn-smooth-l1-leaky" in r.results and "cnn-l2-leaky" in r.results
    for end in ("", "-leaky") if leaky else ("",):
        yield r.less(f"cnn-smooth-l1{end}", f"cnn-l2{end}", CLOSENESS, "closeness")
        yield r.less(f"cnn-smooth-l1{end}", f"cnn-l2{end}", SATURATION, "saturation")


def _mean(r: _Reader) -> Iterator[Comparison]:
    yield r.less("cnn-ce10-mean-subtracted", "cnn-ce10", SATURATION, "saturation")


def _few_bins(r: _Reader) -> Iterator[Comparison]:
    rounded = {int(k): v for k, v in r.results.references.get("quantised", {}).items()}
    if rounded:
        few: Side = ("4 bins", {None: rounded[4][SATURATION]})
        enough: Side = ("10 bins", {None: rounded[10][SATURATION]})
        yield Comparison("saturation of the truth in bins", few, enough)
    for many in (30, 50):
        yield r.less("cnn-ce10", f"cnn-ce{many}", CLOSENESS, "closeness")


def _best(r: _Reader) -> Iterator[Comparison]:
    for other in ("cnn-ce30", "cnn-ce50", "cnn-ce10-kernel3", "cnn-ce10-kernel7", "cnn-ce10-norm-first"):
        yield r.less("cnn-ce10", other, CLOSENESS, "closeness")
    # Where few photographs make smaller batches the rule, 250 is the exception.
    large, small = "cnn-ce10-batch250", "cnn-ce10-batch50"
    pair = (large, "cnn-ce10") if large in r.results else ("cnn-ce10", small)
    yield r.less(*pair, CLOSENESS, "closeness")


def _blotches(r: _Reader) -> Iterator[Comparison]:
    for other in ("cnn-l2", "cnn-smooth-l1", "cnn-l2-dropout"):
        yield r.less(other, "cnn-ce10", "blotchiness", "blotchiness")
    left, right = r.truth("blotchiness"), r.value("cnn-ce10", "blotchiness")
    yield Comparison("blotchiness", left, right)


def _gan(r: _Reader) -> Iterator[Comparison]:
    """Section 1 of the appendix says so of the paper's own; ours refutes it where L2 is worse with the same network."""
    for metric, part in (("colorfulness_error", "test"), ("frechet", "realism")):
        yield r.less("unet-l2-small", "cgan-small", metric, metric.replace("_", " "), part)


_CLAIMS: tuple[tuple[str, str, str, Callable[[_Reader], Iterator[Comparison]]], ...] = (
    ("Cross-entropy is the most saturated and the closest to the truth", "5.1, table 1", "", _saturated),
    ("L2 desaturates", "4.2.4", "", _desaturates),
    ("Dropout under-colours even training photographs", "4.2.7", "", _dropout),
    ("More bins, lower accuracy", "table 2", "each with its own bins", _accuracy),
    ("Outdoor scenes are easier than indoor ones", "4.2.1", "judged by the class of the photograph", _scenes),
    (
        "Adam converges slightly faster than Nesterov momentum",
        "4.2.8",
        "NAdam, which the paper cites, and SGD with Nesterov momentum; the mean training loss over the whole run",
        _adam,
    ),
    ("Smooth L1 is closer than L2 and yet less saturated", "5.3", "", _smooth_l1),
    ("Subtracting the mean pixel loses colour", "4.2.1", "the mean L is subtracted from the network's input", _mean),
    (
        "Too few bins desaturate, too many err",
        "4.2.4",
        "too few: the truth itself after bin() and unbin(); too many: 30 and 50 against 10",
        _few_bins,
    ),
    ("10 bins, kernel 5, batch 250 and ReLU before batch norm work best", "4.2.3 to 4.2.8", "by closeness", _best),
    ("A conditional GAN is unable to learn well", "app. 1", "worse than L2 with the same U-Net", _gan),
    ("Cross-entropy is the loss that blotches", "5.5", "chroma variation where lightness is even", _blotches),
)
