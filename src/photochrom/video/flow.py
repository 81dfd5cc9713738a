"""The past carried along motion: a running mean of the network's answers, each point followed by optical flow.

Where a point was hidden, or came from beyond the border, it has no past and takes the network's answer as it is; at a
scene cut that is every point. The answers are scores, so that a mean of two possible colours is not a third one
between them.
"""

from __future__ import annotations

import cv2
import numpy as np

from photochrom.video.steadiness import State

MEMORY = 10.0  # frames whose mean is taken, at most
SCALE = 8  # pixels of the picture in which motion is sought, for each point of the network's map
CUT = 0.35  # a frame of which less is followed begins a new scene
DRIFT = 16.0  # levels of gray, of 255, by which a followed point may change; lighting as a whole may change more


class Flow:
    """See the module; each call is one frame.

    Args:
        memory: frames whose mean is taken, at most.
    """

    identity = "flow"

    def __init__(self, memory: float = MEMORY) -> None:
        self.cuts = 0
        self._memory = memory
        self._guide: np.ndarray | None = None
        self._scores = np.empty(0, np.float32)
        self._weight = np.empty(0, np.float32)
        self._seek = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)

    def __call__(self, gray: np.ndarray, scores: np.ndarray, covered: tuple[float, float]) -> np.ndarray:
        guide = shrunk(gray, covered, scores.shape[1:])
        known = np.zeros(scores.shape[1:], np.float32)
        if self._guide is not None and self._guide.shape == guide.shape:
            motion, trust = follow(self._seek, guide, self._guide)
            if trust.mean() < CUT:
                self.cuts += 1
            else:
                here = cv2.resize(motion, known.shape[::-1], interpolation=cv2.INTER_AREA) / SCALE
                share = cv2.resize(trust, known.shape[::-1], interpolation=cv2.INTER_AREA)
                known = share * carried(self._weight[None], here)[0]
                scores = (known * carried(self._scores, here) + scores) / (known + 1)
        self._guide, self._scores = guide, np.ascontiguousarray(scores, np.float32)
        self._weight = np.minimum(known + 1, self._memory)
        return self._scores

    def state(self) -> State:
        if self._guide is None:
            return {}
        return {"guide": self._guide, "scores": self._scores, "weight": self._weight}

    def restore(self, state: State) -> None:
        if state:
            self._guide, self._scores, self._weight = state["guide"], state["scores"], state["weight"]


def shrunk(gray: np.ndarray, covered: tuple[float, float], shape: tuple[int, ...]) -> np.ndarray:
    """The frame at `SCALE` pixels a point of the map (h, w), its border repeated where the map goes beyond it."""
    width, height = (max(1, round(side * SCALE)) for side in covered)
    small = cv2.resize(gray, (width, height), interpolation=cv2.INTER_AREA)
    below, right = shape[0] * SCALE - height, shape[1] * SCALE - width
    return cv2.copyMakeBorder(small, 0, max(0, below), 0, max(0, right), cv2.BORDER_REPLICATE)


def follow(seek: cv2.DISOpticalFlow, now: np.ndarray, before: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where each pixel of `now` was in `before`, and whether that is to be trusted.

    Args:
        seek: finds the flow.
        now, before: (H, W) uint8.

    Returns:
        (H, W, 2) displacement (x, y) in pixels, and (H, W) float32 of 0 or 1: 1 where the
        forward-backward check and the brightness check pass, apart from a change of exposure over the whole frame.

    Source: Sundaram, Brox, Keutzer, "Dense point trajectories by GPU-accelerated large displacement optical flow",
    2010, equation 5 (the check of both ways).
    """
    still = np.zeros((*now.shape, 2), np.float32)
    back = seek.calc(now, before, still.copy())
    forth = sampled(seek.calc(before, now, still), back)
    astray = ((back + forth) ** 2).sum(-1)
    allowed = 0.01 * ((back**2).sum(-1) + (forth**2).sum(-1)) + 0.5
    found = sampled(before.astype(np.float32), back)
    mean, spread = found.mean(), found.std() + 1
    expected = (found - mean) * ((now.std() + 1) / spread) + now.mean()
    alike = np.abs(cv2.blur(now.astype(np.float32) - expected, (3, 3))) < DRIFT
    height, width = now.shape
    x, y = _places(height, width, back)
    inside = (x >= -0.5) & (x <= width - 0.5) & (y >= -0.5) & (y <= height - 0.5)
    return back, ((astray < allowed) & alike & inside).astype(np.float32)


def sampled(picture: np.ndarray, motion: np.ndarray, how: int = cv2.INTER_LINEAR) -> np.ndarray:
    """The picture (H, W[, 2]) seen at each pixel displaced by `motion` (H, W, 2); its border is repeated."""
    x, y = _places(picture.shape[0], picture.shape[1], motion)
    return cv2.remap(picture, x, y, how, borderMode=cv2.BORDER_REPLICATE)


def carried(maps: np.ndarray, motion: np.ndarray) -> np.ndarray:
    """Maps (c, h, w) float32 seen at each point displaced by `motion` (h, w, 2)."""
    x, y = _places(maps.shape[1], maps.shape[2], motion)
    return np.stack([cv2.remap(plane, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE) for plane in maps])


def _places(height: int, width: int, motion: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    rows, columns = np.indices((height, width), dtype=np.float32)
    return columns + motion[..., 0], rows + motion[..., 1]
