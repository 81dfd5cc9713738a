"""Jobs by themselves, without a server."""

import asyncio
import time

import pytest

from photochrom.web.jobs import ColoringJob, Jobs, Status
from photochrom.web.settings import ServeSettings


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


@pytest.mark.parametrize("end", [Status.DONE, Status.FAILED])
def test_what_took_longer_than_results_are_kept_is_kept_when_it_is_over(end):
    jobs = Jobs(ServeSettings(keep_minutes=1.0))
    try:
        job = jobs.new("client")
        job.touched = time.monotonic() - 3600
        job.update(end, 1.0)
        jobs.sweep()
        assert job.id in jobs
        job.touched = time.monotonic() - 61
        jobs.sweep()
        assert job.id not in jobs
    finally:
        jobs.close()
