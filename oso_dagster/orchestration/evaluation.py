"""What the assets of each objective tell: from the ledger and the catalogue to tallies. Judging them is `domain.slo`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from oso_dagster.domain import freshness
from oso_dagster.domain.attempts import Label
from oso_dagster.domain.freshness import Freshness, FutureEvidenceError, Promise
from oso_dagster.domain.objectives import of_service
from oso_dagster.domain.slo import (
    Assessment,
    Indicator,
    Objective,
    Tally,
    evaluate,
    tally_attempts,
    tally_families,
)
from oso_dagster.domain.source import Evidence, Source, Table
from oso_dagster.reliability.ledger import LastGood
from oso_dagster.reliability.results import AssetRow
from oso_dagster.reliability.store import Store

_FAMILY_SPAN = timedelta(days=7)
"""A family judged inside the window may have begun before it, by no more than this."""


def measured_assets(sources: Sequence[Source], models: Sequence[str]) -> dict[str, Label]:
    """Every asset that is measured, `source/table` or a model, with the label it has now."""
    tables = {f"{source.name}/{table.name}": Label(source.stability.value) for source in sources for table in source.tables}
    return tables | dict.fromkeys(models, Label.SQLMESH)


@dataclass(frozen=True)
class Evaluator:
    """Assesses the objectives of a service from `store`. `labels` as `measured_assets` gives them."""

    store: Store
    sources: Sequence[Source]
    labels: Mapping[str, Label]

    def assess(self, service: str, now: datetime) -> list[Assessment]:
        """All objectives of `service` at `now`."""
        return [evaluate(objective, self._tallies(objective, now), now) for objective in of_service(service)]

    def freshness_rows(self, label: Label, now: datetime) -> list[AssetRow]:
        """The freshness of each source asset of a label; None for those that promise nothing."""
        judged = {asset: judgement for asset, (judgement, _) in self._judged(label, now).items()}
        return [
            AssetRow(asset, judged.get(asset), table.fresh_within, now) for asset, table in sorted(self._tables(label).items())
        ]

    def _tallies(self, objective: Objective, now: datetime) -> list[Tally]:
        if objective.indicator is Indicator.FRESH_ASSETS:
            return [_fresh(asset, *found) for asset, found in sorted(self._judged(objective.label, now).items())]
        if objective.indicator is Indicator.PARTITIONS:
            return self._complete(objective.label, now)
        since = now - (objective.window or timedelta(0))
        attempts = self.store.attempts(objective.label, since - _FAMILY_SPAN, self.labels)
        count = tally_families if objective.indicator is Indicator.FAMILIES else tally_attempts
        return count(attempts, since, now)

    def _tables(self, label: Label) -> dict[str, Table]:
        return {
            f"{source.name}/{table.name}": table
            for source in self.sources
            for table in source.tables
            if source.stability.value == label.value
        }

    def _judged(self, label: Label, now: datetime) -> dict[str, tuple[Freshness, str]]:
        """Freshness, and in words what is wrong, of every table that promises something."""
        tables = {asset: table for asset, table in self._tables(label).items() if table.fresh_within is not None}
        first_seen, good = self.store.results.see(set(tables), now), self.store.ledger.last_good()
        return {asset: self._judge(asset, table, first_seen[asset], good.get(asset), now) for asset, table in tables.items()}

    def _judge(
        self, asset: str, table: Table, first_due: datetime, good: LastGood | None, now: datetime
    ) -> tuple[Freshness, str]:
        if table.evidence is not Evidence.MATERIALIZATION:
            raise ValueError(f"{asset}: freshness by {table.evidence} is not measured; declare evidence by materialization")
        if table.partitions is not None:
            judgement = freshness.judge_partitioned(table.partitions, self.store.ledger.materialized_partitions(asset), now)
            return judgement, "the newest due partition is missing" if judgement is Freshness.STALE else ""
        within = table.fresh_within or timedelta(0)
        try:
            judgement = freshness.judge(Promise(within, first_due), good.at if good else None, now)
        except FutureEvidenceError as error:
            return Freshness.STALE, str(error)
        if judgement is not Freshness.STALE:
            return judgement, ""
        return judgement, f"last good {_time(good.at)}, promised within {within}" if good else "never materialized"

    def _complete(self, label: Label, now: datetime) -> list[Tally]:
        return [
            _holes(asset, table, self.store.ledger.materialized_partitions(asset), now)
            for asset, table in sorted(self._tables(label).items())
            if table.partitions is not None
        ]


def _fresh(asset: str, judgement: Freshness, note: str) -> Tally:
    return Tally(asset, int(judgement is Freshness.FRESH), int(judgement is not Freshness.NOT_DUE), note)


def _holes(asset: str, table: Table, materialized: frozenset[str], now: datetime) -> Tally:
    if table.partitions is None:
        raise ValueError(f"{asset} has no partitions")
    due, missing = len(table.partitions.due(now)), freshness.holes(table.partitions, materialized, now)
    return Tally(asset, due - len(missing), due, f"missing: {', '.join(missing)}" if missing else "")


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M UTC")
