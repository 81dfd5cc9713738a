"""What an archive or an hour of film costs on rented machines: a formula, with the prices as inputs.

    python benchmarks/cost.py --pictures 1000000 --core-seconds 0.08 --core-hour 0.04
    python benchmarks/cost.py --film-hours 1 --fps 24 --core-seconds 0.1 --core-hour 0.04
    python benchmarks/cost.py --pictures 1000000 --core-seconds 0.02 --cores 16 --gpu-seconds 0.004 --machine-hour 2.5

On CPUs the seconds are those of one core for a picture. On a machine with a GPU its cores do what is left to them
(read, decode, paint, encode) while the GPU does the network, and the slower of the two decides.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass


@dataclass(frozen=True)
class Cost:
    """What it comes to.

    Attributes:
        machine_hours: of cores, or of machines with a GPU.
        computing, requests: in the currency of the prices.
    """

    machine_hours: float
    computing: float
    requests: float

    @property
    def total(self) -> float:
        return self.computing + self.requests


def cost(
    pictures: float,
    core_seconds: float,
    *,
    core_hour: float | None = None,
    machine_hour: float | None = None,
    cores: int = 1,
    gpu_seconds: float = 0.0,
    utilisation: float = 0.9,
    per_request: float = 0.0,
) -> Cost:
    """The cost of colouring so many pictures or frames.

        hours = pictures * seconds / 3600 / utilisation
        cost  = hours * price + 2 * pictures * price of a request

    Args:
        pictures: photographs, or frames of film.
        core_seconds: of one core for each; with a GPU, without the network.
        core_hour: price of one core for an hour. Or:
        machine_hour: price of a machine with a GPU for an hour.
        cores: of that machine.
        gpu_seconds: of the GPU for each picture, in batches.
        utilisation: share of the rented time that colours; starting, the last pictures and lost machines take the rest.
        per_request: price of a GET or PUT; each picture needs one of each, or none where tars and disks are used.

    Example:
        >>> cost(1_000_000, 0.09, core_hour=0.04, utilisation=1).computing
        1.0
    """
    if (core_hour is None) == (machine_hour is None):
        raise ValueError("give either core_hour or machine_hour")
    if not (0 < utilisation <= 1 and pictures >= 0 and core_seconds > 0 and gpu_seconds >= 0 and cores >= 1):
        raise ValueError("the utilisation is above 0 and at most 1, and nothing is negative")
    each = core_seconds if machine_hour is None else max(core_seconds / cores, gpu_seconds)
    price = core_hour if machine_hour is None else machine_hour
    hours = pictures * each / 3600 / utilisation
    return Cost(hours, hours * (price or 0.0), 2 * pictures * per_request)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--pictures", type=float)
    what.add_argument("--film-hours", type=float)
    parser.add_argument("--fps", type=float, default=24)
    parser.add_argument("--core-seconds", type=float, required=True)
    parser.add_argument("--core-hour", type=float)
    parser.add_argument("--machine-hour", type=float)
    parser.add_argument("--cores", type=int, default=1)
    parser.add_argument("--gpu-seconds", type=float, default=0.0)
    parser.add_argument("--utilisation", type=float, default=0.9)
    parser.add_argument("--per-request", type=float, default=0.0)
    given = vars(parser.parse_args())
    hours, fps, pictures = given.pop("film_hours"), given.pop("fps"), given.pop("pictures")
    number = pictures if hours is None else hours * 3600 * fps
    try:
        found = cost(number, **given)
    except ValueError as error:
        parser.error(str(error))
    unit = "core hours" if given["machine_hour"] is None else "machine hours"
    print(f"{number:,.0f} pictures: {found.machine_hours:,.1f} {unit}, {found.total:,.2f}")


if __name__ == "__main__":
    main()
