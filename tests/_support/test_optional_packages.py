"""A package that is missing names its extra; a fault of ours stays a fault."""

import pytest

from photochrom._support.optional_packages import training
from photochrom.errors import MissingExtra


def test_a_missing_package_names_the_extra():
    with pytest.raises(MissingExtra, match=r"^the plot needs the extra 'train'") as caught, training("the plot"):
        import no_such_package_at_all  # noqa: F401
    assert caught.value.extra == "train"


def test_what_is_no_missing_package_passes():
    with pytest.raises(ModuleNotFoundError, match=r"photochrom\.nowhere"), training("x"):
        import photochrom.nowhere  # noqa: F401
    with pytest.raises(ZeroDivisionError), training("x"):
        1 / 0  # noqa: B018
    with training("x"):
        import json  # noqa: F401
