"""The memory of incidents: which are open, what was said of them.

What has to be said now is decided in `domain.alerts.announcing`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, select

from oso_dagster.domain.alerts.announcement import Announcement, Route, addressed
from oso_dagster.domain.alerts.announcing import DIGEST, Change, Memory, Standing
from oso_dagster.domain.alerts.incident import Incident
from oso_dagster.domain.alerts.incident_data import as_data, incident_of
from oso_dagster.reliability.alerts.alert_tables import incidents
from oso_dagster.reliability.alerts.outbox import enqueue
from oso_dagster.reliability.database import Database, alone_in, insert_into
from oso_dagster.reliability.ledger.attempt_rows import chunks


class Incidents:
    """Reads and writes incidents."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def settle(
        self,
        decide: Callable[[Memory], Sequence[Change]],
        keys: Collection[str],
        world: str,
        routes: Iterable[Route],
        now: datetime,
    ) -> list[Change]:
        """Let `decide` compare what was said with what is wrong, and write down both what it changes and what is to be said.

        One transaction, and the only one of its kind at a time: two that decide at once would say everything twice. `keys` are
        those of the incidents that are wanted: ended ones among them are remembered too.
        """
        channels = tuple(routes)
        with self._database.writing() as connection:
            alone_in(connection, incidents)
            changes = list(decide(_memory(connection, keys)))
            for change in changes:
                _write(connection, change)
                _say(connection, change, world, channels, now)
        return changes

    def standing(self) -> list[Incident]:
        """The incidents that stand, told or not, the oldest first."""
        with self._database.reading() as connection:
            return [one.incident for one in _standing(connection) if one.incident.open]


def _memory(connection: Connection, keys: Collection[str]) -> Memory:
    ended = [
        _remembered(row)
        for chunk in chunks(sorted(keys))
        for row in connection.execute(select(incidents).where(incidents.c.key.in_(chunk), incidents.c.standing.is_(False)))
    ]
    digest = select(func.max(incidents.c.opened_at)).where(incidents.c.subject == DIGEST)
    last = connection.execute(digest).scalar_one()
    return Memory(_standing(connection), {one.incident.key: one for one in ended}, last)


def _standing(connection: Connection) -> list[Standing]:
    query = select(incidents).where(incidents.c.standing.is_(True)).order_by(incidents.c.opened_at, incidents.c.key)
    return [_remembered(row) for row in connection.execute(query)]


def _remembered(row: Row[Any]) -> Standing:
    return Standing(incident_of(row.content), row.sequence, row.said_at, row.collected)


def _write(connection: Connection, change: Change) -> None:
    after, incident = change.after, change.after.incident
    values = {
        "subject": incident.subject,
        "standing": change.stands,
        "opened_at": incident.opened_at,
        "closed_at": incident.closed_at,
        "said_at": after.said_at,
        "collected": after.collected,
        "sequence": after.sequence,
        "content": as_data(incident),
    }
    insert = insert_into(connection, incidents).values(key=incident.key, **values)
    connection.execute(insert.on_conflict_do_update(index_elements=["key"], set_=values))


def _say(connection: Connection, change: Change, world: str, routes: Sequence[Route], now: datetime) -> None:
    incident = change.after.incident
    names = {name for one in (incident, *change.audience) for name in addressed(one, routes)}
    first = change.after.sequence - len(change.said) + 1
    for sequence, said in enumerate(change.said, start=first):
        enqueue(connection, Announcement(said, sequence, incident, world, now), names)
