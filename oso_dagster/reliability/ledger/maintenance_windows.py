"""Maintenance windows as people declare, end, move and take them back; each change is kept with its time and its author."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, Connection, and_, delete, select

from oso_dagster.domain.objectives.maintenance import Maintenance
from oso_dagster.domain.printable import require_storable
from oso_dagster.reliability.database import Database, insert_into
from oso_dagster.reliability.declaration_tables import maintenance_changes
from oso_dagster.reliability.tables import maintenance

_COLUMNS = [maintenance.c[field.name] for field in fields(Maintenance)]


class WindowChange(StrEnum):
    """What was done with a window."""

    DECLARED = "declared"
    ENDED = "ended"
    MOVED = "moved"
    TAKEN_BACK = "taken_back"


@dataclass(frozen=True)
class MaintenanceChange:
    """One change of a window in [start, end): as it was before it was ended, moved or taken back."""

    at: datetime
    what: WindowChange
    scope: str
    start: datetime
    end: datetime
    who: str
    text: str


class Maintenances:
    """Reads and writes maintenance windows."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, *windows: Maintenance) -> int:
        """Declare windows, all or none; how many were new: not those of the same scope and times.

        Raises ValueError for words that cannot be kept.
        """
        for window in windows:
            require_storable("the reason of a maintenance window", window.reason)
            require_storable("the author of a maintenance window", window.author)
        with self._database.writing() as connection:
            return sum(_insert(connection, window) for window in windows)

    def end(self, scope: str, now: datetime, who: str = "") -> list[Maintenance]:
        """End the windows of a scope that are open at `now`; returns them as they were. What happened in them stays left out."""
        with self._database.writing() as connection:
            running = [window for window in _of(connection, scope) if window.start < now < window.end]
            for window in running:
                _replace(connection, window, replace(window, end=now))
                _note(connection, window, WindowChange.ENDED, now, who)
        return running

    def move_end(self, window: Maintenance, end: datetime, now: datetime, who: str = "") -> Maintenance:
        """Shorten or extend a window that is not over; the window as it is now.

        Raises ValueError for an end that has passed, one before the window begins, and for a window that is over, or that
        somebody else has ended, moved or taken back since it was read.
        """
        if window.end <= now:
            raise ValueError(f"the window of {window.scope} ended at {window.end:%Y-%m-%d %H:%M} UTC: declare another one")
        if end <= now:
            raise ValueError("the new end has passed already: what was left out stays left out; end it now instead")
        moved = replace(window, end=end)
        with self._database.writing() as connection:
            if not _replace(connection, window, moved):
                raise ValueError(f"somebody else has just changed the window of {window.scope}: look at it, and try again")
            _note(connection, window, WindowChange.MOVED, now, who, f"to {end.isoformat()}")
        return moved

    def take_back(
        self, scope: str, now: datetime, who: str = "", *, begins: datetime | None = None, running: bool = False
    ) -> list[Maintenance]:
        """Forget the windows of a scope that have not begun at `now`, and return them; `begins`: only the one that begins then.

        `running`: those that are open, too; what happened in them counts after all.
        """
        with self._database.writing() as connection:
            taken = [
                window
                for window in _of(connection, scope)
                if window.end > now and (running or window.start >= now) and begins in (None, window.start)
            ]
            for window in taken:
                connection.execute(delete(maintenance).where(_is(window)))
                _note(connection, window, WindowChange.TAKEN_BACK, now, who)
        return taken

    def all(self) -> list[Maintenance]:
        """Every declared window, the earliest first."""
        query = select(*_COLUMNS).order_by(maintenance.c.start, maintenance.c.end, maintenance.c.scope)
        with self._database.reading() as connection:
            return [Maintenance(*row) for row in connection.execute(query)]

    def changes(self) -> list[MaintenanceChange]:
        """Everything that was ever done with windows, the oldest first."""
        table = maintenance_changes
        query = select(table.c.at, table.c.what, table.c.scope, table.c.start, table.c.end, table.c.who, table.c.text)
        with self._database.reading() as connection:
            rows = connection.execute(query.order_by(table.c.number)).all()
        return [
            MaintenanceChange(row.at, WindowChange(row.what), row.scope, row.start, row.end, row.who, row.text) for row in rows
        ]


def _of(connection: Connection, scope: str) -> Sequence[Maintenance]:
    query = select(*_COLUMNS).where(maintenance.c.scope == scope).order_by(maintenance.c.start, maintenance.c.end)
    return [Maintenance(*row) for row in connection.execute(query)]


def _insert(connection: Connection, window: Maintenance) -> int:
    values = {field.name: getattr(window, field.name) for field in fields(window)}
    inserted = connection.execute(insert_into(connection, maintenance).values(values).on_conflict_do_nothing()).rowcount
    if inserted and window.declared_at is not None:
        _note(connection, window, WindowChange.DECLARED, window.declared_at, window.author, window.rule)
    return inserted


def _replace(connection: Connection, window: Maintenance, by: Maintenance) -> bool:
    """Whether the window was still there. Two windows of one scope may become the same one."""
    was_there = bool(connection.execute(delete(maintenance).where(_is(window))).rowcount)
    values = {field.name: getattr(by, field.name) for field in fields(by)}
    connection.execute(insert_into(connection, maintenance).values(values).on_conflict_do_nothing())
    return was_there


def _note(connection: Connection, window: Maintenance, what: WindowChange, at: datetime, who: str, text: str = "") -> None:
    require_storable("the name of who changes a maintenance window", who)
    values = {"at": at, "what": what, "who": who, "text": text, "scope": window.scope, "start": window.start, "end": window.end}
    connection.execute(maintenance_changes.insert().values(values))


def _is(window: Maintenance) -> ColumnElement[bool]:
    return and_(maintenance.c.scope == window.scope, maintenance.c.start == window.start, maintenance.c.end == window.end)
