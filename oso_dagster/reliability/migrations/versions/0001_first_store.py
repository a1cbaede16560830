"""The first store: identity, ledger, verdicts and announced alerts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from oso_dagster.reliability.tables import UtcTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create all tables."""
    op.create_table(
        "identity",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("world", sa.String(32), nullable=False),
    )
    _create_ledger()
    _create_results()


def _create_ledger() -> None:
    op.create_table(
        "runs",
        sa.Column("run_id", sa.String(64), primary_key=True),
        sa.Column("family", sa.String(64), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("will_retry", sa.Boolean, nullable=False),
        sa.Column("settled", sa.Boolean, nullable=False),
        sa.Column("seen_at", UtcTime, nullable=False),
    )
    op.create_index("runs_unsettled", "runs", ["settled"])
    op.create_table(
        "attempts",
        sa.Column("run_id", sa.String(64), primary_key=True),
        sa.Column("asset", sa.String(255), primary_key=True),
        sa.Column("partition", sa.String(255), primary_key=True),
        sa.Column("report", sa.String(64), primary_key=True),
        sa.Column("label", sa.String(16), nullable=False),
        sa.Column("outcome", sa.String(32), nullable=False),
        sa.Column("started", UtcTime),
        sa.Column("ended", UtcTime),
        sa.Column("cause", sa.Text, nullable=False),
        sa.Column("rows", sa.BigInteger),
    )
    op.create_index("attempts_by_label", "attempts", ["label", "ended"])
    op.create_index("attempts_by_asset", "attempts", ["asset", "outcome", "ended"])
    op.create_table(
        "cursors",
        sa.Column("storage_id", sa.String(64), primary_key=True),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("anchor", sa.String(128), nullable=False),
    )


def _create_results() -> None:
    op.create_table(
        "assets",
        sa.Column("asset", sa.String(255), primary_key=True),
        sa.Column("first_seen", UtcTime, nullable=False),
        sa.Column("freshness", sa.String(16)),
        sa.Column("within_seconds", sa.BigInteger),
        sa.Column("evaluated_at", UtcTime),
    )
    op.create_table(
        "verdicts",
        sa.Column("service", sa.String(64), primary_key=True),
        sa.Column("objective", sa.String(64), primary_key=True),
        sa.Column("evaluated_at", UtcTime, primary_key=True),
        sa.Column("verdict", sa.String(16), nullable=False),
        sa.Column("good", sa.BigInteger, nullable=False),
        sa.Column("valid", sa.BigInteger, nullable=False),
        sa.Column("target_bp", sa.Integer, nullable=False),
        sa.Column("window_seconds", sa.BigInteger),
        sa.Column("budget", sa.Text, nullable=False),
        sa.Column("summary", sa.Text, nullable=False),
        sa.Column("guilty", sa.JSON, nullable=False),
    )
    op.create_table(
        "alerts",
        sa.Column("key", sa.String(255), primary_key=True),
        sa.Column("standing", sa.Boolean, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("changed_at", UtcTime, nullable=False),
    )
