"""Times as people write them."""

import pytest

from photochrom._support.text import seconds_of


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90),
        ("12.5s", 12.5),
        (".5", 0.5),
        ("1:02.5", 62.5),
        ("1:00:02.5", 3602.5),
        ("0:90", 90),
        ("7.", 7),
        ("-1:30", -90),
    ],
)
def test_times(text, seconds):
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "x", "1:x", "1:2:3:4", "--5", "1:-5", "nan", "inf", "1::2", "1:"])
def test_what_is_no_time(text):
    with pytest.raises(ValueError, match="is not a time; give seconds, M:S or H:M:S"):
        seconds_of(text)
