"""What the engine itself holds, without any parsing before it; and that readers and the writer do not wait for each other."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from oso_dagster.serving.failures import Outcome, RefusedError
from oso_dagster.serving.limits import QueryLimits
from tests.serving.small_door import SmallDoor, small_door


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallDoor]:
    with small_door(tmp_path_factory.mktemp("door")) as small:
        yield small


def rows(door: SmallDoor, sql: str, **limits: float) -> list[str]:
    running = door.door.engine.open(sql, QueryLimits(**limits), as_json=True)  # type: ignore[arg-type]
    try:
        running.begin()
        return [row for part in running.json_rows() for row in part]
    finally:
        running.close()


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TABLE marts.t (a INT)",
        "CREATE TEMP TABLE t (a INT)",
        "DROP VIEW marts.projects_v1",
        "INSERT INTO oss_directory.projects VALUES ('x')",
        "COPY marts.projects_v1 TO '/tmp/leak.csv'",
        "ATTACH '/tmp/leak.duckdb' AS leak",
        "SET memory_limit = '1TB'",
        "SET enable_external_access = true",
        "PRAGMA database_list",
        "LOAD httpfs",
        "INSTALL httpfs",
        "EXPORT DATABASE '/tmp/leak'",
        "SET VARIABLE a = 1",
        "SELECT 1; SELECT 2",
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM glob('/etc/*')",
        "SELECT * FROM diary.entries",
        "SELECT * FROM platform.loads",
        "SELECT * FROM marts__dev.projects_v1",
        "SELECT * FROM sqlmesh__marts.projects__old",
        "SELECT * FROM door",
    ],
)
def test_the_engine_alone_neither_writes_nor_reads_what_is_not_published(door: SmallDoor, sql: str) -> None:
    with pytest.raises(RefusedError):
        rows(door, sql)
    assert not list(Path("/tmp").glob("leak*"))


def test_rows_come_as_json_in_their_order_and_in_utc(door: SmallDoor) -> None:
    sql = 'SELECT sample_date, amount, "at", NULL AS nothing, amount FROM marts.metrics_v0 ORDER BY amount DESC NULLS LAST'
    first = rows(door, sql)
    assert first[:2] == [
        '["2026-01-01",null,"2026-01-01 12:00:00+00",null,null]',
        '["2026-04-10",14999.5,"2026-01-01 12:00:00+00",null,14999.5]',
    ]
    assert len(first) == 30_000


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("['nan'::DOUBLE::VARCHAR, 'NaN, \"Infinity']", '["nan","NaN, \\"Infinity"]'),
        ("['nan'::DOUBLE, 1.5, '-inf'::DOUBLE]", "[null,1.5,null]"),
        ("{'a NaN': 'inf'::FLOAT, 'b': [{'c \" NaN': 'nan'::DOUBLE}]}", '{"a NaN":null,"b":[{"c \\" NaN":null}]}'),
        ("MAP {'a': 'nan'::DOUBLE}", '{"a":null}'),
        ("union_value(k := 'nan'::DOUBLE)", '{"k":null}'),
        ("row('nan'::DOUBLE, 1)", '{"":null,"":1}'),
        ("to_json(['nan'::DOUBLE, 2])", "[null,2.0]"),
        ("{'t': 'NaN\\', 'n': 'nan'::DOUBLE}", '{"t":"NaN\\\\","n":null}'),
    ],
)
def test_what_is_no_number_is_null_inside_of_values_too_and_text_stays(door: SmallDoor, value: str, written: str) -> None:
    assert rows(door, f"SELECT {value}, 'NaN'") == [f'[{written},"NaN"]']


@pytest.mark.parametrize(
    ("sql", "outcome"),
    [
        ("SELECT nope FROM marts.projects_v1", Outcome.USER),
        ("SELECT CAST(project_id AS INT) FROM marts.projects_v1", Outcome.USER),
        ("SELECT * FROM marts.absent_v0", Outcome.UNEXPECTED),
    ],
)
def test_a_failure_has_the_class_of_who_caused_it(door: SmallDoor, sql: str, outcome: Outcome) -> None:
    with pytest.raises(RefusedError) as refused:
        rows(door, sql)
    assert refused.value.outcome is outcome


def test_a_query_is_stopped_when_its_time_is_over(door: SmallDoor) -> None:
    began = time.monotonic()
    with pytest.raises(RefusedError, match="as long as one may"):
        rows(door, "SELECT count(*) FROM range(100000000) a, range(1000) b WHERE a.range % 7 = b.range % 3", seconds=0.3)
    assert time.monotonic() - began < 5


def test_an_answer_larger_than_allowed_is_refused_not_cut(door: SmallDoor) -> None:
    with pytest.raises(RefusedError, match="larger than 10,000 rows"):
        rows(door, "SELECT * FROM marts.metrics_v0", rows=10_000)


def test_a_query_that_nobody_waits_for_is_stopped(door: SmallDoor) -> None:
    running = door.door.engine.open(
        "SELECT sum(a.range * b.range) FROM range(100000000) a, range(1000) b", QueryLimits(), as_json=True
    )
    threading.Timer(0.2, running.cancel).start()
    with pytest.raises(RefusedError) as refused:
        running.begin()
    running.close()
    assert refused.value.outcome is Outcome.CANCELED


def test_a_writer_works_while_a_query_runs_and_the_next_query_sees_what_it_wrote(tmp_path: Path) -> None:
    with small_door(tmp_path) as small:
        running = small.door.engine.open("SELECT * FROM marts.metrics_v0", QueryLimits(), as_json=True)
        running.begin()
        parts = running.json_rows()
        next(parts)
        with duckdb.connect(str(small.path)) as writer:  # in this process: DuckDB would refuse a second kind of connection
            writer.execute("INSERT INTO oss_directory.projects VALUES ('new')")
        assert not list(small.snapshots._folder.glob("1"))
        assert small.snapshots.refresh()
        assert rows(small, "SELECT count(*) FROM oss_directory.projects") == ["[2]"]
        assert sum(len(part) for part in parts) == 25_000
        running.close()
        assert [path.name for path in small.snapshots._folder.iterdir()] == ["1"]
        assert not small.snapshots.refresh()
