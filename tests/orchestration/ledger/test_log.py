"""The log is read again and again, wiped, replaced and rewritten: nothing is lost, and nothing counted twice."""

from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from oso_dagster.domain.objectives.attempts import Label, Outcome
from oso_dagster.orchestration.ledger import asset_events
from oso_dagster.orchestration.ledger import fill as ledger
from oso_dagster.reliability.ledger.ledger import Cursor
from tests.orchestration.ledger.runs import asset, failing, fill, job_of, outcomes, run
from tests.orchestration.ledger.test_models import models, report


def test_filling_again_changes_nothing_and_looks_at_nothing(instance, store):
    run(instance, asset("a"))
    run(instance, asset("a", failing))
    fill(instance, store)
    before = store.attempts()
    again, _ = fill(instance, store)
    assert store.attempts() == before
    assert (again.runs_read, again.attempts) == (0, 0)


def test_a_ledger_that_lost_its_cursor_counts_nothing_twice(instance, store, tmp_path):
    run(instance, asset("a"))
    fill(instance, store)
    store.ledger.discover(asset_events.storage_id(instance), Cursor(0, ""), [], datetime.now(UTC))
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
    assert later in {attempt.run_id for attempt in store.attempts()}
    assert len(store.attempts()) == 3
    assert fill(instance, store)[0].runs_read == 0


def test_runs_that_take_the_event_ids_of_deleted_ones_are_still_found(instance, store, monkeypatch):
    monkeypatch.setattr(ledger, "OVERLAP", 0)
    run(instance, asset("a"))
    gone = run(instance, asset("a"))
    fill(instance, store)
    instance.delete_run(gone)
    later = run(instance, asset("a", failing))
    fill(instance, store)
    assert later in {attempt.run_id for attempt in store.attempts()}


def test_a_log_in_which_another_event_stands_at_the_cursor_is_read_anew(instance, store, monkeypatch):
    monkeypatch.setattr(ledger, "OVERLAP", 0)
    run(instance, asset("a"))
    [*_, last] = instance.get_event_records(dg.EventRecordsFilter(dg.DagsterEventType.ASSET_MATERIALIZATION))
    store.ledger.discover(asset_events.storage_id(instance), Cursor(last.storage_id, "another-run shop/a"), [], datetime.now(UTC))
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


def test_the_platforms_own_assets_leave_no_trace(instance, store):
    @dg.asset(key=["slo", "sqlmesh"])
    def own() -> None: ...

    run(instance, own)
    run(instance, asset("a"), own)
    filled, _ = fill(instance, store, names="a")
    assert filled.discovered == 1
    assert outcomes(store) == {("a", None): Outcome.OK}


@pytest.mark.parametrize("names", ["a", "c"], ids=["in a run with a known one", "in a run of its own"])
def test_what_an_older_process_does_not_know_counts_once_somebody_knows_it(instance, store, names):
    run(instance, asset("a"), asset("b", failing))
    _, now = fill(instance, store, names=names)
    windows = now - timedelta(days=1), now + timedelta(hours=1)
    assert [tally.asset for tally in store.tallying.tally(Label.CORE, *windows)] == ["shop/a"] * (names == "a")
    fill(instance, store, names="ab")
    assert [(tally.asset, tally.good, tally.valid) for tally in store.tallying.tally(Label.CORE, *windows)] == [
        ("shop/a", 1, 1),
        ("shop/b", 0, 1),
    ]


def test_a_model_that_an_older_process_does_not_know_is_counted_by_its_report_and_nobody_else_is_charged(instance, store):
    def body(context):
        report(context, "a", "failed", at=datetime.now(UTC).timestamp() - 60, cause="audit not_null failed")
        report(context, "a", "ok", at=datetime.now(UTC).timestamp() - 50)
        report(context, "b", "ok", at=datetime.now(UTC).timestamp() - 40)
        raise dg.Failure("one model failed")

    run(instance, models(body))
    _, now = fill(instance, store, label=Label.SQLMESH, names="bc")
    windows = now - timedelta(days=1), now + timedelta(hours=1)
    assert [(tally.asset, tally.bad) for tally in store.tallying.tally(Label.SQLMESH, *windows)] == [("shop/b", 0)]
    fill(instance, store, label=Label.SQLMESH)
    tallies = [(tally.asset, tally.good, tally.valid) for tally in store.tallying.tally(Label.SQLMESH, *windows)]
    assert tallies == [("shop/a", 1, 2), ("shop/b", 1, 1)]


def test_a_label_stays_what_it_was_at_the_time(instance, store):
    run(instance, asset("a"))
    fill(instance, store, label=Label.UNSTABLE)
    run(instance, asset("a"))
    fill(instance, store, label=Label.CORE)
    assert sorted(attempt.label for attempt in store.attempts()) == [Label.CORE, Label.UNSTABLE]
