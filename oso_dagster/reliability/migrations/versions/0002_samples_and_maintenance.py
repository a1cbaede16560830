"""Samples, maintenance windows, and how often a step was retried."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from oso_dagster.reliability.tables import UtcTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add a column, an index and two tables."""
    op.add_column("attempts", sa.Column("step_retries", sa.Integer))
    op.create_index("attempts_counted", "attempts", ["label", "asset", "ended", "outcome"])
    op.create_table(
        "samples",
        sa.Column("service", sa.String(64), primary_key=True),
        sa.Column("objective", sa.String(64), primary_key=True),
        sa.Column("at", UtcTime, primary_key=True),
        sa.Column("slice", sa.String(255), primary_key=True),
        sa.Column("good", sa.BigInteger, nullable=False),
        sa.Column("valid", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "maintenance",
        sa.Column("scope", sa.String(255), primary_key=True),
        sa.Column("start", UtcTime, primary_key=True),
        sa.Column("end", UtcTime, primary_key=True),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
    )
