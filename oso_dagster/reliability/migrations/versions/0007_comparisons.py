"""Second counts of upstreams beside what was held when they were asked for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from oso_dagster.reliability.tables import UtcTime

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A new table; of the time before nothing was compared."""
    op.create_table(
        "comparisons",
        sa.Column("asset", sa.String(255), primary_key=True),
        sa.Column("measured_at", UtcTime, primary_key=True),
        sa.Column("category", sa.String(255), primary_key=True),
        sa.Column("since", UtcTime),
        sa.Column("until", UtcTime),
        sa.Column("held", sa.BigInteger, nullable=False),
        sa.Column("low", sa.BigInteger, nullable=False),
        sa.Column("high", sa.BigInteger, nullable=False),
        sa.Column("target_bp", sa.Integer, nullable=False),
        sa.Column("sampled", sa.Boolean, nullable=False),
    )
