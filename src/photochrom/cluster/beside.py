"""What goes on in an actor beside the network: threads that read, paint and write, and a watch over all of it."""

from __future__ import annotations

import faulthandler
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import Any


class Beside:
    """Work that threads do beside the network, which runs in the caller's own; without threads it is done at once.

    Args:
        threads: how many.
        watch: is told how many pictures are in hand whenever one of them is waited for.
    """

    def __init__(self, threads: int, watch: Watch) -> None:
        self.watch = watch
        self._ahead = threads + 1
        self._pool = ThreadPoolExecutor(threads) if threads else None
        self._given: deque[Future[Any]] = deque()

    def __enter__(self) -> Beside:
        return self

    def __exit__(self, *error: object) -> None:
        if self._pool:
            self._pool.shutdown(cancel_futures=True)

    @property
    def waiting(self) -> int:
        """How many calls of `do` have not been handed over."""
        return len(self._given)

    def ahead(self, work: Callable[..., Any], calls: Iterable[tuple[Any, ...]]) -> Iterator[Any]:
        """What the calls give, in their order; with threads a few are begun before they are asked for."""
        left, begun = iter(calls), deque[Future[Any]]()
        if not self._pool:
            for call in left:
                self.watch.begin()
                yield work(*call)
            return
        begun.extend(self._pool.submit(work, *call) for call in islice(left, self._ahead))
        while begun:
            self.watch.begin(len(begun) + self.waiting)
            found = begun.popleft().result()
            begun.extend(self._pool.submit(work, *call) for call in islice(left, 1))
            yield found

    def do(self, work: Callable[..., Any], *call: Any) -> Iterator[Any]:
        """Make a call; its result, and those of calls before it, once they are there."""
        if not self._pool:
            yield work(*call)
            return
        self._given.append(self._pool.submit(work, *call))
        while self._given and self._given[0].done():
            yield self._given.popleft().result()

    def rest(self, but: int = 0) -> Iterator[Any]:
        """The results of `do` that are still to come, in their order, but for the last so many."""
        while len(self._given) > but:
            self.watch.begin(len(self._given))
            yield self._given.popleft().result()


class Watch:
    """Ends this process where pictures take longer than they may, even if it hangs in a decoder's C code.

    Args:
        seconds: for a picture.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def __enter__(self) -> Watch:
        self._nowhere = open(os.devnull, "w")
        return self

    def begin(self, pictures: int = 1) -> None:
        """So many pictures begin now, and those before them are done."""
        faulthandler.dump_traceback_later(self._seconds * pictures, exit=True, file=self._nowhere)

    def __exit__(self, *error: object) -> None:
        faulthandler.cancel_dump_traceback_later()
        self._nowhere.close()
