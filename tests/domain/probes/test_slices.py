from datetime import UTC, datetime, timedelta

import pytest

from oso_dagster.domain.probes.declaration import HttpProbe
from oso_dagster.domain.probes.slices import SLICE, Check, judge

END = datetime(2026, 3, 1, 12, 1, tzinfo=UTC)


def judged(outcomes, failures=2, before=0):
    """`+` is a good check, `-` a failed one."""
    probe = HttpProbe(
        name="a", objective="public_applications.availability", slice="a", url="http://a.example", failures=failures
    )
    begin = END - SLICE
    checks = [
        Check(begin + timedelta(seconds=20 * number), "" if sign == "+" else f"cause {number}", 0.1)
        for number, sign in enumerate(outcomes)
    ]
    return judge(probe, END, checks, before)


@pytest.mark.parametrize(
    ("outcomes", "before", "good", "row"),
    [
        ("+++", 0, 1, 0),
        ("-++", 0, 1, 0),
        ("+-+", 0, 1, 0),
        ("--+", 0, 0, 0),
        ("+--", 0, 0, 2),
        ("-++", 1, 0, 0),  # the second in a row was in this slice
        ("++-", 0, 1, 1),
        ("-+-", 1, 0, 1),
        ("---", 5, 0, 8),
        ("+++", 5, 1, 0),
        ("-+", 0, 1, 0),
    ],
)
def test_a_slice_is_bad_when_enough_checks_in_a_row_had_failed_at_some_time_in_it(outcomes, before, good, row):
    result = judged(outcomes, before=before)
    assert (result.sample.count.good, result.sample.count.valid, result.failed_in_a_row) == (good, 1, row)
    assert result.sample.count.at == END
    assert bool(result.sample.cause) == (not good)


@pytest.mark.parametrize(("outcomes", "failures"), [("", 1), ("+", 2), ("-", 2), ("++", 3)])
def test_a_slice_of_which_too_little_was_measured_is_missing_and_not_good(outcomes, failures):
    assert judged(outcomes, failures).sample is None


def test_what_failed_before_a_gap_is_not_in_a_row_with_what_fails_after_it():
    assert judged("", before=1).failed_in_a_row == 0


def test_the_cause_of_a_slice_is_that_of_the_check_which_made_it_bad():
    assert judged("+--").sample.cause == "cause 2"
