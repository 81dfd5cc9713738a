"""How long it takes to list the pictures of tars, without an index beside them and with one, and what the list takes.

    python benchmarks/listing.py TAR ...

Times are processor time, so that other work hardly disturbs them. Indexes that are there are made anew.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from bench import begin

from photochrom.data import tar_index
from photochrom.data.entries import Stored
from photochrom.data.sources import list_pictures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tars", type=Path, nargs="+")
    tars = parser.parse_args().tars
    begin("about 10 seconds a gigabyte")
    for tar in tars:
        tar_index.path_of(tar).unlink(missing_ok=True)
    for what in ("without an index", "with an index"):
        start = time.process_time()
        found = list_pictures(tars)
        print(f"{what}: {len(found)} pictures in {time.process_time() - start:.2f} s")
    stored = [part for part in found.parts if isinstance(part, Stored)]
    size = sum(len(s.text) + s.ends.nbytes + s.offsets.nbytes + s.sizes.nbytes for s in stored)
    print(f"{size / len(found):.0f} bytes a picture")


if __name__ == "__main__":
    main()
