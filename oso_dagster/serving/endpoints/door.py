"""What every endpoint works with, and how one question is understood and begun."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request

from oso_dagster.serving.access.admission import Admission, Caller
from oso_dagster.serving.engine.base import Engine, Running
from oso_dagster.serving.failures import Outcome, RefusedError
from oso_dagster.serving.limits import QueryLimits
from oso_dagster.serving.outcomes import Outcomes
from oso_dagster.serving.provenance import Provenance
from oso_dagster.serving.published import Published
from oso_dagster.serving.statements.names import NameAnswer, understood
from oso_dagster.serving.statements.select import Select

MOST_BODY = 400_000
"""Bytes of a request's body: the longest query, escaped."""

SURROGATE = re.compile("[\ud800-\udfff]")
"""Half of a character: JSON can escape it alone, and no text can hold it."""

_examining = ThreadPoolExecutor(2, "examine")
"""Threads of their own: the longest text takes seconds to examine, and nobody else may wait for that."""

log = logging.getLogger("oso_dagster.serving")


@dataclass(frozen=True)
class Door:
    """`provenance()` is what is known now; `world` is said in every answer that is not of the live one."""

    published: Published
    engine: Engine
    admission: Admission
    provenance: Callable[[], Provenance]
    world: str
    limits: QueryLimits = field(default_factory=QueryLimits)
    outcomes: Outcomes = field(default_factory=Outcomes)

    def headers(self, tables: Iterable[str], literals: Sequence[str] = ()) -> dict[str, str]:
        """What every answer says of itself: of the tables that a query names, and the metrics among the texts in it."""
        known = self.provenance().header(tables, literals)
        return {"X-OSO-Provenance": known, "X-OSO-World": self.world, "Cache-Control": "no-store"}

    def begin(self, sql: str, *, as_json: bool) -> Running:
        """A query ready to begin. Raises RefusedError."""
        return self.engine.open(sql, self.limits, as_json=as_json)


@dataclass(frozen=True)
class Question:
    """A request's body, examined: what it asks for, and how it wants to have it."""

    text: str
    asked: Any
    with_status: bool


async def body_of(request: Request) -> bytes:
    """The body of a request. Raises RefusedError (413) for one that is too large."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MOST_BODY:
            raise RefusedError(f"the request is larger than {MOST_BODY:,} bytes", Outcome.USER, status=413)
    return body


async def question_of(request: Request, door: Door) -> Question:
    """What a POST with JSON asks. Raises RefusedError."""
    body = await body_of(request)
    try:
        values = json.loads(body)
        text = values["query"]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise RefusedError('the body is JSON: {"query": "SELECT …"}', Outcome.USER) from None
    if not isinstance(text, str) or not text.strip():
        raise RefusedError("the query is empty", Outcome.USER)
    dialect = values.get("dialect", "trino")
    wanted = dialect if isinstance(dialect, str) else ""
    if SURROGATE.search(text + wanted):
        raise RefusedError("the query holds half of a character, a lone surrogate, which is no text", Outcome.USER)
    asked = await examined(text, wanted, door)
    return Question(text, asked, values.get("includeAnalytics", False) is True)


async def examined(text: str, dialect: str, door: Door) -> Select | NameAnswer:
    """What a text asks for, found out in a thread. Raises RefusedError."""
    return await asyncio.get_running_loop().run_in_executor(_examining, understood, text, dialect, door.published)


def rows_of(answer: NameAnswer) -> list[str]:
    """The rows of a small answer as JSON arrays."""
    return [json.dumps(row, ensure_ascii=False) for row in answer.rows]


async def caller_of(request: Request, door: Door) -> Caller:
    """Who asks, counted once. Raises RefusedError."""
    address = request.client.host if request.client else ""
    caller = await door.admission.caller(request.headers.get("authorization", ""), address)
    caller.require("sql")
    door.admission.count(caller)
    return caller


@asynccontextmanager
async def judged(door: Door) -> AsyncIterator[None]:
    """Count how the question inside ended; what nobody foresaw becomes a RefusedError that gives nothing away."""
    try:
        yield
    except RefusedError as refused:
        door.outcomes.add(refused.outcome)
        if refused.outcome is Outcome.UNEXPECTED:
            log.exception("a query failed")
        raise
    except Exception as error:
        door.outcomes.add(Outcome.UNEXPECTED)
        log.exception("a query failed")
        raise RefusedError("the query failed for a reason that is not its own; it is recorded", Outcome.UNEXPECTED) from error
    door.outcomes.add(Outcome.ANSWERED)
