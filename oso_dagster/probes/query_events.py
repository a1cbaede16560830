"""Receives what Trino's HTTP event listener posts of finished queries, and acknowledges only what is stored.

Trino posts one JSON document for each event and, with `http-event-listener.connect-retry-count`, again after anything but a 2xx
(https://trino.io/docs/current/admin/event-listeners-http.html). The fields are those of its QueryCompletedEvent.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from oso_dagster.domain.probes.query_outcomes import QueryEnd

PATH = "/trino/events"
MOST_BYTES = 16 * 1024 * 1024
"""Of one event: it holds the text and the plan of its query."""

logger = logging.getLogger(__name__)

Take = Callable[[QueryEnd], None]
"""Stores one end of a query, durably, before it returns; it may block and raise, and is called in a thread."""


def application(take: Take, ignored_users: Collection[str] = ()) -> web.Application:
    """The server's application. Queries of `ignored_users`, such as a canary that is counted from outside, are not taken."""

    async def receive(request: web.Request) -> web.Response:
        try:
            end = end_of(json.loads(await request.read()))
        except (KeyError, TypeError, ValueError) as error:
            logger.warning("an event that is none of a query: %s: %s", type(error).__name__, error)
            return web.Response(status=400, text="not an event of a query")
        if end is None or end.user in ignored_users:
            return web.Response(status=204)
        try:
            await asyncio.to_thread(take, end)
        except Exception:
            logger.exception("query %s is not stored, and not acknowledged", end.query_id)
            return web.Response(status=503, text="not stored: send it again")
        return web.Response(status=204)

    app = web.Application(client_max_size=MOST_BYTES)
    app.router.add_post(PATH, receive)
    return app


def end_of(event: Any) -> QueryEnd | None:
    """The end of a query from an event; None for an event that is not about an end. Raises for what is no event of a query."""
    query = event["metadata"]["queryId"]
    if event.get("endTime") is None:
        return None
    failure = event.get("failureInfo") or {}
    code = failure.get("errorCode") or {}
    failed = event["metadata"].get("queryState") == "FAILED" and not code
    return QueryEnd(
        query_id=str(query),
        at=_moment(event["endTime"]),
        user=str((event.get("context") or {}).get("user", "")),
        error="UNKNOWN" if failed else str(code.get("name", "")),
        type=str(code.get("type", "")),
        message=str(failure.get("failureMessage") or ""),
    )


def _moment(value: Any) -> datetime:
    """A time as ISO text, or as seconds since 1970, which a codec writes that is set up otherwise."""
    if isinstance(value, int | float):
        return datetime.fromtimestamp(value, UTC)
    return datetime.fromisoformat(str(value))
