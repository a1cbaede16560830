"""What happens to models during a run, as plain values. No SQLMesh, no Dagster."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

Interval = tuple[int, int]
"""Start and end (exclusive), in Unix milliseconds, as SQLMesh counts."""


@dataclass(frozen=True)
class Batch:
    """One batch of a model: its interval, rows written and bytes processed; None where the engine does not report them."""

    interval: Interval
    rows: int | None = None
    bytes: int | None = None


@dataclass(frozen=True)
class Written:
    """What an attempt wrote. `rows` (of the whole table) and the others are None where the engine does not report them cheaply.

    `bytes_processed` is what engines bill: what the statements that wrote had to read.
    """

    version: str = ""
    intervals: tuple[Interval, ...] = ()
    rows: int | None = None
    rows_written: int | None = None
    bytes_processed: int | None = None


@dataclass(frozen=True)
class ModelDone:
    """One attempt at one model ended; `outcome` is one of those in `attempt_metadata`. `sql` is the query of one that failed."""

    model: str
    outcome: str
    started: float
    ended: float
    cause: str = ""
    written: Written = Written()
    sql: str = ""


@dataclass(frozen=True)
class HeldBack:
    """A deployment promoted nothing: readers see the previous versions."""

    reason: str


@dataclass(frozen=True)
class Promoted:
    """Readers see this version now, and this run did not compute it.

    `computed` is when it was last computed, in Unix seconds; None when it never was: its table holds what another version wrote.
    """

    model: str
    version: str
    computed: float | None = None


@dataclass(frozen=True)
class UpToDate:
    """Nothing was due on the model: it was not computed."""

    model: str
    version: str


@dataclass(frozen=True)
class AuditDone:
    """One audit was run on one model; it passed when it found nothing (`count` = 0)."""

    model: str
    check: str
    count: int
    blocking: bool
    query: str
    sample: tuple[Mapping[str, str], ...] = ()


@dataclass(frozen=True)
class UnitTestDone:
    """A unit test of a model ended; it passed when there is no cause. `stands`: an earlier pass with the same models."""

    model: str
    check: str
    test: str
    cause: str = ""
    stands: bool = False


@dataclass(frozen=True)
class UnitTestsNotRun:
    """No unit test was run, and why: what they last found stands."""

    why: str


@dataclass(frozen=True)
class Note:
    """A line in the run's log; `level` is one of Python's logging: `info`, `warning`, `error`."""

    text: str
    level: str = "info"


@dataclass(frozen=True)
class UpstreamFailed:
    """A blocking audit failed on a table that no model makes, or standing alone: what reads the table is held back."""

    table: str
    cause: str


@dataclass(frozen=True)
class Waiting:
    """A model is due, but its signals say that it is not ready: it was not computed."""

    model: str
    version: str
    signals: tuple[str, ...]


Event = ModelDone | HeldBack | Promoted | UpToDate | Waiting | UpstreamFailed | AuditDone | UnitTestDone | UnitTestsNotRun | Note
