"""Plans: what is trained, with which changes, and what is said of a wrong one."""

from __future__ import annotations

from pathlib import Path

import pytest

from photochrom.errors import BadRecipe, UnknownName
from photochrom.research.study.plan import Plan, jobs, load_plan
from photochrom.research.study.prepare import prepare
from photochrom.train.summary import summary

RECIPES = Path(__file__).parents[3] / "recipes"


def plan_of(folder: Path, text: str) -> Path:
    path = folder / "plan.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("scale", ["small", "medium", "paper"])
def test_shipped_plans_name_recipes_that_are_there(scale: str) -> None:
    plan = load_plan(RECIPES / "study" / f"{scale}.toml")
    found = jobs(plan, RECIPES)
    assert len(found) == sum(
        changes.get("seeds", len(plan.seeds)) for changes in plan.runs.values() if "given" not in changes
    ) + sum("given" in changes for changes in plan.runs.values())
    assert {"cnn-l2", "cnn-ce10", "baseline-cifar"} <= {job.name for job in found}


def test_the_gans_and_the_same_network_under_l2_get_the_same(tmp_path: Path) -> None:
    plan = load_plan(RECIPES / "study" / "adversarial.toml")
    found = {job.name: job.recipe for job in jobs(plan, RECIPES, seeds=[1])}
    gan, plain = found["cgan-small"], found["unet-l2-small"]
    assert (gan.task.name, plain.task.name, plain.loss.name) == ("adversarial", "supervised", "l2")
    for section in ("model", "data", "optim", "run", "decode"):
        assert getattr(gan, section) == getattr(plain, section), section


def test_the_paper_scale_is_the_papers_counts() -> None:
    plan = load_plan(RECIPES / "study" / "paper.toml")
    counts = plan.photographs
    assert (counts.train, counts.val, counts.test, counts.baseline_train) == (10_000, 1_000, 1_000, 2_000)
    for job in jobs(plan, RECIPES):
        run = job.recipe.run
        if job.name.endswith("-small"):
            continue  # ours, not the paper's
        images = counts.baseline_train if job.name == "baseline-cifar" else counts.train
        assert run.steps * run.batch == 200 * images, job.name
        assert run.batch == (50 if job.name == "cnn-ce10-batch50" else 250)
    assert not plan.overrides


def test_the_medium_scale_takes_what_decides_first() -> None:
    plan = load_plan(RECIPES / "study" / "medium.toml")
    counts = plan.photographs
    assert (counts.train, counts.val, counts.test, counts.baseline_train) == (10_000, 1_000, 1_000, 2_000)
    found = jobs(plan, RECIPES)
    assert [job.folder for job in found[:5]] == [
        "cnn-ce10-seed1",
        "cnn-l2-seed1",
        "cnn-l2-dropout-seed1",
        "cnn-smooth-l1-seed1",
        "cnn-ce10-seed2",
    ]
    parts = list(dict.fromkeys(job.part for job in found))
    assert parts[:4] == ["losses", "control", "bins", "further"]
    for name, count in {"cnn-smooth-l1": 3, "cnn-ce50": 3, "cnn-l2-conv": 2, "cnn-ce10-wide": 1}.items():
        assert sum(job.name == name for job in found) == count, name
    by_name = {job.name: job.recipe for job in found}
    for name in ("cnn-ce10", "cnn-l2", "cnn-ce10-conv", "cnn-l2-conv", "cnn-ce10-batch50", "cgan-small"):
        assert by_name[name].run.steps * by_name[name].run.batch == 12 * counts.train, name
    assert by_name["cnn-ce10-wide"].model.settings["channels"][1:6] == [64] * 5


def test_the_control_is_the_same_layers_without_the_weights() -> None:
    found = {job.name: job.recipe for job in jobs(load_plan(RECIPES / "study" / "medium.toml"), RECIPES)}
    full, conv = (summary(found[name]) for name in ("cnn-ce10", "cnn-ce10-conv"))
    assert full.parameters > 64e6
    assert conv.parameters < 0.2e6
    assert sum(layer.kind == "Conv2d" for layer in full.layers) == 9
    assert sum(layer.kind == "Conv2d" for layer in conv.layers) == 10  # and its head
    assert found["cnn-l2-conv"].optim == found["cnn-l2"].optim


def test_a_part_of_the_plan(recipes: Path) -> None:
    plan = load_plan(RECIPES / "study" / "medium.toml")
    assert {job.name for job in jobs(plan, RECIPES, parts=["bins"])} == {"cnn-ce30", "cnn-ce50"}
    assert [job.folder for job in jobs(plan, RECIPES, parts=["control"], seeds=[9])] == [
        "cnn-ce10-conv-seed9",
        "cnn-l2-conv-seed9",
    ]
    with pytest.raises(UnknownName, match="no part called 'bin'; there are: losses, control"):
        jobs(plan, RECIPES, parts=["bin"])
    with pytest.raises(UnknownName, match="no part called 'losses'; there are: none"):
        jobs(load_plan(recipes / "study" / "small.toml"), recipes, parts=["losses"])


def test_a_given_model_is_only_measured(tmp_path: Path) -> None:
    text = "seeds = [4, 5]\n[runs]\nours = { given = 'default', consistency = 'recurrent', size = 48 }"
    (job,) = jobs(load_plan(plan_of(tmp_path, text)), RECIPES, seeds=[7])
    assert (job.given, job.consistency, job.size, job.seed, job.started) == ("default", "recurrent", 48, 4, True)
    for wrong, message in (
        ("given = 'default'", "size is 0"),
        ("given = 'default', size = 64, 'run.steps' = 3", "nothing is trained"),
        ("consistency = 'recurrent'", "consistency is 'recurrent'"),
        ("seeds = 3", "seeds is 3; it must be at most 2"),
        ("seeds = true", "seeds is True"),
        ("part = 1", "part is 1"),
    ):
        with pytest.raises(BadRecipe, match=message):
            jobs(load_plan(plan_of(tmp_path, f"seeds = [4, 5]\n[runs]\ncnn-l2 = {{ {wrong} }}")), RECIPES)


def test_overrides_go_to_the_model_they_are_for(recipes: Path) -> None:
    found = {job.folder: job for job in jobs(load_plan(recipes / "study" / "small.toml"), recipes)}
    assert len(found) == 10
    assert found["cnn-l2-seed2"].recipe.run.seed == 2
    assert found["cnn-l2-seed1"].recipe.model.settings["channels"] == [2] * 8 + [1]
    assert found["baseline-cifar-seed1"].recipe.model.settings["channels"] == [2, 2, 1]


def test_seeds_go_one_after_the_other(recipes: Path) -> None:
    found = jobs(load_plan(recipes / "study" / "small.toml"), recipes)
    assert [job.seed for job in found] == [1] * 5 + [2] * 5


def test_a_choice_of_runs_and_seeds(recipes: Path) -> None:
    plan = load_plan(recipes / "study" / "small.toml")
    assert [job.folder for job in jobs(plan, recipes, ["cnn-l2"], [7])] == ["cnn-l2-seed7"]
    with pytest.raises(UnknownName, match="no run called 'cnn-l3'"):
        jobs(plan, recipes, ["cnn-l3"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("seeds = [1]", "names no runs"),
        ("seeds = [1, 1]\n[runs]\ncnn-l2 = {}", "different whole numbers"),
        ("sedes = [1]\n[runs]\ncnn-l2 = {}", "did you mean seeds"),
        ("[photographs]\ntrain = 0\n[runs]\ncnn-l2 = {}", "photographs.train is 0"),
        ("this is no TOML", "not a TOML file"),
    ],
)
def test_a_wrong_plan_is_named_in_one_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(BadRecipe, match=message) as error:
        load_plan(plan_of(tmp_path, text))
    assert "\n" not in str(error.value)


def test_a_run_may_start_from_a_model_and_be_measured_at_another_size(tmp_path: Path) -> None:
    text = "[runs]\nphotochrom-adversarial = { init = 'default', size = 48 }\ncnn-l2 = {}"
    vivid, plain = jobs(load_plan(plan_of(tmp_path, text)), RECIPES)
    assert (vivid.init, vivid.size, vivid.recipe.data.size) == ("default", 48, 128)
    assert (plain.init, plain.size) == (None, 64)
    with pytest.raises(BadRecipe, match="cnn-l2 is measured at 64 pixels, the runs before it at 48"):
        prepare(Plan(runs={"cnn-l2": {}}), tmp_path, [tmp_path], [], [vivid, plain])
    for wrong, what in (("size = 'large'", "size is 'large'"), ("init = 3", "init is 3")):
        with pytest.raises(BadRecipe, match=rf"runs.cnn-l2.{what}"):
            jobs(load_plan(plan_of(tmp_path, f"[runs]\ncnn-l2 = {{ {wrong} }}")), RECIPES)


def test_a_missing_plan_and_a_missing_recipe(tmp_path: Path) -> None:
    with pytest.raises(BadRecipe, match="cannot be read"):
        load_plan(tmp_path / "no.toml")
    plan = load_plan(plan_of(tmp_path, "[runs]\nbaseline-cifar = {}"))
    with pytest.raises(BadRecipe, match=r"baseline-cifar\.toml"):
        jobs(plan, tmp_path)
