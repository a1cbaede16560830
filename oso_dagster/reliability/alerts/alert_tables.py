"""The tables of alerting: sprints and their history, incidents, announcements and their delivery, channels, heartbeats."""

from __future__ import annotations

from sqlalchemy import JSON, Boolean, Column, Index, Integer, String, Table, Text

from oso_dagster.reliability.tables import UtcTime, metadata

sprints = Table(
    "sprints",
    metadata,
    Column("key", String(255), primary_key=True),
    Column("objective", String(128), nullable=False),
    Column("state", String(16), nullable=False),
    Column("opened_at", UtcTime, nullable=False),
    Column("closed_at", UtcTime),
    Column("updated_at", UtcTime, nullable=False),
    Column("content", JSON, nullable=False),
    Index("sprints_by_objective", "objective", "opened_at"),
)

sprint_events = Table(
    "sprint_events",
    metadata,
    Column("sprint", String(255), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("at", UtcTime, nullable=False),
    Column("what", String(16), nullable=False),
    Column("who", String(255), nullable=False),
    Column("text", Text, nullable=False),
)

incidents = Table(
    "incidents",
    metadata,
    Column("key", String(255), primary_key=True),
    Column("subject", String(255), nullable=False),
    Column("standing", Boolean, nullable=False),
    Column("opened_at", UtcTime, nullable=False),
    Column("closed_at", UtcTime),
    Column("said_at", UtcTime),
    Column("collected", String(255), nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("content", JSON, nullable=False),
    Column("pace", JSON),
    Index("incidents_standing", "standing"),
    Index("incidents_by_subject", "subject", "opened_at"),
)

announcements = Table(
    "announcements",
    metadata,
    Column("incident", String(255), primary_key=True),
    Column("sequence", Integer, primary_key=True, autoincrement=False),
    Column("said", String(16), nullable=False),
    Column("world", String(32), nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("content", JSON, nullable=False),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("incident", String(255), primary_key=True),
    Column("sequence", Integer, primary_key=True, autoincrement=False),
    Column("channel", String(64), primary_key=True),
    Column("said", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("perhaps_sent", Boolean, nullable=False),
    Column("next_attempt_at", UtcTime, nullable=False),
    Column("leased_by", String(128), nullable=False),
    Column("leased_until", UtcTime),
    Column("changed_at", UtcTime, nullable=False),
    Column("why", Text, nullable=False),
    Index("deliveries_pending", "state", "next_attempt_at"),
)

messages = Table(
    "messages",
    metadata,
    Column("incident", String(255), primary_key=True),
    Column("channel", String(64), primary_key=True),
    Column("message_id", String(64), nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("at", UtcTime, nullable=False),
)

channels = Table(
    "channels",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("fingerprint", String(64), nullable=False),
    Column("disabled", Boolean, nullable=False),
    Column("why", Text, nullable=False),
    Column("changed_at", UtcTime, nullable=False),
    Column("blocked_until", UtcTime),
    Column("last_sent_at", UtcTime),
)

heartbeats = Table(
    "heartbeats",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("at", UtcTime, nullable=False),
    Column("every_seconds", Integer, nullable=False),
)
