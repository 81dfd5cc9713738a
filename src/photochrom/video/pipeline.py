"""Stages that work at the same time, each in a thread, in order, with few frames between them: constant memory."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")
S = TypeVar("S")

_PATIENCE = 0.1  # seconds between looks at whether anybody still wants the result


def ahead(items: Iterable[T], depth: int = 4) -> Iterator[T]:
    """Yield the items, which a thread produces up to `depth` ahead; its error is raised here, in its place.

    When the consumer stops early, the thread ends and closes `items`.

    Example:
        >>> list(ahead(iter([1, 2, 3])))
        [1, 2, 3]
    """
    box: queue.Queue[tuple[str, Any]] = queue.Queue(depth)
    stop = threading.Event()

    def put(entry: tuple[str, Any]) -> bool:
        while not stop.is_set():
            with contextlib.suppress(queue.Full):
                box.put(entry, timeout=_PATIENCE)
                return True
        return False

    def produce() -> None:
        try:
            if all(put(("item", item)) for item in items):
                put(("end", None))
        except BaseException as error:
            put(("error", error))
        finally:
            _close(items)

    thread = threading.Thread(target=produce, daemon=True)
    thread.start()
    try:
        while (entry := box.get())[0] == "item":
            yield entry[1]
        if entry[0] == "error":
            raise entry[1]
    finally:
        stop.set()
        thread.join()


def pooled(do: Callable[[T], S], items: Iterable[T], workers: int) -> Iterator[S]:
    """Yield `do(item)` for each item in order, `workers` at a time.

    Example:
        >>> list(pooled(lambda x: x * x, [1, 2, 3], workers=2))
        [1, 4, 9]
    """
    waiting: deque[Future[S]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        try:
            for item in items:
                waiting.append(pool.submit(do, item))
                if len(waiting) > workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
            _close(items)


def _close(items: Iterable[Any]) -> None:
    if isinstance(items, Generator):
        items.close()
