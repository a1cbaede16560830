"""`/query`: a page on which to try a query. Who asks is let in and counted as at `/sql`."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from oso_dagster.serving.endpoints.door import Door, caller_of, judged
from oso_dagster.serving.endpoints.streaming import in_thread
from oso_dagster.serving.engine.base import Running
from oso_dagster.serving.failures import RefusedError
from oso_dagster.serving.statements.names import NameAnswer, understood
from oso_dagster.serving.website.rendering import safe_headers, templates

MOST_ROWS = 200
"""Rows that the page shows; `/sql` has all."""

_LONGEST = 8_000
"""Characters of a query in an address."""


@dataclass(frozen=True)
class Example:
    """A query from docs/marts.md, with the mart that it is for."""

    name: str
    query: str


@dataclass(frozen=True)
class Result:
    """The first rows of an answer, and the tables that it is about."""

    columns: tuple[str, ...]
    rows: list[list[Any]]
    more: bool
    tables: tuple[str, ...]
    literals: tuple[str, ...]


class QueryPage:
    """The page."""

    def __init__(self, door: Door) -> None:
        self._door = door

    async def answer(self, request: Request) -> Response:
        """The form, with the answer of what is in it."""
        sql = request.query_params.get("sql", "")[:_LONGEST].strip()
        if not sql:
            return self._page("", None, None)
        try:
            async with judged(self._door):
                result = await self._asked(request, sql)
        except RefusedError as refused:
            return self._page(sql, None, refused)
        return self._page(sql, result, None)

    async def _asked(self, request: Request, sql: str) -> Result:
        door = self._door
        caller = await caller_of(request, door)
        asked = await asyncio.to_thread(understood, sql, "trino", door.published)
        if isinstance(asked, NameAnswer):
            rows = [list(row) for row in asked.rows]
            return Result(asked.columns, rows[:MOST_ROWS], len(rows) > MOST_ROWS, asked.tables, asked.literals)
        async with door.admission.room(caller):
            running = door.begin(asked.sql, as_json=True)
            try:
                columns, rows = await in_thread(_first, running)
            finally:
                await in_thread(running.close)
        return Result(columns, rows[:MOST_ROWS], len(rows) > MOST_ROWS, asked.tables, asked.literals)

    def _page(self, sql: str, result: Result | None, refused: RefusedError | None) -> Response:
        tables = result.tables if result else ()
        text = (
            templates()
            .get_template("query.html")
            .render(
                tables=tables, provenance=self._door.provenance(), made_at=None, world=self._door.world, here="/query",
                sql=sql, result=result, refused=refused, examples=examples(), most=MOST_ROWS,
            )
        )  # fmt: skip
        known = self._door.headers(tables, result.literals) if result else {}
        status = refused.status if refused else 200
        return HTMLResponse(text, status_code=status, headers=safe_headers() | known | {"Cache-Control": "no-store"})


def _first(running: Running) -> tuple[tuple[str, ...], list[list[Any]]]:
    running.begin()
    rows: list[list[Any]] = []
    for part in running.json_rows():
        rows.extend(json.loads(row) for row in part[: MOST_ROWS + 1 - len(rows)])
        if len(rows) > MOST_ROWS:
            break
    return running.columns, rows


@cache
def examples() -> tuple[Example, ...]:
    """The queries of docs/marts.md, as `.ci/model_list.py` keeps them beside the pages."""
    written = files("oso_dagster.serving.website").joinpath("examples.json").read_text(encoding="utf-8")
    return tuple(Example(**example) for example in json.loads(written))
