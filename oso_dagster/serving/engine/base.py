"""The interface of an engine; `duckdb_engine` is the one of the embedded profile."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import pyarrow as pa

from oso_dagster.serving.limits import QueryLimits


class Running(Protocol):
    """One query. `close` must be called, whatever happens; all but `cancel` are called from one thread at a time."""

    def begin(self) -> None:
        """Have the engine accept the query and work up to its first rows. Raises RefusedError."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the answer's columns, once it has begun."""

    @property
    def schema(self) -> pa.Schema:
        """The answer's columns with their types, once it has begun; of rows as JSON, that of one column of text."""

    def json_rows(self) -> Iterator[list[str]]:
        """The rows, some thousands at a time, each a JSON array as text. Raises RefusedError."""

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The rows as Arrow. Raises RefusedError."""

    def cancel(self) -> None:
        """Stop; from any thread. Who waits for rows gets a RefusedError."""

    def close(self) -> None:
        """Give everything back."""


class Engine(Protocol):
    """What answers queries that were examined before. Thread-safe."""

    def open(self, sql: str, limits: QueryLimits, *, as_json: bool) -> Running:
        """A query that has not begun; `as_json`: its rows are asked for as JSON. Raises RefusedError."""
