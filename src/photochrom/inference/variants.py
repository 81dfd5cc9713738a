"""Several colourings of one photograph: each leans to another side of the colour circle, as a whole.

What could have any colour leans with it, and in one way for all of a thing; what is certain stays. The directions of
the first sixteen are spread evenly, in an order that depends on the photograph: the likeliest is the first, and what
follows is far from what was there.
"""

from __future__ import annotations

import numpy as np

from photochrom.inference.bins import Bins, JointBins
from photochrom.inference.decoders.tilted import LEAN

DIRECTIONS = 16
# Steps from the likeliest direction. Within a round the likelier ones come first; each round fills the last one's gaps.
ROUNDS = ((0, 4, 8, 12), (2, 6, 10, 14), (1, 3, 5, 7, 9, 11, 13, 15))
POOL = 4  # points of the map, each way, over which probabilities are averaged to judge directions


def varied(scores: np.ndarray, bins: Bins, variant: int) -> np.ndarray:
    """The scores of a variant; decoded as usual they give its colours.

    Args:
        scores: (c, h, w) of a photograph over `bins`.
        bins: the codebook.
        variant: its number. 1 is the likeliest of the first sixteen; from 17 on, and for 0, directions are drawn.
    """
    if isinstance(bins, JointBins) and 1 <= variant <= DIRECTIONS:
        direction = _unit(_order(scores, bins)[variant - 1])
    else:
        direction = np.random.default_rng(variant).normal(size=2)
        direction /= np.linalg.norm(direction)
    values = bins.values @ direction if isinstance(bins, JointBins) else (bins.values * direction[:, None]).ravel()
    return scores + (LEAN * values).astype(scores.dtype)[:, None, None]


def _order(scores: np.ndarray, bins: JointBins) -> list[int]:
    """Directions 0 to 15, the likeliest first, and then round by round."""
    q, h, w = scores.shape
    p = np.exp(bins.log_softmax(scores.astype(np.float32)))
    # Points at the border that fill no whole window stand for themselves among the rest.
    m, n = max(1, h // POOL), max(1, w // POOL)
    rows, columns = (np.arange(count) * side // count for count, side in ((m, h), (n, w)))
    sums = np.add.reduceat(np.add.reduceat(p, rows, 1), columns, 2).reshape(q, -1)
    log_p = np.log(sums / sums.sum(0) + 1e-12)
    likely = np.array([_likelihood(log_p, bins.values @ _unit(k)) for k in range(DIRECTIONS)])
    best = int(likely.argmax())
    order: list[int] = []
    for steps in ROUNDS:
        order += sorted(((best + step) % DIRECTIONS for step in steps), key=lambda k: -likely[k])
    return order


def _likelihood(log_p: np.ndarray, along: np.ndarray) -> float:
    """The mean log-probability, by the network, of the colours of a tilted distribution.

    Args:
        log_p: (q, n).
        along: (q,) how far each colour lies in the direction, Lab units.
    """
    tilted = log_p + LEAN * along[:, None]
    share = np.exp(tilted - tilted.max(0))
    return float(((share * log_p).sum(0) / share.sum(0)).mean())


def _unit(k: int) -> np.ndarray:
    angle = 2 * np.pi * k / DIRECTIONS
    return np.array([np.cos(angle), np.sin(angle)])
