"""Threads: order, errors, an early end, and a bound on what waits."""

import threading
import time

import pytest

from photochrom.video.pipeline import ahead, pooled


def numbers(n, seen, closed):
    try:
        for i in range(n):
            seen.append(i)
            yield i
    finally:
        closed.append(True)


def test_order_and_an_end():
    seen, closed = [], []
    stage = pooled(lambda x: (time.sleep(0.001 * (x % 3)), x * x)[1], ahead(numbers(50, seen, closed)), 4)
    assert list(stage) == [i * i for i in range(50)]
    assert closed == [True]


def test_an_error_comes_in_its_place():
    def failing():
        yield 1
        raise ValueError("broken")

    stage = ahead(failing())
    assert next(stage) == 1
    with pytest.raises(ValueError, match="broken"):
        next(stage)


def test_who_stops_early_ends_the_threads_and_the_source():
    before = threading.active_count()
    seen, closed = [], []
    stage = pooled(lambda x: x, ahead(numbers(1000, seen, closed), 3), 2)
    assert [next(stage) for _ in range(5)] == [0, 1, 2, 3, 4]
    stage.close()
    assert closed == [True]
    assert len(seen) < 20
    assert threading.active_count() == before
