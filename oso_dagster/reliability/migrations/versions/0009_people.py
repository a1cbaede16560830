"""What people declare and are told: maintenance with its declaration and changes, public announcements, the pace of incidents."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from oso_dagster.reliability.tables import UtcTime

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """New columns and tables; when older windows were declared is not known."""
    op.add_column("maintenance", sa.Column("declared_at", UtcTime))
    op.add_column("maintenance", sa.Column("rule", sa.Text, nullable=False, server_default=""))
    op.add_column("incidents", sa.Column("pace", sa.JSON))
    op.create_table(
        "maintenance_changes",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("at", UtcTime, nullable=False),
        sa.Column("what", sa.String(16), nullable=False),
        sa.Column("scope", sa.String(255), nullable=False),
        sa.Column("start", UtcTime, nullable=False),
        sa.Column("end", UtcTime, nullable=False),
        sa.Column("who", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
    )
    op.create_table(
        "public_notices",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("at", UtcTime, nullable=False),
        sa.Column("until", UtcTime),
        sa.Column("who", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
    )
