"""Distances between two sets of pictures by their features: Frechet (FID) and kernel (KID), with their floors.

The floor is what two halves of the reference are apart: no set of pictures can be expected to do better.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

SPLITS = 10
BLOCK = 500  # rows of a kernel matrix at a time, which bounds the memory


class Estimate(NamedTuple):
    """A mean and its standard error; over splits, the standard deviation between them."""

    mean: float
    error: float

    def __str__(self) -> str:
        return f"{self.mean:.4g} ± {self.error:.2g}"


def frechet_distance(ours: np.ndarray, theirs: np.ndarray) -> float:
    """The squared Frechet distance between normal distributions with the means and covariances of two sets of features.

    Args:
        ours, theirs: (n, d) and (m, d), two rows or more each; the fewer, the more it overstates.

    Returns:
        0 for the same set; at most a rounding error below.

    Source: Heusel et al. 2017. The trace of (S1 S2)^(1/2) is the sum of the singular values of A B', with A and
    B the centred features over the roots of n - 1 and m - 1: exact, where a matrix root of the singular covariances of
    few pictures is not.

    Example:
        >>> frechet_distance(np.array([[0.0], [2.0]]), np.array([[3.0], [5.0]]))
        9.0
    """
    a, b = (_centred(np.asarray(each, np.float64)) for each in (ours, theirs))
    apart = np.square(np.mean(ours, 0, dtype=np.float64) - np.mean(theirs, 0, dtype=np.float64)).sum()
    common = np.linalg.svd(_reduced(a) @ _reduced(b).T, compute_uv=False).sum()
    return float(apart + np.square(a).sum() + np.square(b).sum() - 2 * common)


def kernel_distance(ours: np.ndarray, theirs: np.ndarray) -> Estimate:
    """The kernel distance (KID): unbiased, so that sets of different sizes can be compared; it may be below 0.

    Args:
        ours, theirs: (n, d) and (m, d), two rows or more each.

    Returns:
        The distance over all pairs of pictures, and its standard error by the jackknife: what other pictures of both
        kinds would change; nan where a set has two rows.

    Source: Binkowski et al., "Demystifying MMD GANs", 2018, section 4: the squared maximum mean discrepancy with the
    kernel (x'y / d + 1)^3. They take the mean over subsets of 1,000 pictures, which estimates the same less precisely;
    the subsets overlap, so that their spread would understate the error. The jackknife of two samples: Arvesen 1969.
    """
    x, y = (np.asarray(each, np.float64) for each in (ours, theirs))
    n, m = len(x), len(y)
    within = [_kernel_sums(each, each)[0] - ((each * each).sum(1) / each.shape[1] + 1) ** 3 for each in (x, y)]
    across = _kernel_sums(x, y)
    apart = 2 * across[0].sum() / (n * m)
    own = [sums.sum() / (len(sums) * (len(sums) - 1)) for sums in within]
    if min(n, m) < 3:
        return Estimate(float(sum(own) - apart), float("nan"))
    variance = 0.0
    for sums, to_others, count, others, its_own in zip(within, across, (n, m), (m, n), own, strict=True):
        # The distance without each picture in turn.
        rest = (sums.sum() - 2 * sums) / ((count - 1) * (count - 2))
        far = 2 * (to_others.sum() - to_others) / ((count - 1) * others)
        variance += (count - 1) / count * float(np.square((rest - its_own) - (far - apart)).sum())
    return Estimate(float(sum(own) - apart), variance**0.5)


def frechet_floor(reference: np.ndarray, seed: int = 0) -> Estimate:
    """The Frechet distance between two disjoint halves of the reference's features (n, d), four rows or more.

    It falls with the number of pictures: hold it against distances between sets of n / 2.

    Returns:
        Mean and standard deviation over 10 ways to split.
    """
    return _floor(reference, seed, frechet_distance)


def kernel_floor(reference: np.ndarray, seed: int = 0) -> Estimate:
    """The same for the kernel distance; its mean is near 0."""
    return _floor(reference, seed, lambda a, b: kernel_distance(a, b).mean)


def bias_note(n: int, d: int = 2048) -> str:
    """What has to be said beside a Frechet distance over n pictures by d features."""
    if n <= d:
        return f"over {n:,} pictures; up to {d:,} pictures its covariance is singular and it is biased upward: " + (
            "compare only at the same n"
        )
    return f"over {n:,} pictures; it is biased upward the fewer they are: compare only at the same n"


def _floor(reference: np.ndarray, seed: int, distance: Callable[[np.ndarray, np.ndarray], float]) -> Estimate:
    rng, half, found = np.random.default_rng(seed), len(reference) // 2, []
    for _ in range(SPLITS):
        order = rng.permutation(len(reference))
        found.append(distance(reference[order[:half]], reference[order[half : 2 * half]]))
    return Estimate(float(np.mean(found)), float(np.std(found, ddof=1)))


def _kernel_sums(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The kernel of each row of x (n, d) with all rows of y (m, d), added up, (n,), and of each of y with all of x."""
    of_x, of_y = np.empty(len(x)), np.zeros(len(y))
    for start in range(0, len(x), BLOCK):
        part = slice(start, start + BLOCK)
        kernel = (x[part] @ y.T / x.shape[1] + 1) ** 3
        of_x[part] = kernel.sum(1)
        of_y += kernel.sum(0)
    return of_x, of_y


def _reduced(centred: np.ndarray) -> np.ndarray:
    """A smaller matrix with the same singular values, where there are more pictures than features."""
    return np.asarray(np.linalg.qr(centred, mode="r")) if len(centred) > centred.shape[1] else centred


def _centred(features: np.ndarray) -> np.ndarray:
    return (features - features.mean(0)) / np.sqrt(len(features) - 1)
