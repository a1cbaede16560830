import sqlite3
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from multiprocessing import get_context

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateTable

from oso_dagster.domain.objectives.attempts import Attempt, Label, Outcome, RunState
from oso_dagster.domain.objectives.freshness import Freshness
from oso_dagster.domain.objectives.slo import Tally, Verdict
from oso_dagster.reliability.database import VERSION_TABLE, Database
from oso_dagster.reliability.ledger.ledger import Cursor, RunRow
from oso_dagster.reliability.results import AssetRow, VerdictRow
from oso_dagster.reliability.store import Store, WrongWorldError
from oso_dagster.reliability.tables import UtcTime, metadata

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path / 'a folder' / 'reliability.db'}"


@pytest.fixture
def store(url):
    with Store.open(url, "sandbox") as opened:
        yield opened


def attempt(outcome=Outcome.OK, *, run="r1", asset="shop/things", ended=NOON, **extra):
    ended = None if outcome is Outcome.PENDING else ended
    return Attempt(run, asset, extra.pop("partition", None), Label.CORE, outcome, run, NOON - HOUR, ended, **extra)


def record(store, *attempts):
    runs = sorted({attempt.run_id for attempt in attempts})
    store.ledger.discover("log", Cursor(1, "x"), runs, NOON)
    rows = [RunRow(run, run, RunState.SUCCEEDED, will_retry=False, settled=True) for run in runs]
    store.ledger.record(rows, attempts)


def verdict(at=NOON, judged=Verdict.BREACHED):
    guilty = (Tally("shop/things", 1, 2, "the till is stuck"),)
    return VerdictRow("shop", "sales", judged, 1, 2, 9_900, timedelta(days=30), "none", "1 of 2", guilty, at)


def test_a_store_is_reopened_with_its_history(url):
    with Store.open(url, "sandbox") as store:
        record(store, attempt())
    with Store.open(url, "sandbox") as store:
        assert store.attempts() == [attempt()]


def test_a_store_refuses_another_world_and_says_what_to_do(url):
    Store.open(url, "sandbox").close()
    with pytest.raises(WrongWorldError, match=r"holds the sandbox world, not live: set OSO_WORLD=sandbox"):
        Store.open(url, "live")


def test_a_database_that_is_neither_sqlite_nor_postgresql_is_refused():
    with pytest.raises(ValueError, match="not mysql"):
        Store.open("mysql://somewhere/x", "sandbox")


def test_the_migrations_make_exactly_the_tables_that_the_code_reads(url):
    database = Database(url)
    database.migrate()
    with database.reading() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
        assert compare_metadata(context, metadata) == []
    database.close()


def test_the_schema_has_its_own_version_table(store, tmp_path):
    with sqlite3.connect(tmp_path / "a folder" / "reliability.db") as plain:
        tables = {name for (name,) in plain.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert VERSION_TABLE in tables
    assert "alembic_version" not in tables


def test_times_have_a_zone_on_postgresql():
    dialect = postgresql.dialect()
    ddl = " ".join(str(CreateTable(table).compile(dialect=dialect)) for table in metadata.sorted_tables)
    assert "TIMESTAMP WITH TIME ZONE" in ddl
    assert "WITHOUT TIME ZONE" not in ddl


def test_a_time_without_a_zone_is_refused_and_others_become_utc():
    sqlite = Database("sqlite://")._engine.dialect
    with pytest.raises(ValueError, match="without a zone"):
        UtcTime().process_bind_param(datetime(2026, 3, 1), sqlite)  # noqa: DTZ001
    elsewhere = datetime(2026, 3, 1, 14, tzinfo=timezone(timedelta(hours=2)))
    assert UtcTime().process_bind_param(elsewhere, sqlite) == "2026-03-01T12:00:00.000000+00:00"


def test_the_same_attempt_recorded_twice_is_one_row(store):
    record(store, attempt())
    record(store, attempt())
    assert store.attempts() == [attempt()]


def test_a_final_outcome_is_never_rewritten(store):
    record(store, attempt(Outcome.FAILED, cause="the till is stuck"))
    record(store, attempt(Outcome.OK, ended=NOON + HOUR))
    assert [(attempt.outcome, attempt.cause) for attempt in store.attempts()] == [(Outcome.FAILED, "the till is stuck")]


def test_a_pending_attempt_becomes_final_once(store):
    record(store, attempt(Outcome.PENDING))
    record(store, attempt(Outcome.OK, rows=3))
    record(store, attempt(Outcome.FAILED))
    assert store.attempts() == [attempt(Outcome.OK, rows=3)]


def test_reported_attempts_replace_the_pending_plan_of_their_run_only(store):
    record(store, attempt(Outcome.PENDING), attempt(Outcome.PENDING, run="r2"))
    record(store, attempt(Outcome.FAILED, reported=True), attempt(Outcome.OK, reported=True))
    record(store, attempt(Outcome.OK, reported=True)._replace(started=NOON))
    attempts = [(attempt.run_id, attempt.outcome, attempt.reported) for attempt in store.attempts()]
    assert sorted(attempts) == [("r1", Outcome.FAILED, True), ("r1", Outcome.OK, True), ("r2", Outcome.PENDING, False)]


def test_attempts_are_filtered_by_label_time_and_asset(store):
    record(store, attempt(), attempt(run="r2", ended=NOON + HOUR), attempt(Outcome.PENDING, run="r3", asset="shop/prices"))
    assert [attempt.run_id for attempt in store.attempts(Label.CORE, since=NOON)] == ["r2", "r3"]
    assert [attempt.run_id for attempt in store.attempts(assets={"shop/prices"})] == ["r3"]
    assert store.attempts(Label.UNSTABLE) == []


def test_the_newest_good_materialization_is_found_with_its_rows(store):
    record(
        store,
        attempt(rows=1),
        attempt(run="r2", ended=NOON + HOUR, rows=2),
        attempt(Outcome.FAILED, run="r3", ended=NOON + 2 * HOUR),
    )
    assert store.ledger.last_good()["shop/things"].rows == 2


def test_a_cursor_belongs_to_one_event_log(store):
    store.ledger.discover("log", Cursor(7, "seven"), [], NOON)
    store.ledger.discover("log", Cursor(9, "nine"), [], NOON)
    assert store.ledger.cursor("log") == Cursor(9, "nine")
    assert store.ledger.cursor("another") is None


def test_the_newest_verdict_of_each_objective_is_shown_and_all_are_kept(store):
    store.results.record_verdicts([verdict()])
    store.results.record_verdicts([verdict(NOON + HOUR, Verdict.COMPLIANT)])
    store.results.record_verdicts([verdict(NOON + HOUR, Verdict.COMPLIANT)])
    assert store.latest_verdicts() == [verdict(NOON + HOUR, Verdict.COMPLIANT)]
    assert store.results.verdict_history("shop", "sales") == [verdict(), verdict(NOON + HOUR, Verdict.COMPLIANT)]


def test_an_asset_is_known_since_it_was_first_seen(store):
    assert store.results.remember_assets({"shop/things"}, NOON) == {"shop/things": NOON}
    assert store.results.remember_assets({"shop/things"}, NOON + HOUR) == {"shop/things": NOON}


def test_freshness_joins_what_was_judged_with_what_was_materialized(store):
    store.results.remember_assets({"shop/things", "shop/never"}, NOON)
    store.results.record_freshness(
        [AssetRow("shop/things", Freshness.FRESH, HOUR, NOON), AssetRow("shop/never", None, None, NOON)]
    )
    record(store, attempt(rows=5))
    never, things = store.freshness()
    assert (never.asset, never.last_good, never.freshness, never.within) == ("shop/never", None, None, None)
    assert (things.asset, things.last_good, things.rows, things.freshness, things.within) == (
        "shop/things",
        NOON,
        5,
        Freshness.FRESH,
        HOUR,
    )


def _open_and_write(url, number):
    with Store.open(url, "sandbox") as store:
        for turn in range(20):
            record(store, attempt(run=f"shared-{turn}"), attempt(run=f"own-{number}-{turn}"))


def test_several_processes_create_and_fill_one_store_at_once(url):
    with ProcessPoolExecutor(4, mp_context=get_context("spawn")) as pool:
        for done in [pool.submit(_open_and_write, url, number) for number in range(4)]:
            done.result()
    with Store.open(url, "sandbox") as store:
        assert len(store.attempts()) == 20 + 4 * 20
