"""What one request of GraphQL may ask of the engine, and the tables that it touched."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import replace
from time import monotonic, thread_time
from typing import Any

import pyarrow as pa
from aiodataloader import DataLoader
from graphql import FieldNode, GraphQLResolveInfo
from sqlglot import exp
from starlette.types import Receive

from oso_dagster.serving.endpoints.door import Door
from oso_dagster.serving.endpoints.streaming import given_up_when_gone, in_thread
from oso_dagster.serving.engine.base import Running
from oso_dagster.serving.failures import Outcome, RefusedError
from oso_dagster.serving.graphql.pages import MOST_VALUES, Wanted, cursor_of, page_sql, pages_sql, rows_by_id_sql
from oso_dagster.serving.graphql.shape import Shape
from oso_dagster.serving.graphql.values import kept
from oso_dagster.serving.statements.names import NameAnswer, understood

MOST_STATEMENTS = 20
"""Statements that one request may need: one for each field that has rows, however many rows are above it (1,000 at a time)."""

MOST_ROWS_IN_ALL = 20_000
_MOST_BYTES = 64 * 1024**2
"""Of the rows of one statement: they are held in memory until the answer is whole."""

MOST_FIELDS = 500_000
"""Values of one answer, those that describe the schema among them."""

_MOST_WORK = 20
"""Seconds of the processor that making one answer may take, without the engine."""

_ENTRY = 32
"""Characters that count for one of a list or an object."""

_RELATION = 5
"""Values that count for a field with rows of its own: what it costs to wait for them."""

_AGAIN_SECONDS = 0.5

Row = dict[str, Any]


class TooMuchError(BaseException):
    """Ends a request at once. The library makes an error of a field from any `Exception`, and goes on with the next field."""


class Asking:
    """One request. Made in the loop of the server, where its statements run, one after the other, in the room that it has.

    The rest is called in the loop of the request's own thread: what the request costs in work of ours holds up nobody else.
    """

    def __init__(self, door: Door, receive: Receive) -> None:
        self._door, self._receive = door, receive
        self._server = asyncio.get_running_loop()
        self._work_until = 0.0
        self._until = monotonic() + door.limits.seconds
        self._turn = asyncio.Lock()
        self._statements = self._rows = self._fields = self._size = 0
        self._loaders: dict[tuple[str, ...], DataLoader[Any, Any]] = {}
        self._wanted: dict[int, tuple[FieldNode, Wanted]] = {}
        self._statement: Future[list[Row]] | None = None
        self._running: Running | None = None
        self._ended = False
        self.tables: set[str] = set()
        self.literals: set[str] = set()

    def begin(self) -> None:
        """Count the work from now on; in the thread of the request."""
        self._work_until = thread_time() + _MOST_WORK

    def once(self, info: GraphQLResolveInfo, understand: Callable[[], Wanted]) -> Wanted:
        """What a field is asked for with: understood for the first row that has the field, the same for all others."""
        node = info.field_nodes[0]
        if id(node) not in self._wanted:
            self._wanted[id(node)] = node, understand()
        return self._wanted[id(node)][1]

    def weigh(self, value: object) -> None:
        """Count one value of the answer. Raises TooMuchError: aliases and fragments make much of few rows."""
        self._fields += _RELATION if asyncio.iscoroutine(value) else 1
        self._size += len(value) if isinstance(value, str) else _ENTRY * len(value) if isinstance(value, (list, dict)) else 0
        if self._fields > MOST_FIELDS or self._size > _MOST_BYTES:
            raise TooMuchError(
                f"the answer has more than {MOST_FIELDS:,} values, or {_MOST_BYTES:,} characters: ask for less at once"
            )
        if thread_time() > self._work_until:
            raise TooMuchError(f"the request takes more than {_MOST_WORK} s to answer: ask for less at once")

    async def page(self, page: Wanted) -> Row:
        """One page of a mart."""
        return _page(page, await self._run(page_sql(page)))

    async def pages(self, page: Wanted, column: str, value: str | None) -> Row:
        """The page of one id, empty for none; those that are asked for at the same time are one statement."""
        if value is None:
            return _page(page, [])

        async def load(ids: list[str]) -> list[Row]:
            grouped: dict[str, list[Row]] = defaultdict(list)
            for row in await self._run(pages_sql(page, column, ids)):
                grouped[row[column]].append(row)
            return [_page(page, grouped[each]) for each in ids]

        return await self._loader((str(id(page)), column), load).load(value)  # type: ignore[no-any-return]  # the library is not typed so far

    async def row(self, shape: Shape, column: str, value: str) -> Row | None:
        """The row with an id; those that are asked for at the same time are one statement."""

        async def load(ids: list[str]) -> list[Row | None]:
            rows = {row[column]: row for row in await self._run(rows_by_id_sql(shape, column, ids))}
            return [rows.get(each) for each in ids]

        return await self._loader((shape.name, column), load).load(value)  # type: ignore[no-any-return]

    async def end(self) -> None:
        """Give up the statement that still runs when another field has already failed; in the loop of the server."""
        self._ended = True
        if self._statement is None:
            return
        last = asyncio.wrap_future(self._statement)
        while not last.done():
            if self._running is not None:
                self._running.cancel()
            await asyncio.wait([last], timeout=_AGAIN_SECONDS)
        last.exception()  # its field has reported it, or the request had ended before

    def _loader(self, name: tuple[str, ...], load: Callable[[list[str]], Any]) -> DataLoader[Any, Any]:
        if name not in self._loaders:
            self._loaders[name] = DataLoader(load, max_batch_size=MOST_VALUES)
        return self._loaders[name]

    async def _run(self, query: exp.Select) -> list[Row]:
        """The rows of a query, held against what is published like everyone's. Raises RefusedError."""
        async with self._turn:
            self._statements += 1
            if self._statements > MOST_STATEMENTS:
                raise RefusedError(
                    f"the request needs more than {MOST_STATEMENTS} statements: ask for less at once", Outcome.USER
                )
            asked = understood(query.sql(dialect="duckdb", identify=True), "duckdb", self._door.published)
            if isinstance(asked, NameAnswer):
                raise TypeError("a query was taken for a question about names")
            self.tables.update(asked.tables)
            self.literals.update(asked.literals)
            self._statement = asyncio.run_coroutine_threadsafe(self._rows_of(asked.sql), self._server)
            rows = await asyncio.shield(asyncio.wrap_future(self._statement))
            self._rows += len(rows)
            if self._rows > MOST_ROWS_IN_ALL:
                raise RefusedError(f"the answer has more than {MOST_ROWS_IN_ALL:,} rows: ask for less at once", Outcome.USER)
            return rows

    async def _rows_of(self, sql: str) -> list[Row]:
        """Run one statement, in the loop of the server, in what the request has left of the time of one query."""
        left = self._until - monotonic()
        if self._ended or left <= 0:
            raise RefusedError(f"the request has run for {self._door.limits.seconds:g} s: ask for less at once", Outcome.USER)
        limits = replace(self._door.limits, seconds=max(round(left), 1), size=min(self._door.limits.size, _MOST_BYTES))
        self._running = running = self._door.engine.open(sql, limits, as_json=False)
        try:
            async with given_up_when_gone(running, self._receive):
                return await in_thread(_fetched, running)
        finally:
            self._running = None
            await in_thread(running.close)


def _fetched(running: Running) -> list[Row]:
    running.begin()
    rows: list[Row] = []
    for batch in running.batches():
        try:
            rows.extend(batch.to_pylist())
        except (ValueError, OverflowError, pa.ArrowException) as error:
            raise RefusedError(
                f"GraphQL has no place for a value of this answer ({str(error)[:100]}): ask by SQL", Outcome.USER
            ) from error
        if len(rows) > MOST_ROWS_IN_ALL:
            raise RefusedError(f"the answer has more than {MOST_ROWS_IN_ALL:,} rows: ask for less at once", Outcome.USER)
    return rows


def _page(page: Wanted, rows: list[Row]) -> Row:
    shown = rows[: page.first]
    last: Mapping[str, Any] | None = {name: kept(value) for name, value in shown[-1].items()} if shown else None
    return {
        "nodes": shown,
        "pageInfo": {"hasNextPage": len(rows) > page.first, "endCursor": cursor_of(page, last) if last is not None else None},
    }
