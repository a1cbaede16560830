"""SQLMesh models: every attempt that was reported counts."""

from datetime import UTC, datetime, timedelta

import dagster as dg
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.execution.api import execute_run

from oso_dagster.domain.objectives.attempts import Label, Outcome
from oso_dagster.reliability.failed_families import failed_families
from oso_dagster.reliability.newest import newest_good
from tests.orchestration.ledger.runs import failing, fill, job_of, outcomes, run


def report(context, name, outcome, *, at, cause="", partition=None, **more):
    metadata = {"attempt_outcome": outcome, "attempt_cause": cause, "attempt_started": at, "attempt_ended": at + 0.5} | more
    kind = dg.AssetMaterialization if outcome == "ok" else dg.AssetObservation
    context.log_event(kind(["shop", name], metadata=metadata, partition=partition))


def models(body):
    specs = [dg.AssetSpec(["shop", name], skippable=True) for name in "abc"]

    @dg.multi_asset(specs=specs, can_subset=True)
    def _models(context: dg.AssetExecutionContext):
        body(context)
        yield from ()

    return _models


def test_every_reported_attempt_at_a_model_counts_and_the_plan_does_not(instance, store):
    def body(context):
        start = datetime.now(UTC).timestamp() - 60
        report(context, "a", "failed", at=start, cause="audit not_null failed")
        report(context, "a", "ok", at=start + 10, **{"dagster/row_count": 3})
        report(context, "b", "skipped_upstream", at=start + 20)

    run(instance, models(body))
    fill(instance, store, label=Label.SQLMESH)
    reported = [(attempt.asset, attempt.outcome, attempt.cause, attempt.rows, attempt.reported) for attempt in store.attempts()]
    assert reported == [
        ("shop/a", Outcome.FAILED, "audit not_null failed", None, True),
        ("shop/a", Outcome.OK, "", 3, True),
        ("shop/b", Outcome.SKIPPED_UPSTREAM, "", None, True),
        ("shop/c", Outcome.NOT_EMITTED, "", None, False),
    ]


def test_a_reported_attempt_at_a_partition_is_one_of_that_partition(instance, store):
    def body(context):
        start = datetime.now(UTC).timestamp() - 60
        report(context, "a", "failed", at=start, partition="2026-01-02")
        report(context, "a", "ok", at=start + 10, partition="2026-01-03")

    run(instance, models(body))
    fill(instance, store, label=Label.SQLMESH)
    outcomes = {attempt.partition: attempt.outcome for attempt in store.attempts() if attempt.reported}
    assert outcomes == {"2026-01-02": Outcome.FAILED, "2026-01-03": Outcome.OK}


def test_a_model_that_was_only_promoted_or_up_to_date_was_not_attempted(instance, store):
    def body(context):
        context.log_event(dg.AssetMaterialization(["shop", "a"], metadata={"sqlmesh/version": "1"}))
        context.log_event(dg.AssetObservation(["shop", "b"], metadata={"sqlmesh/state": "up to date"}))

    run(instance, models(body))
    fill(instance, store, label=Label.SQLMESH)
    assert outcomes(store) == dict.fromkeys([(name, None) for name in "abc"], Outcome.NOT_EMITTED)


def test_a_model_run_that_named_its_failure_blames_nobody_else(instance, store):
    def body(context):
        report(context, "a", "failed", at=datetime.now(UTC).timestamp())
        raise dg.Failure("one model failed")

    run(instance, models(body))
    fill(instance, store, label=Label.SQLMESH)
    assert outcomes(store) == {("a", None): Outcome.FAILED, ("b", None): Outcome.NOT_EMITTED, ("c", None): Outcome.NOT_EMITTED}


def test_a_model_run_that_fails_before_any_model_is_one_failed_deployment_with_its_cause(instance, store):
    run(instance, models(lambda _: failing("linter: marts.a selects *")))
    _, now = fill(instance, store, label=Label.SQLMESH)
    attempts = {attempt.asset: attempt for attempt in store.attempts()}
    deployment = attempts.pop("_models/deployment")
    assert (deployment.outcome, deployment.cause, deployment.label) == (
        Outcome.FAILED,
        "ValueError: linter: marts.a selects *",
        Label.SQLMESH,
    )
    assert {attempt.outcome for attempt in attempts.values()} == {Outcome.NOT_EMITTED}
    (family,) = failed_families(store, now - timedelta(hours=1), now)
    assert (family.asset, family.in_a_row) == ("_models/deployment", 1)


def test_a_second_failed_deployment_is_the_second_in_a_row_until_a_model_is_good(instance, store):
    def good(context):
        report(context, "a", "ok", at=datetime.now(UTC).timestamp() - 0.6)

    for body in (good, failing, failing):
        run(instance, models(lambda context, body=body: body(context) if body is good else failing()))
    _, now = fill(instance, store, label=Label.SQLMESH)
    assert [family.in_a_row for family in failed_families(store, now - timedelta(hours=1), now)] == [1, 2]
    assert newest_good(store, {"_models/deployment"}).keys() == {("_models/deployment", "")}
    run(instance, models(good))
    _, now = fill(instance, store, label=Label.SQLMESH)
    last = max(family.judged_at for family in failed_families(store, now - timedelta(hours=1), now))
    assert newest_good(store, {"_models/deployment"})["_models/deployment", ""] > last


def test_a_pending_plan_gives_way_to_reported_attempts(instance, store):
    body = models(lambda context: report(context, "a", "ok", at=datetime.now(UTC).timestamp()))
    job = job_of(body)
    created = instance.create_run_for_job(job)
    fill(instance, store, label=Label.SQLMESH)
    assert set(outcomes(store).values()) == {Outcome.PENDING}
    execute_run(InMemoryJob(job), created, instance, raise_on_error=False)
    fill(instance, store, label=Label.SQLMESH)
    assert [(attempt.asset, attempt.outcome) for attempt in store.attempts() if attempt.outcome is not Outcome.NOT_EMITTED] == [
        ("shop/a", Outcome.OK)
    ]
    assert Outcome.PENDING not in outcomes(store).values()
