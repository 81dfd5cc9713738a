"""Ranges: what a TOML file may say, what is wrong in one, and how they narrow."""

import tomllib

import pytest

from photochrom.errors import BadRecipe, UnknownName
from photochrom.research.search.ranges import load_ranges, parse_ranges, with_values
from photochrom.research.search.result_files import write
from photochrom.research.search.spans import Choices, Range, narrowed
from photochrom.research.search.trial import Outcome, Trial


@pytest.fixture
def ranges(tmp_path, recipe):
    def load(text):
        path = tmp_path / "ranges.toml"
        path.write_text(text, encoding="utf-8")
        return load_ranges(path, recipe)

    return load


def test_every_kind_in_both_spellings(ranges):
    found = ranges("""
        [ranges]
        "run.batch" = { choices = [2, 4] }
        "bins.count" = { low = 5, high = 52, step = 5 }
        model.settings.kernel = { low = 3, high = 7 }
        "optim.betas" = { choices = [[0.9, 0.999], [0.5, 0.9]] }
        [ranges.optim.lr]
        low = 1e-5
        high = 1
        log = true
        """)
    assert list(found.items()) == [
        ("bins.count", Range(5, 50, step=5, whole=True)),
        ("model.settings.kernel", Range(3, 7, whole=True)),
        ("optim.betas", Choices(([0.9, 0.999], [0.5, 0.9]))),
        ("optim.lr", Range(1e-5, 1, log=True)),
        ("run.batch", Choices((2, 4))),
    ]


def test_steps_in_decimals(ranges):
    assert ranges('[ranges]\n"loss.rebalance" = { low = 0.1, high = 0.3, step = 0.1 }')["loss.rebalance"].high == 0.3
    assert ranges('[ranges]\n"loss.rebalance" = { low = 0.1, high = 0.39, step = 0.1 }')["loss.rebalance"].high == 0.3


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("", 'there is nothing to search; add [ranges] "optim.lr" = { low = 1e-5, high = 1e-1 }'),
        ('"optim.rl" = { low = 1, high = 2 }', "optim.rl is not a setting; did you mean optim.lr?"),
        (
            '"model.settings.kernels" = { choices = [1] }',
            "model.settings.kernels is not a setting; did you mean model.settings.kernel?",
        ),
        ('"optim.lr.x" = { choices = [1] }', "optim.lr.x: lr is not a section of the recipe"),
        ('"optim.lr" = { low = 1e-1, high = 1e-5 }', "optim.lr: low is 0.1 and high is 1e-05; low must be less"),
        ('"optim.lr" = { low = 1e-3, high = 1e-3 }', "optim.lr: low is 0.001 and high is 0.001; low must be less"),
        ('"optim.lr" = { low = nan, high = 1 }', "optim.lr: low is nan and high is 1; low must be less"),
        ('"optim.lr" = { low = 0, high = inf }', "optim.lr: low is 0 and high is inf; low must be less"),
        ('"optim.lr" = { low = 0, high = 1, log = true }', "optim.lr: a logarithmic range starts above 0 and has no"),
        ('"optim.lr" = { low = 0, high = 1 }', "optim.lr is 0.0; it must be above 0 and at most 10"),
        ('"optim.lr" = { low = 1, high = 20 }', "optim.lr is 20.0; it must be above 0 and at most 10"),
        ('"optim.lr" = { low = 1 }', "optim.lr needs low and high, or choices"),
        ('"optim.lr" = 3', "optim.lr must be a table of settings, not 3"),
        ('"optim.lr" = { low = 1, hgih = 2 }', "optim.lr.hgih is not a setting; did you mean optim.lr.high?"),
        ('"optim.lr" = { low = "1", high = 2 }', "optim.lr.low is '1'; it must be a number"),
        ('"optim.lr" = { choices = [] }', "optim.lr: choices is []; it must be a list of values, without low"),
        ('"optim.lr" = { choices = [1], low = 1 }', "optim.lr: choices is [1]; it must be a list of values, wi"),
        ('"optim.lr" = { choices = [1, 11] }', "optim.lr is 11.0; it must be above 0 and at most 10"),
        ('"title" = { choices = ["a"] }', "title cannot be searched: it has no effect on training"),
        ('"decode.vividness" = { low = 0, high = 1 }', "decode.vividness cannot be searched: it has no effect on"),
        ('"run.steps" = { low = 1, high = 9 }', "run.steps cannot be searched: --steps sets the steps"),
        ('"run.batch" = { low = 1.5, high = 9 }', "run.batch is 1.5; it must be a whole number"),
        ('"run.batch" = { low = 1, high = 9, step = 0.5 }', "run.batch: step is 0.5; it must be a whole number above"),
        (
            '"optim.lr" = { low = 1, high = 2, step = 3 }',
            "optim.lr: step is 3; it must be a number above 0 and at most",
        ),
        ('"optim.name" = { low = 1, high = 2 }', "optim.name is 1.0; it must be text"),
        ('"optim.name" = { choices = ["adam", "lion"] }', "optim.name is 'lion'; it must be adamw, adam, nadam or sgd"),
        ('"optim.name" = { choices = [1979-05-27] }', "optim.name: 1979-05-27 cannot be a choice; numbers, text,"),
    ],
)
def test_what_is_wrong_is_named(ranges, tmp_path, line, message):
    with pytest.raises(BadRecipe) as error:
        ranges(f"[ranges]\n{line}\n")
    assert str(error.value).startswith(f"{tmp_path / 'ranges.toml'}: {message}")
    assert "\n" not in str(error.value)


def test_names_of_parts_are_looked_up(ranges):
    with pytest.raises(UnknownName, match="cross_entropy"):
        ranges('[ranges]\n"loss.name" = { choices = ["l2", "cross_entropi"] }')


def test_files_that_hold_no_ranges(ranges, recipe, tmp_path):
    with pytest.raises(BadRecipe, match="there is nothing to search"):
        ranges("")
    with pytest.raises(BadRecipe, match="there is nothing to search"):
        ranges("ranges = 3")
    with pytest.raises(BadRecipe, match="optim is not allowed here; put ranges into"):
        ranges("[optim]\nlr = 3\n[ranges]")
    with pytest.raises(BadRecipe, match="not a TOML file"):
        ranges("[ranges")
    with pytest.raises(BadRecipe, match=r"nowhere\.toml: the ranges cannot be read"):
        load_ranges(tmp_path / "nowhere.toml", recipe)


def test_draws_stay_in_range_and_have_the_fields_type(recipe):
    from optuna import create_study
    from optuna.logging import CRITICAL, get_verbosity, set_verbosity
    from optuna.samplers import RandomSampler

    table = {
        "optim.lr": {"low": 1e-4, "high": 1e-2, "log": True},
        "run.batch": {"low": 2, "high": 8, "step": 3},
        "loss.rebalance": {"low": 0, "high": 1},
        "optim.betas": {"choices": [[0.9, 0.999], [0.5, 0.9]]},
    }
    spans = parse_ranges(table, recipe, "here")
    before = get_verbosity()
    set_verbosity(CRITICAL)
    study = create_study(sampler=RandomSampler(seed=0))
    set_verbosity(before)
    drawn = []
    for _ in range(200):
        params = study.ask({name: span.distribution() for name, span in spans.items()}).params
        drawn.append({name: span.value(params[name]) for name, span in spans.items()})
    rates = [values["optim.lr"] for values in drawn]
    assert 1e-4 <= min(rates) < 1.3e-4
    assert 0.8e-2 < max(rates) <= 1e-2
    # Evenly in the logarithm: half of them are under the geometric mean.
    assert sum(rate < 1e-3 for rate in rates) == pytest.approx(100, abs=20)
    assert {(type(values["run.batch"]), values["run.batch"]) for values in drawn} == {(int, 2), (int, 5), (int, 8)}
    assert {type(values["loss.rebalance"]) for values in drawn} == {float}
    assert {str(values["optim.betas"]) for values in drawn} == {"[0.9, 0.999]", "[0.5, 0.9]"}


def test_narrowing_by_hand():
    ranges = {
        "bins.count": Range(5, 50, step=5, whole=True),
        "model.settings.kernel": Choices((3, 5, 7)),
        "optim.clip": Range(0, 2),
        "optim.lr": Range(1e-5, 1e-1, log=True),
        "run.batch": Range(10, 20, whole=True),
    }
    best = [
        {"optim.lr": 2e-3, "bins.count": 20, "model.settings.kernel": 7, "optim.clip": 1.5, "run.batch": 12},
        {"optim.lr": 5e-4, "bins.count": 10, "model.settings.kernel": 3, "optim.clip": 1.5, "run.batch": 12},
        {"optim.lr": 1e-3, "bins.count": 35, "model.settings.kernel": 7, "optim.clip": 1.5, "run.batch": 12},
    ]
    assert narrowed(ranges, best) == {
        "bins.count": Range(10, 35, step=5, whole=True),
        "model.settings.kernel": Choices((3, 7)),
        "optim.clip": Choices((1.5,)),
        "optim.lr": Range(5e-4, 2e-3, log=True),
        "run.batch": Choices((12,)),
    }


def test_values_go_into_a_recipe(recipe):
    made = with_values(recipe, {"optim.lr": 1, "model.settings.kernel": 5, "optim.betas": [0.5, 0.9]})
    assert (made.optim.lr, made.model.settings["kernel"], made.optim.betas) == (1.0, 5, (0.5, 0.9))
    assert recipe.optim.lr == 2e-3


def test_ranges_there_and_back(ranges, recipe, tmp_path):
    found = ranges("""
        [ranges]
        "optim.lr" = { low = 1e-5, high = 1e-1, log = true }
        "optim.name" = { choices = ["adam", "sgd"] }
        "run.batch" = { low = 2, high = 8, step = 2 }
        """)
    write([Trial(1, {}, Outcome(reason="x"), None)], found, False, tmp_path)
    text = (tmp_path / "ranges.toml").read_text()
    assert tomllib.loads(text)["ranges"]["run.batch"] == {"low": 2, "high": 8, "step": 2}
    assert ranges(text) == found


def test_settings_of_a_network_may_depend_on_each_other(recipe):
    assert parse_ranges({"model.settings.kernel": {"choices": [3, "x"]}}, recipe, "here")
    with pytest.raises(BadRecipe, match=r"here: model\.settings\.kernel is 'x'; it must be a whole number"):
        parse_ranges({"model.settings.kernel": {"choices": ["x", "y"]}}, recipe, "here")
