"""The table `platform.coverage`, for readers of the warehouse: every comparison that the ledger has of the last year."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from oso_dagster.domain.catalogue.column import Column, ColumnType
from oso_dagster.domain.coverage.comparison import Comparison
from oso_dagster.domain.objectives.budget import ALL

NAME = "coverage"
KEPT = timedelta(days=400)
"""How far back the table goes; the ledger has what came before."""

DESCRIPTION = (
    "Of what truly happened upstream, the share that the platform holds: second counts of upstreams beside what was held when "
    "they were asked for, by table, category and span. An extension of ours beside the published service definition."
)
COLUMNS = (
    Column("table_name", ColumnType.VARCHAR, "Table that is measured, as source.table", nullable=False),
    Column("category", ColumnType.VARCHAR, "Category: event type, chain, package …; empty for the whole table", nullable=False),
    Column("measured_at", ColumnType.TIMESTAMP, "When the second count was asked for", nullable=False),
    Column("since", ColumnType.TIMESTAMP, "Begin of the span that is compared; null: from the first"),
    Column("until", ColumnType.TIMESTAMP, "End of the span, exclusive; null: to the last"),
    Column("held", ColumnType.BIGINT, "What the warehouse held then", nullable=False),
    Column("true_low", ColumnType.BIGINT, "What is really there, at least", nullable=False),
    Column("true_high", ColumnType.BIGINT, "What is really there, at most", nullable=False),
    Column("coverage_low", ColumnType.DOUBLE, "Share that is held, at least; above 1: more than is really there"),
    Column("coverage_high", ColumnType.DOUBLE, "Share that is held, at most"),
    Column("target", ColumnType.DOUBLE, "Share that is promised", nullable=False),
    Column(
        "sampled", ColumnType.BOOLEAN, "Whether a sample is compared: the shares are of Wilson's interval at 95 %", nullable=False
    ),
    Column("sampled_items", ColumnType.BIGINT, "Items of the sample in which anything was counted: repositories, packages"),
    Column(
        "independent_draws",
        ColumnType.DOUBLE,
        "How many independent draws the sample is worth, as things of one item are lost together: the interval is of so many",
    ),
    Column("verdict", ColumnType.VARCHAR, "compliant, breached or no_data (nothing to compare with)", nullable=False),
)


def rows_of(comparisons: Sequence[Comparison]) -> dict[str, list[object]]:
    """The rows of the table, a list per column."""
    rows = [
        (
            comparison.asset.replace("/", "."),
            comparison.category,
            comparison.measured_at,
            comparison.since,
            comparison.until,
            comparison.held,
            comparison.low,
            comparison.high,
            *(comparison.bounds or (None, None)),
            comparison.target / ALL,
            comparison.sampled,
            comparison.items,
            comparison.draws,
            comparison.verdict.value,
        )
        for comparison in comparisons
    ]
    return {column.name: [row[place] for row in rows] for place, column in enumerate(COLUMNS)}
