"""Measuring a colorizer against photographs whose colours are known: means, curves over vividness, classes found.

Nothing here imports torch; a classifier for `Top1Counter` is handed in by whoever has one.
"""

from photochrom.evaluation.classes import Classifier, Top1, Top1Counter, synset_of
from photochrom.evaluation.curve import Sweep, SweepPredictor, plot_sweeps, sweep
from photochrom.evaluation.per_photograph import Evaluation, Row, evaluate
from photochrom.evaluation.sample import Predictor, Progress, Sample, Skipped, Truth, join, read_truth, samples

__all__ = [
    "Classifier",
    "Evaluation",
    "Predictor",
    "Progress",
    "Row",
    "Sample",
    "Skipped",
    "Sweep",
    "SweepPredictor",
    "Top1",
    "Top1Counter",
    "Truth",
    "evaluate",
    "join",
    "plot_sweeps",
    "read_truth",
    "samples",
    "sweep",
    "synset_of",
]
