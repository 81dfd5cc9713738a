"""Settings from plain values: every wrong key and type in one line."""

import json
from dataclasses import dataclass, field
from typing import Any, Literal

import pytest

from photochrom._support.settings import from_dict, to_dict
from photochrom.errors import BadRecipe


@dataclass(frozen=True)
class Inner:
    rate: float = 0.1
    name: str = "adam"


@dataclass(frozen=True)
class Outer:
    count: int = 1
    on: bool = True
    pair: tuple[float, float] = (0.0, 1.0)
    widths: tuple[int, ...] = ()
    free: dict[str, Any] = field(default_factory=dict)
    maybe: int | None = None
    inner: Inner = field(default_factory=Inner)
    either: bool | Literal["all"] = False
    perhaps: tuple[float, float] | None = None


def test_values_take_their_fields_types():
    made = from_dict(
        Outer,
        {"count": 3, "on": False, "pair": [1, 2.5], "widths": [4, 5], "free": {"x": [1]}, "inner": {"rate": 1}},
    )
    assert made == Outer(3, False, (1.0, 2.5), (4, 5), {"x": [1]}, None, Inner(1.0))
    assert isinstance(made.pair[0], float)
    assert isinstance(made.inner.rate, float)
    assert from_dict(Outer, {"maybe": 4}).maybe == 4
    assert from_dict(Outer, {"maybe": None}).maybe is None
    assert [from_dict(Outer, {"either": value}).either for value in (True, "all")] == [True, "all"]
    assert from_dict(Outer, {}) == Outer()


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"cuont": 1}, "cuont is not a setting; did you mean count?"),
        ({"inner": {"rte": 1}}, "inner.rte is not a setting; did you mean inner.rate?"),
        ({"inner": {"zzz": 1}}, "inner.zzz is not a setting; there are: rate, name"),
        ({"inner": 3}, "inner must be a table of settings, not 3"),
        ({"count": 1.5}, "count is 1.5; it must be a whole number"),
        ({"count": True}, "count is True; it must be a whole number"),
        ({"count": "1"}, "count is '1'; it must be a whole number"),
        ({"on": 1}, "on is 1; it must be true or false"),
        ({"inner": {"rate": "fast"}}, "inner.rate is 'fast'; it must be a number"),
        ({"inner": {"rate": True}}, "inner.rate is True; it must be a number"),
        ({"inner": {"name": 1}}, "inner.name is 1; it must be text"),
        ({"pair": [1]}, "pair needs 2 values, not 1"),
        ({"pair": [1, "x"]}, "pair[1] is 'x'; it must be a number"),
        ({"pair": 1}, "pair is 1; it must be a list"),
        ({"free": 1}, "free is 1; it must be a table"),
        ({"maybe": "x"}, "maybe is 'x'; it must be a whole number"),
        ({"perhaps": [1, "x"]}, "perhaps[1] is 'x'; it must be a number"),
        ({"either": 1.5}, "either is 1.5; it must be true or false, or 'all'"),
    ],
)
def test_what_is_wrong_is_named(facts, message):
    with pytest.raises(BadRecipe) as error:
        from_dict(Outer, facts)
    assert str(error.value) == message


def test_a_recipe_that_is_no_table():
    with pytest.raises(BadRecipe, match=r"^the recipe must be a table of settings, not \[\]$"):
        from_dict(Outer, [])


def test_there_and_back():
    made = Outer(2, False, (0.25, 1e-7), (1, 2), {"a": None, "b": {"c": 1}}, None, Inner(3.0, "ä"))
    plain = to_dict(made)
    assert plain["widths"] == [1, 2]
    assert "maybe" not in plain
    assert plain["free"] == {"b": {"c": 1}}
    again = from_dict(Outer, json.loads(json.dumps(plain)))
    assert again == Outer(2, False, (0.25, 1e-7), (1, 2), {"b": {"c": 1}}, None, Inner(3.0, "ä"))
