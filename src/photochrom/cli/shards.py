"""`photochrom shards`: photographs to tars that training reads from anywhere."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from photochrom._support.optional_packages import training
from photochrom.cli.show import progress, result, say, table


def shards(
    sources: Annotated[list[str], Parameter(negative=(), json_list=False)],
    /,
    *,
    out: Annotated[str, Parameter(alias="-o")],
    size_mb: float = 256,
    shuffle: int | None = None,
    least: int = 64,
    side: int | None = None,
    quality: int = 80,
) -> None:
    """Pack photographs into shards: tars of one size, as webdataset has them, with an index beside each.

    Pictures that cannot be read, are tiny, gray, or have the pixels of another one are left out; report.json beside
    the shards says how many. The same command goes on after a kill.

    Parameters
    ----------
    sources
        As for `photochrom train --data`.
    out
        The shards' names: 'FOLDER/photos-{000000..}.tar' or 's3://BUCKET/photos-{000000..}.tar'.
    size_mb
        Size of a shard, at most, in millions of bytes.
    shuffle
        Shuffle all pictures by this seed. [default: keep their order]
    least
        Pixels that the shorter side of a picture must have.
    side
        Shrink pictures to this shorter side, in pixels, and encode them as WebP. [default: keep their bytes]
    quality
        Of the WebP, from 1 to 100.
    """
    with training("packing shards"):
        from photochrom.data.packing import Pattern, pack
    with progress() as bar:
        task = bar.add_task("packing", total=None)
        report = pack(
            sources,
            out,
            size_mb=size_mb,
            shuffle=shuffle,
            least=least,
            side=side,
            quality=quality,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
            say=say,
        )
    rows = [(reason, str(count)) for reason, count in report.left_out.items()]
    table([("pictures", ""), ("packed", str(report.packed)), *rows])
    pattern = Pattern.parsed(out)
    last = pattern.first + len(report.shards) - 1
    result(f"{pattern.before}{{{pattern.first:0{pattern.width}d}..{last:0{pattern.width}d}}}{pattern.after}")
