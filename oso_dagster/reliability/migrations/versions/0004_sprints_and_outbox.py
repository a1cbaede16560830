"""Sprints, incidents, the outbox and its channels, heartbeats; the list of announced alerts goes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from oso_dagster.reliability.tables import UtcTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables of alerting. What was announced is announced once more, with a life of its own."""
    op.drop_table("alerts")
    _create_sprints()
    _create_incidents()
    _create_outbox()
    op.create_table(
        "heartbeats",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("at", UtcTime, nullable=False),
        sa.Column("every_seconds", sa.Integer, nullable=False),
    )


def _create_sprints() -> None:
    op.create_table(
        "sprints",
        sa.Column("key", sa.String(255), primary_key=True),
        sa.Column("objective", sa.String(128), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("opened_at", UtcTime, nullable=False),
        sa.Column("closed_at", UtcTime),
        sa.Column("updated_at", UtcTime, nullable=False),
        sa.Column("content", sa.JSON, nullable=False),
    )
    op.create_index("sprints_by_objective", "sprints", ["objective", "opened_at"])
    op.create_table(
        "sprint_events",
        sa.Column("sprint", sa.String(255), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("at", UtcTime, nullable=False),
        sa.Column("what", sa.String(16), nullable=False),
        sa.Column("who", sa.String(255), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
    )


def _create_incidents() -> None:
    op.create_table(
        "incidents",
        sa.Column("key", sa.String(255), primary_key=True),
        sa.Column("subject", sa.String(255), nullable=False),
        sa.Column("standing", sa.Boolean, nullable=False),
        sa.Column("opened_at", UtcTime, nullable=False),
        sa.Column("closed_at", UtcTime),
        sa.Column("said_at", UtcTime),
        sa.Column("collected", sa.String(255), nullable=False),
        sa.Column("sequence", sa.Integer, nullable=False),
        sa.Column("content", sa.JSON, nullable=False),
    )
    op.create_index("incidents_standing", "incidents", ["standing"])
    op.create_index("incidents_by_subject", "incidents", ["subject", "opened_at"])


def _create_outbox() -> None:
    op.create_table(
        "announcements",
        sa.Column("incident", sa.String(255), primary_key=True),
        sa.Column("sequence", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("said", sa.String(16), nullable=False),
        sa.Column("world", sa.String(32), nullable=False),
        sa.Column("at", UtcTime, nullable=False),
        sa.Column("content", sa.JSON, nullable=False),
    )
    op.create_table(
        "deliveries",
        sa.Column("incident", sa.String(255), primary_key=True),
        sa.Column("sequence", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("channel", sa.String(64), primary_key=True),
        sa.Column("said", sa.String(16), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("perhaps_sent", sa.Boolean, nullable=False),
        sa.Column("next_attempt_at", UtcTime, nullable=False),
        sa.Column("leased_by", sa.String(128), nullable=False),
        sa.Column("leased_until", UtcTime),
        sa.Column("changed_at", UtcTime, nullable=False),
        sa.Column("why", sa.Text, nullable=False),
    )
    op.create_index("deliveries_pending", "deliveries", ["state", "next_attempt_at"])
    op.create_table(
        "messages",
        sa.Column("incident", sa.String(255), primary_key=True),
        sa.Column("channel", sa.String(64), primary_key=True),
        sa.Column("message_id", sa.String(64), nullable=False),
        sa.Column("sequence", sa.Integer, nullable=False),
        sa.Column("at", UtcTime, nullable=False),
    )
    op.create_table(
        "channels",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("disabled", sa.Boolean, nullable=False),
        sa.Column("why", sa.Text, nullable=False),
        sa.Column("changed_at", UtcTime, nullable=False),
        sa.Column("blocked_until", UtcTime),
        sa.Column("last_sent_at", UtcTime),
    )
