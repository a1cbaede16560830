"""`/query`: a page on which to try a query. Who asks is let in and counted as at `/sql`."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from oso_dagster.serving.endpoints.door import Door, caller_of, examined, judged
from oso_dagster.serving.endpoints.errors import headers_of
from oso_dagster.serving.endpoints.streaming import given_up_when_gone, in_thread
from oso_dagster.serving.engine.base import Running
from oso_dagster.serving.failures import Outcome, RefusedError
from oso_dagster.serving.statements.names import NameAnswer
from oso_dagster.serving.website.rendering import safe_headers, templates

MOST_ROWS = 200
"""Rows that the page shows; `/sql` has all."""

_LONGEST = 8_000
"""Characters of a query in an address."""

_LONGEST_CELL = 2_000
_MOST_BYTES = 64 * 1024**2
"""Of the rows as the engine gives them, up to those that are shown."""


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
        sql = request.query_params.get("sql", "").replace("\r\n", "\n").strip()
        if not sql:
            return self._page("", None, None)
        try:
            async with judged(self._door):
                result = await self._asked(request, sql)
        except RefusedError as refused:
            return await in_thread(self._page, sql[:_LONGEST], None, refused)
        return await in_thread(self._page, sql, result, None)

    async def _asked(self, request: Request, sql: str) -> Result:
        door = self._door
        caller = await caller_of(request, door)
        if len(sql) > _LONGEST:  # never a part of it, which could be another query
            raise RefusedError(f"this page takes {_LONGEST:,} characters: POST a longer query to /sql", Outcome.USER, status=413)
        asked = await examined(sql, "trino", door)
        if isinstance(asked, NameAnswer):
            rows = [list(row) for row in asked.rows]
            return Result(asked.columns, rows[:MOST_ROWS], len(rows) > MOST_ROWS, asked.tables, asked.literals)
        async with door.admission.room(caller):
            limits = replace(door.limits, size=min(door.limits.size, _MOST_BYTES))
            running = door.engine.open(asked.sql, limits, as_json=True)
            try:
                async with given_up_when_gone(running, request.receive):
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
        if refused:
            known = headers_of(refused)
        status = refused.status if refused else 200
        return HTMLResponse(text, status_code=status, headers=safe_headers() | known | {"Cache-Control": "no-store"})


def _first(running: Running) -> tuple[tuple[str, ...], list[list[Any]]]:
    running.begin()
    rows: list[list[Any]] = []
    for part in running.json_rows():
        rows.extend([_cell(value) for value in json.loads(row)] for row in part[: MOST_ROWS + 1 - len(rows)])
        if len(rows) > MOST_ROWS:
            break
    return running.columns, rows


def _cell(value: Any) -> Any:
    """A value as the page shows it; a long one is cut, which it then says."""
    if not isinstance(value, (str, list, dict)):
        return value
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST_CELL else f"{text[:_LONGEST_CELL]} … ({len(text):,} characters)"


@cache
def examples() -> tuple[Example, ...]:
    """The queries of docs/marts.md, as `.ci/model_list.py` keeps them beside the pages."""
    written = files("oso_dagster.serving.website").joinpath("examples.json").read_text(encoding="utf-8")
    return tuple(Example(**example) for example in json.loads(written))
