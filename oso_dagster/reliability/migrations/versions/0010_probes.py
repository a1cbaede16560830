"""What probes report: why a sample is bad, and the newest check of every probe."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from oso_dagster.reliability.tables import UtcTime

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A new column and a new table; why older samples were bad is not known."""
    op.add_column("samples", sa.Column("cause", sa.Text, nullable=False, server_default=""))
    op.create_table(
        "probe_results",
        sa.Column("probe", sa.String(64), primary_key=True),
        sa.Column("objective", sa.String(128), nullable=False),
        sa.Column("slice", sa.String(255), nullable=False),
        sa.Column("at", UtcTime, nullable=False),
        sa.Column("cause", sa.Text, nullable=False),
        sa.Column("seconds", sa.Float, nullable=False),
        sa.Column("details", sa.JSON, nullable=False),
        sa.Column("certificate_ends", UtcTime),
    )
