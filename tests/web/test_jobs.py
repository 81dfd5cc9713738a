"""Jobs by themselves, without a server."""

import asyncio

import pytest

from photochrom.web.jobs import ColoringJob, Status


@pytest.mark.parametrize("end", [Status.DONE, Status.FAILED])
def test_the_end_is_told_even_if_it_comes_while_a_state_is_told(tmp_path, end):
    async def followed():
        job, told = ColoringJob("id", "client", tmp_path), []
        async for _ in job.changes():
            told.append(job.status)
            if len(told) == 1:
                job.update(Status.RUNNING, 0.5)
                job.update(end, 1.0)
        return told

    assert asyncio.run(asyncio.wait_for(followed(), 5)) == [Status.QUEUED, end]


def test_a_job_that_is_over_is_told_once(tmp_path):
    async def followed():
        job = ColoringJob("id", "client", tmp_path, status=Status.DONE)
        return [job.status async for _ in job.changes()]

    assert asyncio.run(asyncio.wait_for(followed(), 5)) == [Status.DONE]
