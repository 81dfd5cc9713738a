"""An archive through Ray Data: parts are read by tasks, coloured by actors, and entered in the manifest here."""

from __future__ import annotations

import hashlib
import importlib.util
import pickle
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

from photochrom.cluster.actors import Colouring, Duty
from photochrom.cluster.ledger import Book, Ledger, Row
from photochrom.cluster.manifest import FINAL, Manifest, counts
from photochrom.cluster.output import Claim, claimed
from photochrom.cluster.places import Place, reading
from photochrom.cluster.session import joined
from photochrom.cluster.sources import Source, find
from photochrom.colorizer import Colorizer
from photochrom.errors import BadSetting, DeviceUnavailable, MissingExtra, PhotochromError
from photochrom.inference.model_files import read_model
from photochrom.painting.album import Album

# Of a core, as Ray counts. An actor uses a whole one, and there are no more actors than cores; but Ray Data waits for
# the actors of a lost machine to start anew, and with half a core each they find room on those that are left.
_READING, _COLOURING = 0.1, 0.45
_THREADS = 16  # that read and paint beside a GPU, at most


@dataclass(frozen=True)
class Order:
    """What is asked for.

    Attributes:
        source, output: URLs.
        column: of Parquet files.
        address: of a cluster; None is this machine.
        gpus: of each actor, such as 0.5 for two on one.
        actors: how many; None is as many as there is room for.
        batch: pictures that go to an actor together.
        tries: how often a picture may end the process that colours it.
        timeout_s: after which a picture counts as hanging.
        retry_failed: try again what failed in an earlier run.
    """

    source: str
    output: str
    column: str = "image"
    address: str | None = None
    gpus: float = 0.0
    actors: int | None = None
    batch: int = 16
    tries: int = 2
    timeout_s: float = 600.0
    retry_failed: bool = False

    def __post_init__(self) -> None:
        for name, value, low, high in (
            ("--gpus-per-actor", self.gpus, 0, 64),
            ("--actors", self.actors if self.actors is not None else 1, 1, 100_000),
            ("--batch", self.batch, 1, 1024),
            ("--tries", self.tries, 1, 100),
            ("--timeout", self.timeout_s, 1, 86400),
        ):
            if not low <= value <= high:
                raise BadSetting(f"{name} is {value}; it may be {low} to {high}")


@dataclass(frozen=True)
class Begun:
    """What is known when the work begins.

    Attributes:
        total: pictures that are left; None where only reading the tars would tell.
        earlier: rows of earlier runs by their status.
    """

    total: int | None
    earlier: dict[str, int]


def run(order: Order, model: str, settings: dict[str, Any]) -> Generator[Begun | Row, None, None]:
    """Colour what of an archive is not coloured yet.

    Args:
        order: what is asked for.
        model: a packaged model's name, or a file.
        settings: of `Colorizer`, but for the model.

    Yields:
        First what is known, then the row of each picture. Closing the iterator keeps what is done.

    Raises:
        PhotochromError: the source or the cluster is not there, the output belongs to another run, ...
    """
    data, where = read_model(model)
    how: dict[str, Any] = {"device": "cuda"} if order.gpus else {"device": "cpu", "threads": 1}
    settings = settings | how
    if importlib.util.find_spec("ray") is None:
        raise MissingExtra("an archive", "cluster")
    # Loaded here once, so that what is wrong with it is said before any machine is asked, and that a palette's file and
    # an album are read here alone.
    here: dict[str, Any] = settings | {"device": "cpu"}
    session = Colorizer(model, **here)
    card, settings = session.card, settings | {"palette": session.palette, "like": session.album}
    output = Place(order.output)
    looks = {name: value for name, value in settings.items() if name not in ("device", "threads", "max_pixels")}
    looks["like"] = session.album and _digest(session.album)
    with claimed(output, card.digest, looks) as claim:
        manifest = Manifest(output)
        table = manifest.read()
        final = [status for status in FINAL if not (order.retry_failed and status == "failed")]
        rows = zip(table["source"].to_pylist(), table["status"].to_pylist(), strict=True)
        done = {source for source, status in rows if status in final}
        source = find(order.source, output, order.column, done)
        yield Begun(None if source.total is None else max(0, source.total - len(done)), counts(table))
        if source.parts:
            at_once = order.batch if order.gpus else 1
            duty = Duty(
                order.output, data, where, settings, at_once=at_once, tries=order.tries, timeout_s=order.timeout_s
            )
            yield from _through_ray(order, duty, source, manifest, claim)
        manifest.merge()


def _digest(album: Album) -> str:
    """Of the pictures themselves: a signature does not see colours, and its last bits are those of a machine."""
    whole = hashlib.sha256()
    for path in album.paths:
        with reading(str(path)), open(path, "rb") as file:
            whole.update(hashlib.file_digest(file, "sha256").digest())
    return whole.hexdigest()


def _through_ray(order: Order, duty: Duty, source: Source, manifest: Manifest, claim: Claim) -> Iterator[Row]:
    with joined(order.address, order.actors) as ray:
        room = ray.cluster_resources()
        if order.gpus and room.get("GPU", 0) < order.gpus:
            raise DeviceUnavailable(f"no machine of the cluster has {order.gpus:g} GPUs; omit --gpus-per-actor")
        ledger = (
            ray.remote(num_cpus=0, max_concurrency=1)(Ledger)
            .options(
                scheduling_strategy=ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy(
                    ray.get_runtime_context().get_node_id(), soft=False
                )
            )
            .remote()
        )
        try:
            for table in _coloured(ray, order, duty, source, _Remote(ray, ledger)):
                rows = table.to_pylist()
                for row in rows:
                    if row["status"] == "refused":
                        raise PhotochromError(row["error"])
                manifest.add(rows)
                ledger.forget.remote([row["source"] for row in rows])
                claim.check()
                yield from rows
        except ray.exceptions.RayError as error:
            raise PhotochromError(
                f"the cluster gave up ({_line(error)}); the same command goes on where it was"
            ) from None
        finally:
            manifest.flush()


def _coloured(ray: Any, order: Order, duty: Duty, source: Source, book: Book) -> Iterator[pa.Table]:
    room = ray.cluster_resources()
    cores = max(1, int(room.get("CPU", 1)))
    most = int(room["GPU"] / order.gpus) if order.gpus else cores
    if order.gpus:
        # Its share of the cores, so that the GPU does not wait for what they do.
        duty = replace(duty, threads=min(_THREADS, max(1, cores // (order.actors or most))))
    pool = {"size": order.actors} if order.actors else {"min_size": 1, "max_size": max(1, most)}
    parts = [{"part": pickle.dumps(part)} for part in source.parts]
    read = ray.data.from_items(parts, override_num_blocks=min(len(parts), 2000)).map_batches(
        _read, batch_size=1, batch_format="pyarrow", num_cpus=_READING
    )
    rows = read.map_batches(
        Colouring,
        fn_constructor_args=(duty, book),
        batch_size=order.batch,
        batch_format="pyarrow",
        compute=ray.data.ActorPoolStrategy(**pool),
        num_cpus=_COLOURING,
        num_gpus=order.gpus or None,
    )
    return iter(rows.iter_batches(batch_size=None, batch_format="pyarrow", prefetch_batches=0))


def _read(items: pa.Table) -> Iterator[pa.Table]:
    for data in items["part"].to_pylist():
        yield from pickle.loads(data).read()


class _Remote:
    """A ledger in an actor of its own, on the machine of whoever started the run."""

    def __init__(self, ray: Any, ledger: Any) -> None:
        self._ledger = ledger

    def seen(self, sources: Sequence[str]) -> tuple[dict[str, Row], dict[str, int]]:
        return self._get(self._ledger.seen.remote(sources))

    def begin(self, sources: Sequence[str], alone: bool) -> None:
        self._get(self._ledger.begin.remote(sources, alone))

    def end(self, rows: Sequence[Row]) -> None:
        self._get(self._ledger.end.remote(rows))

    def _get(self, answer: Any) -> Any:
        import ray

        return ray.get(answer)


def _line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[-1] if lines else type(error).__name__)[:200]
