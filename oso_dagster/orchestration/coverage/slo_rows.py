"""What the ledger says of objectives, as rows for readers of the warehouse: verdicts by day, and sprints.

Names of people, their notes, causes, runs and tables that are not public stay in the ledger.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime

from oso_dagster.domain.alerts.sprint import Sprint
from oso_dagster.domain.catalogue.source import Source
from oso_dagster.domain.catalogue.table_names import asset_name
from oso_dagster.domain.objectives.budget import ALL, allowed_failures, budget_left, burn_rate
from oso_dagster.domain.objectives.published import KEPT, SPRINTS, VERDICTS, PublishedTable
from oso_dagster.reliability.results import VerdictRow
from oso_dagster.reliability.store import Store

Columns = dict[str, list[object]]


def slo_rows(store: Store, sources: Sequence[Source], now: datetime) -> tuple[tuple[PublishedTable, Columns], ...]:
    """Each table with its rows, a list per column, as the store has them at `now`."""
    hidden = {asset_name(source.name, table.name) for source in sources for table in source.tables if not table.public}
    verdicts = store.results.newest_of_days(now - KEPT, now)
    sprints = store.sprints.since(now - KEPT, now)
    return (
        (VERDICTS, _columns(VERDICTS, (_verdict(row, hidden) for row in verdicts))),
        (SPRINTS, _columns(SPRINTS, (_sprint(sprint, hidden) for sprint in sprints))),
    )


def _verdict(row: VerdictRow, hidden: Collection[str]) -> tuple[object, ...]:
    budget = bool(row.budget)  # the ledger keeps it empty where there is none: nothing counted, all promised, each by itself
    burn = burn_rate(row.good, row.valid, row.target_bp) if budget else None
    left = budget_left(row.good, row.valid, row.target_bp) if budget else None
    return (
        row.service,
        row.objective,
        row.evaluated_at.astimezone(UTC).date(),
        row.evaluated_at,
        row.verdict.value,
        row.good,
        row.valid,
        row.target_bp / ALL,
        None if row.window is None else int(row.window.total_seconds()),
        allowed_failures(row.valid, row.target_bp) if budget else None,
        None if left is None else float(left),
        None if burn is None else float(burn),
        row.summary,
        [tally.asset for tally in row.guilty if tally.asset not in hidden],
    )


def _sprint(sprint: Sprint, hidden: Collection[str]) -> tuple[object, ...]:
    finding = sprint.finding
    return (
        sprint.key,
        finding.service,
        finding.objective.removeprefix(f"{finding.service}."),
        sprint.phase.value,
        sprint.opened_at,
        sprint.closed_at,
        finding.at,
        finding.good,
        finding.valid,
        finding.target_bp / ALL,
        [guilty.asset for guilty in finding.guilty if guilty.asset not in hidden],
    )


def _columns(table: PublishedTable, rows: Iterable[tuple[object, ...]]) -> Columns:
    kept = list(rows)
    return {column.name: [row[place] for row in kept] for place, column in enumerate(table.columns)}
