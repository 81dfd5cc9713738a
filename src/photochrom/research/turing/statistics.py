"""What is computed from answers: shares with intervals, sensitivity, agreement."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from statistics import NormalDist

NORMAL = NormalDist()
Z95 = NORMAL.inv_cdf(0.975)


def wilson(successes: int, n: int, z: float = Z95) -> tuple[float, float]:
    """Interval for a share, which unlike the usual one holds for few cases and for shares near 0 and 1.

    Args:
        successes, n: how many of how many.
        z: 1.96 is 95 %.

    Returns:
        (low, high) in 0..1; (0, 1) where n is 0.

    Example:
        >>> [round(x, 4) for x in wilson(8, 10)]
        [0.4902, 0.9433]

    Source:
        E. B. Wilson, Probable inference, JASA 22, 1927.
    """
    if not n:
        return 0.0, 1.0
    share, square = successes / n, z * z
    middle = (share + square / (2 * n)) / (1 + square / n)
    half = z / (1 + square / n) * math.sqrt(share * (1 - share) / n + square / (4 * n * n))
    return max(0.0, middle - half), min(1.0, middle + half)


def d_prime(hits: int, signals: int, false_alarms: int, noises: int) -> tuple[float, float]:
    """How well people tell coloured (the signal) from real (the noise), whatever they tend to say.

    Half a case is added to each cell (the log-linear correction), so that it stays finite without errors.

    Args:
        hits, signals: coloured pictures called coloured, of how many.
        false_alarms, noises: real pictures called coloured, of how many.

    Returns:
        d' (0 cannot tell them apart; 1 is 69 % right and 2 is 84 % without bias), and the criterion c (above 0: tends
        to say "real").

    Source:
        M. J. Hautus, Corrections for extreme proportions, Behavior Research Methods 27, 1995.
    """
    h = NORMAL.inv_cdf((hits + 0.5) / (signals + 1))
    f = NORMAL.inv_cdf((false_alarms + 0.5) / (noises + 1))
    return h - f, -(h + f) / 2


def d_prime_of_pairs(correct: int, n: int) -> float:
    """d' where the coloured of two pictures is to be named: sqrt(2) z(share right), with the log-linear correction.

    Source:
        N. A. Macmillan, C. D. Creelman, Detection Theory, 2nd edition, 2005, chapter 7.
    """
    return math.sqrt(2) * NORMAL.inv_cdf((correct + 0.5) / (n + 1))


def krippendorff_alpha(units: Iterable[Sequence[Hashable]]) -> float:
    """Agreement between people on nominal answers, where not everybody judged everything.

    Args:
        units: for each thing that was judged, what was said of it; one judgement alone says nothing and is left out.

    Returns:
        1 for full agreement, 0 for what chance gives, below it for disagreement; nan where nothing was judged twice,
        or all answers were the same.

    Source:
        K. Krippendorff, Content Analysis, 3rd edition, 2013, section 12.3.
    """
    totals: Counter[Hashable] = Counter()
    observed = 0.0
    for unit in units:
        if len(unit) < 2:
            continue
        counts = Counter(unit)
        totals += counts
        unequal = len(unit) ** 2 - sum(c * c for c in counts.values())
        observed += unequal / (len(unit) - 1)
    n = totals.total()
    expected = n * n - sum(c * c for c in totals.values())
    return 1 - (n - 1) * observed / expected if expected else math.nan
