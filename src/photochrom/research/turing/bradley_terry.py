"""Ranking of models from which of two people prefer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from photochrom.research.turing.statistics import Z95


@dataclass(frozen=True, eq=False)
class Ranking:
    """Strengths on a logarithmic scale with mean 0: i beats j with the odds exp(strength[i] - strength[j]).

    Attributes:
        strength: (m,).
        low, high: (m,), the ends of the 95 % intervals.
    """

    strength: np.ndarray
    low: np.ndarray
    high: np.ndarray


def bradley_terry(wins: np.ndarray) -> Ranking:
    """Fit the Bradley-Terry model by maximum likelihood, with intervals from the Fisher information.

    Half a win is added both ways for each pair, so that a model that always wins has a finite strength.

    Args:
        wins: (m, m) counts; wins[i, j] is how often i was preferred to j.

    Source:
        R. A. Bradley, M. E. Terry, Rank analysis of incomplete block designs, Biometrika 39, 1952; Newton's method on
        the log-likelihood, which is concave.
    """
    m = len(wins)
    won = wins + 0.5 * (1 - np.eye(m))
    games = won + won.T
    strength, covariance = np.zeros(m), np.zeros((m, m))
    for _ in range(100):
        chance = 1 / (1 + np.exp(strength[None] - strength[:, None]))
        gradient = (won - games * chance).sum(1)
        weight = games * chance * chance.T
        covariance = np.linalg.pinv(np.diag(weight.sum(1)) - weight, hermitian=True)
        # A step of 1 at most: from far away the full one may overshoot.
        step = covariance @ gradient
        strength = strength + step / max(1.0, np.abs(step).max())
        if np.abs(step).max() < 1e-10:
            break
    half = Z95 * np.sqrt(np.diag(covariance))
    return Ranking(strength, strength - half, strength + half)
