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
    """Readers see this version now; it was computed by an earlier run, whose deployment was held back or interrupted."""

    model: str
    version: str


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
class Note:
    """Something worth a line in the log."""

    text: str


Event = ModelDone | HeldBack | Promoted | UpToDate | AuditDone | Note
