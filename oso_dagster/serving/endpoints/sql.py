"""`POST /sql`: one question, answered as a stream. The protocol of `pyoso` up to 0.6.6.

An answer that breaks off was not completed: the connection ends without HTTP's last chunk, which every client reports as an
error. An error in the middle of the lines would be read as rows that are missing by nobody.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from oso_dagster.serving.endpoints.door import Door, Question, caller_of, judged, question_of, rows_of
from oso_dagster.serving.endpoints.errors import refusal
from oso_dagster.serving.endpoints.forms import LINES, PARQUET, Form, form_of, gzipped, minimal_lines
from oso_dagster.serving.endpoints.streaming import given_up_when_gone, in_thread, send_end, send_rows
from oso_dagster.serving.failures import Outcome, RefusedError
from oso_dagster.serving.statements.names import NameAnswer


class Sql:
    """The endpoint, an ASGI application."""

    def __init__(self, door: Door) -> None:
        self._door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        begun = False

        async def noticed(message: dict[str, object]) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            async with judged(self._door):
                await self._answer(request, receive, noticed)  # type: ignore[arg-type]  # Starlette's own mapping
        except RefusedError as refused:
            if refused.outcome is Outcome.CANCELED and not begun:
                return
            if begun:
                raise ConnectionAbortedError(refused.message) from None
            await refusal(refused)(scope, receive, send)

    async def _answer(self, request: Request, receive: Receive, send: Send) -> None:
        door = self._door
        form = form_of(request.headers.get("accept", ""))
        caller = await caller_of(request, door)
        if form is not LINES:
            caller.require("export")
        question = await question_of(request, door)
        packed = "gzip" in request.headers.get("accept-encoding", "") and form is not PARQUET
        asked, status = question.asked, _status(door, question)
        if isinstance(asked, NameAnswer):
            form = LINES
        headers = _headers(door.headers(asked.tables, asked.literals), form, packed=packed)
        if isinstance(asked, NameAnswer):
            parts = minimal_lines(asked.columns, iter([rows_of(asked)]), status)
            await send_rows(send, headers, _packed(parts, packed=packed), door.limits.stalled)
            await send_end(send)
            return
        async with door.admission.room(caller):
            running = door.begin(asked.sql, as_json=form.as_json)
            try:
                async with given_up_when_gone(running, receive):
                    await in_thread(running.begin)
                    await send_rows(send, headers, _packed(form.make(running, status), packed=packed), door.limits.stalled)
            finally:
                await in_thread(running.close)
        await send_end(send)


def _status(door: Door, question: Question) -> str:
    if not question.with_status:
        return ""
    return json.dumps(door.provenance().asset_status(question.asked.tables, question.asked.literals), separators=(",", ":"))


def _packed(parts: Iterator[bytes], *, packed: bool) -> Iterator[bytes]:
    return gzipped(parts) if packed else parts


def _headers(known: dict[str, str], form: Form, *, packed: bool) -> list[tuple[bytes, bytes]]:
    values = {"Content-Type": form.media, "Vary": "Accept, Accept-Encoding"} | known
    values |= {"Content-Encoding": "gzip"} if packed else {}
    return [(name.lower().encode(), value.encode("latin-1", "replace")) for name, value in values.items()]
