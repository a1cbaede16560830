"""The ends of queries that a listener reported, so that each counts once."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from oso_dagster.reliability.tables import UtcTime

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A new table with its index."""
    op.create_table(
        "query_ends",
        sa.Column("query_id", sa.String(255), primary_key=True),
        sa.Column("at", UtcTime, nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
    )
    op.create_index("query_ends_at", "query_ends", ["at"])
