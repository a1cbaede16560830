"""The tables `platform.verdicts` and `platform.sprints`, for readers of the warehouse: what the ledger found of each objective.

Belongs here: their names, words and columns. What goes into them is `orchestration.coverage.slo_rows`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from oso_dagster.domain.catalogue.column import Column, ColumnType

KEPT = timedelta(days=400)
"""How far back the tables go; the ledger has what came before."""


@dataclass(frozen=True)
class PublishedTable:
    """A table `platform.<name>` with its description and columns."""

    name: str
    description: str
    columns: tuple[Column, ...]


VERDICTS = PublishedTable(
    "verdicts",
    "The newest verdict of each day (UTC) on each objective, with what was counted and what was left of the error budget then.",
    (
        Column("service", ColumnType.VARCHAR, "Service that makes the promise", nullable=False),
        Column("objective", ColumnType.VARCHAR, "Objective of the service", nullable=False),
        Column("day", ColumnType.DATE, "Day in UTC", nullable=False),
        Column("evaluated_at", ColumnType.TIMESTAMP, "When the newest verdict of the day was given", nullable=False),
        Column("verdict", ColumnType.VARCHAR, "compliant, at_risk, breached or no_data", nullable=False),
        Column("good", ColumnType.BIGINT, "Good events of the indicator", nullable=False),
        Column("valid", ColumnType.BIGINT, "Valid events of the indicator; 0: nothing was counted", nullable=False),
        Column("target", ColumnType.DOUBLE, "Share that is promised to be good", nullable=False),
        Column("window_seconds", ColumnType.BIGINT, "Length of the window that is judged; null: a point in time"),
        Column("allowed_failures", ColumnType.BIGINT, "How many of the valid events may be bad; null: there is no error budget"),
        Column("budget_left", ColumnType.DOUBLE, "Share of the error budget that is left; negative: overspent; null: no budget"),
        Column("burn", ColumnType.DOUBLE, "Error rate divided by the budget: 1 spends it exactly; null: no budget"),
        Column("reason", ColumnType.VARCHAR, "The verdict as a sentence, with its numbers", nullable=False),
        Column("guilty_assets", ColumnType.VARCHARS, "Public assets with bad events, the worst first"),
    ),
)
SPRINTS = PublishedTable(
    "sprints",
    "The remedial sprints of missed objectives: when each was opened and closed, and which public assets were guilty.",
    (
        Column("sprint_id", ColumnType.VARCHAR, "The objective, and when the sprint was opened", nullable=False),
        Column("service", ColumnType.VARCHAR, "Service that makes the promise", nullable=False),
        Column("objective", ColumnType.VARCHAR, "Objective of the service", nullable=False),
        Column("phase", ColumnType.VARCHAR, "open, recovering (met, not yet for long enough) or closed", nullable=False),
        Column("opened_at", ColumnType.TIMESTAMP, "When the objective was missed", nullable=False),
        Column("closed_at", ColumnType.TIMESTAMP, "When it had been met for long enough; null: not closed"),
        Column("missed_at", ColumnType.TIMESTAMP, "When it was last missed, with numbers other than before", nullable=False),
        Column("good", ColumnType.BIGINT, "Good events when it was last missed", nullable=False),
        Column("valid", ColumnType.BIGINT, "Valid events when it was last missed", nullable=False),
        Column("target", ColumnType.DOUBLE, "Share that is promised to be good", nullable=False),
        Column("guilty_assets", ColumnType.VARCHARS, "Public assets that had bad events when it was last missed"),
    ),
)
TABLES = (VERDICTS, SPRINTS)
