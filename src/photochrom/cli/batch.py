"""`photochrom batch`: archives of any size, on this machine or on a cluster."""

from __future__ import annotations

import contextlib
from collections import Counter
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from photochrom._support.optional_packages import needing
from photochrom.cli.options import FinishOptions, ModelOptions
from photochrom.cli.show import only_our_words, progress, say
from photochrom.errors import BadSetting
from photochrom.imaging import io

if TYPE_CHECKING:
    from photochrom.cluster.ledger import Row

DEFAULTS, PLAIN = ModelOptions(), FinishOptions()


def batch(
    source: str,
    output: str,
    /,
    *,
    address: str | None = None,
    gpus_per_actor: float = 0.0,
    actors: int | None = None,
    batch: int = 16,
    column: str = "image",
    tries: int = 2,
    timeout: float = 600.0,
    retry_failed: Annotated[bool, Parameter(negative=())] = False,
    verbose: Annotated[bool, Parameter(negative=())] = False,
    finish: FinishOptions = PLAIN,
    options: ModelOptions = DEFAULTS,
    max_pixels: int = io.MAX_PIXELS,
) -> int:
    """Colour an archive of photographs on this machine or on a Ray cluster; the same command resumes.

    Results have the names and the bytes that `photochrom colorize -o` gives them. OUTPUT/manifest.parquet says what
    became of each photograph. A run that was stopped, and one over an archive that grew, does only what is missing.

    Parameters
    ----------
    source
        A folder, tar archives (webdataset shards), or Parquet files, as a path or a URL such as s3://bucket/folder.
        {000000..000999} and * stand for several files.
    output
        A folder for the results, as a path or a URL; new, or that of an earlier run.
    address
        auto or HOST:PORT of a Ray cluster. [default: this machine]
    gpus_per_actor
        GPUs of each process that colours; 0.5 lets two share one. 0 colours on CPUs.
    actors
        How many processes colour. [default: as many as the CPUs or GPUs take]
    batch
        How many photographs go to a process together; on a GPU, those of like shape are seen at once.
    column
        The column of Parquet files that holds the pictures: bytes, or structs with a field bytes.
    tries
        How often a photograph may end the process that colours it until it is left out.
    timeout
        Seconds after which a photograph counts as hanging, and its process is ended.
    retry_failed
        Try again what failed in an earlier run.
    verbose
        Name each photograph that was coloured.
    max_pixels
        Largest photograph to read, in pixels; protects against files made to exhaust memory.
    """
    if finish.reference:
        raise BadSetting("--reference is for single photographs; use photochrom colorize")
    if options.device == "cuda" and not gpus_per_actor:
        raise BadSetting("--device cuda needs --gpus-per-actor, such as 1")
    with needing("photochrom batch", "cluster"):
        from photochrom.cluster.runner import Begun, Order, run
    order = Order(
        source, output, column, address, gpus_per_actor, actors, batch, tries, timeout, retry_failed=retry_failed
    )
    settings = finish.settings() | {
        "render_size": options.render_size,
        "vividness": options.vividness,
        "saturation": options.saturation,
        "warmth": options.warmth,
        "tint": options.tint,
        "max_pixels": max_pixels,
    }
    counts: Counter[str] = Counter()
    failed_before = 0
    with only_our_words(), contextlib.ExitStack() as stack:
        bar = stack.enter_context(progress())
        task = bar.add_task("colouring", total=None)
        for event in stack.enter_context(contextlib.closing(run(order, options.model, settings))):
            if isinstance(event, Begun):
                bar.update(task, total=event.total)
                counts["skipped"] = sum(event.earlier.get(status, 0) for status in ("coloured", "kept"))
                failed_before = 0 if retry_failed else event.earlier.get("failed", 0)
                continue
            bar.advance(task)
            counts[event["status"]] += 1
            if line := _line(event, verbose):
                say(line)
    failed = counts["failed"] + counts["unwritten"]
    parts = [f"{counts['coloured']} coloured", *(f"{counts[s]} {s}" for s in ("kept", "skipped") if counts[s])]
    say(", ".join([*parts, f"{failed} failed"]))
    if failed_before:
        say(f"{failed_before} failed in an earlier run; --retry-failed tries them again")
    return 1 if failed or failed_before else 0


def _line(row: Row, verbose: bool) -> str | None:
    if row["error"]:
        return f"photochrom: {row['error']}"
    if row["note"] or verbose:
        note = f" ({row['note']})" if row["note"] else ""
        return f"{row['source']} -> {row['target']}{note}"
    return None
