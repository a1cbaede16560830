"""The stored remedial sprints: the state of each, and its history, to which entries are only ever added."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, and_, delete, func, or_, select

from oso_dagster.domain.alerts.sprint import Entry, EntryKind, ObjectiveFinding, Sprint, advance, as_of
from oso_dagster.domain.alerts.sprint_data import as_data, sprint_of
from oso_dagster.reliability.alerts.alert_tables import sprint_events, sprints
from oso_dagster.reliability.database import Database, insert_into, lock_table

_TOLERATED = timedelta(days=1)
"""A clock that is set back by less changes nothing; what is dated later than that was written by one that was far ahead."""


class Sprints:
    """Reads and writes sprints. There is at most one open sprint per objective, however many processes evaluate."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def advance(self, findings: Iterable[ObjectiveFinding]) -> list[Sprint]:
        """Move every objective's sprint on by what an evaluation found; those that were opened, changed or closed by it."""
        changed = []
        with self._database.writing() as connection:
            lock_table(connection, sprints)
            judged = list(findings)
            standing = _newest(connection, max((finding.at for finding in judged), default=None))
            for finding in judged:
                before = standing.get(finding.objective)
                after = advance(before, finding)
                if after is not None and after != before:
                    _save(connection, after, before)
                    changed.append(after)
        return changed

    def change(self, objective: str, act: Callable[[Sprint], Sprint]) -> Sprint:
        """Let somebody change the newest sprint of an objective. Raises LookupError if it never had one, ValueError as `act`."""
        with self._database.writing() as connection:
            lock_table(connection, sprints)
            before = _newest(connection).get(objective)
            if before is None:
                raise LookupError(f"{objective} never had a sprint")
            after = act(before)
            _save(connection, after, before)
        return after

    def newest(self, now: datetime | None = None) -> dict[str, Sprint]:
        """The newest sprint of every objective that ever had one; not what a clock far ahead of `now` has written."""
        with self._database.reading() as connection:
            return _newest(connection, now)

    def cut(self, now: datetime) -> int:
        """Remove what is dated later than `now`: entries, and the sprints that were opened then; how many sprints had any."""
        with self._database.writing() as connection:
            late = _read(connection, connection.execute(select(sprints).where(sprints.c.updated_at > now)).all())
            for sprint in late:
                before = as_of(sprint, now)
                connection.execute(delete(sprint_events).where(sprint_events.c.sprint == sprint.key, sprint_events.c.at > now))
                if before is None:
                    connection.execute(delete(sprints).where(sprints.c.key == sprint.key))
                else:
                    _save(connection, before, before)
        return len(late)

    def since(self, since: datetime, now: datetime | None = None) -> list[Sprint]:
        """Every sprint that was open at `since` or at any time after it, with its history up to `now`, the newest first."""
        query = select(sprints).where(or_(sprints.c.closed_at.is_(None), sprints.c.closed_at >= since))
        with self._database.reading() as connection:
            read = _read(connection, connection.execute(query.order_by(sprints.c.opened_at.desc(), sprints.c.key)).all())
        cut = [sprint if now is None else as_of(sprint, now) for sprint in read]
        return [sprint for sprint in cut if sprint is not None]


def _newest(connection: Connection, now: datetime | None = None) -> dict[str, Sprint]:
    """Without what is dated more than `_TOLERATED` later than `now`."""
    until = None if now is None else now + _TOLERATED
    known = [] if until is None else [sprints.c.opened_at <= until]
    opened = select(sprints.c.objective, func.max(sprints.c.opened_at).label("at")).where(*known)
    newest = opened.group_by(sprints.c.objective).subquery()
    same = and_(sprints.c.objective == newest.c.objective, sprints.c.opened_at == newest.c.at)
    newest_sprints = _read(connection, connection.execute(select(sprints).join(newest, same)).all())
    cut = [sprint if until is None else as_of(sprint, until) for sprint in newest_sprints]
    return {sprint.objective: sprint for sprint in cut if sprint is not None}


def _read(connection: Connection, rows: Sequence[Row[Any]]) -> list[Sprint]:
    history: dict[str, list[Entry]] = defaultdict(list)
    query = select(sprint_events).where(sprint_events.c.sprint.in_([row.key for row in rows]))
    for event in connection.execute(query.order_by(sprint_events.c.sprint, sprint_events.c.number)):
        history[event.sprint].append(Entry(event.at, EntryKind(event.what), event.text, event.who))
    return [sprint_of(row.content, history[row.key]) for row in rows]


def _save(connection: Connection, sprint: Sprint, before: Sprint | None) -> None:
    content = {name: value for name, value in as_data(sprint).items() if name != "history"}
    values = {
        "objective": sprint.objective,
        "state": sprint.phase,
        "opened_at": sprint.opened_at,
        "closed_at": sprint.closed_at,
        "updated_at": sprint.history[-1].at,
        "content": content,
    }
    insert = insert_into(connection, sprints).values(key=sprint.key, **values)
    connection.execute(insert.on_conflict_do_update(index_elements=["key"], set_=values))
    known = len(before.history) if before is not None and before.key == sprint.key else 0
    connection.execute(delete(sprint_events).where(sprint_events.c.sprint == sprint.key, sprint_events.c.number > known))
    new = [
        {"sprint": sprint.key, "number": number, "at": entry.at, "what": entry.kind, "who": entry.who, "text": entry.text}
        for number, entry in enumerate(sprint.history[known:], start=known + 1)
    ]
    if new:
        connection.execute(sprint_events.insert(), new)
