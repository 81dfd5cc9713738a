"""Ray: joined, or started on this machine with as little as it needs; and its errors, in one line of ours."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
from collections.abc import Iterator
from typing import Any

from photochrom._support.optional_packages import needing
from photochrom._support.processes import usable_cores
from photochrom.errors import BadSetting, PhotochromError

_PATIENCE_S = 5.0
_STORE_BYTES = 500_000_000  # of a Ray of our own: a few blocks of pictures wait there
_QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_DATA_DISABLE_PROGRESS_BARS": "1",
    "RAY_DEDUP_LOGS": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    # On a busy machine its helpers need more than the 15 s that they are given.
    "RAY_agent_register_timeout_ms": "28000",
}


@contextlib.contextmanager
def joined(address: str | None, actors: int | None = None) -> Iterator[Any]:
    """The module `ray`, connected.

    Args:
        address: "auto" or HOST:PORT of a cluster; None starts Ray on this machine, unless the environment's RAY_ADDRESS
            names a cluster, as it does within a job.
        actors: how many a Ray of our own has to have room for.

    Raises:
        MissingExtra: Ray is not installed.
        BadSetting: there is no such cluster.
        PhotochromError: its versions are others than this machine's, or Ray cannot be started.
    """
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    with needing("an archive", "cluster"):
        import ray
        import ray.data
    address = address or os.environ.get("RAY_ADDRESS")
    if ray.is_initialized():
        _quieten(ray)
        yield ray
        return
    if address:
        _check(address)
    try:
        if address:
            ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
        else:
            ray.init(
                address="local",
                num_cpus=max(actors or 0, usable_cores()),
                object_store_memory=_STORE_BYTES,
                include_dashboard=False,
                log_to_driver=False,
                logging_level=logging.ERROR,
            )
    except Exception as error:  # Ray raises ConnectionError, RuntimeError, and plain Exception
        raise _refusal(address, error) from None
    try:
        _quieten(ray)
        yield ray
    finally:
        ray.shutdown()


def _quieten(ray: Any) -> None:
    for name in ("ray", "ray.data"):
        logging.getLogger(name).setLevel(logging.ERROR)
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    # Small blocks: what waits in memory is a few dozen pictures, and what a lost machine costs is little.
    context.target_max_block_size = 16_000_000


def _check(address: str) -> None:
    """Ray itself waits a minute and more for a machine that does not answer."""
    if address.startswith("ray://"):
        raise BadSetting(
            "--address takes auto or HOST:PORT on a machine of the cluster; from outside use `ray job submit`"
        )
    if address in ("auto", "local"):
        return
    host, colon, port = address.rpartition(":")
    if not (colon and port.isdigit() and host):
        raise BadSetting(f"--address is {address}; it may be auto or HOST:PORT, such as 10.0.0.1:6379")
    try:
        socket.create_connection((host, int(port)), _PATIENCE_S).close()
    except (OSError, OverflowError):
        raise _nothing_at(address) from None


def _nothing_at(address: str) -> BadSetting:
    return BadSetting(
        f"no Ray cluster answers at {address}; start one with `ray start --head`, or omit --address to use this machine"
    )


def _refusal(address: str | None, error: Exception) -> PhotochromError:
    text = " ".join(str(error).split())
    if "ersion mismatch" in text:
        return PhotochromError(f"the cluster has other versions than this machine: {text[:300]}")
    if address and isinstance(error, ConnectionError):
        return _nothing_at(address)
    if address:
        return PhotochromError(f"the cluster at {address} cannot be joined ({text[:200]})")
    return PhotochromError(f"Ray cannot be started on this machine ({text[:200]}); wait until it is less busy")
