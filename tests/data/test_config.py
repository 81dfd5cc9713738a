"""What a kept sample forbids."""

import pytest

from photochrom.data.config import DataConfig
from photochrom.errors import BadRecipe

PLAIN = {"scale": (1.0, 1.0), "ratio": 1.0, "flip": False, "degrade": 0.0, "soften": 0.0, "cutmix": 0.0, "cache": True}


def test_plain_samples_may_be_kept():
    assert DataConfig(**PLAIN).whole
    assert not DataConfig().cache


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"scale": (0.5, 1.0)}, "data.scale is (0.5, 1.0); it must be (1.0, 1.0) where data.cache is true"),
        ({"ratio": 1.5}, "data.ratio is 1.5; it must be 1.0 where data.cache is true"),
        ({"flip": True}, "data.flip is True; it must be False where data.cache is true"),
        ({"degrade": 0.1}, "data.degrade is 0.1; it must be 0.0 where data.cache is true"),
        ({"cutmix": 0.5}, "data.cutmix is 0.5; it must be 0.0 where data.cache is true"),
        ({"soften": 1.0}, "data.soften is 1.0; it must be 0.0 where data.cache is true"),
    ],
)
def test_chance_forbids_it(setting, message):
    with pytest.raises(BadRecipe) as error:
        DataConfig(**PLAIN | setting)
    assert str(error.value) == message
    DataConfig(**PLAIN | setting | {"cache": False})
