"""The stored state of channels: whether each may be used, since when not, and why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from oso_dagster.reliability.alerts.alert_tables import channels
from oso_dagster.reliability.database import Database, insert_into


@dataclass(frozen=True)
class ChannelState:
    """One channel. Disabled: its webhook is gone (404) or refuses us (401); `why` says so, since `changed_at`."""

    name: str
    disabled: bool
    why: str
    changed_at: datetime
    blocked_until: datetime | None
    last_sent_at: datetime | None


class Channels:
    """Reads and writes the state of channels."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def open(self, name: str, fingerprint: str, now: datetime) -> None:
        """Make the channel known. A disabled one is used again when its `fingerprint`, which must hold no secret, changes."""
        fresh = {"fingerprint": fingerprint, "disabled": False, "why": "", "changed_at": now, "blocked_until": None}
        with self._database.writing() as connection:
            insert = insert_into(connection, channels).values(name=name, **fresh)
            changed = channels.c.fingerprint != fingerprint
            connection.execute(insert.on_conflict_do_update(index_elements=["name"], set_=fresh, where=changed))

    def disable(self, name: str, why: str, now: datetime) -> None:
        """Use the channel no more, until it is opened with another address or `reopen`ed. Its deliveries stay pending."""
        self._set(name, disabled=True, why=why, changed_at=now)

    def reopen(self, name: str, now: datetime) -> None:
        """Use the channel again."""
        self._set(name, disabled=False, why="", changed_at=now, blocked_until=None)

    def block(self, name: str, until: datetime) -> None:
        """Leave the channel alone until then: its rate limit is used up."""
        self._set(name, blocked_until=until)

    def all(self) -> list[ChannelState]:
        """Every channel that was ever opened, by name."""
        with self._database.reading() as connection:
            rows = connection.execute(select(channels).order_by(channels.c.name)).all()
        return [
            ChannelState(row.name, row.disabled, row.why, row.changed_at, row.blocked_until, row.last_sent_at) for row in rows
        ]

    def _set(self, name: str, **values: Any) -> None:
        with self._database.writing() as connection:
            connection.execute(channels.update().where(channels.c.name == name).values(**values))
