"""Old attempts and samples, folded by day: a row for each asset and day instead of one for each event."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from oso_dagster.reliability.tables import UtcTime

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Three new tables; nothing is folded yet."""
    op.create_table(
        "folding",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("until", UtcTime, nullable=False),
    )
    op.create_table(
        "folded_attempts",
        sa.Column("asset", sa.String(255), primary_key=True),
        sa.Column("day", UtcTime, primary_key=True),
        sa.Column("label", sa.String(16), primary_key=True),
        sa.Column("good", sa.BigInteger, nullable=False),
        sa.Column("last_good", UtcTime),
        sa.Column("last_audited", UtcTime),
        sa.Column("packed", sa.LargeBinary, nullable=False),
    )
    op.create_index("folded_attempts_by_day", "folded_attempts", ["label", "day"])
    op.create_table(
        "folded_samples",
        sa.Column("service", sa.String(64), primary_key=True),
        sa.Column("objective", sa.String(64), primary_key=True),
        sa.Column("day", UtcTime, primary_key=True),
        sa.Column("slice", sa.String(255), primary_key=True),
        sa.Column("good", sa.BigInteger, nullable=False),
        sa.Column("valid", sa.BigInteger, nullable=False),
        sa.Column("packed", sa.LargeBinary, nullable=False),
    )
