"""The tables of what people declare beside their maintenance windows: each change of a window, and public announcements."""

from __future__ import annotations

from sqlalchemy import Column, Integer, String, Table, Text

from oso_dagster.reliability.tables import UtcTime, metadata

maintenance_changes = Table(
    "maintenance_changes",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("at", UtcTime, nullable=False),
    Column("what", String(16), nullable=False),
    Column("scope", String(255), nullable=False),
    Column("start", UtcTime, nullable=False),
    Column("end", UtcTime, nullable=False),
    Column("who", Text, nullable=False),
    Column("text", Text, nullable=False),
)

public_notices = Table(
    "public_notices",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("at", UtcTime, nullable=False),
    Column("until", UtcTime),
    Column("who", Text, nullable=False),
    Column("text", Text, nullable=False),
)
