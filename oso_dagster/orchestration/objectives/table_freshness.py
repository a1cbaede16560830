"""Freshness and completeness of tables, from what the ledger knows of them. The rules are in `domain.objectives.freshness`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from oso_dagster.domain.catalogue.partitions import Partitions, Window
from oso_dagster.domain.catalogue.promise import TermsOfLoad
from oso_dagster.domain.catalogue.source import Disposition, Evidence, Table
from oso_dagster.domain.durations import duration
from oso_dagster.domain.judging.lost_rows import Shortage
from oso_dagster.domain.objectives import freshness
from oso_dagster.domain.objectives.freshness import Freshness, FutureEvidenceError, Promise
from oso_dagster.domain.objectives.slo import Tally
from oso_dagster.reliability.ledger.ledger import LastGood
from oso_dagster.reliability.store import Store

_NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True)
class TableFreshness:
    """How fresh a table is; `note` says in words what is wrong; `evidence` is when it was last known to be good."""

    freshness: Freshness
    note: str = ""
    evidence: datetime | None = None
    newest_event: datetime | None = None


@dataclass(frozen=True)
class Promises:
    """What the `tables`, by asset name, promise at `now`; see `Evaluator` for `renamed`, `replaying`, `due_at` and `lost`."""

    store: Store
    tables: Mapping[str, Table]
    terms: Mapping[str, TermsOfLoad]
    renamed: Mapping[str, str]
    now: datetime
    replaying: bool
    due_at: datetime | None = None
    lost: Mapping[str, Shortage] = field(default_factory=dict)
    _all_landed: dict[bool, dict[str, dict[str, datetime]]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def judged(self) -> dict[str, TableFreshness]:
        """Every table that promises something."""
        first_due = self._first_due()
        good = {audited: self._last_good(audited=audited) for audited in {_audited(table) for table in self.tables.values()}}
        return {
            asset: self._judge(asset, table, first_due[asset], good[_audited(table)].get(asset))
            for asset, table in self._promising().items()
        }

    def complete(self) -> list[Tally]:
        """Due partitions that are loaded, per partitioned table; missing ones are named."""
        tallies = []
        for asset, table in sorted(self.tables.items()):
            if table.partitions is not None:
                due = len(table.partitions.due(self._due_at))
                missing = freshness.holes(table.partitions, self._there(asset), self._due_at)
                tallies.append(Tally(asset, due - len(missing), due, f"missing: {', '.join(missing)}" if missing else ""))
        return tallies

    def fresh_time(self, since: datetime) -> dict[str, tuple[timedelta, timedelta]]:
        """How long each table was fresh after `since`, and how long it had to be."""
        first_due, shares = self._first_due(), {}
        times = self._good_times(since)
        for asset, table in self._promising().items():
            if table.partitions is not None and table.partitions.start is not None:
                landed = self._landed(asset, audited=_audited(table))
                first = freshness.first_fresh(table.partitions, landed, self.now)
                begin = max(since, min(first_due[asset], first or _NEVER))  # before that there was nothing to be fresh
                shares[asset] = freshness.fresh_time_partitioned(table.partitions, landed, begin, self.now)
            else:
                within = table.promised_within or timedelta(0)
                shares[asset] = freshness.fresh_time(Promise(within, first_due[asset]), times[asset], since, self.now)
        return shares

    def newest_events(self) -> dict[str, datetime]:
        """The newest event of each table that promises an age of it, where one is known."""
        events = {asset: self._newest_event(asset, table) for asset, table in self._promising().items()}
        return {asset: event for asset, event in events.items() if event is not None}

    def _there(self, asset: str) -> frozenset[str]:
        """The partitions that are loaded, and not lost since."""
        landed = frozenset(self._landed(asset))
        return landed - self.lost[asset].of(landed) if asset in self.lost else landed

    def _promising(self) -> dict[str, Table]:
        return {asset: table for asset, table in self.tables.items() if table.promised_within is not None}

    def _first_due(self) -> Mapping[str, datetime]:
        """A table is due once its first load after it was first seen must have ended; in the past, one not known yet is not."""
        results = self.store.results
        seen = results.first_seen() if self.replaying else results.remember_assets(set(self._promising()), self.now)
        return {asset: terms.first_due(seen[asset]) if asset in seen else _NEVER for asset, terms in self.terms.items()}

    @property
    def _due_at(self) -> datetime:
        return self.now if self.due_at is None else min(self.due_at, self.now)

    @property
    def _until(self) -> datetime | None:
        return self.now if self.replaying else None

    def _names(self, asset: str) -> list[str]:
        return [asset, *(old for old, new in self.renamed.items() if new == asset)]

    def _last_good(self, *, audited: bool) -> dict[str, LastGood]:
        good: dict[str, LastGood] = {}
        for name, last in self.store.ledger.last_good(self._until, audited=audited).items():
            asset = self.renamed.get(name, name)
            if asset not in good or good[asset].at < last.at:
                good[asset] = last
        return good

    def _good_times(self, since: datetime) -> dict[str, list[datetime]]:
        """When each promising table without partitions in time was materialized well, under any of its names."""
        times: dict[str, list[datetime]] = {}
        for audited in (False, True):
            mine = [
                asset
                for asset, table in self._promising().items()
                if _audited(table) is audited and (table.partitions is None or table.partitions.start is None)
            ]
            names = [name for asset in mine for name in self._names(asset)]
            good = self.store.ledger.good_times(names, since, self.now, audited=audited) if names else {}
            times |= {asset: [at for name in self._names(asset) for at in good[name]] for asset in mine}
        return times

    def _landed(self, asset: str, *, audited: bool = False) -> dict[str, datetime]:
        """When each partition landed first, under any name of the table; asked once for all tables in partitions."""
        if audited not in self._all_landed:
            names = [name for each, table in self.tables.items() if table.partitions for name in self._names(each)]
            self._all_landed[audited] = self.store.ledger.landed_of(names, self._until, audited=audited)
        landed: dict[str, datetime] = {}
        for name in self._names(asset):
            for key, at in self._all_landed[audited][name].items():
                landed[key] = min(at, landed.get(key, at))
        return landed

    def _judge(self, asset: str, table: Table, first_due: datetime, good: LastGood | None) -> TableFreshness:
        evidence = good.at if good else None
        shortage = self.lost.get(asset)
        if shortage is not None and not (table.partitions and shortage.spans):
            return TableFreshness(Freshness.STALE, shortage.sentence, evidence)
        try:
            freshness_, wrong = self._arrival(asset, table, Promise(table.promised_within or timedelta(0), first_due), evidence)
            event = self._newest_event(asset, table)
            late = self._late(table, event)
        except FutureEvidenceError as error:
            return TableFreshness(Freshness.STALE, str(error), evidence)
        if freshness_ is Freshness.FRESH:
            return TableFreshness(Freshness.STALE if late else freshness_, late, evidence, event)
        wrong = shortage.sentence if shortage is not None else wrong
        return TableFreshness(freshness_, wrong if freshness_ is Freshness.STALE else "", evidence, event)

    def _late(self, table: Table, event: datetime | None) -> str:
        """In words, when the newest event is older than it may be."""
        if table.events_within is None or event is None:
            return ""
        fresh = freshness.judge_events(event, table.events_within, self.now) is Freshness.FRESH
        return "" if fresh else f"newest event {event:%Y-%m-%d %H:%M} UTC, promised within {duration(table.events_within)}"

    def _arrival(self, asset: str, table: Table, promise: Promise, evidence: datetime | None) -> tuple[Freshness, str]:
        """Whether it arrived in time, and in words what is wrong if not. One that never did has time until it is first due."""
        if table.partitions is not None:
            return self._partitions_arrived(asset, table, table.partitions, promise)
        judgement = freshness.judge(promise, evidence, self.now)
        passed = " with all its checks passed" if _audited(table) else ""
        if evidence is None:
            return judgement, f"never materialized{passed}"
        return judgement, f"last good {evidence:%Y-%m-%d %H:%M} UTC{passed}, promised within {duration(promise.within)}"

    def _partitions_arrived(self, asset: str, table: Table, partitions: Partitions, promise: Promise) -> tuple[Freshness, str]:
        kept, landed = self._there(asset), self._landed(asset, audited=_audited(table))
        there = {key: at for key, at in landed.items() if key in kept}
        judgement = freshness.judge_partitioned(partitions, there, self._due_at)
        if judgement is not Freshness.STALE or (not landed and self._due_at < promise.first_due):
            return Freshness.NOT_DUE if judgement is Freshness.STALE else judgement, ""
        loaded = self._landed(asset) if _audited(table) else {}
        reasons = [
            f"partition {partition.key} is there, but not all of its checks passed"
            if partition.key in loaded
            else _missing(partitions, partition)
            for partition in freshness.wanting(partitions, there, self._due_at)
        ]
        return judgement, "; ".join(reasons)

    def _newest_event(self, asset: str, table: Table) -> datetime | None:
        """None where nobody watches it, or nothing is known of it yet."""
        if table.events_within is None:
            return None
        whole = table.disposition is Disposition.REPLACE
        events = [self.store.ledger.newest_event(name, self._until, of_last=whole) for name in self._names(asset)]
        return max((at for at in events if at is not None), default=None)


def _missing(partitions: Partitions, window: Window) -> str:
    due = partitions.deadline(window)
    return f"partition {window.key} is missing" + (f", due since {due:%Y-%m-%d %H:%M} UTC" if due else "")


def _audited(table: Table) -> bool:
    return table.evidence is Evidence.AUDITS
