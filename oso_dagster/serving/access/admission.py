"""Whether a question is let in: by its key, by how many that key asks in a minute and at once, and by what room there is."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from oso_dagster.serving.access.keys import Keys
from oso_dagster.serving.failures import Outcome, RefusedError
from oso_dagster.serving.limits import ANONYMOUS, KeyLimits

_REMEMBERED = 10_000
"""Keys and addresses whose use is remembered; the one that was idle longest is forgotten first."""


@dataclass(frozen=True)
class Caller:
    """Who asks: a key's id, or an address without one."""

    name: str
    limits: KeyLimits
    scopes: tuple[str, ...]

    def require(self, scope: str) -> None:
        """Raise RefusedError unless the caller may do this."""
        if scope not in self.scopes:
            raise RefusedError(f"this key may not do this: it lacks the scope {scope}", Outcome.USER, status=403)


@dataclass
class _Use:
    """Of one caller: questions that may come now (a bucket that fills steadily), and those that are being answered."""

    tokens: float
    at: float
    running: int = 0


class Admission:
    """Lets questions in. `now` is the time, `elapsed` a clock in seconds that only goes forward; used by one event loop.

    `at_once` questions are answered at the same time; more wait, up to `waiting` of them and `patience` seconds each.
    """

    def __init__(
        self,
        keys: Keys | None,
        now: Callable[[], datetime],
        elapsed: Callable[[], float],
        *,
        at_once: int = 8,
        waiting: int = 200,
        patience: float = 20,
        anonymous: KeyLimits | None = ANONYMOUS,
    ) -> None:
        self._keys = keys
        self._now = now
        self._elapsed = elapsed
        self._room = asyncio.Semaphore(at_once)
        self._waiting_most = waiting
        self._waiting = 0
        self._patience = patience
        self._anonymous = anonymous
        self._uses: OrderedDict[str, _Use] = OrderedDict()

    async def caller(self, authorization: str, address: str) -> Caller:
        """Who asks. Raises RefusedError (401) for a key that is not known, and without one where a key is needed."""
        kind, _, text = authorization.partition(" ")
        if not authorization:
            if self._anonymous is None:
                raise RefusedError("an API key is needed: Authorization: Bearer <key>", Outcome.USER, status=401)
            return Caller(f"address {address}", self._anonymous, ("sql", "export"))
        if kind.lower() != "bearer" or not text.strip():
            raise RefusedError("the API key is sent as Authorization: Bearer <key>", Outcome.USER, status=401)
        key = await asyncio.to_thread(self._keys.find, text.strip()) if self._keys is not None else None
        if key is None:
            raise RefusedError("this API key is not known here", Outcome.USER, status=401)
        if problem := key.problem(self._now()):
            raise RefusedError(problem, Outcome.USER, status=401)
        return Caller(f"key {key.id}", key.limits, key.scopes)

    def count(self, caller: Caller) -> None:
        """Count one question. Raises RefusedError (429) when the caller has asked too many."""
        use = self._use(caller)
        elapsed, rate = self._elapsed(), caller.limits.per_minute / 60
        use.tokens = min(caller.limits.per_minute, use.tokens + (elapsed - use.at) * rate)
        use.at = elapsed
        if use.tokens < 1:
            wait = max(1, round((1 - use.tokens) / rate))
            most = caller.limits.per_minute
            raise RefusedError(f"more than {most} questions in a minute", Outcome.USER, status=429, retry_after=wait)
        use.tokens -= 1

    @asynccontextmanager
    async def room(self, caller: Caller) -> AsyncIterator[None]:
        """A place to run one query. Raises RefusedError: 429 for too many of one caller, 503 when there is no room."""
        use = self._use(caller)
        if use.running >= caller.limits.at_once:
            most = caller.limits.at_once
            raise RefusedError(f"more than {most} queries at the same time", Outcome.USER, status=429, retry_after=2)
        if self._waiting >= self._waiting_most:
            raise _full()
        use.running += 1
        try:
            await self._take_place()
            try:
                yield
            finally:
                self._room.release()
        finally:
            use.running -= 1

    async def _take_place(self) -> None:
        self._waiting += 1
        try:
            async with asyncio.timeout(self._patience):
                await self._room.acquire()
        except TimeoutError:
            raise _full() from None
        finally:
            self._waiting -= 1

    def _use(self, caller: Caller) -> _Use:
        use = self._uses.setdefault(caller.name, _Use(caller.limits.per_minute, self._elapsed()))
        self._uses.move_to_end(caller.name)
        if len(self._uses) > _REMEMBERED:
            idle = next((name for name, other in self._uses.items() if not other.running), None)
            if idle is not None:
                del self._uses[idle]
        return use


def _full() -> RefusedError:
    return RefusedError("there is no room for another query: try again", Outcome.OVERLOAD, retry_after=5)
