"""What a table declares: its fields, with the meaning of each, and what follows from them. Whether they fit is `table_rules`'."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from oso_dagster.domain.catalogue.column import Child, Column
from oso_dagster.domain.catalogue.loading import Extract, ExtractRequest, LoadPlan, Unchanged
from oso_dagster.domain.catalogue.partitions import PartitionKind, Partitions
from oso_dagster.domain.catalogue.second_count import SecondCount
from oso_dagster.domain.catalogue.terms import Cost, Disposition, Evidence, Retries, Schedule, SchemaContract
from oso_dagster.domain.catalogue.truth import Regime


@dataclass(frozen=True)
class TableTerms:
    """What a table declares (`source.Table`, which refuses what cannot be): one dataset, one Dagster asset, one retry unit.

    `newest_by` names the times that distinguish versions of a row (`merge` only): the version whose latest time is the latest
    wins, so that an older live one never comes back over a soft delete. `fresh_within` is the promise (required for core) of a
    table without time partitions: with those it is `Partitions.due_after`; `shrink_floor` is the share of the last good row
    count below which a `replace` is refused; `revision` is raised when the meaning of the rows changes, so that an unchanged
    upstream is loaded again. `events_within` is how old the newest `event_time` may be, where upstream is expected to go on.
    `partition_key` is the column that holds the key of a static partition. `range_in_one_run`: a backfill of many partitions is
    one run that loads them one after the other, not a run for each. `resumable`: a rate limit may cut a load short.
    `may_be_empty`: upstream may really have no row, of the whole or of a partition; else a load without rows is refused.
    `needs` names columns of landed tables, as `source.table.column`, whose values the extraction is handed
    (`ExtractRequest.inputs`): the slugs that OSS Directory names, for instance. Those of `needs_if_loaded` are none until their
    table was loaded once.

    Truth, as quirks of the upstream (docs/add-a-source.md has the whole): `item_column` says which item (repository, slug,
    file) a row belongs to, and `set_aside_share` of the items asked for may be set aside in a load, their last good rows kept.
    `vanish_share` of the items asked for, or of the rows that upstream deletes, may vanish in one load. `changes_within` is how
    long after its end a partition may still change: it is loaded again within that span (`looks_again`), with all others of the
    span where a request covers them together (`changes_together`). `surviving`: each whole load says which keys upstream still
    has; a `merge` table without says in `keeps_deleted` why deletions are not followed. `events_may_stop` says why no newest
    event is promised (`events_within`). `mix_by` are columns whose shares of rows, `sums` columns whose totals are judged by
    what is usual. `not_taken` has a reason for each name, or pattern of names, that upstream has and we leave there. In columns
    of `not_finite_is_null` NaN and infinity mean that there is no value; elsewhere they are refused. Columns of `not_compared`
    (when a row was asked for) do not make a row a changed one. `identity` is the field of upstream by which a thing stays
    the same when its name changes, or why it has none; with `follows_renames` a load says which items have another name
    now (`RENAMED`), and their rows are moved to it. `why_not` says of a kind of quirk (`catalogue.kinds`) why it is not
    met. `second_count` is what coverage is measured by. `regimes` are the spans in which upstream behaved in one way,
    oldest first. `gap_since` is the column that marks the first row behind a
    span that upstream showed no longer (`GAPS`). `leaves_out_ahead`: what is dated ahead of now is left out (`DATED_AHEAD`).
    `plan` says, without asking upstream, what the next load asks for.
    """

    name: str
    description: str
    columns: tuple[Column, ...]
    primary_key: tuple[str, ...]
    disposition: Disposition
    extract: Callable[[ExtractRequest], Extract | Unchanged]
    schedule: Schedule
    cost: Cost
    children: tuple[Child, ...] = ()
    fresh_within: timedelta | None = None
    evidence: Evidence = Evidence.MATERIALIZATION
    event_time: str | None = None
    events_within: timedelta | None = None
    partitions: Partitions | None = None
    partition_key: str | None = None
    range_in_one_run: bool = False
    resumable: bool = False
    may_be_empty: bool = False
    newest_by: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    needs_if_loaded: tuple[str, ...] = ()
    retries: Retries = field(default_factory=Retries)
    shrink_floor: float = 0.8
    contract: SchemaContract = SchemaContract.EVOLVE
    public: bool = True
    revision: int = 1
    item_column: str | None = None
    set_aside_share: float = 0.0
    vanish_share: float = 0.2
    changes_within: timedelta | None = None
    changes_together: bool = False
    surviving: bool = False
    keeps_deleted: str | None = None
    events_may_stop: str | None = None
    mix_by: tuple[str, ...] = ()
    sums: tuple[str, ...] = ()
    not_taken: Mapping[str, str] = field(default_factory=dict, hash=False)
    not_finite_is_null: tuple[str, ...] = ()
    not_compared: tuple[str, ...] = ()
    second_count: SecondCount | None = None
    identity: str | None = None
    follows_renames: bool = False
    why_not: Mapping[str, str] = field(default_factory=dict, hash=False)
    regimes: tuple[Regime, ...] = ()
    gap_since: str | None = None
    leaves_out_ahead: bool = False
    plan: Callable[[ExtractRequest], LoadPlan] | None = None

    @property
    def promised_within(self) -> timedelta | None:
        """How old it is at most, if the promise is kept; None without one.

        With time partitions that is the age of the end of the newest one, just before the next one is due.
        """
        length = self.partitions.length if self.partitions is not None else None
        if self.partitions is None or length is None or self.partitions.due_after is None:
            return self.fresh_within
        return length + self.partitions.due_after

    @property
    def partition_column(self) -> str | None:
        """The column that says which partition a row belongs to."""
        static = self.partitions is not None and self.partitions.kind is PartitionKind.STATIC
        return self.partition_key if static else self.event_time

    @property
    def physical(self) -> dict[str, tuple[Column, ...]]:
        """The landed tables by name, parent first: `{"projects": …, "projects__github": …}`."""
        return {self.name: self.columns} | {f"{self.name}__{child.suffix}": child.columns for child in self.children}

    @property
    def item_columns(self) -> dict[str, str | None]:
        """The column of each landed table that says which item (repository, slug, file) a row belongs to; None without items."""
        nested = {f"{self.name}__{child.suffix}": child.item_column for child in self.children}
        return {self.name: self.item_column} | {name: own or self.item_column for name, own in nested.items()}

    @property
    def descriptions(self) -> dict[str, str]:
        """What each landed table is, in words."""
        return {self.name: self.description} | {f"{self.name}__{child.suffix}": child.description for child in self.children}

    @property
    def keys(self) -> dict[str, tuple[str, ...]]:
        """The primary key of each landed table."""
        return {self.name: self.primary_key} | {f"{self.name}__{child.suffix}": child.primary_key for child in self.children}
