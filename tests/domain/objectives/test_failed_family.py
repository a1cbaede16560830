from datetime import UTC, datetime, timedelta

from oso_dagster.domain.objectives.attempts import Attempt, Label, Outcome
from oso_dagster.domain.objectives.failed_family import failed_after

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
LONG_AGO = NOON - timedelta(days=9)


def attempt(hour, outcome=Outcome.FAILED, *, partition=None, family=None, will_retry=False):
    run = f"run-{hour}"
    ended = None if outcome is Outcome.PENDING else NOON + hour * HOUR
    return Attempt(
        run, "shop/a", partition, Label.CORE, outcome, family or run, NOON, ended, f"cause {hour}", will_retry=will_retry
    )


def failures(attempts, since=LONG_AGO, now=NOON + 100 * HOUR):
    return [(failure.run_id, failure.in_a_row) for failure in failed_after(attempts, since, now)]


def test_a_failure_is_told_with_its_run_cause_and_stability():
    [failure] = failed_after([attempt(1)], LONG_AGO, NOON + HOUR)
    assert (failure.asset, failure.family, failure.run_id, failure.cause) == ("shop/a", "run-1", "run-1", "cause 1")
    assert (failure.stability, failure.judged_at, failure.in_a_row) == (Label.CORE, NOON + HOUR, 1)


def test_the_second_failure_in_a_row_is_the_second_and_a_good_one_begins_anew():
    attempts = [attempt(1), attempt(2), attempt(3, Outcome.OK), attempt(4)]
    assert failures(attempts) == [("run-1", 1), ("run-2", 2), ("run-4", 1)]


def test_failures_before_the_span_are_counted_in_the_row_and_not_told():
    assert failures([attempt(1), attempt(2)], since=NOON + HOUR) == [("run-2", 2)]


def test_a_family_of_many_partitions_fails_once_in_a_row():
    assert failures([attempt(1, partition=day) for day in ("a", "b", "c")]) == [("run-1", 1)] * 3


def test_a_failure_that_waits_for_its_retry_is_not_told_before_its_patience_is_over():
    waiting = [attempt(1, will_retry=True)]
    assert failures(waiting, now=NOON + HOUR + timedelta(minutes=59)) == []
    assert failures(waiting, now=NOON + 2 * HOUR) == [("run-1", 1)]
    assert failures([*waiting, attempt(2, Outcome.OK, family="run-1")]) == []


def test_what_was_canceled_or_skipped_neither_fails_nor_ends_the_row():
    attempts = [attempt(1), attempt(2, Outcome.CANCELED), attempt(3, Outcome.SKIPPED_UPSTREAM), attempt(4)]
    assert failures(attempts) == [("run-1", 1), ("run-4", 2)]
