"""Logistic regression with a ridge, for more features than pictures."""

from __future__ import annotations

import numpy as np

RIDGES = 10.0 ** np.arange(-1, 5)


def fit(x: np.ndarray, real: np.ndarray, ridge: float) -> tuple[np.ndarray, float]:
    """The weights that minimise the log-loss plus ridge / 2 times their squared norm, by Newton's method.

    Args:
        x: (n, d) features.
        real: (n,) of bool.
        ridge: above 0; the intercept is free.

    Returns:
        Weights (d,) and intercept; x @ weights + intercept is the logit of being real.
    """
    # The weights lie in the span of the pictures, so that n unknowns are enough however large d is.
    u, sizes, vt = np.linalg.svd(x, full_matrices=False)
    z = np.concatenate([u * sizes, np.ones((len(x), 1))], 1)
    penalty = np.append(np.full(len(sizes), ridge), 0.0)
    w = np.zeros(z.shape[1])
    for _ in range(50):
        p = 1 / (1 + np.exp(-np.clip(z @ w, -40, 40)))
        gradient = z.T @ (p - real) + penalty * w
        # The tiny term holds the intercept's row when all pictures are certain.
        hessian = (z.T * (p * (1 - p))) @ z + np.diag(penalty + 1e-9)
        step = np.linalg.solve(hessian, gradient)
        w -= step / max(1.0, np.abs(step).max() / 5)
        if np.abs(step).max() < 1e-8:
            break
    return vt.T @ w[:-1], float(w[-1])


def held_out(x: np.ndarray, real: np.ndarray, groups: np.ndarray, folds: int, seed: int) -> np.ndarray:
    """Logits (n,) of each picture by a classifier that saw no picture of its group.

    The ridge is chosen within each training part, again by groups.

    Args:
        x, real: as `fit`; the features are standardised here.
        groups: (n,) which pictures belong together.
        folds: how many parts.
        seed: decides the parts.
    """
    out = np.empty(len(x))
    for train, test in _parts(groups, folds, seed):
        losses = np.zeros(len(RIDGES))
        for inner, check in _parts(groups[train], folds, seed + 1):
            for i, ridge in enumerate(RIDGES):
                logits = _applied(x[train][inner], real[train][inner], x[train][check], ridge)
                losses[i] += np.logaddexp(0, np.where(real[train][check], -logits, logits)).sum()
        out[test] = _applied(x[train], real[train], x[test], RIDGES[losses.argmin()])
    return out


def _applied(x: np.ndarray, real: np.ndarray, new: np.ndarray, ridge: float) -> np.ndarray:
    mean, spread = x.mean(0), x.std(0)
    spread = np.where(spread > 1e-12, spread, 1.0)
    weights, intercept = fit((x - mean) / spread, real, ridge)
    return (new - mean) / spread @ weights + intercept


def _parts(groups: np.ndarray, folds: int, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """(training, test) masks; a group is never in both."""
    names = np.unique(groups)
    place = np.random.default_rng(seed).permutation(len(names)) % folds
    part = place[np.searchsorted(names, groups)]
    return [(part != fold, part == fold) for fold in range(folds)]
