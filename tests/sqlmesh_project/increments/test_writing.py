"""How samples are written on DuckDB: old rows go and new ones come in one transaction."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import duckdb
import pytest
from sqlglot import exp, parse_one
from sqlmesh.core.engine_adapter.duckdb import DuckDBEngineAdapter

from sqlmesh_project.materializations.samples import Samples

COLUMNS = {
    "entity_type": "VARCHAR",
    "entity_id": "VARCHAR",
    "grain": "VARCHAR",
    "sample_date": "DATE",
    "is_latest": "BOOLEAN",
    "amount": "INT",
}
STORED = """
SELECT 'project', 'e' || i % {entities}, 'day', DATE '2026-01-01' + CAST(i // {entities} AS INT), FALSE, 1
FROM range({rows}) AS t(i)
"""
ARRIVED = """
SELECT 'project' AS entity_type, 'e' || i AS entity_id, kinds.grain, DATE '2026-01-02' AS sample_date, FALSE AS is_latest,
  2 AS amount
FROM range({entities}) AS t(i), (VALUES ('since'), ('day')) AS kinds(grain)
"""


@pytest.fixture
def adapter() -> Iterator[DuckDBEngineAdapter]:
    with duckdb.connect() as connection:
        yield DuckDBEngineAdapter(lambda: connection)


@pytest.fixture
def kind(adapter: DuckDBEngineAdapter, monkeypatch: pytest.MonkeyPatch) -> Samples:
    made = Samples(adapter)
    columns = {name: exp.DataType.build(kind) for name, kind in COLUMNS.items()}
    monkeypatch.setattr(made, "_get_target_and_source_columns", lambda *_, **__: (columns, None))
    return made


def store(adapter: DuckDBEngineAdapter, entities: int, rows: int) -> None:
    adapter.execute(f"CREATE TABLE stored ({', '.join(f'{name} {kind}' for name, kind in COLUMNS.items())})")
    adapter.execute("INSERT INTO stored " + STORED.format(entities=entities, rows=rows))


def write(kind: Samples, entities: int) -> None:
    model: Any = None
    kind.insert("stored", parse_one(ARRIVED.format(entities=entities), read="duckdb"), model, False, {})


def test_what_is_stored_stays_when_the_new_rows_cannot_be_written(adapter: DuckDBEngineAdapter, kind: Samples) -> None:
    store(adapter, 2, 6)

    def refuse(*_: object, **__: object) -> None:
        raise RuntimeError("stopped between the two")

    before = adapter.fetchall("SELECT * FROM stored ORDER BY ALL")
    insert, adapter.insert_append = adapter.insert_append, refuse  # type: ignore[method-assign]
    with pytest.raises(RuntimeError, match="stopped between the two"):
        write(kind, 2)
    assert adapter.fetchall("SELECT * FROM stored ORDER BY ALL") == before
    adapter.insert_append = insert  # type: ignore[method-assign]
    write(kind, 2)
    days = "SELECT sample_date::VARCHAR, count(*), sum(amount) FROM stored GROUP BY 1 ORDER BY 1"
    assert adapter.fetchall(days) == [("2026-01-01", 2, 2), ("2026-01-02", 2, 4)]
