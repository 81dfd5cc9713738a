"""Photographs, joined with predictions; what bins alone cost; tables as text."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from photochrom import color
from photochrom.colorizer import Colorizer
from photochrom.data.sources import list_pictures
from photochrom.errors import BadSetting
from photochrom.loading import load_backend
from photochrom.research.study.measure import (
    VIEW_METRICS,
    Photographs,
    Standing,
    colored,
    measured,
    packaged,
    quantised,
)
from photochrom.research.study.results import Spread
from photochrom.research.study.tables import Table


@pytest.fixture(scope="module")
def photographs(pictures: Path) -> Photographs:
    return Photographs.load(list_pictures([pictures])[:6], 24)


def test_the_true_ab_give_the_true_picture(photographs: Photographs) -> None:
    truth = photographs.renditions[2]
    joined = photographs.joined(truth.ab, 2)
    np.testing.assert_array_equal(np.rint(joined.rgb * 255), photographs.rgb[2])


def test_the_lightness_stays_where_nothing_is_clipped(photographs: Photographs) -> None:
    joined = photographs.joined(np.zeros((24, 24, 2)), 0)
    np.testing.assert_allclose(joined.lab[..., 0], photographs.L[0], atol=0.5)
    assert np.ptp(joined.rgb, -1).max() <= 1 / 255 + 1e-9


def test_gray_has_no_colour_and_the_distance_of_the_truth_itself(photographs: Photographs) -> None:
    references = photographs.references()
    ab = color.rgb_to_lab(photographs.rgb / 255.0)[..., 1:]
    norms = np.sqrt((ab**2).sum((1, 2, 3)))
    assert references["gray"]["closeness_ab"] == pytest.approx(norms.mean(), rel=0.01)
    assert references["gray"]["mean_saturation"] < 0.02 < references["truth"]["mean_saturation"]
    for first, second in (("--", "++"), ("-+", "+-")):
        # What two opposite signs score is all that lies within a bin of 0 on either side.
        for count, width in ((10, 20), (50, 4)):
            both = sum(references[f"gray {signs}"][f"accuracy_{count}"] for signs in (first, second))
            assert both == pytest.approx(np.mean((-width <= ab) & (ab < width)))


def test_more_bins_round_less(photographs: Photographs) -> None:
    found = quantised(photographs, (2, 10, 50))
    errors = [found[k]["closeness_ab"] for k in (2, 10, 50)]
    assert errors[0] > 1.5 * errors[1] > 1.5 * errors[2] > 0
    assert found[10]["accuracy_10"] > found[2]["accuracy_10"]


def test_a_network_that_takes_any_size_is_used_as_on_any_photograph(photographs: Photographs) -> None:
    session = Colorizer(threads=1, render_size=32)
    backend = load_backend("default", threads=1)
    backend.card = replace(backend.card, render_size=32)
    for index, ours in enumerate(colored(backend, photographs)):
        expected = photographs.joined(session.ab(photographs.L[index]), index)
        np.testing.assert_allclose(ours.rgb, expected.rgb, atol=1 / 255)
    found = measured(backend, photographs, viewed=True)
    assert list(found.views) == ["argmax", "argmax, smoothed", "annealed_mean", "annealed_mean, smoothed"]
    assert found.views["argmax"]["colorfulness"] != found.views["annealed_mean"]["colorfulness"]
    assert found.views["annealed_mean"] == pytest.approx({name: found.means[name] for name in VIEW_METRICS})
    assert not measured(backend, photographs).views


def test_a_standing_film_keeps_a_photographs_colours(photographs: Photographs) -> None:
    backend = load_backend("default", threads=1)
    backend.card = replace(backend.card, render_size=32)
    by_itself = list(colored(backend, photographs))
    for frame, alone in zip(colored(Standing(backend, "frame"), photographs), by_itself, strict=True):
        np.testing.assert_array_equal(frame.rgb, alone.rgb)
    steady = list(colored(Standing(backend, "recurrent"), photographs))
    moved = np.mean([np.abs(a.rgb - b.rgb).mean() for a, b in zip(steady, by_itself, strict=True)])
    assert 0 < moved < 0.05
    with pytest.raises(BadSetting, match="the consistency is 'still'"):
        Standing(backend, "still")


def test_a_spread_shows_its_range_only_where_there_are_several() -> None:
    assert str(Spread((2.0,))) == "2"
    assert str(Spread((1.0, 3.0))) == "2 (1 to 3)"


def test_tables_as_csv_and_markdown() -> None:
    table = Table("t", "T", (("a", "b|c"), ("1, 2", "3")))
    assert list(csv.reader(io.StringIO(table.csv()))) == [["a", "b|c"], ["1, 2", "3"]]
    assert table.markdown() == "| a | b\\|c |\n|---|---|\n| 1, 2 | 3 |\n"


def test_a_table_as_html() -> None:
    rows = (
        ("run", "mean_chroma", "here"),
        ("a <b>", "12.5 (11 to 14) %", "holds"),
        ("a <b>", "9 %", "does not hold"),
        ("c", "0.04 ± 0.01", "3"),
        ("d", "not kept", ""),
    )
    page = Table("t", "T & U", rows, links={"a <b>": [("recipe", "r.toml")]}).html()
    assert page.startswith('<h2 id="t">T &amp; U</h2>')
    assert '<th>run</th><th class="number">mean chroma</th><th>here</th>' in page
    assert page.count("a &lt;b&gt;") == 1, "two rows that begin alike share the cell"
    assert '<td rowspan="2">a &lt;b&gt; <a href="r.toml">recipe</a></td>' in page
    assert '<td class="number">12.5 %<small>(11 to 14)</small></td><td class="holds">holds</td>' in page
    assert '<tr><td class="number">9 %</td><td class="fails">does not hold</td></tr>' in page
    assert '<td class="number">0.04<small>± 0.01</small></td><td class="name">3</td>' in page, "no column of numbers"


def test_the_packaged_photographs_are_gray_squares() -> None:
    small = packaged(16)
    assert small.keys == ("astronaut.jpg", "cat.jpg", "coffee.jpg")
    assert (small.rgb.shape, small.rgb.dtype) == ((3, 16, 16, 3), np.uint8)
    assert (small.rgb == small.rgb[..., :1]).all()
    assert [round(float(each.std())) > 20 for each in small.rgb] == [True] * 3
