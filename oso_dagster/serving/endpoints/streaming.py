"""Rows on their way to a client: made in a thread as the client takes them, given up when it leaves or reads nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from typing import TypeVar

from starlette.types import Receive, Send

from oso_dagster.serving.engine.base import Running
from oso_dagster.serving.failures import Outcome, RefusedError

_AGAIN_SECONDS = 0.5
_threads = ThreadPoolExecutor(64, "query")
"""More than may run at the same time; a stream has none while its client is slow."""

T = TypeVar("T")


async def in_thread(work: Callable[..., T], *arguments: object) -> T:
    """Do what waits for the engine, in a thread of those that only do this."""
    return await asyncio.get_running_loop().run_in_executor(_threads, work, *arguments)


@asynccontextmanager
async def given_up_when_gone(running: Running, receive: Receive) -> AsyncIterator[None]:
    """Cancel the query when the client leaves; an engine that was just between two steps is asked again."""

    async def watch() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        while True:
            running.cancel()
            await asyncio.sleep(_AGAIN_SECONDS)

    watching = asyncio.create_task(watch())
    try:
        yield
    finally:
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching


async def send_rows(send: Send, headers: list[tuple[bytes, bytes]], parts: Iterator[bytes], stalled: float) -> None:
    """Send the first part with the headers, and each next one when the client has taken the one before; `send_end` follows.

    Raises RefusedError: before anything is sent it can still be answered, afterwards the connection has to break.
    """
    part = await in_thread(next, parts, None)
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    while part is not None:
        try:
            async with asyncio.timeout(stalled):
                await send({"type": "http.response.body", "body": part, "more_body": True})
        except (TimeoutError, OSError):
            raise RefusedError(f"the client has read nothing for {stalled:g} s, or left", Outcome.CANCELED) from None
        part = await in_thread(next, parts, None)


async def send_end(send: Send) -> None:
    """Say that all rows were sent; once the place is free, so that who asks one question after the other finds it free."""
    await send({"type": "http.response.body", "body": b"", "more_body": False})
