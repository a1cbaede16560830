"""Several small partitions in one load package of dlt: staged together, then shown one by one where a single load would be.

A package costs a tenth of a second however few rows it has. Rows are put together only where their columns and types are the
same, so that what dlt makes of each partition is what it would make of it alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pyarrow as pa

from oso_dagster.domain.catalogue.loading import Extract
from oso_dagster.domain.catalogue.partitions import Window
from oso_dagster.domain.catalogue.source import Table
from oso_dagster.warehouse.arrow_schemas import typed
from oso_dagster.warehouse.ddl import quoted
from oso_dagster.warehouse.packing.load_package import packed
from oso_dagster.warehouse.staging import (
    DATABASE,
    SCHEMA,
    SURVIVING,
    StagedLoad,
    allow_memory,
    require_same_tables,
    stage_surviving,
    workplace,
)

_POOL = f"{DATABASE}.together"
"""Where the rows of all partitions are: small ones, in memory."""

_NUMBER = "oso_number"
"""The column that says of which partition a row is."""


@dataclass
class _Group:
    """Rows of one landed table with the same columns and types, each table of rows with the number of its partition."""

    landed: str
    schema: pa.Schema
    rows: list[pa.Table] = field(default_factory=list)
    numbers: set[int] = field(default_factory=set)


@dataclass(frozen=True)
class StagedTogether:
    """What dlt has loaded of several partitions; `staged` shows one."""

    connection: duckdb.DuckDBPyConnection
    load_id: str
    source: str
    table: Table
    extracts: Sequence[Extract]
    groups: Sequence[_Group]

    @contextmanager
    def staged(self, number: int) -> Iterator[StagedLoad]:
        """The rows of one partition as a load of its own would stage them, until the end of the block."""
        names = {group.landed: f"{_POOL}.{_name(place)}" for place, group in enumerate(self.groups) if number in group.numbers}
        self.connection.execute(f"CREATE SCHEMA {SCHEMA}")
        for landed, pool in names.items():
            rows = f"SELECT * EXCLUDE ({_NUMBER}) FROM {pool} WHERE {_NUMBER} = {number}"
            self.connection.execute(f"CREATE VIEW {SCHEMA}.{quoted(landed)} AS {rows}")
        try:
            stage_surviving(self.connection, self.source, self.table, self.extracts[number])
            yield StagedLoad(self.connection, f"{self.load_id}-{number}")
        finally:
            self.connection.execute(f"DROP SCHEMA {SCHEMA} CASCADE")
            self.connection.execute(f"DROP TABLE IF EXISTS {SURVIVING}")


@contextmanager
def staged_together(
    cache: Path, source: str, table: Table, extracts: Sequence[tuple[Window, Extract]]
) -> Iterator[StagedTogether]:
    """Stage drawn extracts that fit together, each of another partition. Raises as `staging.staged` does."""
    groups: list[_Group] = []
    for number, (_, extract) in enumerate(extracts):
        require_same_tables(source, table, extract)
        for landed, batches in extract.batches.items():
            for batch in map(typed, batches):
                group = _group(groups, landed, batch.schema)
                group.rows.append(batch.append_column(_NUMBER, pa.repeat(pa.scalar(number, pa.int32()), batch.num_rows)))
                group.numbers.add(number)
    with workplace(cache, source, table, [window for window, _ in extracts]) as (folder, connection):
        pooled = {_name(place): [pa.concat_tables(group.rows)] for place, group in enumerate(groups)}
        package = packed(folder, f"{source}__{table.name}", pooled, connection)
        allow_memory(connection, package.bytes_at_once)
        connection.execute(f"CREATE SCHEMA {_POOL}")
        for name, query in package.queries.items():
            connection.execute(f"CREATE TABLE {_POOL}.{name} AS {query}")
        yield StagedTogether(connection, package.load_id, source, table, [extract for _, extract in extracts], groups)


def _group(groups: list[_Group], landed: str, schema: pa.Schema) -> _Group:
    for group in groups:
        if group.landed == landed and group.schema.equals(schema):
            return group
    groups.append(_Group(landed, schema))
    return groups[-1]


def _name(place: int) -> str:
    return f"rows_{place}"
