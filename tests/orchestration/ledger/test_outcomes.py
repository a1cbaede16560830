"""What becomes of an asset in a run that ended by itself."""

from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.execution.api import execute_run

from oso_dagster.domain.objectives.attempts import Judgement, Label, Outcome
from oso_dagster.orchestration.ledger.fill import LedgerFill
from oso_dagster.orchestration.ledger.required_proofs import Proofs
from tests.orchestration.ledger.runs import DAYS, asset, failing, fill, judgements, outcomes, run


@pytest.mark.parametrize("metadata", [{"dagster/row_count": 42}, {"dagster/row_count": 900, "rows_loaded": 42}])
def test_a_good_run_is_one_ok_attempt_with_the_rows_of_its_load_and_its_times(instance, store, metadata):
    before = datetime.now(UTC)
    run_id = run(instance, asset("a", lambda: dg.MaterializeResult(metadata=metadata)))
    fill(instance, store)
    [attempt] = store.attempts()
    assert (attempt.asset, attempt.outcome, attempt.rows, attempt.run_id) == ("shop/a", Outcome.OK, 42, run_id)
    assert before <= attempt.started <= attempt.ended <= datetime.now(UTC)
    assert store.ledger.last_good()["shop/a"].rows == 42


def test_a_step_that_is_retried_and_then_good_is_one_ok_attempt(instance, store):
    tries = []

    def second_time():
        tries.append(1)
        if len(tries) == 1:
            failing()

    run(instance, asset("a", second_time, retry_policy=dg.RetryPolicy(max_retries=1)))
    fill(instance, store)
    assert len(tries) == 2
    assert outcomes(store) == {("a", None): Outcome.OK}
    assert [attempt.step_retries for attempt in store.attempts()] == [1]


def test_how_often_the_steps_of_an_old_good_run_were_retried_is_not_known(instance, store):
    run(instance, asset("a"))
    fill(instance, store, after=timedelta(hours=2))
    assert [(attempt.outcome, attempt.step_retries) for attempt in store.attempts()] == [(Outcome.OK, None)]


def test_a_step_that_fails_after_its_retries_has_failed_and_names_the_cause_without_secrets(instance, store):
    run(instance, asset("a", lambda: failing("no entry for s3cr3t"), retry_policy=dg.RetryPolicy(max_retries=1)))
    fill(instance, store, secrets=["s3cr3t"])
    [attempt] = store.attempts()
    assert attempt.outcome is Outcome.FAILED
    assert attempt.cause == "ValueError: no entry for ***"
    assert attempt.step_retries == 1


def test_a_cause_that_no_database_keeps_as_it_is_is_kept_spelled_out(instance, store):
    run(instance, asset("a", lambda: failing("a\0b \x1b[31m")))
    fill(instance, store)
    assert [attempt.cause for attempt in store.attempts()] == ["ValueError: a\\x00b \\x1b[31m"]


def test_a_failure_that_was_raised_with_words_is_told_in_these_words_alone(instance, store):
    def give_up():
        raise dg.Failure("shop/a: the till is stuck", allow_retries=False)

    run(instance, asset("a", give_up, retry_policy=dg.RetryPolicy(max_retries=1)))
    fill(instance, store)
    assert [attempt.cause for attempt in store.attempts()] == ["shop/a: the till is stuck"]


def test_a_failure_whose_facts_are_no_json_is_read_as_any_other(instance, store):
    def stop():
        raise dg.Failure("the scales are stuck", metadata={"weight": float("nan")})

    run(instance, asset("a", stop))
    fill(instance, store)
    assert [(attempt.outcome, attempt.cause) for attempt in store.attempts()] == [(Outcome.FAILED, "the scales are stuck")]


def test_what_stands_behind_a_failure_is_skipped_and_its_sibling_is_good(instance, store):
    broken = asset("a", failing)
    behind = asset("b", deps=[broken])
    run(instance, broken, behind, asset("c", deps=[behind]), asset("d"))
    fill(instance, store, names="abcd")
    assert outcomes(store) == {
        ("a", None): Outcome.FAILED,
        ("b", None): Outcome.SKIPPED_UPSTREAM,
        ("c", None): Outcome.SKIPPED_UPSTREAM,
        ("d", None): Outcome.OK,
    }


def test_an_optional_output_that_is_not_emitted_is_not_counted(instance, store):
    @dg.asset(key=dg.AssetKey(["shop", "a"]), output_required=False)
    def nothing_due():
        yield from ()

    run(instance, nothing_due, asset("b", deps=[nothing_due]))
    fill(instance, store)
    assert outcomes(store)[("a", None)] is Outcome.NOT_EMITTED
    assert Judgement.BAD not in judgements(store, datetime.now(UTC))


def test_an_optional_output_in_a_run_that_fails_elsewhere_is_still_not_emitted(instance, store):
    @dg.asset(key=dg.AssetKey(["shop", "a"]), output_required=False)
    def nothing_due():
        yield from ()

    run(instance, nothing_due, asset("b", failing))
    fill(instance, store)
    assert outcomes(store) == {("a", None): Outcome.NOT_EMITTED, ("b", None): Outcome.FAILED}


def test_a_failed_check_after_the_write_wins_over_the_materialization(instance, store):
    @dg.asset(
        key=dg.AssetKey(["shop", "a"]),
        check_specs=[dg.AssetCheckSpec("sane", asset=dg.AssetKey(["shop", "a"]), blocking=True)],
    )
    def checked():
        return dg.MaterializeResult(check_results=[dg.AssetCheckResult(check_name="sane", passed=False)])

    run(instance, checked)
    fill(instance, store)
    assert outcomes(store) == {("a", None): Outcome.FAILED}


def test_a_ranged_backfill_in_one_run_is_one_attempt_per_partition(instance, store):
    @dg.asset(key=dg.AssetKey(["shop", "a"]), partitions_def=DAYS, backfill_policy=dg.BackfillPolicy.single_run())
    def daily() -> None: ...

    tags = {"dagster/asset_partition_range_start": "2026-01-01", "dagster/asset_partition_range_end": "2026-01-03"}
    run(instance, daily, tags=tags)
    run(instance, daily, partition="2026-01-09")
    fill(instance, store)
    assert outcomes(store) == {("a", f"2026-01-0{day}"): Outcome.OK for day in (1, 2, 3, 9)}
    assert store.ledger.materialized_partitions("shop/a") == {f"2026-01-0{day}" for day in (1, 2, 3, 9)}


def test_the_days_of_a_range_that_landed_before_one_failed_are_there(instance, store):
    @dg.asset(key=dg.AssetKey(["shop", "a"]), partitions_def=DAYS, backfill_policy=dg.BackfillPolicy.single_run())
    def daily(context: dg.AssetExecutionContext) -> None:
        for day in context.partition_keys:
            if day == "2026-01-03":
                failing(f"no rows for {day}")
            context.log_event(dg.AssetMaterialization(["shop", "a"], partition=day))

    run(
        instance,
        daily,
        tags={"dagster/asset_partition_range_start": "2026-01-01", "dagster/asset_partition_range_end": "2026-01-04"},
    )
    fill(instance, store)
    good, bad = Outcome.OK, Outcome.FAILED
    assert outcomes(store) == {("a", f"2026-01-0{day}"): good if day < 3 else bad for day in (1, 2, 3, 4)}
    assert store.ledger.materialized_partitions("shop/a") == {"2026-01-01", "2026-01-02"}


def partial(name_of_failing, *, check=False):
    """Three assets in one step, of which the run wants two; the first is materialized before the step fails."""
    keys = [dg.AssetKey(["shop", name]) for name in "abc"]
    checks = [dg.AssetCheckSpec("sane", asset=keys[0], blocking=True)] if check else []

    @dg.multi_asset(specs=[dg.AssetSpec(key, skippable=True) for key in keys], check_specs=checks, can_subset=True)
    def several(context: dg.AssetExecutionContext):
        yield dg.MaterializeResult(keys[0], check_results=[dg.AssetCheckResult(passed=False, check_name="sane")] if check else [])
        if name_of_failing:
            failing(f"{name_of_failing} is stuck")

    return several


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        (partial(None), {"a": Outcome.OK, "b": Outcome.NOT_EMITTED}),
        (partial("b"), {"a": Outcome.OK, "b": Outcome.FAILED}),
        (partial(None, check=True), {"a": Outcome.FAILED, "b": Outcome.FAILED}),
    ],
    ids=["the rest is not due", "the rest fails", "a check of the first one fails"],
)
def test_of_a_part_of_several_assets_in_one_step_each_one_has_its_own_outcome(instance, store, steps, expected):
    chosen = [dg.define_asset_job("job", selection=dg.AssetSelection.assets(["shop", "a"], ["shop", "b"]))]
    job = dg.Definitions(assets=[steps], jobs=chosen, executor=dg.in_process_executor).resolve_job_def("job")
    created = instance.create_run_for_job(job)
    execute_run(InMemoryJob(job), created, instance, raise_on_error=False)
    fill(instance, store)
    assert outcomes(store) == {(name, None): outcome for name, outcome in expected.items()}


def test_checks_and_the_newest_event_are_kept_where_they_are_evidence(instance, store):
    def loaded(name, passed):
        key = dg.AssetKey(["shop", name])

        @dg.asset(key=key, check_specs=[dg.AssetCheckSpec(check, asset=key) for check in ("schema", "slo")])
        def _asset():
            results = [
                dg.AssetCheckResult(check_name="schema", passed=passed),
                dg.AssetCheckResult(check_name="slo", passed=False),
            ]
            return dg.MaterializeResult(metadata={"newest_event": "2026-03-01T12:00:00+00:00"}, check_results=results)

        return _asset

    run(instance, loaded("a", True), loaded("b", False), loaded("c", True))
    proofs = Proofs({f"shop/{name}": frozenset(["schema"]) for name in "ab"}, frozenset(["shop/a"]))
    LedgerFill(instance, store.ledger, {f"shop/{name}": Label.CORE for name in "abc"}, proofs=proofs).run(datetime.now(UTC))
    assert {attempt.asset: attempt.audited for attempt in store.attempts()} == {"shop/a": True, "shop/b": False, "shop/c": None}
    assert store.ledger.newest_event("shop/a") == datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert store.ledger.last_good(audited=True).keys() == {"shop/a"}
