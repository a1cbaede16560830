from datetime import timedelta

import pytest

from oso_dagster.domain.durations import duration


@pytest.mark.parametrize(
    ("time", "text"),
    [
        (timedelta(hours=49, minutes=5), "2 d 1 h"),
        (timedelta(hours=36), "1 d 12 h"),
        (timedelta(days=2, minutes=9), "2 d 9 min"),
        (timedelta(hours=1), "1 h"),
        (timedelta(seconds=59), "less than a minute"),
        (timedelta(seconds=-5), "less than a minute"),
    ],
)
def test_a_span_is_told_in_its_two_largest_units(time, text):
    assert duration(time) == text
