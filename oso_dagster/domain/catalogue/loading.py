"""One load: the request to a source, its result, the record that is kept, and when a load is refused.

Pure values and decisions; the rows themselves are opaque here (Arrow tables in practice).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from math import ceil
from pathlib import Path
from typing import Any

from oso_dagster.domain.catalogue.notices import UpstreamNotes
from oso_dagster.domain.catalogue.partitions import Window
from oso_dagster.domain.catalogue.table_names import table_name

CUT_SHORT = "cut_short"
"""The fact, in words, that a limit of the upstream (such as a rate limit) ended an extraction early: what came is kept."""

CONTINUATION = "continuation"
"""The fact, any JSON value, with which the next run goes on where a cut-short one ended: `request.previous.continuation`."""

GAPS = "gaps"
"""The fact, spans by item, of what upstream has no longer shown when it was asked: rows of that time may be missing for good."""

DATED_AHEAD = "dated_ahead"
"""The fact, numbers by item, of what is dated later than now by a wrong clock and is left out: nobody knows when it was."""

UNKNOWN_FIELDS = "unknown_fields"
"""The fact, a list of names, of what upstream has and nobody declared: reported by the source, or seen in the staged rows."""

NEWEST_EVENT = "newest_event"
"""The fact, an ISO time, that the warehouse adds where a table has an event time."""

ROWS_LOADED = "rows_loaded"
"""The fact, a number of rows, of one load alone: the table may have more."""

ROWS_ADDED, ROWS_CHANGED, ROWS_REMOVED = "rows_added", "rows_changed", "rows_removed"
"""The facts, numbers, of what a load did to the rows of the parent table: a correction upstream shows in the latter two."""

ROWS_LACKING = "rows_lacking"
"""The fact, a number, of rows that upstream still has and the table has not: they came back, or were never among what changed."""

ROWS_KEPT = "rows_kept"
"""The fact, a number, of how many rows of the parent table were carried over for items that were set aside."""

ROWS_OF_TABLES = "rows_of_tables"
"""The fact, numbers by landed table, of how many rows each had after a load whose own rows do not say so (merge, append)."""

VALUES_NULLED = "values_nulled"
"""The fact, numbers by column, of values that were no finite number or time and are declared to mean none."""

LoadFacts = dict[str, Any]
"""Plain JSON values that a load reports (`commit_sha`, `rejected_files` …); shown as metadata, never secret."""


@dataclass(frozen=True)
class DifferentRows:
    """A landed table, or a partition of it, that has other rows than the records of its loads say: `held` instead of `recorded`.

    The partition is empty where all partitions have what they should, and rows that belong to none are too many.
    """

    landed: str
    partition: str | None
    recorded: int
    held: int

    @property
    def words(self) -> str:
        """What differs."""
        place = f"{self.landed}[{self.partition}]" if self.partition else self.landed
        return f"{place} has {self.held:,} rows where {self.recorded:,} were published"


@dataclass(frozen=True)
class RecordedLoads:
    """Of one table, the `partitions` that have a record ("": the whole table), and which of the `asked` loads have one.

    `differing`: what of it has other rows than those records say.
    """

    partitions: frozenset[str] = frozenset()
    asked: frozenset[str] = frozenset()
    differing: tuple[DifferentRows, ...] = ()


@dataclass(frozen=True)
class LoadRecord:
    """What the warehouse remembers of one published load; written in the same transaction as the rows."""

    load_id: str
    source: str
    table: str
    partition: str | None
    version: str
    fingerprint: str
    rows: Mapping[str, int]
    loaded_at: datetime
    facts: LoadFacts = field(default_factory=dict)

    @property
    def row_count(self) -> int:
        """Rows of the parent table."""
        return self.rows[self.table]

    @property
    def cut_short(self) -> str | None:
        """Why the load is not the whole of it; None when it is."""
        return self.facts.get(CUT_SHORT)

    @property
    def continuation(self) -> Any:
        """Where the next run goes on, as the source left it; None after a whole load."""
        return self.facts.get(CONTINUATION)


@dataclass(frozen=True)
class Stretch:
    """The partitions that one run loads, oldest first, with the last load of each by its key.

    An extraction that asks for all of them at once leaves in `shared` what it got, for the other partitions of the run.
    """

    windows: Sequence[Window] = ()
    previous: Mapping[str, LoadRecord] = field(default_factory=dict)
    shared: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True)
class ExtractRequest:
    """Everything one extraction may know. Settings carry secrets, so they never show in a repr.

    `set_aside_share` is what the table declares; clients write what upstream announces into `notes`. `stretch` are the
    partitions of the run that `window` is one of. `previous` is a load that upstream's answers may be compared with; `kept_facts`
    are those of the last load also where nothing may be compared: they say whose rows the table still holds.
    """

    source: str
    table: str
    now: datetime
    cache: Path
    settings: Mapping[str, str] = field(repr=False)
    previous: LoadRecord | None = None
    kept_facts: Mapping[str, Any] = field(default_factory=dict)
    window: Window | None = None
    clients: Mapping[str, Any] = field(default_factory=dict, repr=False)
    inputs: Mapping[str, Sequence[str]] = field(default_factory=dict)
    set_aside_share: float = 0.0
    stretch: Stretch = field(default_factory=Stretch, repr=False, compare=False)
    notes: UpstreamNotes = field(default_factory=UpstreamNotes, repr=False, compare=False)

    def __post_init__(self) -> None:
        self.notes.remember(self.previous.facts if self.previous else {}, self.now)

    @property
    def where(self) -> str:
        """`source.table`, with which messages begin."""
        return table_name(self.source, self.table)


@dataclass(frozen=True)
class Extract:
    """New data: `version` names the upstream state (a commit, a content hash); `batches` holds Arrow tables by landed table.

    Every landed table of the asset is a key, also when it has no rows. `facts` may be filled while batches are drawn:
    a source that meets a rate limit ends its batches and sets `CUT_SHORT` and `CONTINUATION` (its table must be `resumable`).
    `surviving`, where it is given (Arrow tables of primary keys), is every row that upstream still has: the others are deleted
    in the same transaction. The stored rows of `kept_items` (by the table's `item_column`) stay in what is replaced: they were
    not asked for, or are gone and their past is still true. `whole_items` of a `merge` table came with all that upstream
    has of them: their stored rows that did not come are deleted. `notes` are what upstream announced meanwhile: the load step
    hands them on.
    """

    version: str
    batches: Mapping[str, Iterable[Any]]
    facts: LoadFacts = field(default_factory=dict)
    surviving: Iterable[Any] | None = None
    kept_items: Collection[str] = ()
    whole_items: Collection[str] = ()
    notes: UpstreamNotes = field(default_factory=UpstreamNotes, compare=False)


@dataclass(frozen=True)
class PlannedItem:
    """One item (repository, package …) that the next load asks for, and why now."""

    item: str
    why: str


@dataclass(frozen=True)
class LoadPlan:
    """What the next load of a table asks for, first things first, and what that costs of the limit of its upstream.

    `total` items are there, `items` are due of these; a load spends at most `budget` of `unit` (requests, points). `per_day` is
    what a usual day costs, of `limit_per_day`, which one credential has for all tables with this unit.
    """

    items: Sequence[PlannedItem]
    total: int
    unit: str
    budget: int
    per_day: int
    limit_per_day: int
    note: str = ""


@dataclass(frozen=True)
class Unchanged:
    """The upstream was asked and is exactly what was loaded before."""

    version: str
    facts: LoadFacts = field(default_factory=dict)


@dataclass(frozen=True)
class Finding:
    """The result of one check of a load. One that does not block warns: the rows are published."""

    check: str
    passed: bool
    message: str
    facts: LoadFacts = field(default_factory=dict)
    blocking: bool = True


@dataclass(frozen=True)
class Loaded:
    """A published load, the findings of the guards, and the columns that upstream added (`table.column`).

    `table_rows` is how many rows the parent table has now, those of other loads and partitions too.
    """

    record: LoadRecord
    findings: Sequence[Finding]
    table_rows: int
    new_columns: Sequence[str] = ()


class RefusedError(Exception):
    """A load that was stopped before publication: the rows that readers see are the old ones."""

    def __init__(self, message: str, findings: Sequence[Finding] = ()) -> None:
        super().__init__(message)
        self.findings = tuple(findings)


def refuse_shrink(table: str, *, before: int, now: int, floor: float, slack: int = 0) -> str | None:
    """Why a `replace` from `before` to `now` rows is refused, or None.

    `floor` is the allowed share of `before`; losing up to `slack` rows is never refused (for tables with few rows).

    >>> refuse_shrink("oss.projects", before=100, now=80, floor=0.8) is None
    True
    """
    least = min(ceil(before * floor), before - slack)
    if now >= least:
        return None
    return (
        f"{table}: {now:,} rows would replace {before:,}; at least {least:,} ({floor:.0%}) are expected. "
        "If upstream really lost them, run the load once with `allow_shrink: true`."
    )
