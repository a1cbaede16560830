"""Politeness: how many requests a host gets at a time and how often, however many threads ask it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_MOST_SLOWER = 16
"""How many times slower than configured the slowest pace is that is learned."""
_EPISODE = 1.0
"""Seconds in which limit answers count as one: those to requests that were under way together say nothing more."""
_GOOD_RUN = 20
"""Good answers in a row after which a learned pace grows by a quarter."""


@dataclass(frozen=True)
class Pace:
    """At most `concurrency` requests under way, and at most `per_second` begun, for one host."""

    concurrency: int = 4
    per_second: float = 5.0

    def __post_init__(self) -> None:
        if self.concurrency < 1 or self.per_second <= 0:
            raise ValueError(f"a pace needs a concurrency of at least 1 and a positive rate, not {self}")


MOST_BYTES = 1024**3
"""The largest answer that is taken into memory, as sent and unpacked: far more than any table here needs in one request."""


@dataclass(frozen=True)
class Limits:
    """Bounds of one request: tries, first pause (doubled each time, with jitter), whole time of a try, longest pause; seconds.

    The time of a try is from the connection to the last byte, redirects and all; `most_bytes` is of an answer, sent and unpacked.
    """

    attempts: int = 4
    pause: float = 1.0
    timeout: float = 60.0
    patience: float = 120.0
    most_bytes: int = MOST_BYTES


class Gate:
    """Lets requests to one host through at its pace."""

    def __init__(self, pace: Pace, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._slots = threading.BoundedSemaphore(pace.concurrency)
        self._gap = self._least = 1 / pace.per_second
        self._good = 0
        self._slowed = -_EPISODE
        self._turn = threading.Lock()
        self._next = 0.0

    @contextmanager
    def passed(self) -> Iterator[None]:
        """Wait for a slot and for the turn; hold the slot inside the block."""
        with self._slots:
            time.sleep(self._wait())
            yield

    def hold(self, seconds: float) -> None:
        """Let nobody begin for so long: the host asked all of us to slow down, not only the request that it refused."""
        with self._turn:
            self._next = max(self._next, time.monotonic() + seconds)

    def slow_down(self) -> float:
        """Learn from a limit answer: half as many requests per second from now on, once an episode; returns how many."""
        with self._turn:
            now = self._clock()
            if now - self._slowed >= _EPISODE:
                self._gap, self._slowed = min(self._gap * 2, self._least * _MOST_SLOWER), now
            self._good = 0
            return 1 / self._gap

    def recover(self) -> None:
        """Note a good answer: after a run of them the pace grows a little, never beyond the configured one."""
        with self._turn:
            self._good += 1
            if self._good >= _GOOD_RUN and self._gap > self._least:
                self._gap, self._good = max(self._least, self._gap / 1.25), 0

    def _wait(self) -> float:
        with self._turn:
            now = time.monotonic()
            begin = max(now, self._next)
            self._next = begin + self._gap
            return begin - now


_gates: dict[tuple[str, Pace], Gate] = {}
_gates_lock = threading.Lock()


def gate_of(host: str, pace: Pace) -> Gate:
    """The gate of `host`, shared by the whole process."""
    with _gates_lock:
        return _gates.setdefault((host, pace), Gate(pace))


def requested_pause(headers: Mapping[str, str], now: datetime) -> float | None:
    """The seconds that Retry-After (seconds or a date) or a spent X-RateLimit asks for; a date counts by the server's clock."""
    clock = _date(headers.get("Date")) or now
    retry_after = headers.get("Retry-After", "").strip()
    if retry_after.isascii() and retry_after.isdigit():
        return float(retry_after)
    if until := _date(retry_after):
        return max(0.0, (until - clock).total_seconds())
    reset = headers.get("X-RateLimit-Reset", "")
    if headers.get("X-RateLimit-Remaining") == "0" and reset.isascii() and reset.isdigit():
        return max(0.0, float(reset) - clock.timestamp())
    return None


def _date(text: str | None) -> datetime | None:
    try:
        parsed = parsedate_to_datetime(text or "")
    except ValueError:
        return None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
