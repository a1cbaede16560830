"""The stored heartbeats: whatever has to happen regularly records one here, so that others notice when it stops."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select

from oso_dagster.reliability.alerts.alert_tables import heartbeats
from oso_dagster.reliability.database import Database, insert_into


@dataclass(frozen=True)
class Heartbeat:
    """When `name` last recorded a heartbeat, and how often it is expected to."""

    name: str
    at: datetime
    every: timedelta


class Heartbeats:
    """Reads and writes heartbeats."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def beat(self, name: str, every: timedelta, now: datetime) -> None:
        """Record a heartbeat of `name`."""
        values = {"at": now, "every_seconds": int(every.total_seconds())}
        with self._database.writing() as connection:
            insert = insert_into(connection, heartbeats).values(name=name, **values)
            connection.execute(insert.on_conflict_do_update(index_elements=["name"], set_=values))

    def all(self) -> list[Heartbeat]:
        """The last heartbeat of everything that ever recorded one, by name."""
        with self._database.reading() as connection:
            rows = connection.execute(select(heartbeats).order_by(heartbeats.c.name)).all()
            return [Heartbeat(row.name, row.at, timedelta(seconds=row.every_seconds)) for row in rows]
