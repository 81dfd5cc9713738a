"""What a photograph of an archive costs a core by stage, and how `photochrom batch` grows from one worker to two.

    python benchmarks/stages.py [--ray]

The photographs are those of `throughput.py`, 500 x 375 JPEGs. Measure on an idle machine: beside other work even
processor time is several times as long. Without `--ray` only the stages are measured. The rate of a run is that between
the first and the last row of its manifest, so that starting Ray does not count. The model is `rate`; see
docs/scale/speed-and-cost.md.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench import begin
from throughput import stages, write_album

from photochrom.cluster.manifest import Manifest
from photochrom.cluster.places import Place

GROUPS = {
    "read": ("read the file",),
    "decode": ("decode the JPEG", "lightness"),
    "network": ("network, both passes",),
    "paint": ("scores to colours", "paint at full size"),
    "encode": ("metadata", "encode the JPEG"),
    "write": ("write to the disk",),
}

NUMBER = 120


def rate(workers: int, alone_s: float, slowdown: float, serial_s: float) -> float:
    """Photographs a second of so many workers.

    A closed network of queues: each worker always has a picture. A picture takes `alone_s` on an otherwise idle
    machine, `slowdown` more of it for each other worker of the machine (they share memory and caches), and `serial_s`
    of the one process that keeps the ledger. The bound is that of Denning and Buzen 1978: no station does more than
    its share of the time.
    """
    return min(workers / (alone_s * (1 + slowdown * (workers - 1))), 1 / serial_s)


def ledger_seconds(calls: int = 500) -> float:
    """Of the ledger's process for one picture: a call when it ends, and its part of those of its batch."""
    from photochrom.cluster.ledger import Ledger
    from photochrom.cluster.manifest import row
    from photochrom.cluster.session import joined

    with joined(None) as ray:
        ledger = ray.remote(num_cpus=0)(Ledger).remote()
        ray.get(ledger.end.remote([row("first", "", "coloured")]))
        start = time.perf_counter()
        ray.get([ledger.end.remote([row(str(i), "", "coloured", seconds=0.1)]) for i in range(calls)])
        return (time.perf_counter() - start) / calls


def measured(album: Path, out: Path, workers: int) -> float:
    """Photographs a second of `photochrom batch`, once it runs."""
    command = [
        sys.executable,
        "-m",
        "photochrom",
        "batch",
        str(album),
        str(out),
        "--actors",
        str(workers),
        "--batch",
        "4",
    ]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
    times = sorted(Manifest(Place(str(out))).read()["time"].to_pylist())
    return (len(times) - 1) / (times[-1] - times[0]).total_seconds()


def main() -> None:
    begin("about a minute, several with --ray", threads=1)
    with tempfile.TemporaryDirectory() as folder:
        album = Path(folder, "album")
        write_album(album, NUMBER)
        pictures = sorted(album.iterdir())[:40]
        found = stages(pictures, Path(folder))
        start = time.perf_counter()
        for path in pictures:
            path.read_bytes()
        found["read the file"] = (time.perf_counter() - start) / len(pictures)
        grouped = {name: sum(found[part] for part in parts) for name, parts in GROUPS.items()}
        total = sum(grouped.values())
        print(f"{'stage, one core':<20}{'ms':>8}{'share':>8}{'a second':>10}")
        for name, seconds in grouped.items():
            print(f"{name:<20}{seconds * 1000:>8.2f}{seconds / total:>8.1%}{1 / seconds:>10.0f}")
        print(f"{'all':<20}{total * 1000:>8.2f}{'':>8}{1 / total:>10.1f}\n", flush=True)
        if "--ray" not in sys.argv:
            return
        serial = ledger_seconds()
        one, two = (measured(album, Path(folder, f"out{workers}"), workers) for workers in (1, 2))
        slowdown = 2 * one / two - 1
        print(f"ledger: {serial * 1000:.2f} ms a photograph, so at most {1 / serial:,.0f} a second")
        print(f"1 worker: {one:.1f} a second measured, {1 / total:.1f} by the stages above")
        print(f"2 workers: {two:.1f} a second measured; slowdown {slowdown:.0%}")
        print(f"{'workers':<10}{'a second, one machine each':>28}")
        for workers in (1, 2, 8, 32, 128, 512, 2048):
            print(f"{workers:<10}{rate(workers, 1 / one, 0.0, serial):>28.0f}")


if __name__ == "__main__":
    main()
