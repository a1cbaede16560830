"""Runs that did not end by themselves: pending, orphaned, canceled, interrupted."""

from datetime import timedelta

import dagster as dg
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.execution.api import execute_run

from oso_dagster.domain.objectives.attempts import Judgement, Outcome
from oso_dagster.orchestration.ledger.run_reader import ORPHANED_AFTER
from tests.orchestration.ledger.runs import asset, failing, fill, job_of, judgements, outcomes, run


def test_a_pending_run_becomes_final_when_it_ends(instance, store):
    job = job_of(asset("a"))
    created = instance.create_run_for_job(job)
    fill(instance, store)
    execute_run(InMemoryJob(job), created, instance, raise_on_error=False)
    fill(instance, store)
    assert outcomes(store) == {("a", None): Outcome.OK}


def test_a_run_that_dies_before_its_step_has_failed(instance, store):
    job = job_of(asset("a"))
    created = instance.create_run_for_job(job)
    instance.report_run_failed(created, "the pod never came up")
    fill(instance, store)
    [attempt] = store.attempts()
    assert attempt.outcome is Outcome.FAILED
    assert "the pod never came up" in attempt.cause


def test_a_run_that_never_ends_is_pending_for_a_day_and_then_failed(instance, store):
    job = job_of(asset("a"))
    instance.create_run_for_job(job)
    fill(instance, store, after=ORPHANED_AFTER - timedelta(minutes=1))
    assert outcomes(store) == {("a", None): Outcome.PENDING}
    fill(instance, store, after=ORPHANED_AFTER + timedelta(minutes=1))
    assert outcomes(store) == {("a", None): Outcome.FAILED}


def test_a_canceled_run_is_not_counted(instance, store):
    job = job_of(asset("a"))
    created = instance.create_run_for_job(job)
    instance.report_run_canceled(created)
    _, now = fill(instance, store)
    assert outcomes(store) == {("a", None): Outcome.CANCELED}
    assert judgements(store, now) == [Judgement.UNCOUNTED]


def test_a_step_that_is_interrupted_by_a_person_is_canceled(instance, store):
    @dg.asset(key=dg.AssetKey(["shop", "a"]))
    def interrupted(context: dg.AssetExecutionContext) -> None:
        context.instance.report_run_canceling(context.run)
        raise KeyboardInterrupt

    run(instance, interrupted)
    fill(instance, store)
    assert outcomes(store) == {("a", None): Outcome.CANCELED}


def test_a_step_that_is_interrupted_by_anything_else_has_failed(instance, store):
    def interrupted():
        raise KeyboardInterrupt

    run(instance, asset("a", interrupted))
    fill(instance, store)
    assert outcomes(store) == {("a", None): Outcome.FAILED}


def test_a_step_that_failed_before_its_run_was_canceled_has_failed(instance, store):
    @dg.asset(key=dg.AssetKey(["shop", "b"]), deps=[["shop", "c"]])
    def canceled(context: dg.AssetExecutionContext) -> None:
        context.instance.report_run_canceling(context.run)
        raise KeyboardInterrupt

    run(instance, asset("a", failing), asset("c"), canceled)
    fill(instance, store)
    assert outcomes(store)[("a", None)] is Outcome.FAILED
    assert outcomes(store)[("b", None)] is Outcome.CANCELED
