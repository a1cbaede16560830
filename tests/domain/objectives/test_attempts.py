from datetime import UTC, datetime, timedelta

import pytest

from oso_dagster.domain.objectives.attempts import (
    RETRY_PATIENCE,
    Attempt,
    AttemptFacts,
    Judgement,
    Label,
    Outcome,
    RunState,
    StepEnd,
    classify,
    classify_unreported,
    judge_families,
    judge_family,
)

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def attempt(outcome, *, ended=NOON, run="r1", family="r1", asset="shop/things", partition=None, will_retry=False):
    ended = None if outcome is Outcome.PENDING else ended
    return Attempt(run, asset, partition, Label.CORE, outcome, family, NOON - MINUTE, ended, will_retry=will_retry)


CASES = {
    "a step retry that ends well": (AttemptFacts(RunState.SUCCEEDED, StepEnd.SUCCEEDED, True), Outcome.OK),
    "a good run whose log was not read": (AttemptFacts(RunState.SUCCEEDED, None, True), Outcome.OK),
    "an optional output that was not yielded": (AttemptFacts(RunState.SUCCEEDED, StepEnd.SUCCEEDED, False), Outcome.NOT_EMITTED),
    "a step that Dagster skipped, with nothing to do": (
        AttemptFacts(RunState.SUCCEEDED, StepEnd.SKIPPED, False),
        Outcome.NOT_EMITTED,
    ),
    "a failed step": (AttemptFacts(RunState.FAILED, StepEnd.FAILED, False), Outcome.FAILED),
    "a blocking check that failed after the write": (AttemptFacts(RunState.FAILED, StepEnd.FAILED, True), Outcome.FAILED),
    "what landed before its step failed at something else": (
        AttemptFacts(RunState.FAILED, StepEnd.FAILED, True, shared=True),
        Outcome.OK,
    ),
    "what had not landed when its step failed": (
        AttemptFacts(RunState.FAILED, StepEnd.FAILED, False, shared=True),
        Outcome.FAILED,
    ),
    "what landed before the process of its step died": (
        AttemptFacts(RunState.FAILED, StepEnd.CRASHED, True, shared=True),
        Outcome.OK,
    ),
    "a blocking check that failed after several were written": (
        AttemptFacts(RunState.FAILED, StepEnd.REFUSED, True, shared=True),
        Outcome.FAILED,
    ),
    "a process that died in the step": (AttemptFacts(RunState.FAILED, StepEnd.CRASHED, False), Outcome.FAILED),
    "a failed step in a run that goes on": (AttemptFacts(RunState.ACTIVE, StepEnd.FAILED, False), Outcome.FAILED),
    "what stands behind a failure": (AttemptFacts(RunState.FAILED, None, False, upstream_failed=True), Outcome.SKIPPED_UPSTREAM),
    "a run that died before the step": (AttemptFacts(RunState.FAILED, None, False), Outcome.FAILED),
    "a run that is going on": (AttemptFacts(RunState.ACTIVE, None, False), Outcome.PENDING),
    "a step that wrote and is still checking": (AttemptFacts(RunState.ACTIVE, None, True), Outcome.PENDING),
    "a run that a person ended before the step": (AttemptFacts(RunState.CANCELED, None, False), Outcome.CANCELED),
    "a step that a person interrupted": (AttemptFacts(RunState.CANCELED, StepEnd.INTERRUPTED, False), Outcome.CANCELED),
    "a step that failed before the person came": (AttemptFacts(RunState.CANCELED, StepEnd.FAILED, False), Outcome.FAILED),
    "a step that a time limit interrupted": (AttemptFacts(RunState.FAILED, StepEnd.INTERRUPTED, False), Outcome.FAILED),
    "an interrupted step whose run is not over": (AttemptFacts(RunState.ACTIVE, StepEnd.INTERRUPTED, False), Outcome.PENDING),
    "a run that was deleted before its end was read": (AttemptFacts(RunState.DELETED, None, False), Outcome.CANCELED),
}


@pytest.mark.parametrize("name", CASES)
def test_facts_have_one_outcome(name):
    facts, outcome = CASES[name]
    assert classify(facts) is outcome


def test_a_model_that_was_up_to_date_is_not_an_attempt():
    assert classify_unreported(AttemptFacts(RunState.SUCCEEDED, None, True)) is Outcome.NOT_EMITTED


def test_a_crash_is_not_excused_by_an_earlier_report():
    crashed = AttemptFacts(RunState.FAILED, StepEnd.CRASHED, False)
    assert classify_unreported(crashed) is Outcome.FAILED


def test_a_step_of_models_that_ended_by_itself_leaves_no_failure_for_those_that_it_did_not_name():
    assert classify_unreported(AttemptFacts(RunState.FAILED, StepEnd.FAILED, False)) is Outcome.NOT_EMITTED


def test_a_family_is_good_when_any_run_of_it_materialized():
    unit = [attempt(Outcome.FAILED, will_retry=True), attempt(Outcome.OK, ended=NOON + MINUTE, run="r2")]
    judged = judge_family(unit, NOON + 2 * MINUTE)
    assert (judged.judgement, judged.at) == (Judgement.GOOD, NOON + MINUTE)


def test_a_family_is_bad_when_its_last_attempt_failed():
    unit = [attempt(Outcome.FAILED, ended=NOON + MINUTE, run="r2"), attempt(Outcome.FAILED, will_retry=True)]
    judged = judge_family(unit, NOON + MINUTE)
    assert (judged.judgement, judged.at) == (Judgement.BAD, NOON + MINUTE)


def test_a_family_with_a_retry_under_way_is_not_counted_yet():
    unit = [attempt(Outcome.FAILED, will_retry=True), attempt(Outcome.PENDING, run="r2")]
    assert judge_family(unit, NOON + 30 * RETRY_PATIENCE).judgement is Judgement.PENDING


def test_an_announced_retry_is_waited_for_exactly_as_long_as_stated():
    unit = [attempt(Outcome.FAILED, will_retry=True)]
    assert judge_family(unit, NOON + RETRY_PATIENCE - timedelta(microseconds=1)).judgement is Judgement.PENDING
    judged = judge_family(unit, NOON + RETRY_PATIENCE)
    assert (judged.judgement, judged.at) == (Judgement.BAD, NOON + RETRY_PATIENCE)


@pytest.mark.parametrize("outcome", [Outcome.SKIPPED_UPSTREAM, Outcome.CANCELED, Outcome.NOT_EMITTED])
def test_what_is_neither_good_nor_bad_is_not_counted(outcome):
    assert judge_family([attempt(outcome)], NOON).judgement is Judgement.UNCOUNTED


def test_families_assets_and_partitions_are_judged_apart():
    attempts = [
        attempt(Outcome.FAILED),
        attempt(Outcome.OK, run="r2", family="r2"),
        attempt(Outcome.OK, asset="shop/prices"),
        attempt(Outcome.OK, partition="2026-03-01"),
    ]
    assert [family.judgement for family in judge_families(attempts, NOON)] == [
        Judgement.BAD,
        Judgement.GOOD,
        Judgement.GOOD,
        Judgement.GOOD,
    ]
