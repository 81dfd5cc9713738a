"""A photochrom server from asynchronous Python, without any extra."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Callable
from typing import Any, Self

from photochrom.client import Client, JobState, Progress, RemoteJob


class AsyncClient:
    """`Client` for asyncio: the same methods, to be awaited. Each request runs in a thread of its own.

    A task that is cancelled stops waiting; what was sent is not called back. Callbacks are called from those threads.
    With `async with` it is closed at the end, and no thread of it goes on waiting for an answer.

    Args:
        url: of the server.
        **settings: see `Client`.

    Example:
        >>> async with AsyncClient("http://127.0.0.1:8000") as client:  # doctest: +SKIP
        ...     await client.colorize("portrait.jpg", saturation=1.2)
        'portrait.color.jpg'
    """

    def __init__(self, url: str = "http://127.0.0.1:8000", **settings: Any) -> None:
        self._client = Client(url, **settings)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """See `Client.close`."""
        self._client.close()

    async def colorize(
        self,
        x: str | os.PathLike[str] | bytes,
        output: str | os.PathLike[str] | None = None,
        *,
        overwrite: bool = False,
        progress: Progress | None = None,
        **look: Any,
    ) -> Any:
        """See `Client.colorize`."""
        return await asyncio.to_thread(
            self._client.colorize, x, output, overwrite=overwrite, progress=progress, **_sent(look)
        )

    async def submit(
        self, x: str | os.PathLike[str] | bytes, *, progress: Progress | None = None, **look: Any
    ) -> AsyncRemoteJob:
        """See `Client.submit`."""
        return AsyncRemoteJob(await asyncio.to_thread(self._client.submit, x, progress=progress, **_sent(look)))


class AsyncRemoteJob:
    """`RemoteJob` for asyncio."""

    def __init__(self, job: RemoteJob) -> None:
        self._job, self.id = job, job.id

    async def state(self) -> JobState:
        """How far it is."""
        return await asyncio.to_thread(self._job.state)

    async def follow(self) -> AsyncIterator[JobState]:
        """How far it is, again whenever that changes, until it is over."""
        states = self._job.follow()
        try:
            while (state := await asyncio.to_thread(next, states, None)) is not None:
                yield state
        finally:
            with contextlib.suppress(ValueError):  # a thread still waits in it, and ends it later
                states.close()  # type: ignore[attr-defined]

    async def wait(self, heard: Callable[[JobState], object] = lambda _: None) -> AsyncRemoteJob:
        """See `RemoteJob.wait`."""
        await asyncio.to_thread(self._job.wait, heard)
        return self

    async def result(self, **look: Any) -> bytes:
        """See `RemoteJob.result`."""
        return await asyncio.to_thread(self._job.result, **_sent(look))

    async def export(self, kind: str = "photograph", **how: Any) -> bytes:
        """See `RemoteJob.export`."""
        return await asyncio.to_thread(self._job.export, kind, **_sent(how))

    async def variants(self, count: int, **look: Any) -> list[bytes]:
        """See `RemoteJob.variants`."""
        return await asyncio.to_thread(self._job.variants, count, **_sent(look))

    async def original(self, **copy: Any) -> bytes:
        """See `RemoteJob.original`."""
        return await asyncio.to_thread(self._job.original, **copy)

    async def remove(self) -> None:
        """See `RemoteJob.remove`."""
        await asyncio.to_thread(self._job.remove)


def _sent(look: dict[str, Any]) -> dict[str, Any]:
    """A look with jobs by their ids."""
    return {name: value.id if isinstance(value, AsyncRemoteJob) else value for name, value in look.items()}
