"""Families: a run and its automatic retries count once."""

from datetime import timedelta

import pytest

from oso_dagster.domain.objectives.attempts import Judgement
from oso_dagster.orchestration.ledger import fill as ledger
from tests.orchestration.ledger.runs import asset, failing, fill, judgements, run


def test_an_automatic_retry_belongs_to_the_family_and_saves_it(retrying, store):
    first = run(retrying, asset("a", failing))
    assert retrying.get_run_by_id(first).tags["dagster/will_retry"] == "true"
    _, now = fill(retrying, store)
    assert judgements(store, now) == [Judgement.PENDING]
    second = run(retrying, asset("a"), tags={"dagster/retry_number": "1"}, parent=first)
    retrying.add_run_tags(first, {"dagster/auto_retry_run_id": second})
    _, now = fill(retrying, store)
    assert {attempt.family for attempt in store.attempts()} == {first}
    assert judgements(store, now) == [Judgement.GOOD]


@pytest.mark.parametrize("at_once", [1, 4_000])
def test_a_retry_of_a_retry_is_of_the_family_of_the_first_run_however_many_are_looked_at_at_once(
    retrying, store, monkeypatch, at_once
):
    monkeypatch.setattr(ledger, "_RUNS_AT_ONCE", at_once)
    first = parent = run(retrying, asset("a", failing))
    for number in (1, 2, 3):
        child = run(retrying, asset("a", failing), tags={"dagster/retry_number": str(number)}, parent=parent)
        retrying.add_run_tags(parent, {"dagster/auto_retry_run_id": child})
        parent = child
    fill(retrying, store)
    assert [attempt.family for attempt in store.attempts()] == [first] * 4


def test_a_family_whose_last_retry_fails_is_bad_once(retrying, store):
    first = run(retrying, asset("a", failing))
    second = run(retrying, asset("a", failing), tags={"dagster/retry_number": "1", "dagster/max_retries": "1"}, parent=first)
    retrying.add_run_tags(first, {"dagster/auto_retry_run_id": second})
    _, now = fill(retrying, store)
    assert judgements(store, now) == [Judgement.BAD]


def test_a_retry_that_nobody_makes_is_bad_after_an_hour(retrying, store):
    run(retrying, asset("a", failing))
    _, now = fill(retrying, store, after=timedelta(minutes=59))
    assert judgements(store, now) == [Judgement.PENDING]
    _, now = fill(retrying, store, after=timedelta(minutes=61))
    assert judgements(store, now) == [Judgement.BAD]


def test_a_retry_that_dagster_gives_up_is_bad_at_once(retrying, store):
    first = run(retrying, asset("a", failing))
    fill(retrying, store)
    retrying.add_run_tags(first, {"dagster/will_retry": "false"})
    _, now = fill(retrying, store)
    assert judgements(store, now) == [Judgement.BAD]


def test_a_failure_is_not_judged_before_dagster_has_said_whether_it_retries(instance, retrying, store):
    run(instance, asset("a", failing))
    _, now = fill(retrying, store)
    assert judgements(store, now) == [Judgement.PENDING]
    _, now = fill(retrying, store, after=timedelta(minutes=2))
    assert judgements(store, now) == [Judgement.BAD]


def test_a_manual_reexecution_is_a_family_of_its_own_and_does_not_erase_the_failure(instance, store):
    first = run(instance, asset("a", failing))
    run(instance, asset("a"), parent=first)
    _, now = fill(instance, store)
    assert judgements(store, now) == [Judgement.BAD, Judgement.GOOD]
