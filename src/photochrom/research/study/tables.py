"""The study's tables as rows of text, and as CSV and Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from photochrom._support.html_report import Table
from photochrom.evaluation.classes import synset_of
from photochrom.metrics.frechet import Estimate, bias_note
from photochrom.research.study.comparison import UNTESTED, Finding, number
from photochrom.research.study.findings import claims, findings
from photochrom.research.study.results import Realism, Results, Run, Spread, scene_of

PAPER_CLOSENESS = {"cnn-l2-dropout": 18.67, "cnn-smooth-l1": 13.45, "cnn-l2": 15.65, "cnn-ce10": 11.27}
PAPER_ACCURACY = {10: 41.5, 30: 27.8, 50: 18.9}
NAMES = {
    "cnn-l2-dropout": "L2 with dropout",
    "cnn-smooth-l1": "Smooth L1",
    "cnn-l2": "L2",
    "cnn-ce10": "Cross-entropy, 10 bins",
}
PRECISIONS = {
    "fp32": "32 bits",
    "bf16": "32 bits, products in bfloat16",
    "auto": "32 bits, products in bfloat16 where the machine is quick at them",
}
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
REALISM = ("closeness_ab", "accuracy_10", "ciede2000", "colorfulness", "colorfulness_error")
FURTHER_METRICS = ("closeness_ab", "accuracy_10", "ciede2000", "colorfulness_error", "blotchiness")
FURTHER = {
    "cnn-ce10": "the paper's best: cross-entropy, 10 bins",
    "cnn-l2": "the paper's L2",
    "cnn-ce10-quantile": "bins of unequal width",
    "cnn-ce-joint": "a and b binned together",
    "unet-l2-small": "U-Net under L2",
    "cgan-small": "conditional GAN, the same U-Net",
    "cyclegan-small": "CycleGAN",
    "photochrom": "photochrom's default model, which has seen Tiny ImageNet",
    "photochrom-recurrent": "the same under its recurrent network",
}
PHOTOGRAPHS = {"small": "at 1,000 photographs", "medium": "at 10,000 photographs"}
NOT_RUN, NOT_KEPT = "not run", "not kept"
FEATURE_COUNT = 1280
FEWEST_PER_SYNSET = 3  # a mean over fewer photographs says nothing about a class


def tables(scales: Sequence[Results]) -> list[Table]:
    """All tables; where both scales were run, they stand side by side."""
    found = [*_side_by_side(scales), _setup(scales), _closeness(scales), _accuracy(scales)]
    for results in scales:
        found += [_overview(results), *_realism(results), *_findings(results), *_blotches(results), *_scenes(results)]
    return found


def _setup(scales: Sequence[Results]) -> Table:
    rows = [("", *(f"{r.scale} scale" for r in scales))]
    firsts = [{n: r.first(n) for n in r.runs} for r in scales]
    ce = [f.get("cnn-ce10") or max(f.values(), key=lambda run: run["steps"]) for f in firsts]
    facts = {
        "networks trained": [
            str(sum(bool(run["loss"]) for s in r.runs.values() for run in s.values())) for r in scales
        ],
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
    rows = [("bins", "the paper", *(head for r in scales for head in (f"{r.scale} scale", f"gray, {r.scale} scale")))]
    for k, paper in PAPER_ACCURACY.items():
        cells = []
        for r in scales:
            name, metric = f"cnn-ce{k}", f"accuracy_{k}"
            if name not in r:
                cells += ["", ""]
                continue
            known = r.references["imagenet"]
            gray = [100 * known[name][metric] for name in known if name.startswith("gray")]
            cells += [_share(r.spread(name, metric)), f"{min(gray):.4g} to {max(gray):.4g} %"]
        rows.append((str(k), f"{paper} %", *cells))
    note = (
        "Share of the values of a and b whose bin is the truth's. Gray is what a picture without colour scores; 0 "
        "is an edge between two bins, so this depends on the signs that a and b get by rounding."
    )
    return Table("table2", "Table 2: accuracy by number of bins", tuple(rows), note)


def _overview(results: Results) -> Table:
    rows: list[tuple[str, ...]] = [("run", "seeds", *OVERVIEW, "weights", "epochs", "last loss", "fall", "minutes")]
    links: dict[str, tuple[tuple[str, str], ...]] = {}
    for name, seeds in sorted(results.runs.items()):
        means = [f"{results.spread(name, metric).mean:.4g}" for metric in OVERVIEW]
        rows.append((name, str(len(seeds)), *means, *_training(list(seeds.values()))))
        first = results.first(name)
        if first["loss"]:
            recipe = f"{results.scale}/runs/{first.folder.name}/recipe.toml"
            links[name] = ("recipe", recipe), ("curve", f"figures/curves-{results.scale}/{name}.png")
    for label in ("gray", "truth"):
        values = results.references["imagenet"][label]
        rows.append((label, "", *(_decimal(values[m]) if m in values else "" for m in OVERVIEW), *[""] * 5))
    note = (
        "Means over the test photographs and the seeds; baseline-cifar on CIFAR-10's, all others on ImageNet's. Last "
        "loss: the mean training loss of the last epoch. Fall: by how much it is under that of the epoch before; where "
        "that is several per cent, the run has not come to its plateau."
    )
    return Table(f"runs-{results.scale}", f"Every run, {results.scale} scale", tuple(rows), note, links)


def _training(runs: Sequence[Run]) -> tuple[str, str, str, str, str]:
    """Weights, epochs, the last epoch's loss, its fall, and minutes; means over the seeds."""
    if not runs[0]["loss"]:
        return f"{runs[0]['parameters'] / 1e6:.2f} M", "", "", "", ""
    epochs = runs[0].epochs
    ends = [run.epoch_losses()[-2:] for run in runs]
    falls = [100 * (1 - end[1] / end[0]) for end in ends if len(end) == 2]
    return (
        f"{runs[0]['parameters'] / 1e6:.2f} M",
        f"{epochs:.3g}",
        f"{sum(end[-1] for end in ends) / len(ends):.3g}",
        f"{sum(falls) / len(falls):.1f} %" if falls else "",
        f"{sum(run['seconds'] for run in runs) / len(runs) / 60:.1f}",
    )


def _realism(results: Results) -> list[Table]:
    seen = results.realism
    if seen is None:
        return []
    everyone = sorted(name for name in results.runs if _looked_at(results, name))
    found = [_realism_table(results, seen, everyone, REALISM, "realism", "Realism")]
    further = [name for name in FURTHER if name in everyone]
    if any(name not in ("cnn-ce10", "cnn-l2") for name in further):
        title = "What the paper calls further work, beside its own best"
        found.insert(0, _realism_table(results, seen, list(FURTHER), FURTHER_METRICS, "further", title, FURTHER))
    return found


def _realism_table(
    results: Results,
    seen: Realism,
    runs: Sequence[str],
    metrics: Sequence[str],
    name: str,
    title: str,
    called: Mapping[str, str] | None = None,
) -> Table:
    heading = ("run", "seeds", *metrics, "frechet", "kernel", "judged real")
    rows: list[tuple[str, ...]] = [heading]
    for run in runs:
        label = (called or {}).get(run, run)
        if not _looked_at(results, run):
            rows.append((label, "", NOT_RUN, *[""] * (len(heading) - 3)))
            continue
        numbers = [str(results.spread(run, m)) for m in metrics]
        numbers += [str(results.spread(run, "frechet", "realism")), str(results.kernel(run))]
        judged = _share(seen.judged_real[run]) if run in seen.judged_real else NOT_KEPT
        rows.append((label, str(len(results.runs[run])), *numbers, judged))
    for label, apart in (("gray", seen.gray), ("truth", seen.truth)):
        values = results.references["imagenet"][label]
        numbers = [f"{values[m]:.4g}" if m in values else "" for m in metrics]
        kernel = str(Estimate(apart["kernel"], apart["kernel_error"]))
        rows.append((label, "", *numbers, f"{apart['frechet']:.4g}", kernel, _share(seen.judged_real[label])))
    note = (
        f"Frechet and kernel distance: between {seen.pictures:,} test photographs as coloured and {seen.reference:,} "
        "other, real ones, by the features of EfficientNet-Lite0; lower is better. The truth's are the floor: the same "
        f"test photographs in their own colours. Frechet: {bias_note(seen.pictures, FEATURE_COUNT)}. Kernel: unbiased, "
        "with its standard error over pictures. Judged real stands in for the Turing test: a logistic regression on "
        "those features takes so many of the test pictures for real; it learned from the validation photographs, the "
        "true ones against those that the runs coloured."
    )
    return Table(f"{name}-{results.scale}", f"{title}, {results.scale} scale", tuple(rows), note)


def _looked_at(results: Results, name: str) -> bool:
    """Whether the realism of a run's pictures was measured; the baseline's on CIFAR-10 is not."""
    return name in results and bool(results.first(name)["realism"])


def _share(spread: Spread) -> str:
    return f"{Spread(tuple(100 * value for value in spread.values))} %"


def _side_by_side(scales: Sequence[Results]) -> list[Table]:
    """Every claim at each number of photographs that the study is about."""
    judged = {r.scale: findings(r) for r in scales}
    tested = {name: found for name, found in judged.items() if any(each.verdict != UNTESTED for each in found)}
    if not tested:
        return []
    columns = dict(PHOTOGRAPHS) | {name: f"{name} scale" for name in tested if name not in PHOTOGRAPHS}
    heads = ("the paper's claim", "section", "the paper's number", *columns.values(), "likely cause, as far as known")
    rows: list[tuple[str, ...]] = [heads]
    for index, claim in enumerate(claims()):
        verdicts = [tested[name][index].verdict if name in tested else NOT_RUN for name in columns]
        rows.append((_claim(claim), _section(claim), claim.paper, *verdicts, claim.cause))
    note = (
        "A comparison holds if it does for every seed, and the 95 % interval of the difference over photographs lies "
        "below 0; it does not hold if neither is so; else it is undecided. Intervals: bootstrap, paired by photograph."
    )
    return [Table("findings", "The paper's findings", tuple(rows), note)]


def _section(found: Finding) -> str:
    return f"§ {found.section}" if found.section[0].isdigit() else found.section


def _claim(found: Finding) -> str:
    return found.claim + (f" ({found.reading})" if found.reading else "")


def _findings(results: Results) -> list[Table]:
    heads = ("the paper's claim", "measure", "to be less", "to be more", "difference (95 %)", "seeds", "here")
    rows: list[tuple[str, ...]] = [heads]
    judged = findings(results)
    if all(found.verdict == UNTESTED for found in judged):
        return []
    for found in judged:
        for each in found.comparisons:
            sides = [number(*side) if side[1] else f"{side[0]} not run" for side in (each.left, each.right)]
            pairs = each.pairs()
            seeds = f"{sum(a < b for a, b in pairs)} of {len(pairs)}" if pairs else ""
            rows.append((found.claim, each.what, *sides, each.difference, seeds, each.verdict))
    note = (
        "± is half the range over the seeds. Difference: the first less the second, its mean over the seeds, and the "
        "interval over photographs of the difference of the seeds' means; without one where it is no mean over "
        "photographs. Seeds: for how many the first is less."
    )
    return [Table(f"findings-{results.scale}", f"The findings in numbers, {results.scale} scale", tuple(rows), note)]


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
    title, note = "Closeness of cnn-ce10, first seed", "The verdict above is over all seeds."
    found = [Table(f"scenes-{scale}", f"{title}, by kind of scene, {scale} scale", tuple(groups), note)]
    if classes:
        found.append(Table(f"synsets-{scale}", f"{title}, by class, {scale} scale", tuple(rows)))
    return found


def _decimal(value: float) -> str:
    """With four digits, and never as 4.7e-05."""
    return f"{value:.4g}" if abs(value) >= 1e-3 else f"{value:.4f}"


def _text(results: Results, name: str, metric: str) -> str:
    return str(results.spread(name, metric)) if name in results else ""
