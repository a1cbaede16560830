"""The terms on which a table is loaded and kept: disposition, contract, evidence, schedule, retries, cost."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from oso_dagster.domain.cron import parsed

_CRON = re.compile(r"[0-9*,/-]+( [0-9*,/-]+){4}\Z")
_MOST_RETRIES = 10


class Disposition(StrEnum):
    """What a load does to the rows that are already there."""

    APPEND = "append"
    REPLACE = "replace"
    MERGE = "merge"
    REPLACE_PARTITION = "replace_partition"


class SchemaContract(StrEnum):
    """What a column that nobody declared does.

    `EVOLVE`: it arrives, and is warned of. `REPORT`: it is warned of and does not arrive, for data of which not all may be
    published. `FREEZE`: it stops the load. Under any, a column that is lost or has changed its type stops the load.
    """

    EVOLVE = "evolve"
    REPORT = "report"
    FREEZE = "freeze"


class Evidence(StrEnum):
    """What proves that a table is fresh: its last materialization, or the last time all its checks passed."""

    MATERIALIZATION = "materialization"
    AUDITS = "audits"


@dataclass(frozen=True)
class Schedule:
    """When a table is asked for: a five-field cron in a time zone."""

    cron: str
    timezone: str = "UTC"

    def __post_init__(self) -> None:
        _require(_CRON.match(self.cron) is not None, f"cron {self.cron!r}: five fields of digits and , * / - are expected")
        parsed(self.cron)
        try:
            ZoneInfo(self.timezone)
        except (KeyError, ValueError):
            raise ValueError(f"cron {self.cron!r}: no time zone is called {self.timezone}") from None


@dataclass(frozen=True)
class Retries:
    """Bounded retries of one step: at most `limit` more tries, `delay` apart at first, growing exponentially with jitter."""

    limit: int = 3
    delay: timedelta = timedelta(seconds=10)

    def __post_init__(self) -> None:
        _require(0 <= self.limit <= _MOST_RETRIES, f"retries: {self.limit} is not between 0 and {_MOST_RETRIES}")
        _require(self.delay >= timedelta(0), "retries: the delay is negative")

    @property
    def pauses(self) -> timedelta:
        """All pauses together at their longest: the nth is 2^n - 1 delays, and at most one delay more by jitter."""
        return self.delay * ((2 << self.limit) - 2)


@dataclass(frozen=True)
class Cost:
    """What one load costs, as an order of magnitude: requests sent, bytes received, and how long it usually takes."""

    calls: int
    bytes: int
    duration: timedelta = timedelta(minutes=10)

    def __post_init__(self) -> None:
        _require(self.duration > timedelta(0), "cost: a load takes some time")


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise ValueError(message)
