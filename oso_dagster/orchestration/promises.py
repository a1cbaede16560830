"""Freshness and completeness of tables, from what the ledger knows of them. The rules are in `domain.freshness`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from oso_dagster.domain import freshness
from oso_dagster.domain.durations import duration
from oso_dagster.domain.freshness import Freshness, FutureEvidenceError, Promise
from oso_dagster.domain.slo import Tally
from oso_dagster.domain.source import Evidence, Table
from oso_dagster.reliability.ledger import LastGood
from oso_dagster.reliability.store import Store

_NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Promises:
    """What the `tables`, by asset name, promise at `now`; see `Evaluator` for `renamed` and `replaying`."""

    store: Store
    tables: Mapping[str, Table]
    renamed: Mapping[str, str]
    now: datetime
    replaying: bool

    def judged(self) -> dict[str, tuple[Freshness, str]]:
        """Freshness, and in words what is wrong, of every table that promises something."""
        first_due, good = self._first_due(), self._last_good()
        return {asset: self._judge(asset, table, first_due[asset], good.get(asset)) for asset, table in self._promising().items()}

    def complete(self) -> list[Tally]:
        """Due partitions that are there, per partitioned table; holes are named."""
        found = []
        for asset, table in sorted(self.tables.items()):
            if table.partitions is not None:
                due = len(table.partitions.due(self.now))
                missing = freshness.holes(table.partitions, self._landed(asset), self.now)
                found.append(Tally(asset, due - len(missing), due, f"missing: {', '.join(missing)}" if missing else ""))
        return found

    def fresh_time(self, since: datetime) -> dict[str, tuple[timedelta, timedelta]]:
        """How long each table was fresh after `since`, and how long it had to be."""
        first_due, found = self._first_due(), {}
        for asset, table in self._promising().items():
            if table.partitions is not None:
                landed = self._landed(asset)
                begin = max(since, min([first_due[asset], *landed.values()]))  # before that there was nothing to be fresh
                found[asset] = freshness.fresh_time_partitioned(table.partitions, landed, begin, self.now)
            else:
                within = table.fresh_within or timedelta(0)
                names = [asset, *(old for old, new in self.renamed.items() if new == asset)]
                times = [at for name in names for at in self.store.ledger.good_times(name, since, self.now)]
                found[asset] = freshness.fresh_time(Promise(within, first_due[asset]), times, since, self.now)
        return found

    def _promising(self) -> dict[str, Table]:
        return {asset: table for asset, table in self.tables.items() if table.fresh_within is not None}

    def _first_due(self) -> Mapping[str, datetime]:
        """A table is due from when it was first seen; in the past, one that is not known yet is not due."""
        if self.replaying:
            return dict.fromkeys(self.tables, _NEVER) | self.store.results.first_seen()
        return self.store.results.see(set(self._promising()), self.now)

    def _last_good(self) -> dict[str, LastGood]:
        good: dict[str, LastGood] = {}
        for name, found in self.store.ledger.last_good(self.now if self.replaying else None).items():
            asset = self.renamed.get(name, name)
            if asset not in good or good[asset].at < found.at:
                good[asset] = found
        return good

    def _landed(self, asset: str) -> dict[str, datetime]:
        names = [asset, *(old for old, new in self.renamed.items() if new == asset)]
        landed: dict[str, datetime] = {}
        for name in names:
            for key, at in self.store.ledger.landed(name, self.now if self.replaying else None).items():
                landed[key] = min(at, landed.get(key, at))
        return landed

    def _judge(self, asset: str, table: Table, first_due: datetime, good: LastGood | None) -> tuple[Freshness, str]:
        if table.evidence is not Evidence.MATERIALIZATION:
            raise ValueError(f"{asset}: freshness by {table.evidence} is not measured; declare evidence by materialization")
        if table.partitions is not None:
            judgement = freshness.judge_partitioned(table.partitions, self._landed(asset), self.now)
            return judgement, "the newest due partition is missing" if judgement is Freshness.STALE else ""
        within = table.fresh_within or timedelta(0)
        try:
            judgement = freshness.judge(Promise(within, first_due), good.at if good else None, self.now)
        except FutureEvidenceError as error:
            return Freshness.STALE, str(error)
        if judgement is not Freshness.STALE:
            return judgement, ""
        if good is None:
            return judgement, "never materialized"
        return judgement, f"last good {good.at:%Y-%m-%d %H:%M} UTC, promised within {duration(within)}"
