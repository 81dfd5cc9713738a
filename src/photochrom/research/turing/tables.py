"""Results as tables of text."""

from __future__ import annotations

from collections.abc import Sequence

from photochrom._support.html_report import Table
from photochrom.research.turing.results import PictureResult, Results, Share
from photochrom.research.turing.standin import StandIns
from photochrom.research.turing.study import TuringStudy

_INTERVAL = "Intervals (Wilson) treat all answers as independent, which those of one person are not quite."


def tables(study: TuringStudy, results: Results, standin: StandIns | None = None) -> list[Table]:
    """The tables of a report; without answers only the stand-in's, if there is one."""
    found: list[Table] = []
    if results.ranking:
        found += [_ranking(results), _comparisons(study, results)]
    elif results.models:
        found.append(_models(study, results))
    if standin:
        found.append(standin_table(standin))
    if results.answers:
        found += [_people(results), _pictures(study, results.pictures)]
    return found


def standin_table(found: StandIns) -> Table:
    """What classifiers said, named as such."""
    rows = [("", "it sees", "accuracy", "AUC", "taken for real", "95 %", "looks more real than the real one")]
    for model, results in found.models.items():
        for what, r in results.items():
            shares = (f"{r.accuracy:.1%}", f"{r.auc:.3f}", f"{r.fooled.rate:.1%}", _interval(r.fooled))
            rows.append((model, what, *shares, f"{r.pairs:.1%}"))
    note = (
        f"No person is behind these numbers: classifiers (logistic regression) learnt on {found.photographs} "
        "photographs to tell colourings from real pictures, and judged those that they had not seen "
        f"({found.folds}-fold cross-validation by photograph). Chance is an accuracy of 50 % and an AUC of 0.5. "
        "They see what people do not, and miss what people see."
    )
    return Table("standin", "Automatic stand-in, not people", tuple(rows), note)


def _models(study: TuringStudy, results: Results) -> Table:
    rows = [("", "judged", "taken for real", "share", "95 %", "d'", "criterion", "ms fooled", "ms caught")]
    for r in results.models:
        rows.append(
            (r.model, *_share(r.fooled), _number(r.d_prime), _number(r.criterion), _ms(r.fooled_ms), _ms(r.caught_ms))
        )
    if results.real:
        rows.append(("real pictures", *_share(results.real), "", "", "", ""))
    perfect = "that of the real pictures" if study.kind == "single" else "50 %"
    note = (
        f"AdverSuc, the share of colourings that were taken for real. That of perfect colourings is {perfect}. d' is "
        "how well people told the two apart, 0 being not at all; a criterion above 0 is a tendency to say real. Times "
        f"are medians. {_INTERVAL} {_agreement(results)}"
    )
    return Table("models", "AdverSuc by model", tuple(rows), note)


def _ranking(results: Results) -> Table:
    rows = [("", "compared", "preferred", "share", "95 %", "strength", "95 %")]
    for r in results.ranking:
        rows.append((r.model, *_share(r.preferred), _number(r.strength), f"{r.low:.2f} to {r.high:.2f}"))
    note = (
        "Strengths are Bradley-Terry's, on a logarithmic scale with mean 0: of two models whose strengths differ by 1, "
        f"the stronger is preferred in 73 % of comparisons. {_INTERVAL} {_agreement(results)}"
    )
    return Table("ranking", "Models by preference", tuple(rows), note)


def _comparisons(study: TuringStudy, results: Results) -> Table:
    rows = [("preferred to", *study.models)]
    for i, model in enumerate(study.models):
        rows.append((model, *("" if i == j else str(n) for j, n in enumerate(results.wins[i]))))
    return Table(
        "comparisons", "Who was preferred to whom", tuple(rows), "How often the row was preferred to the column."
    )


def _people(results: Results) -> Table:
    rows = [("person", "answered", "of", "right", "median ms")]
    for p in results.persons:
        right = f"{p.right.rate:.1%}" if p.right else ""
        rows.append((str(p.person), str(p.answered), str(p.of), right, _ms(p.median_ms)))
    return Table("people", "People", tuple(rows))


def _pictures(study: TuringStudy, pictures: Sequence[PictureResult]) -> Table:
    what = "preferred" if study.kind == "preference" else "taken for real"
    rows = [("photograph", "model", "judged", what, "share", "95 %")]
    rows += [(p.photograph, p.model, *_share(p.fooled)) for p in pictures]
    return Table("pictures", "Every colouring", tuple(rows))


def _agreement(results: Results) -> str:
    alpha = _number(results.agreement) or "undefined, as nothing was judged twice or all answers were the same"
    return f"Agreement between people (Krippendorff's alpha; 1 is full, 0 is chance's): {alpha}."


def _share(share: Share) -> tuple[str, str, str, str]:
    return str(share.of), str(share.count), f"{share.rate:.1%}" if share.of else "", _interval(share)


def _interval(share: Share) -> str:
    return f"{share.low:.1%} to {share.high:.1%}" if share.of else ""


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _ms(value: float | None) -> str:
    return "" if value is None else f"{value:.0f}"
