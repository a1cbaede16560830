"""What proves freshness beside a materialization: whether its checks all passed, and how new its newest event is."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from oso_dagster.reliability.tables import UtcTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add two columns; of what was recorded before, neither is known."""
    op.add_column("attempts", sa.Column("audited", sa.Boolean))
    op.add_column("attempts", sa.Column("newest_event", UtcTime))
