"""The paper's claims against our numbers: each holds, does not hold, or is undecided between the seeds."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from photochrom.evaluation.classes import synset_of
from photochrom.research.study.comparison import Finding, Inequality, Side
from photochrom.research.study.results import Results, scene_of

CLOSENESS, SATURATION = "closeness_ab", "mean_saturation"


def findings(results: Results) -> list[Finding]:
    """Every claim for which the runs are there; the others come out as not tested."""
    reader = _Reader(results)
    return [Finding(c.claim, c.section, tuple(c.compare(reader)), c.reading, c.paper, c.cause) for c in _CLAIMS]


def claims() -> list[Finding]:
    """The same without any numbers, for a scale that was not run."""
    return [Finding(c.claim, c.section, (), c.reading, c.paper, c.cause) for c in _CLAIMS]


class _Reader:
    """Writes comparisons short; a run that is not there gives no values, and so "not tested"."""

    def __init__(self, results: Results) -> None:
        self.results = results

    def value(self, name: str, metric: str, part: str = "test") -> Side:
        if name not in self.results:
            return name, {}
        values: dict[int | None, float] = {**self.results.by_seed(name, metric, part)}
        return name, values

    def each(self, left: str, right: str, metric: str, part: str = "test") -> tuple[np.ndarray, np.ndarray] | None:
        """The values by photograph, means over the seeds that both runs have."""
        runs = [self.results.truth_rows if name == "truth" else self.results.runs.get(name) for name in (left, right)]
        if part not in ("test", "seen") or not all(runs):
            return None
        common = [set(run) for run in runs if isinstance(run, dict)]
        seeds = sorted(set.intersection(*common))
        if not seeds:
            return None
        found = [
            self.results.per_photograph(run, seeds, metric, part)
            if isinstance(run, dict)
            else np.array([float(row[metric]) for row in run])
            for run in runs
            if run is not None
        ]
        return found[0], found[1]

    def less(self, left: str, right: str, metric: str, what: str, part: str = "test") -> Inequality:
        """`left` has less of it than `right`; "truth" is the photographs' own."""
        sides = [self.truth(metric) if name == "truth" else self.value(name, metric, part) for name in (left, right)]
        return Inequality(what, sides[0], sides[1], self.each(left, right, metric, part))

    def truth(self, metric: str) -> Side:
        return "truth", {None: self.results.references["imagenet"]["truth"][metric]}

    def loss(self, name: str) -> Side:
        """The mean training loss over the run: low where it falls fast."""
        values: dict[int | None, float] = {}
        for seed, run in self.results.runs.get(name, {}).items():
            values[seed] = float(np.mean([loss for _, loss in run["loss"]]))
        return name, values

    def scenes(self, name: str, left: str, right: str) -> Inequality:
        """Closeness over the photographs of two kinds of scene, which are other photographs."""
        kinds = {synset: kind for synset, (_, kind) in scene_of().items()}
        runs = self.results.runs.get(name, {})
        sides: list[Side] = []
        values = []
        for scene in (left, right):
            by_seed: dict[int | None, float] = {}
            chosen = np.zeros((0, 0))
            for seed, run in sorted(runs.items()):
                own = [float(r[CLOSENESS]) for r in run.rows if kinds.get(synset_of(r["key"]) or "") == scene]
                if own:
                    by_seed[seed] = float(np.mean(own))
                    chosen = np.array([*chosen, own])
            sides.append((scene, by_seed))
            values.append(chosen.mean(0) if len(chosen) else np.zeros(0))
        return Inequality(f"closeness of {name}", sides[0], sides[1], (values[0], values[1]), paired=False)


def _saturated(r: _Reader) -> Iterator[Inequality]:
    for other in ("cnn-l2", "cnn-l2-dropout", "cnn-smooth-l1"):
        yield r.less(other, "cnn-ce10", SATURATION, "saturation")
    for other in ("cnn-l2", "cnn-l2-dropout", "cnn-smooth-l1"):
        yield r.less("cnn-ce10", other, CLOSENESS, "closeness")


def _desaturates(r: _Reader) -> Iterator[Inequality]:
    yield r.less("cnn-l2", "truth", SATURATION, "saturation")
    yield r.less("cnn-l2", "cnn-ce10", SATURATION, "saturation")


def _dropout(r: _Reader) -> Iterator[Inequality]:
    yield r.less("cnn-l2-dropout", "cnn-l2", SATURATION, "saturation of training photographs", "seen")


def _accuracy(r: _Reader) -> Iterator[Inequality]:
    for many, few in ((30, 10), (50, 30)):
        more, fewer = r.value(f"cnn-ce{many}", f"accuracy_{many}"), r.value(f"cnn-ce{few}", f"accuracy_{few}")
        # The two are of different metrics of the same photographs.
        ours, theirs = (r.each(f"cnn-ce{many}", f"cnn-ce{few}", f"accuracy_{count}") for count in (many, few))
        yield Inequality("accuracy", more, fewer, (ours[0], theirs[1]) if ours and theirs else None)


def _scenes(r: _Reader) -> Iterator[Inequality]:
    yield r.scenes("cnn-ce10", "outdoor", "indoor")


def _adam(r: _Reader) -> Iterator[Inequality]:
    for other in ("cnn-ce10-nadam", "cnn-ce10-sgd"):
        yield Inequality("mean training loss", r.loss("cnn-ce10"), r.loss(other))


def _smooth_l1(r: _Reader) -> Iterator[Inequality]:
    # Dead ReLUs answer every photograph alike: where both losses were run without, they have to say the same.
    leaky = "cnn-smooth-l1-leaky" in r.results and "cnn-l2-leaky" in r.results
    for end in ("", "-leaky") if leaky else ("",):
        yield r.less(f"cnn-smooth-l1{end}", f"cnn-l2{end}", CLOSENESS, "closeness")
        yield r.less(f"cnn-smooth-l1{end}", f"cnn-l2{end}", SATURATION, "saturation")


def _mean(r: _Reader) -> Iterator[Inequality]:
    yield r.less("cnn-ce10-mean-subtracted", "cnn-ce10", SATURATION, "saturation")


def _few_bins(r: _Reader) -> Iterator[Inequality]:
    rounded = {int(k): v for k, v in r.results.references.get("quantised", {}).items()}
    if rounded:
        few: Side = ("4 bins", {None: rounded[4][SATURATION]})
        enough: Side = ("10 bins", {None: rounded[10][SATURATION]})
        yield Inequality("saturation of the truth in bins", few, enough)
    for many in (30, 50):
        yield r.less("cnn-ce10", f"cnn-ce{many}", CLOSENESS, "closeness")


def _best(r: _Reader) -> Iterator[Inequality]:
    for other in ("cnn-ce30", "cnn-ce50", "cnn-ce10-kernel3", "cnn-ce10-kernel7", "cnn-ce10-norm-first"):
        yield r.less("cnn-ce10", other, CLOSENESS, "closeness")
    # Where few photographs make smaller batches the rule, 250 is the exception.
    large, small = "cnn-ce10-batch250", "cnn-ce10-batch50"
    pair = (large, "cnn-ce10") if large in r.results else ("cnn-ce10", small)
    yield r.less(*pair, CLOSENESS, "closeness")


def _blotches(r: _Reader) -> Iterator[Inequality]:
    for other in ("cnn-l2", "cnn-smooth-l1", "cnn-l2-dropout"):
        yield r.less(other, "cnn-ce10", "blotchiness", "blotchiness")
    yield r.less("truth", "cnn-ce10", "blotchiness", "blotchiness")


def _gan(r: _Reader) -> Iterator[Inequality]:
    """Section 1 of the appendix says so of the paper's own; ours refutes it where L2 is worse with the same network."""
    yield r.less("unet-l2-small", "cgan-small", "colorfulness_error", "colorfulness error")
    sides = (r.value("unet-l2-small", "kernel", "realism"), r.value("cgan-small", "kernel", "realism"))
    # Both are of the same photographs and err together in part, so that their difference errs by less than this.
    known = [r.results.kernel(name).error for name, _ in sides if name in r.results]
    yield Inequality("kernel distance", *sides, error=math.hypot(*known) if len(known) == 2 else None)


def _weights(r: _Reader) -> Iterator[Inequality]:
    """Ours, not the paper's: what its fully connected layer is good for."""
    for end in ("ce10", "l2"):
        yield r.less(f"cnn-{end}", f"cnn-{end}-conv", CLOSENESS, "closeness")


@dataclass(frozen=True)
class _Claim:
    """See `Finding`."""

    claim: str
    section: str
    compare: Callable[[_Reader], Iterator[Inequality]]
    reading: str = ""
    paper: str = ""
    cause: str = ""


_CLAIMS = (
    _Claim(
        "Cross-entropy is the most saturated and the closest to the truth",
        "5.1, table 1",
        _saturated,
        paper="closeness 11.27; L2 15.65, smooth L1 13.45, with dropout 18.67",
        cause="networks that memorise are farther on test photographs than those that stay near one pale colour",
    ),
    _Claim(
        "L2 desaturates",
        "4.2.4",
        _desaturates,
        cause="a network that memorises gives no average over colours, on which the claim rests; at 10,000 L2 is paler "
        "than the truth, and cross-entropy as pale",
    ),
    _Claim(
        "Dropout under-colours even training photographs",
        "4.2.7",
        _dropout,
        cause="with dropout the seeds differ far more at 1,000; at 10,000 all photographs get nearly the same brown",
    ),
    _Claim(
        "More bins, lower accuracy",
        "table 2",
        _accuracy,
        "each with its own bins",
        "41.5, 27.8 and 18.9 %",
        "narrower bins are harder to hit; at 1,000 photographs more bins are closer, at 10,000 they are not",
    ),
    _Claim(
        "Outdoor scenes are easier than indoor ones",
        "4.2.1",
        _scenes,
        "judged by the class of the photograph",
        cause="a network that memorised errs on both alike",
    ),
    _Claim(
        "Adam converges slightly faster than Nesterov momentum",
        "4.2.8",
        _adam,
        "NAdam, which the paper cites, and SGD with Nesterov momentum; the mean training loss over the whole run",
        cause="Adam and NAdam differ less than seeds do; SGD is the slowest at 1,000, and at 10,000 the first to reach "
        "its plateau",
    ),
    _Claim(
        "Smooth L1 is closer than L2 and yet less saturated",
        "5.3",
        _smooth_l1,
        paper="closeness 13.45 and 15.65",
        cause="smooth L1 learned one brown for all photographs, which is close and pale",
    ),
    _Claim(
        "Subtracting the mean pixel loses colour",
        "4.2.1",
        _mean,
        "the mean L is subtracted from the network's input",
        cause="otherwise the constant 50 is subtracted, near the mean of 47, so little changes",
    ),
    _Claim(
        "Too few bins desaturate, too many err",
        "4.2.4",
        _few_bins,
        "too few: the truth itself after bin() and unbin(); too many: 30 and 50 against 10",
        cause="rounding true colours to the mean of their bin keeps the saturation; that too many err holds at 10,000",
    ),
    _Claim(
        "10 bins, kernel 5, batch 250 and ReLU before batch norm work best",
        "4.2.3 to 4.2.8",
        _best,
        "by closeness",
        cause="whatever hinders memorising is closer at 1,000",
    ),
    _Claim(
        "A conditional GAN is unable to learn well",
        "app. 1",
        _gan,
        "worse than L2 with the same U-Net",
        cause="more updates, a smaller weight of the L1 term, spectral norm; which of them is not known",
    ),
    _Claim(
        "Cross-entropy is the loss that blotches",
        "5.5",
        _blotches,
        "chroma variation where lightness is even",
        cause="each pixel takes its likeliest bin by itself",
    ),
    _Claim(
        "The fully connected layer helps (not a claim of the paper, its control)",
        "4.2.3",
        _weights,
        "closer than the same layers under a 1 x 1 convolution",
        cause="it memorises photographs; but the control also has 16 channels before its head, where the layer sees 1",
    ),
)
