from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.execution.api import execute_run

from oso_dagster.domain.attempts import Judgement, Label, Outcome, judge_all
from oso_dagster.orchestration import event_log, ledger
from oso_dagster.orchestration.evidence import Proofs
from oso_dagster.orchestration.ledger import ORPHANED_AFTER, LedgerFill
from oso_dagster.reliability.ledger import Cursor
from oso_dagster.reliability.store import Store
from tests.postgres import ENGINES, empty, postgres

DAYS = dg.DailyPartitionsDefinition("2026-01-01")


@pytest.fixture(scope="module", params=ENGINES)
def server(request, tmp_path_factory):
    """None for SQLite files; the address of a PostgreSQL server that both Dagster and the store use."""
    if request.param == "sqlite":
        yield None
    else:
        with postgres(tmp_path_factory.mktemp("server")) as url:
            yield url


@pytest.fixture
def storage(server):
    return {"storage": {"postgres": {"postgres_url": empty(server)}}} if server else {}


@pytest.fixture
def instance(storage, tmp_path):
    with dg.instance_for_test(temp_dir=str(tmp_path), overrides=storage) as one:
        yield one


@pytest.fixture
def retrying(storage, tmp_path):
    """An instance whose daemon would retry failed runs."""
    overrides = storage | {"run_retries": {"enabled": True, "max_retries": 2}}
    with dg.instance_for_test(temp_dir=str(tmp_path), overrides=overrides) as one:
        yield one


@pytest.fixture
def store(server, tmp_path):
    with Store.open(empty(server) if server else f"sqlite:///{tmp_path / 'reliability.db'}", "sandbox") as one:
        yield one


def asset(name, body=lambda: None, **extra):
    @dg.asset(key=dg.AssetKey(["shop", name]), **extra)
    def _asset():
        return body()

    return _asset


def failing(text="the till is stuck"):
    raise ValueError(text)


def job_of(*assets):
    jobs = [dg.define_asset_job("job", selection="*")]
    return dg.Definitions(assets=assets, jobs=jobs, executor=dg.in_process_executor).resolve_job_def("job")


def run(instance, *assets, tags=None, parent=None, partition=None):
    """Run the assets as the platform does: one run, recorded, failures not raised here."""
    job = job_of(*assets)
    tags = dict(tags or {}) | ({"dagster/partition": partition} if partition else {})
    tags |= {"dagster/parent_run_id": parent, "dagster/root_run_id": parent} if parent else {}
    created = instance.create_run_for_job(job, tags=tags, parent_run_id=parent, root_run_id=parent)
    execute_run(InMemoryJob(job), created, instance, raise_on_error=False)
    return created.run_id


def fill(instance, store, *, after=timedelta(0), label=Label.CORE, names="abc", secrets=()):
    now = datetime.now(UTC) + after
    labels = {f"shop/{name}": label for name in names}
    filled = LedgerFill(instance, store.ledger, labels, secrets).run(now)
    return filled, now


def outcomes(store):
    return {(one.asset.removeprefix("shop/"), one.partition): one.outcome for one in store.attempts()}


def judgements(store, now):
    return sorted(one.judgement for one in judge_all(store.attempts(), now))


@pytest.mark.parametrize("told", [{"dagster/row_count": 42}, {"dagster/row_count": 900, "rows_loaded": 42}])
def test_a_good_run_is_one_ok_attempt_with_the_rows_of_its_load_and_its_times(instance, store, told):
    before = datetime.now(UTC)
    run_id = run(instance, asset("a", lambda: dg.MaterializeResult(metadata=told)))
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
    assert [one.step_retries for one in store.attempts()] == [1]


def test_how_often_the_steps_of_an_old_good_run_were_retried_is_not_known(instance, store):
    run(instance, asset("a"))
    fill(instance, store, after=timedelta(hours=2))
    assert [(one.outcome, one.step_retries) for one in store.attempts()] == [(Outcome.OK, None)]


def test_a_step_that_fails_after_its_retries_has_failed_and_names_the_cause_without_secrets(instance, store):
    run(instance, asset("a", lambda: failing("no entry for s3cr3t"), retry_policy=dg.RetryPolicy(max_retries=1)))
    fill(instance, store, secrets=["s3cr3t"])
    [attempt] = store.attempts()
    assert attempt.outcome is Outcome.FAILED
    assert attempt.cause == "ValueError: no entry for ***"
    assert attempt.step_retries == 1


def test_a_failure_that_was_raised_with_words_is_told_in_these_words_alone(instance, store):
    def give_up():
        raise dg.Failure("shop/a: the till is stuck", allow_retries=False)

    run(instance, asset("a", give_up, retry_policy=dg.RetryPolicy(max_retries=1)))
    fill(instance, store)
    assert [one.cause for one in store.attempts()] == ["shop/a: the till is stuck"]


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
    assert {one.asset: one.audited for one in store.attempts()} == {"shop/a": True, "shop/b": False, "shop/c": None}
    assert store.ledger.newest_event("shop/a") == datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert store.ledger.last_good(audited=True).keys() == {"shop/a"}


def test_filling_again_changes_nothing_and_looks_at_nothing(instance, store):
    run(instance, asset("a"))
    run(instance, asset("a", failing))
    fill(instance, store)
    before = store.attempts()
    again, _ = fill(instance, store)
    assert store.attempts() == before
    assert (again.looked_at, again.attempts) == (0, 0)


def test_a_ledger_that_lost_its_cursor_counts_nothing_twice(instance, store, tmp_path):
    run(instance, asset("a"))
    fill(instance, store)
    store.ledger.discover(event_log.storage_id(instance), Cursor(0, ""), [], datetime.now(UTC))
    again, _ = fill(instance, store)
    assert again.discovered == 1
    assert len(store.attempts()) == 1


def test_deleting_a_run_and_wiping_an_asset_keep_history(instance, store):
    first = run(instance, asset("a"), asset("b", failing))
    fill(instance, store)
    before = store.attempts()
    instance.delete_run(first)
    instance.wipe_assets([dg.AssetKey(["shop", "a"])])
    fill(instance, store)
    assert store.attempts() == before


def test_a_storage_that_takes_the_place_of_another_is_read_from_its_beginning(instance, store, tmp_path_factory):
    run(instance, asset("a"))
    run(instance, asset("a"))
    fill(instance, store)
    with dg.instance_for_test(temp_dir=str(tmp_path_factory.mktemp("another"))) as another:
        later = run(another, asset("a", failing))
        fill(another, store)
    assert later in {one.run_id for one in store.attempts()}
    assert len(store.attempts()) == 3
    assert fill(instance, store)[0].looked_at == 0


def test_runs_that_take_the_event_ids_of_deleted_ones_are_still_found(instance, store, monkeypatch):
    monkeypatch.setattr(ledger, "OVERLAP", 0)
    run(instance, asset("a"))
    gone = run(instance, asset("a"))
    fill(instance, store)
    instance.delete_run(gone)
    later = run(instance, asset("a", failing))
    fill(instance, store)
    assert later in {one.run_id for one in store.attempts()}


def test_a_log_in_which_another_event_stands_at_the_cursor_is_read_anew(instance, store, monkeypatch):
    monkeypatch.setattr(ledger, "OVERLAP", 0)
    run(instance, asset("a"))
    [*_, last] = instance.get_event_records(dg.EventRecordsFilter(dg.DagsterEventType.ASSET_MATERIALIZATION))
    store.ledger.discover(event_log.storage_id(instance), Cursor(last.storage_id, "another-run shop/a"), [], datetime.now(UTC))
    fill(instance, store)
    assert outcomes(store) == {("a", None): Outcome.OK}


def test_a_run_that_is_deleted_while_pending_is_canceled_and_says_so(instance, store):
    job = job_of(asset("a"))
    created = instance.create_run_for_job(job)
    fill(instance, store)
    assert outcomes(store) == {("a", None): Outcome.PENDING}
    instance.delete_run(created.run_id)
    fill(instance, store)
    [attempt] = store.attempts()
    assert attempt.outcome is Outcome.CANCELED
    assert "deleted" in attempt.cause


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


def test_an_automatic_retry_belongs_to_the_family_and_saves_it(retrying, store):
    first = run(retrying, asset("a", failing))
    assert retrying.get_run_by_id(first).tags["dagster/will_retry"] == "true"
    _, now = fill(retrying, store)
    assert judgements(store, now) == [Judgement.PENDING]
    second = run(retrying, asset("a"), tags={"dagster/retry_number": "1"}, parent=first)
    retrying.add_run_tags(first, {"dagster/auto_retry_run_id": second})
    _, now = fill(retrying, store)
    assert {one.family for one in store.attempts()} == {first}
    assert judgements(store, now) == [Judgement.GOOD]


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


def test_assets_without_a_label_leave_no_trace(instance, store):
    run(instance, asset("a"), asset("verdict"))
    fill(instance, store, names="a")
    assert outcomes(store) == {("a", None): Outcome.OK}


def test_a_label_stays_what_it_was_at_the_time(instance, store):
    run(instance, asset("a"))
    fill(instance, store, label=Label.UNSTABLE)
    run(instance, asset("a"))
    fill(instance, store, label=Label.CORE)
    assert sorted(one.label for one in store.attempts()) == [Label.CORE, Label.UNSTABLE]


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
    found = [(one.asset, one.outcome, one.cause, one.rows, one.reported) for one in store.attempts()]
    assert found == [
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
    found = {one.partition: one.outcome for one in store.attempts() if one.reported}
    assert found == {"2026-01-02": Outcome.FAILED, "2026-01-03": Outcome.OK}


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


def test_a_model_run_that_dies_before_it_reports_has_failed_for_all(instance, store):
    run(instance, models(lambda _: failing("no state database")))
    fill(instance, store, label=Label.SQLMESH)
    assert set(outcomes(store).values()) == {Outcome.FAILED}


def test_a_pending_plan_gives_way_to_reported_attempts(instance, store):
    body = models(lambda context: report(context, "a", "ok", at=datetime.now(UTC).timestamp()))
    job = job_of(body)
    created = instance.create_run_for_job(job)
    fill(instance, store, label=Label.SQLMESH)
    assert set(outcomes(store).values()) == {Outcome.PENDING}
    execute_run(InMemoryJob(job), created, instance, raise_on_error=False)
    fill(instance, store, label=Label.SQLMESH)
    assert [(one.asset, one.outcome) for one in store.attempts() if one.outcome is not Outcome.NOT_EMITTED] == [
        ("shop/a", Outcome.OK)
    ]
    assert Outcome.PENDING not in outcomes(store).values()
