"""What SQLMesh replaces in a table on Trino goes and comes in one commit: a reader sees no hole, however often it reads."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Event, Thread
from urllib.parse import urlsplit

import pytest
from sqlglot import exp, parse_one
from sqlmesh.core.engine_adapter import EngineAdapter
from sqlmesh.core.engine_adapter.shared import SourceQuery

from oso_dagster.sqlmesh_assets.trino_commits import connection_config
from sqlmesh_project.materializations.samples import Samples
from tests.lakehouse.conftest import ask

SCHEMA = "one_commit"
COLUMNS = {"day": exp.DataType.build("DATE"), "n": exp.DataType.build("BIGINT")}
SAMPLES = dict.fromkeys(("metric_id", "entity_type", "entity_id", "grain"), "VARCHAR") | {
    "sample_date": "DATE",
    "is_latest": "BOOLEAN",
    "amount": "BIGINT",
}


@pytest.fixture
def adapter(servers: dict[str, str]) -> Iterator[EngineAdapter]:
    """SQLMesh's hand on the producer, as the platform configures it."""
    parts = urlsplit(servers["lakehouse_trino_url"])
    place = {"host": parts.hostname, "port": parts.port, "user": parts.username, "http_scheme": "http", "catalog": "lake"}
    connection = connection_config({"type": "trino", "catalog_type_overrides": {"lake": "iceberg"}} | place)
    adapter = connection.create_engine_adapter()
    adapter.execute(f"CREATE SCHEMA IF NOT EXISTS lake.{SCHEMA}")
    yield adapter
    adapter.execute(f"DROP SCHEMA lake.{SCHEMA} CASCADE")
    adapter.close()


def snapshots(adapter: EngineAdapter, table: str) -> int:
    return int(adapter.fetchone(f'SELECT count(*) FROM lake.{SCHEMA}."{table}$snapshots"')[0])


def days(value: int, *, first: int = 1, last: int = 4) -> exp.Query:
    numbers = ", ".join(f"(DATE '2026-01-0{day}', {value + day})" for day in range(first, last + 1))
    return parse_one(f"SELECT day, n FROM (VALUES {numbers}) AS v(day, n)", read="trino")


def replace(adapter: EngineAdapter, table: str, query: exp.Query, start: str, end: str) -> None:
    adapter.insert_overwrite_by_time_partition(
        table,
        query,
        start=start,
        end=end,
        time_formatter=lambda moment, _: exp.cast(exp.Literal.string(str(moment)[:10]), "DATE"),
        time_column="day",
        target_columns_to_types=COLUMNS,
    )


def test_days_that_are_computed_again_are_replaced_in_one_commit_and_the_others_stay(
    adapter: EngineAdapter, servers: dict[str, str]
) -> None:
    table = f"lake.{SCHEMA}.days"
    adapter.execute(f"CREATE TABLE {table} (day DATE, n BIGINT) WITH (partitioning = ARRAY['day(day)'])")
    replace(adapter, table, days(0), "2026-01-01", "2026-01-04")
    before, seen, done = snapshots(adapter, "days"), set(), Event()

    def read() -> None:
        while not done.is_set():
            seen.add(ask(servers["lakehouse_trino_url"], f"SELECT count(*) FROM {table}")[0][0])

    reader = Thread(target=read)
    reader.start()
    try:
        for round_ in range(1, 4):
            replace(adapter, table, days(10 * round_), "2026-01-02", "2026-01-03")  # of what else the query gives nothing comes
    finally:
        done.set()
        reader.join()
    assert snapshots(adapter, "days") == before + 3
    assert seen == {4}
    assert [n for (n,) in adapter.fetchall(f"SELECT n FROM {table} ORDER BY day")] == [1, 32, 33, 4]
    replace(adapter, table, days(0, first=1, last=1), "2026-01-02", "2026-01-04")
    assert adapter.fetchall(f"SELECT n FROM {table}") == [[1]]  # nothing is there of these days any more


def test_a_table_that_reads_itself_is_replaced_whole_in_one_commit(adapter: EngineAdapter) -> None:
    table = f"lake.{SCHEMA}.whole"
    adapter.execute(f"CREATE TABLE {table} (day DATE, n BIGINT)")
    adapter.execute(f"INSERT INTO {table} VALUES (NULL, 1), (DATE '2026-01-01', NULL)")
    before = snapshots(adapter, "whole")
    adapter._insert_overwrite_by_condition(table, [source(f"SELECT day, n FROM {table} WHERE n = 1")], COLUMNS)
    assert snapshots(adapter, "whole") == before + 1
    assert adapter.fetchall(f"SELECT * FROM {table}") == [[None, 1]]


def source(query: str) -> SourceQuery:
    return SourceQuery(query_factory=lambda: parse_one(query, read="trino"))


def sample(entity: str, grain: str, day: int, amount: int, *, latest: bool = False) -> str:
    return f"('m', 'project', '{entity}', '{grain}', DATE '2026-01-{day:02}', {latest}, {amount})"


def test_samples_are_replaced_as_on_an_engine_with_transactions(adapter: EngineAdapter, monkeypatch: pytest.MonkeyPatch) -> None:
    table, rows = f"lake.{SCHEMA}.samples", {}
    stored = [
        sample("a", "day", 1, 1), sample("a", "day", 5, 2), sample("a", "week", 1, 3), sample("a", "all", 1, 4),
        sample("b", "day", 5, 5), sample("b", "day", 6, 6, latest=True), sample("a", "mark", 1, 7),
    ]  # fmt: skip
    arrived = [sample("a", "since", 5, 0), sample("a", "day", 5, 20), sample("c", "since", 1, 0), sample("c", "day", 9, 30)]
    kind = Samples(adapter)
    columns = {name: exp.DataType.build(kind) for name, kind in SAMPLES.items()}
    monkeypatch.setattr(kind, "_get_target_and_source_columns", lambda *_, **__: (columns, None))
    query = f"SELECT * FROM (VALUES {', '.join(arrived)}) AS v({', '.join(SAMPLES)})"
    for one_statement in (True, False):
        adapter.execute(
            f"CREATE OR REPLACE TABLE {table} AS SELECT * FROM (VALUES {', '.join(stored)}) AS v({', '.join(SAMPLES)})"
        )
        before = snapshots(adapter, "samples")
        monkeypatch.setattr(type(adapter), "SUPPORTS_TRANSACTIONS", not one_statement)
        for first in (False, True):
            kind.insert(table, parse_one(query, read="trino"), None, first, {})
            rows[one_statement, first] = sorted(map(str, adapter.fetchall(f"SELECT * FROM {table}")))
        if one_statement:
            assert snapshots(adapter, "samples") == before + 2
    assert rows[True, False] == rows[False, False]
    assert rows[True, True] == rows[False, True]
    assert len(rows[True, False]) == 4
    assert len(rows[True, True]) == 2
