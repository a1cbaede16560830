"""What one request of GraphQL may ask of the engine, and the tables that it touched."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

from aiodataloader import DataLoader
from sqlglot import exp
from starlette.types import Receive

from oso_dagster.serving.endpoints.door import Door
from oso_dagster.serving.endpoints.streaming import given_up_when_gone, in_thread
from oso_dagster.serving.engine.base import Running
from oso_dagster.serving.failures import Outcome, RefusedError
from oso_dagster.serving.graphql.pages import Wanted, cursor_of, page_sql, pages_sql, rows_by_id_sql
from oso_dagster.serving.graphql.shape import Shape
from oso_dagster.serving.graphql.values import plain
from oso_dagster.serving.statements.names import NameAnswer, understood

MOST_STATEMENTS = 20
"""Statements that one request may need: one for each field that has rows, however many rows are above it."""

MOST_ROWS_IN_ALL = 20_000

Row = dict[str, Any]


class Asking:
    """One request. Statements run one after the other, in the room that the request has."""

    def __init__(self, door: Door, receive: Receive) -> None:
        self._door, self._receive = door, receive
        self._turn = asyncio.Lock()
        self._statements = self._rows = 0
        self._loaders: dict[tuple[str, ...], DataLoader[Any, Any]] = {}
        self.tables: set[str] = set()
        self.literals: set[str] = set()

    async def page(self, page: Wanted) -> Row:
        """One page of a mart."""
        return _page(page, await self._run(page_sql(page)))

    async def pages(self, page: Wanted, column: str, value: str) -> Row:
        """The page of one id; those that are asked for at the same time are one statement."""
        name = repr((page.shape.name, column, page.where.sql() if page.where else "", page.order, page.first, page.after))

        async def load(ids: list[str]) -> list[Row]:
            grouped: dict[str, list[Row]] = defaultdict(list)
            for row in await self._run(pages_sql(page, column, ids)):
                grouped[row[column]].append(row)
            return [_page(page, grouped[each]) for each in ids]

        return await self._loader((name,), load).load(value)  # type: ignore[no-any-return]  # the library is not typed so far

    async def row(self, shape: Shape, column: str, value: str) -> Row | None:
        """The row with an id; those that are asked for at the same time are one statement."""

        async def load(ids: list[str]) -> list[Row | None]:
            rows = {row[column]: row for row in await self._run(rows_by_id_sql(shape, column, ids))}
            return [rows.get(each) for each in ids]

        return await self._loader((shape.name, column), load).load(value)  # type: ignore[no-any-return]

    def _loader(self, name: tuple[str, ...], load: Callable[[list[str]], Any]) -> DataLoader[Any, Any]:
        if name not in self._loaders:
            self._loaders[name] = DataLoader(load, max_batch_size=MOST_ROWS_IN_ALL)
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
            running = self._door.begin(asked.sql, as_json=False)
            try:
                async with given_up_when_gone(running, self._receive):
                    rows: list[Row] = await in_thread(_fetched, running)
            finally:
                await in_thread(running.close)
            self._rows += len(rows)
            if self._rows > MOST_ROWS_IN_ALL:
                raise RefusedError(f"the answer has more than {MOST_ROWS_IN_ALL:,} rows: ask for less at once", Outcome.USER)
            return rows


def _fetched(running: Running) -> list[Row]:
    running.begin()
    rows: list[Row] = []
    for batch in running.batches():
        rows.extend(batch.to_pylist())
        if len(rows) > MOST_ROWS_IN_ALL:
            raise RefusedError(f"the answer has more than {MOST_ROWS_IN_ALL:,} rows: ask for less at once", Outcome.USER)
    return rows


def _page(page: Wanted, rows: list[Row]) -> Row:
    shown = rows[: page.first]
    last: Mapping[str, Any] | None = {name: plain(value) for name, value in shown[-1].items()} if shown else None
    return {
        "nodes": shown,
        "pageInfo": {"hasNextPage": len(rows) > page.first, "endCursor": cursor_of(page, last) if last is not None else None},
    }
