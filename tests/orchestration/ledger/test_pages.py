"""A log is read page by page, written while more is looked for, and of many runs at once row by row as of each alone."""

from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest
from sqlalchemy import event, select
from sqlalchemy.exc import OperationalError, ProgrammingError

from oso_dagster.domain.objectives.attempts import Judgement, Label, Outcome
from oso_dagster.orchestration.ledger import dagster_tables, event_pages, run_attempts
from oso_dagster.orchestration.ledger import fill as filling
from oso_dagster.orchestration.ledger.dagster_tables import few_connections
from oso_dagster.orchestration.ledger.fill import LedgerFill
from oso_dagster.orchestration.ledger.required_proofs import Proofs
from oso_dagster.reliability.ledger.ledger import Ledger
from oso_dagster.reliability.store import Store
from oso_dagster.reliability.tables import attempts, runs
from tests.orchestration.ledger.runs import DAYS, asset, failing, fill, judgements, outcomes, run
from tests.support.postgres import empty

LABELS = {f"shop/{name}": Label.UNSTABLE if name == "c" else Label.CORE for name in "abcde"} | {"shop/model": Label.SQLMESH}
LATER = timedelta(days=2)


@pytest.fixture
def another(server, tmp_path):
    with Store.open(empty(server) if server else f"sqlite:///{tmp_path / 'another.db'}", "sandbox") as opened:
        yield opened


def retried(instance, number):
    """Three assets, one of which is made by a retry: events of one run, then of another that goes back to it."""
    first = run(instance, asset("a"), asset("b", failing), asset("c"))
    second = run(instance, asset("b"), tags={"dagster/retry_number": "1", "number": str(number)}, parent=first)
    instance.add_run_tags(first, {"dagster/will_retry": "true", "dagster/auto_retry_run_id": second})


@pytest.mark.parametrize("page", [1, 2, 7])
def test_small_pages_tell_what_one_page_tells(instance, store, another, monkeypatch, page):
    for number in range(3):
        retried(instance, number)
    whole, now = fill(instance, store)
    monkeypatch.setattr(event_pages, "PAGE", page)
    paged, _ = fill(instance, another)
    assert paged == whole
    assert whole.runs_read == 6
    assert another.attempts() == store.attempts()
    assert judgements(another, now) == judgements(store, now) == [Judgement.GOOD] * 9


def test_a_server_is_asked_over_as_few_connections_for_many_pages_as_for_one_and_all_are_closed(
    instance, store, another, server, monkeypatch
):
    retried(instance, 0)
    opened, closed = [], []
    for engine in [storage._engine for storage in (instance.event_log_storage, instance.run_storage)] if server else []:
        event.listen(engine, "connect", lambda *_: opened.append(1))
        event.listen(engine, "close", lambda *_: closed.append(1))
    fill(instance, store)
    for_one, most = len(opened), 4 if server else 0
    monkeypatch.setattr(event_pages, "PAGE", 1)
    fill(instance, another)
    assert for_one <= most
    assert len(opened) == len(closed) <= 2 * most


def test_after_a_question_that_failed_its_connection_is_closed(instance, server):
    with pytest.raises(OperationalError if server is None else ProgrammingError), few_connections():
        dagster_tables.events(instance, "SELECT nothing FROM nowhere")
    assert dagster_tables.events(instance, "SELECT count(*) FROM event_logs") == [(0,)]


def loaded(rows, newest):
    return lambda: dg.MaterializeResult(metadata={"dagster/row_count": rows, "newest_event": newest})


def eventful(instance):
    """Good runs, retries, a re-execution by a person, partitions, a model, a stranger, a killed run and a wiped asset."""
    a, b, stuck = asset("a", loaded(3, "2026-11-01T00:00:00+00:00")), asset("b"), asset("b", failing)
    for _ in range(3):
        run(instance, a, b, asset("c"))
    first = run(instance, a, stuck, asset("c"))
    second = run(instance, asset("b"), tags={"dagster/retry_number": "1"}, parent=first)
    instance.add_run_tags(first, {"dagster/will_retry": "true", "dagster/auto_retry_run_id": second})
    again = run(instance, stuck)
    run(instance, b, parent=again)
    for day in ("2026-01-01", "2026-01-02"):
        run(instance, asset("d", loaded(7, "2026-11-02T00:00:00+00:00"), partitions_def=DAYS), partition=day)
    run(instance, a, asset("model"))
    run(instance, a, asset("stranger"))
    run(instance, asset("e", output_required=False), a)
    killed = instance.get_run_by_id(run(instance, a, asset("c", lambda: (_ for _ in ()).throw(KeyboardInterrupt()))))
    instance.report_run_canceled(killed)
    run(instance, asset("e"), b)
    instance.wipe_assets([dg.AssetKey(["shop", "e"])])


def recorded(instance, address, proofs, after):
    """All rows of attempts and runs, as they are stored."""
    with Store.open(address, "sandbox") as store:
        report = LedgerFill(instance, store.ledger, LABELS, proofs=proofs).run(datetime.now(UTC) + after)
        with store.database.reading() as connection:
            kept = [list(connection.execute(select(table).order_by(*table.primary_key))) for table in (attempts, runs)]
        return report, kept[0], [row[:-1] for row in kept[1]]  # when a run was seen is the only thing that may differ


@pytest.mark.slow
def test_many_at_once_are_row_by_row_what_each_is_alone(instance, server, tmp_path, monkeypatch):
    eventful(instance)
    timed = Proofs(timed=frozenset({"shop/a", "shop/d"}))
    ways = [(proofs, after) for proofs in (Proofs(), timed) for after in (timedelta(0), LATER)]
    for number, (proofs, after) in enumerate(ways):
        stores = [empty(server) if server else f"sqlite:///{tmp_path / name}{number}.db" for name in ("many", "alone")]
        many = recorded(instance, stores[0], proofs, after)
        with monkeypatch.context() as patched:
            patched.setattr(event_pages, "_ENDS", [])  # no run is known to have ended: each is read by its id
            patched.setattr(run_attempts, "_plainly_good", lambda _: None)
            alone = recorded(instance, stores[1], proofs, after)
        assert many == alone
        assert {row.outcome for row in many[1]} > {Outcome.OK, Outcome.FAILED, Outcome.NOT_EMITTED}
        assert any(row.rows == 7 for row in many[1])
        loads = [row for row in many[1] if row.asset == "shop/a" and row.outcome == Outcome.OK]
        assert all(row.newest_event for row in loads) == (proofs is timed)


def test_a_run_that_goes_on_after_its_end_was_recorded_is_read_to_its_end(instance, store, monkeypatch):
    """A run that was ended from outside may materialize more before its process notices: that is behind the page of its end."""
    early = run(instance, asset("a"), asset("c", failing))
    [(last,)] = event_pages.dagster_tables.events(instance, "SELECT max(id) FROM event_logs")
    instance.report_runless_asset_event(dg.AssetMaterialization(dg.AssetKey(["shop", "b"])))
    with instance.event_log_storage.index_connection() as connection:
        connection.exec_driver_sql(f"UPDATE event_logs SET run_id = '{early}' WHERE id > {last}")
    monkeypatch.setattr(event_pages, "PAGE", last)
    LedgerFill(instance, store.ledger, LABELS).run(datetime.now(UTC) + LATER)
    assert {attempt.asset: attempt.outcome for attempt in store.attempts()} == {
        "shop/a": Outcome.OK,
        "shop/b": Outcome.OK,
        "shop/c": Outcome.FAILED,
    }


def test_a_run_that_another_process_discovered_and_did_not_record_is_read_whole(instance, store, monkeypatch):
    """The other one was killed when it had moved the cursor behind the first events of a run, which has ended since."""
    monkeypatch.setattr(filling, "OVERLAP", 0)
    cursor = Ledger.cursor

    def killed():
        with monkeypatch.context() as patched:
            patched.setattr(Ledger, "record", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
            with pytest.raises(KeyboardInterrupt):
                fill(instance, store)

    def another_fills_meanwhile(ledger, storage):
        monkeypatch.setattr(Ledger, "cursor", cursor)
        run(instance, asset("a"), asset("b", killed, deps=[dg.AssetKey(["shop", "a"])]))
        return cursor(ledger, storage)

    monkeypatch.setattr(Ledger, "cursor", another_fills_meanwhile)
    fill(instance, store)
    assert outcomes(store) == {("a", None): Outcome.OK, ("b", None): Outcome.OK}
