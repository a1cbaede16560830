"""Queries on DuckDB, as streams of flat memory: rows are made when the client takes them.

The engine writes JSON itself, which is several times as fast as doing it row by row here. What is no number in JSON (NaN and
the infinities) is null there, and itself in Arrow and Parquet.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import duckdb
import pyarrow as pa

from oso_dagster.serving.engine.snapshots import Snapshots
from oso_dagster.serving.failures import Outcome, RefusedError
from oso_dagster.serving.limits import QueryLimits

_BATCH = 5_000
_LONGEST = 600
"""Characters of the engine's message that are shown: it repeats the query."""


class DuckDBEngine:
    """Runs queries on the newest copy of the warehouse."""

    def __init__(self, snapshots: Snapshots) -> None:
        self._snapshots = snapshots

    def open(self, sql: str, limits: QueryLimits, *, as_json: bool) -> DuckDBRunning:
        """A query on a connection of its own, which has not begun. Raises RefusedError."""
        with ExitStack() as stack:
            connection = stack.enter_context(self._snapshots.borrowed()).cursor()
            stack.callback(connection.close)
            return DuckDBRunning(connection, sql, limits, stack.pop_all(), as_json=as_json)


class DuckDBRunning:
    """One query on one connection."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, sql: str, limits: QueryLimits, held: ExitStack, *, as_json: bool
    ) -> None:
        self._connection = connection
        self._sql = sql
        self._limits = limits
        self._as_json = as_json
        self._may_be_bare = False
        self._stopped: RefusedError | None = None
        self._held = held
        self._reader: Any = None
        self._timer = threading.Timer(limits.seconds, self._too_long)
        self._timer.daemon = True
        self.columns: tuple[str, ...] = ()

    def begin(self) -> None:
        """Have the engine accept the query and work up to the first rows. Raises RefusedError."""
        self._timer.start()
        try:
            statements = self._connection.extract_statements(self._sql)
            if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
                raise RefusedError("only one SELECT is answered at a time", Outcome.USER)
            self._go_on()
            described = self._connection.execute(f"DESCRIBE {self._sql}").fetchall()
            self.columns = tuple(row[0] for row in described)
            types = [row[1] for row in described]
            self._may_be_bare = any(kind not in _PLAIN and any(part in kind for part in _NUMBERS) for kind in types)
            text = _as_json(self._sql, types) if self._as_json else self._sql
            self._go_on()
            self._reader = self._connection.execute(text).to_arrow_reader(_BATCH)
        except duckdb.Error as error:
            raise self._failure(error) from None

    @property
    def schema(self) -> pa.Schema:
        """The columns with their types."""
        return self._reader.schema

    def json_rows(self) -> Iterator[list[str]]:
        """The rows as JSON arrays. Raises RefusedError, also for an answer that is larger than it may be."""
        for batch in self.batches():
            rows = batch.column(0).to_pylist()
            yield [_BARE.sub(_null, row) for row in rows] if self._may_be_bare else rows

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The rows as Arrow. Raises RefusedError, also for an answer that is larger than it may be."""
        rows = size = 0
        while True:
            try:
                batch = self._reader.read_next_batch()
            except StopIteration:
                break
            except (duckdb.Error, pa.ArrowException, OSError, RuntimeError) as error:
                raise self._failure(error) from None
            self._go_on()
            rows, size = rows + batch.num_rows, size + batch.nbytes
            if rows > self._limits.rows or size > self._limits.size:
                raise RefusedError(
                    f"the answer is larger than {self._limits.rows:,} rows or {self._limits.size:,} bytes: ask for less",
                    Outcome.USER,
                )
            yield batch

    def cancel(self) -> None:
        """Stop the query."""
        self._stop(RefusedError("canceled: nobody waits for the answer", Outcome.CANCELED))

    def close(self) -> None:
        """Give back connection and copy, and end the watch over its time."""
        self._timer.cancel()
        self._held.close()

    def _go_on(self) -> None:
        if self._stopped is not None:
            raise self._stopped

    def _too_long(self) -> None:
        what = f"the query has run for {self._limits.seconds:g} s, which is as long as one may: ask for less"
        self._stop(RefusedError(what, Outcome.USER))

    def _stop(self, why: RefusedError) -> None:
        self._stopped = self._stopped or why
        self._connection.interrupt()

    def _failure(self, error: Exception) -> RefusedError:
        if self._stopped is not None:
            return self._stopped
        return _classified(error)


_PLAIN = {"DOUBLE", "FLOAT"}
"""Types of columns whose NaN and infinities the engine itself makes null, which is fastest."""

_NUMBERS = ("DOUBLE", "FLOAT", "JSON", "VARIANT")
"""In the name of a type inside of which such a number may stand: the engine writes it as a bare word there."""

_BARE = re.compile(r'"(?:[^"\\]++|\\.)*+"|[-+]?(?:nan|inf(?:inity)?)', re.IGNORECASE | re.DOTALL)
"""Text in quotes, which stays, or such a word outside of it."""


def _null(match: re.Match[str]) -> str:
    return match[0] if match[0].startswith('"') else "null"


def _as_json(sql: str, types: list[str]) -> str:
    names = [f"c{place}" for place in range(len(types))]
    cells = [
        f"CASE WHEN isfinite({name}) THEN {name} END" if kind in _PLAIN else name for name, kind in zip(names, types, strict=True)
    ]
    return f"SELECT CAST(json_array({', '.join(cells)}) AS VARCHAR) FROM ({sql}) AS answer({', '.join(names)})"  # noqa: S608  (parsed and written again before)


_USERS = (
    duckdb.BinderException,
    duckdb.CatalogException,
    duckdb.ParserException,
    duckdb.SyntaxException,
    duckdb.ConversionException,
    duckdb.InvalidInputException,
    duckdb.OutOfRangeException,
    duckdb.TypeMismatchException,
    duckdb.NotImplementedException,
    duckdb.PermissionException,
)
"""What the engine finds wrong with a question; everything else is wrong with us."""


def _classified(error: Exception) -> RefusedError:
    text = str(error).strip()
    if isinstance(error, duckdb.OutOfMemoryException) or "Out of Memory" in text:
        return RefusedError("the query needs more memory than one may have: ask for less", Outcome.OVERLOAD, retry_after=10)
    if isinstance(error, duckdb.CatalogException) and text.startswith("Catalog Error: Table with name"):
        return RefusedError(
            "a table that is published has no rows in this world yet", Outcome.UNEXPECTED, status=503, retry_after=60
        )
    is_users = isinstance(error, _USERS) or text.startswith(("Conversion Error", "Invalid Input Error", "Out of Range Error"))
    if is_users:
        first = text.split("\n\nLINE", 1)[0]
        return RefusedError(first[:_LONGEST], Outcome.USER)
    return RefusedError("the query failed for a reason that is not its own; it is recorded", Outcome.UNEXPECTED)
