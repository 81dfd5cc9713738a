"""The ranges that come with the project fit their recipes."""

from pathlib import Path

import pytest

from photochrom.research.search.ranges import load_ranges
from photochrom.research.search.spans import Choices, Range
from photochrom.train.config import Recipe
from photochrom.train.recipe import load_recipe

RECIPES = Path(__file__).parents[3] / "recipes"
FILES = sorted((RECIPES / "search").glob("*.toml"))


def test_there_are_ranges():
    assert FILES


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_ranges_fit_the_recipe_of_their_name(path):
    # The learning rate's are for any.
    recipe = Recipe() if path.stem == "learning-rate" else load_recipe(RECIPES / path.name)
    ranges = load_ranges(path, recipe)
    assert ranges["optim.lr"] == Range(1e-5, 1e-1, log=True)
    if path.stem == "cnn-ce10":
        assert ranges["bins.count"] == Range(5, 50, step=5, whole=True)
        assert ranges["model.settings.kernel"] == Choices((3, 5, 7))
