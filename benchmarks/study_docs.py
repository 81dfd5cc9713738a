"""The pictures and tables of docs/study: from a study, and stand-ins for the paper's figures that show photographs.

    python benchmarks/study_docs.py STUDY --scale medium                # what `photochrom study --out STUDY` made
    python benchmarks/study_docs.py --stand-in imagenet64/train.tar     # figures 1, 3 and 7, in a minute
    python benchmarks/study_docs.py --answer                            # answer.png, from the docs' own table1.csv

A study's figures are `figureN-SCALE.png`, those that a page of docs shows, without those that show others' photographs,
and its tables SCALE's .csv. In tables where scales stand side by side, the columns of other scales stay as they are.
`SCALE/` gets the numbers of each run, from which a study goes on elsewhere.

The stand-ins show the gray photographs that come with photochrom at the study's size: in figures 1 and 7 the default
model colours them, in 2 and 6 the study's networks. Figure 3 shows each class as the mean of its photographs.
"""

from __future__ import annotations

import argparse
import csv
import shutil
from pathlib import Path

import numpy as np
from bench import begin, needs

from photochrom import Colorizer, color
from photochrom.data.entries import Entry
from photochrom.data.samples import decode_entry
from photochrom.data.sources import list_pictures
from photochrom.evaluation.classes import synset_of

with needs("train"):
    from matplotlib.figure import Figure

    from photochrom.research.study.figures import LOSSES
    from photochrom.research.study.measure import packaged
    from photochrom.research.study.panels import grid, show, strip
    from photochrom.research.study.results import Results, scene_of
    from photochrom.research.study.run import PER_IMAGE, RESULT

DOCS = Path(__file__).parents[1] / "docs" / "study"
SIDE = 64
BASELINE = "baseline-cifar"
SCALES = (("small", "1,000", "#0072B2", "o"), ("medium", "10,000", "#D55E00", "s"))
MEANS = 18  # classes, evenly spread over the alphabet of their synsets
PHOTOGRAPHS = (*(f"figure{number}-" for number in (1, 2, 3, 6, 7, 8)), "gans-")
SIDE_BY_SIDE = ("findings", "setup", "table1", "table2")
NUMBERS = (RESULT, *PER_IMAGE.values(), "recipe.toml")


def copy(study: Path, scale: str) -> None:
    """A study's figures, its tables, what stands side by side with other scales, and the numbers of its runs."""
    pages = "".join(page.read_text(encoding="utf-8") for page in DOCS.parent.rglob("*.md"))
    for path in [*(study / "figures").glob(f"*-{scale}.png"), *(study / "tables").glob(f"*-{scale}.csv")]:
        if path.name.startswith(PHOTOGRAPHS) or (path.suffix == ".png" and path.name not in pages):
            continue  # not ours to publish, or shown nowhere
        shutil.copy(path, DOCS)
        print(DOCS / path.name)
    for name in SIDE_BY_SIDE:
        target = DOCS / f"{name}.csv"
        rows = merged(read(target) if target.exists() else [], read(study / "tables" / target.name))
        with target.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file, lineterminator="\n").writerows(rows)
        print(target)
    for result in sorted(study.glob(f"{scale}/runs/*/{RESULT}")):
        folder = DOCS / scale / result.parent.name
        folder.mkdir(parents=True, exist_ok=True)
        for name in NUMBERS:
            if (result.parent / name).exists():  # a model that was given has no recipe
                shutil.copy(result.parent / name, folder)
        print(folder)
    of_packaged(Results(study / scale))


def read(path: Path) -> list[list[str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def merged(old: list[list[str]], new: list[list[str]]) -> list[list[str]]:
    """The new table, with the old one's columns that it lacks, and its cells where the new ones say nothing."""
    if not old:
        return new
    before = {row[0]: dict(zip(old[0], row, strict=True)) for row in old[1:]}
    heads = list(dict.fromkeys([*old[0], *new[0]]))
    rows = [heads]
    for row in new[1:]:
        cells = dict(zip(new[0], row, strict=True))
        said = {head: cell for head, cell in cells.items() if cell not in ("", "not run")}
        rows.append([(cells | before.get(row[0], {}) | said).get(head, "") for head in heads])
    return rows


def of_packaged(results: Results) -> None:
    """Figures 2 and 6 with the photographs that come with photochrom, as far as the networks' pictures are there."""
    runs = [results.first(name) for name in (BASELINE, *LOSSES) if name in results]
    found = {run["name"]: run.pictures for run in runs if run.pictured}
    ours = {name: pictures["packaged"] for name, pictures in found.items() if "packaged" in pictures}
    if BASELINE in ours:
        gray = packaged(ours[BASELINE].shape[1]).rgb
        save(strip([("input", gray), ("baseline", ours[BASELINE])]), "figure2-stand-in.png")
    if set(LOSSES) <= ours.keys():
        columns = [(heading, ours[name]) for name, heading in LOSSES.items()]
        save(grid([("input", packaged(SIDE).rgb), *columns]), "figure6-stand-in.png")


def class_means(sources: list[Path]) -> dict[str, np.ndarray]:
    """By the class's name, the mean (64, 64, 3) uint8 of its photographs."""
    by_class: dict[str, list[Entry]] = {}
    for entry in list_pictures(sources):
        by_class.setdefault(synset_of(entry.key) or "", []).append(entry)
    chosen = np.linspace(0, len(by_class) - 1, MEANS).round().astype(int)
    names, found = scene_of(), {}
    for synset in np.array(sorted(by_class))[chosen]:
        pictures = [np.asarray(decode_entry(each).resize((SIDE, SIDE)), np.float64) for each in by_class[synset]]
        found[names.get(synset, (synset, ""))[0].split(",")[0]] = np.rint(np.mean(pictures, 0)).astype(np.uint8)
    return found


def answer() -> None:
    """Table 1 in one picture: closeness as a share of L2's own, the paper's beside ours, seeds as points."""
    with (DOCS / "table1.csv").open(newline="", encoding="utf-8") as file:
        rows = {row[""]: row for row in csv.DictReader(file)}
    order = [name for name in rows if rows[name]["the paper"]]
    figure = Figure(figsize=(8, 3.4), layout="constrained")
    axes = figure.add_subplot(xlabel="closeness as a share of L2's; left is closer to the truth")
    paper = [float(rows[name]["the paper"]) / float(rows["L2"]["the paper"]) for name in order]
    axes.plot(paper, np.arange(len(order)) + 0.22, "D", color="0.35", label="the paper, 10,000 photographs")
    for place, (scale, count, color_, mark) in enumerate(SCALES):
        column = f"closeness_ab, {scale}"
        if column not in rows["L2"]:
            axes.plot([], [], mark, color=color_, label=f"{count} photographs: not run yet")
            continue
        whole = _seeds(rows["L2"][column])[0]
        for height, name in enumerate(order):
            seeds = _seeds(rows[name][column])[1:]
            label = f"{count} photographs, each seed" if not height else None
            heights = [height - 0.22 * place] * len(seeds)
            axes.plot([seed / whole for seed in seeds], heights, mark, color=color_, label=label, fillstyle="none")
        gray = _seeds(rows["gray"][column])[0] / whole
        axes.axvline(gray, color=color_, linewidth=0.8, linestyle=":", label=f"left gray, {count}")
    axes.set_yticks(range(len(order)), order)
    axes.legend(fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))
    save(figure, "answer.png")


def _seeds(text: str) -> list[float]:
    """The mean, and the seeds: of three, the range and the mean say all."""
    numbers = [float(each) for each in text.replace("(", "").replace(")", "").split() if each != "to"]
    if len(numbers) == 1:
        return numbers * 2
    mean, low, high = numbers
    return [mean, low, 3 * mean - low - high, high]


def save(figure: Figure, name: str) -> None:
    figure.savefig(DOCS / name, dpi=110)
    print(DOCS / name)


def stand_in(sources: list[Path]) -> None:
    session, gray = Colorizer(threads=1), packaged(SIDE).rgb
    light = [color.rgb_to_lab(each / 255.0)[..., 0].astype(np.float32) for each in gray]
    joined = [np.dstack([each, session.ab(each)]).astype(np.float64) for each in light]
    ours = np.stack([np.rint(255 * color.lab_to_rgb(each)).astype(np.uint8) for each in joined])
    save(grid([("input", gray[1:2]), ("output", ours[1:2])]), "figure1-stand-in.png")
    save(strip([("input", gray), ("output", ours)]), "figure7-stand-in.png")
    figure = Figure(figsize=(9, 2.6), layout="constrained")
    for axes, (name, picture) in zip(figure.subplots(2, MEANS // 2).flat, class_means(sources).items(), strict=True):
        show(axes, picture)
        axes.set_title(name, fontsize=6)
    save(figure, "figure3-stand-in.png")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("study", nargs="?", type=Path)
    parser.add_argument("--scale", default="medium")
    parser.add_argument("--stand-in", type=Path, nargs="+", metavar="IMAGENET64")
    parser.add_argument("--answer", action="store_true")
    arguments = parser.parse_args()
    begin("a minute", threads=1)
    if arguments.study:
        copy(arguments.study, arguments.scale)
    if arguments.stand_in:
        stand_in(arguments.stand_in)
    if arguments.study or arguments.answer:
        answer()


if __name__ == "__main__":
    main()
