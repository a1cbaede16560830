"""The stored incidents: which are open, and which announcements they had.

Which announcements are due is decided in `domain.alerts.announcing`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, select

from oso_dagster.domain.alerts.announcement import LOG, Announcement, Route, addressed
from oso_dagster.domain.alerts.announcing import DIGEST, IncidentChange, IncidentMemory
from oso_dagster.domain.alerts.incident import Incident
from oso_dagster.domain.alerts.incident_data import as_data, incident_of
from oso_dagster.domain.alerts.occurrence import SAME_INCIDENT, IncidentRecord, pace_data, pace_of
from oso_dagster.domain.alerts.weekly import WEEKLY
from oso_dagster.reliability.alerts.alert_tables import incidents
from oso_dagster.reliability.alerts.outbox import enqueue
from oso_dagster.reliability.database import Database, insert_into, lock_table
from oso_dagster.reliability.ledger.attempt_rows import chunks


class Incidents:
    """Reads and writes incidents."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def settle(
        self,
        decide: Callable[[IncidentMemory], Sequence[IncidentChange]],
        keys: Collection[str],
        world: str,
        routes: Iterable[Route],
        now: datetime,
    ) -> list[IncidentChange]:
        """Let `decide` compare what was announced with what is wrong; record what it changes, and the announcements to send.

        One transaction, and the only one of its kind at a time: two at once would announce everything twice. `keys` are those
        of the incidents that are wanted: ended ones among them are remembered too, and those that ended a short while ago.
        """
        channels = tuple(routes)
        with self._database.writing() as connection:
            lock_table(connection, incidents)
            changes = list(decide(_memory(connection, keys, now)))
            for change in changes:
                _write(connection, change)
                _announce(connection, change, world, channels, now)
        return changes

    def last_weekly(self, now: datetime) -> datetime | None:
        """When the last weekly digest up to `now` was made."""
        with self._database.reading() as connection:
            return _last(connection, WEEKLY, now)

    def standing(self) -> list[Incident]:
        """The open incidents, announced or not, the oldest first."""
        with self._database.reading() as connection:
            return [record.incident for record in _standing(connection) if record.incident.open]


def _memory(connection: Connection, keys: Collection[str], now: datetime) -> IncidentMemory:
    ended = [
        _remembered(row)
        for chunk in chunks(sorted(keys))
        for row in connection.execute(select(incidents).where(incidents.c.key.in_(chunk), incidents.c.standing.is_(False)))
    ]
    just_ended = (incidents.c.standing.is_(False), incidents.c.closed_at > now - SAME_INCIDENT, incidents.c.closed_at <= now)
    ended += [_remembered(row) for row in connection.execute(select(incidents).where(*just_ended))]
    by_key = {record.incident.key: record for record in ended}
    return IncidentMemory(_standing(connection), by_key, _last(connection, DIGEST, now), _last(connection, WEEKLY, now))


def _last(connection: Connection, subject: str, now: datetime) -> datetime | None:
    """When the newest incident of a subject was opened, of those up to `now`: a clock may once have been ahead."""
    newest = select(func.max(incidents.c.opened_at)).where(incidents.c.subject == subject, incidents.c.opened_at <= now)
    at: datetime | None = connection.execute(newest).scalar_one()
    return at


def _standing(connection: Connection) -> list[IncidentRecord]:
    query = select(incidents).where(incidents.c.standing.is_(True)).order_by(incidents.c.opened_at, incidents.c.key)
    return [_remembered(row) for row in connection.execute(query)]


def _remembered(row: Row[Any]) -> IncidentRecord:
    return IncidentRecord(incident_of(row.content), row.sequence, row.said_at, row.collected, pace_of(row.pace))


def _write(connection: Connection, change: IncidentChange) -> None:
    after, incident = change.after, change.after.incident
    values = {
        "subject": incident.subject,
        "standing": change.stands,
        "opened_at": incident.opened_at,
        "closed_at": incident.closed_at,
        "said_at": after.announced_at,
        "collected": after.collected,
        "sequence": after.sequence,
        "content": as_data(incident),
        "pace": pace_data(after.pace),
    }
    insert = insert_into(connection, incidents).values(key=incident.key, **values)
    connection.execute(insert.on_conflict_do_update(index_elements=["key"], set_=values))


def _announce(connection: Connection, change: IncidentChange, world: str, routes: Sequence[Route], now: datetime) -> None:
    incident = change.after.incident
    members = () if change.logged else (incident, *change.audience)
    names = {LOG, *(name for member in members for name in addressed(member, routes))}
    first = change.after.sequence - len(change.kinds) + 1
    for sequence, kind in enumerate(change.kinds, start=first):
        enqueue(connection, Announcement(kind, sequence, incident, world, now), names)
