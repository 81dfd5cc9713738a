"""What a reference picture is worth: pairs of photographs that show the same thing, with and without the reference.

    python benchmarks/reference.py --photographs DIR --films FILE... --classes DIR TAR [--pairs 20]

Three kinds of pairs: the right half of a photograph with its left half as the reference, a frame of a film with the
frame 2 s before it, and a photograph with another one of the same ImageNet synset (file names of DIR start with it, and
so do the folders in TAR). For each: CIEDE2000 and colourfulness of the network alone, of Welsh's method, and of ours.
"""

from __future__ import annotations

import argparse
import io as bytes_io
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from bench import begin, needs, watched
from PIL import Image

from photochrom import Colorizer, PhotochromError
from photochrom.evaluation.sample import join, read_truth
from photochrom.imaging.formats import is_picture_name
from photochrom.metrics import Comparison, measure

with needs("video"):
    import av

NAMES = ("ciede2000", "colorfulness")
APART = 2.0  # seconds
Pair = tuple[Image.Image, Image.Image]  # the photograph and its reference


def halves(folder: Path, count: int) -> Iterator[Pair]:
    files = sorted(file for file in folder.iterdir() if is_picture_name(file))
    for file in files[:: max(1, len(files) // count)][:count]:
        with Image.open(file) as image:
            whole = image.convert("RGB")
        middle = whole.width // 2
        yield whole.crop((middle, 0, whole.width, whole.height)), whole.crop((0, 0, middle, whole.height))


def frames(films: list[Path], count: int) -> Iterator[Pair]:
    for film in films:
        with av.open(str(film)) as container:
            shown = [(frame.time or 0.0, frame.to_image()) for frame in container.decode(video=0)]
        times = np.array([time for time, _ in shown])
        starts = np.linspace(times[0], times[-1] - APART, -(-count // len(films)))
        for start in starts:
            first, second = (int(np.abs(times - time).argmin()) for time in (start, start + APART))
            yield shown[second][1], shown[first][1]


def classes(folder: Path, tar: Path, count: int) -> Iterator[Pair]:
    with tarfile.open(tar) as archive:
        others = {member.name.split("/")[-2]: member for member in archive if member.isfile()}
        files = sorted(file for file in folder.iterdir() if file.name[:9] in others)
        for file in files[:: max(1, len(files) // count)][:count]:
            data = archive.extractfile(others[file.name[:9]])
            assert data is not None
            with Image.open(file) as image, Image.open(bytes_io.BytesIO(data.read())) as other:
                yield image.convert("RGB"), other.convert("RGB").resize((256, 256), Image.Resampling.BICUBIC)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photographs", type=Path)
    parser.add_argument("--films", type=Path, nargs="*", default=[])
    parser.add_argument("--classes", type=Path, nargs=2)
    parser.add_argument("--pairs", type=int, default=20)
    arguments = parser.parse_args()
    begin("about 5 seconds a pair")
    kinds: dict[str, Iterator[Pair]] = {}
    if arguments.photographs:
        kinds["halves"] = halves(arguments.photographs, arguments.pairs)
    if arguments.films:
        kinds["frames"] = frames(arguments.films, arguments.pairs)
    if arguments.classes:
        kinds["same class"] = classes(*arguments.classes, arguments.pairs)
    print(f"{'pairs':<12}{'':>4}{'gray':>14}{'no reference':>14}{'welsh':>14}{'network':>14}{'truth':>9}")
    with tempfile.TemporaryDirectory() as folder:
        photograph, reference = Path(folder, "photograph.png"), Path(folder, "reference.png")
        plain = Colorizer()
        for name, pairs in kinds.items():
            rows, colors = [], []
            for image, other in watched(pairs, f"pairs of {name}", arguments.pairs):
                image.save(photograph)
                other.save(reference)
                try:
                    truth = read_truth(photograph)
                    ways = [
                        Colorizer(plain.network.backend, references=[reference], reference_method=method)
                        for method in ("welsh", "network")
                    ]
                except PhotochromError:
                    continue  # one of the two is gray
                light = truth.L.astype(np.float32)
                scores = plain.scores(light)
                found = [np.zeros((*light.shape, 2)), *(way.decode(scores, light) for way in (plain, *ways))]
                measured = [measure(Comparison(join(truth.L, ab), truth.rendition), NAMES) for ab in found]
                rows.append([[m[name] for name in NAMES] for m in measured])
                colors.append(measure(Comparison(truth.rendition, truth.rendition), NAMES)["colorfulness"])
            means = np.mean(rows, 0)
            cells = "".join(f"{difference:>8.2f}{colorful:>6.1f}" for difference, colorful in means)
            print(f"{name:<12}{len(rows):>4}{cells}{np.mean(colors):>9.1f}")


if __name__ == "__main__":
    main()
