"""An event loop whose time passes at once when nothing else is to be done: hours of a process in a second.

For what waits for times only: whoever waits for a socket would be overtaken. Work for threads is done in the loop, at no time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any


class VirtualLoop(asyncio.SelectorEventLoop):
    """Begins at 0 s; the clock that `clock` gives shows the same time of day."""

    def __init__(self) -> None:
        super().__init__()
        self._now = 0.0
        ready = self._selector.select

        def select(timeout: float | None = None) -> Any:
            self._now += timeout or 0
            return ready(0)

        self._selector.select = select

    def time(self) -> float:
        return self._now

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:
        future = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:  # noqa: BLE001  (handed on, as a thread does)
            future.set_exception(error)
        return future

    def clock(self, start: datetime) -> Callable[[], datetime]:
        return lambda: start + timedelta(seconds=self._now)


def run_for(loop: VirtualLoop, process: Coroutine[Any, Any, None], length: timedelta) -> None:
    """Run a process that never ends, and cancel it after `length`."""

    async def _limited() -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(process, length.total_seconds())

    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(_limited())
