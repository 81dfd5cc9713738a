"""The study's tables as rows of text, and as CSV and Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from photochrom._support.html_report import Table
from photochrom.evaluation.classes import synset_of
from photochrom.research.study.findings import UNTESTED, findings
from photochrom.research.study.results import Results, Spread, scene_of

PAPER_CLOSENESS = {"cnn-l2-dropout": 18.67, "cnn-smooth-l1": 13.45, "cnn-l2": 15.65, "cnn-ce10": 11.27}
PAPER_ACCURACY = {10: 41.5, 30: 27.8, 50: 18.9}
NAMES = {
    "cnn-l2-dropout": "L2 with dropout",
    "cnn-smooth-l1": "Smooth L1",
    "cnn-l2": "L2",
    "cnn-ce10": "Cross-entropy, 10 bins",
}
PRECISIONS = {"fp32": "32 bits", "bf16": "32 bits, products in bfloat16"}
OVERVIEW = (
    "closeness_ab",
    "rms_ab",
    "closeness_rgb",
    "rms_rgb",
    "ciede2000",
    "psnr",
    "colorfulness",
    "mean_saturation",
)
FEWEST_PER_SYNSET = 3  # a mean over fewer photographs says nothing about a class


def tables(scales: Sequence[Results]) -> list[Table]:
    """All tables; where both scales were run, they stand side by side."""
    found = [_setup(scales), _closeness(scales), _accuracy(scales)]
    for results in scales:
        found += [_overview(results), *_realism(results), *_findings(results), *_blotches(results), *_scenes(results)]
    return found


def _setup(scales: Sequence[Results]) -> Table:
    rows = [("", *(f"{r.scale} scale" for r in scales))]
    firsts = [{n: r.first(n) for n in r.runs} for r in scales]
    ce = [f.get("cnn-ce10") or next(iter(f.values())) for f in firsts]
    facts = {
        "networks trained": [str(sum(map(len, r.runs.values()))) for r in scales],
        "training photographs": [str(run["images"]) for run in ce],
        "steps x batch": [f"{run['steps']} x {run['recipe']['run']['batch']}" for run in ce],
        "epochs": [f"{run['steps'] * run['recipe']['run']['batch'] / run['images']:.0f}" for run in ce],
        "channels": [", ".join(map(str, run["recipe"]["model"]["settings"].get("channels", []))) for run in ce],
        "weights": [f"{run['parameters'] / 1e6:.1f} M" for run in ce],
        "computed in": [PRECISIONS[run["recipe"]["run"]["precision"]] for run in ce],
        "hours of training, all runs": [f"{r.seconds / 3600:.1f}" for r in scales],
        "trained on": [
            ", ".join(sorted({run["machine"] for s in r.runs.values() for run in s.values()})) for r in scales
        ],
    }
    rows += [(name, *values) for name, values in facts.items()]
    return Table("setup", "What was run", tuple(rows), "The facts of a run are those of cnn-ce10.")


def _closeness(scales: Sequence[Results]) -> Table:
    metrics = ("closeness_ab", "rms_ab", "closeness_rgb", "rms_rgb")
    rows = [("", "the paper", *(f"{m}, {r.scale}" for r in scales for m in metrics))]
    for name, paper in PAPER_CLOSENESS.items():
        rows.append((NAMES[name], f"{paper}", *(_text(r, name, m) for r in scales for m in metrics)))
    for label in ("gray",):
        rows.append((label, "", *(f"{r.references['imagenet'][label][m]:.4g}" for r in scales for m in metrics)))
    note = "Lower is closer. Norms over a photograph's values of ab (Lab units) or RGB (0..1), and the same as RMS."
    return Table("table1", "Table 1: closeness to the truth", tuple(rows), note)


def _accuracy(scales: Sequence[Results]) -> Table:
    rows = [("bins", "the paper", *(f"{r.scale} scale" for r in scales))]
    for k, paper in PAPER_ACCURACY.items():
        cells = []
        for r in scales:
            name = f"cnn-ce{k}"
            if name not in r:
                cells.append("")
                continue
            values = [v * 100 for v in r.spread(name, f"accuracy_{k}").values]
            known = r.references["imagenet"]
            gray = [100 * known[name][f"accuracy_{k}"] for name in known if name.startswith("gray")]
            cells.append(f"{Spread(tuple(values))} % (gray {min(gray):.4g} to {max(gray):.4g} %)")
        rows.append((str(k), f"{paper} %", *cells))
    note = (
        "Share of the values of a and b whose bin is the truth's. Gray is what a picture without colour scores; 0 "
        "is an edge between two bins, so this depends on the signs that a and b get by rounding."
    )
    return Table("table2", "Table 2: accuracy by number of bins", tuple(rows), note)


def _overview(results: Results) -> Table:
    rows: list[tuple[str, ...]] = [("run", "seeds", *OVERVIEW, "minutes")]
    for name, seeds in sorted(results.runs.items()):
        minutes = sum(run["seconds"] for run in seeds.values()) / len(seeds) / 60
        means = [f"{results.spread(name, metric).mean:.4g}" for metric in OVERVIEW]
        rows.append((name, str(len(seeds)), *means, f"{minutes:.1f}"))
    for label in ("gray", "truth"):
        values = results.references["imagenet"][label]
        rows.append((label, "", *(f"{values[m]:.4g}" if m in values else "" for m in OVERVIEW), ""))
    note = "Means over the test photographs and the seeds; baseline-cifar on CIFAR-10's, all others on ImageNet's."
    return Table(f"runs-{results.scale}", f"Every run, {results.scale} scale", tuple(rows), note)


def _realism(results: Results) -> list[Table]:
    seen = results.realism
    if seen is None:
        return []
    measured = ("closeness_ab", "accuracy_10", "ciede2000", "colorfulness", "colorfulness_error")
    rows: list[tuple[str, ...]] = [("run", "seeds", *measured, "frechet", "judged real")]
    for name in sorted(seen.judged_real.keys() - {"gray", "truth"}):
        numbers = [str(results.spread(name, m)) for m in measured] + [str(results.spread(name, "frechet", "realism"))]
        rows.append((name, str(len(results.runs[name])), *numbers, _share(seen.judged_real[name])))
    for label in ("gray", "truth"):
        values = results.references["imagenet"][label]
        numbers = [f"{values[m]:.4g}" if m in values else "" for m in measured]
        frechet = f"{seen.gray:.4g}" if label == "gray" else f"floor {seen.floor}"
        rows.append((label, "", *numbers, frechet, _share(seen.judged_real[label])))
    note = (
        "Frechet distance between the features of EfficientNet-Lite0 over the coloured test photographs and over the "
        "true ones, lower is better. Judged real: by a discriminator (logistic regression on those features) that "
        "learned from the validation photographs, true ones against those that the runs of this table coloured. "
        f"Floor: two halves of {seen.half} true photographs from each other, mean ± standard deviation over 10 splits; "
        "a half has fewer pictures than the set, which alone raises the distance. Their kernel distance, which is "
        f"unbiased, is {seen.kernel_floor}."
    )
    return [Table(f"realism-{results.scale}", f"Realism, {results.scale} scale", tuple(rows), note)]


def _share(spread: Spread) -> str:
    return f"{Spread(tuple(100 * value for value in spread.values))} %"


def _findings(results: Results) -> list[Table]:
    rows = [("the paper's claim", "section", "here", "in numbers")]
    judged = findings(results)
    if all(found.verdict == UNTESTED for found in judged):
        return []
    for found in judged:
        numbers = "; ".join(map(str, found.comparisons))
        rows.append(
            (found.claim + (f" ({found.reading})" if found.reading else ""), found.section, found.verdict, numbers)
        )
    note = "A comparison holds if it does for every seed, and is undecided if it does for some; ± is half the range."
    return [Table(f"findings-{results.scale}", f"The paper's findings, {results.scale} scale", tuple(rows), note)]


def _blotches(results: Results) -> list[Table]:
    rows: list[tuple[str, ...]] = [("run", "decoded", "blotchiness", "closeness_ab", "ciede2000", "colorfulness")]
    for name in ("cnn-l2", "cnn-ce10", "cnn-ce-joint", "cnn-ce10-rebalanced"):
        if name not in results:
            continue
        for view in results.first(name)["views"]:
            cells = []
            for metric in rows[0][2:]:
                values = tuple(run["views"][view][metric] for run in results.runs[name].values())
                cells.append(f"{Spread(values).mean:.4g}")
            rows.append((name, view, *cells))
    if len(rows) == 1:
        return []
    truth = results.references["imagenet"]["truth"]
    rows.append(("truth", "", *(f"{truth[m]:.4g}" if m in truth else "" for m in rows[0][2:])))
    note = "Blotchiness: how much chroma varies in windows of even lightness, Lab units; the truth's is what to aim at."
    title = f"Blotches, and what cures them, {results.scale} scale"
    return [Table(f"blotches-{results.scale}", title, tuple(rows), note)]


def _scenes(results: Results) -> list[Table]:
    if "cnn-ce10" not in results:
        return []
    names = scene_of()
    by_synset: dict[str, list[float]] = {}
    for row in results.first("cnn-ce10").rows:
        by_synset.setdefault(synset_of(row["key"]) or "", []).append(float(row["closeness_ab"]))
    classes = [(s, sum(v) / len(v), len(v)) for s, v in by_synset.items() if len(v) >= FEWEST_PER_SYNSET]
    rows = [("synset", "name", "scene", "photographs", "closeness_ab")]
    for synset, mean, count in sorted(classes, key=lambda c: c[1]):
        name, scene = names.get(synset, ("", ""))
        rows.append((synset, name, scene, str(count), f"{mean:.4g}"))
    groups = [("scene", "classes", "photographs", "closeness_ab")]
    for scene in ("outdoor", "indoor", "either"):
        inside = [v for s, v in by_synset.items() if names.get(s, ("", ""))[1] == scene]
        values = [x for v in inside for x in v]
        if values:
            groups.append((scene, str(len(inside)), str(len(values)), f"{sum(values) / len(values):.4g}"))
    scale = results.scale
    found = [Table(f"scenes-{scale}", f"Closeness of cnn-ce10 by kind of scene, {scale} scale", tuple(groups))]
    if classes:
        found.append(Table(f"synsets-{scale}", f"Closeness of cnn-ce10 by class, {scale} scale", tuple(rows)))
    return found


def _text(results: Results, name: str, metric: str) -> str:
    return str(results.spread(name, metric)) if name in results else ""
