"""The outbox: which announcements are to be delivered on which channel, in which order, and which were. `alerting` sends them.

A delivery is one announcement on one channel. At most one per incident and channel is under way. What a newer state has
overtaken is dropped when the next one is taken: an incident that ended before it was announced is not announced.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, and_, func, select, update

from oso_dagster.domain.alerts.announcement import Announcement, AnnouncementKind
from oso_dagster.domain.alerts.incident_data import as_data, incident_of
from oso_dagster.reliability.alerts.alert_tables import announcements, channels, deliveries, messages
from oso_dagster.reliability.database import Database, insert_into
from oso_dagster.reliability.process_name import is_gone, this_process

PENDING, SENT, DROPPED, DEAD = "pending", "sent", "dropped", "dead"
LEASE = timedelta(minutes=2)
"""How long a delivery may be under way; a process that died on this host gives it back at once."""


@dataclass(frozen=True)
class Delivery:
    """One announcement to be sent on one channel, taken by this process.

    `message_id` is the incident's message on the channel, to be edited; None: there is none yet. `perhaps_sent`: an earlier try
    ended without an answer, so that this one may be a second message. `attempts` counts the tries before this one.
    """

    announcement: Announcement
    channel: str
    message_id: str | None
    attempts: int
    perhaps_sent: bool


class Outbox:
    """Reads and writes what is to be delivered. Every method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def enqueue(self, announcement: Announcement, names: Collection[str]) -> None:
        """Enqueue an announcement for the named channels, and for those that received the incident before."""
        with self._database.writing() as connection:
            enqueue(connection, announcement, names)

    def claim(self, now: datetime, only: Collection[str] | None = None) -> Delivery | None:
        """Take the next delivery that is due, of the channels `only`; None when nothing is.

        It is this process's until it is handed back, until `LEASE` is over, or until this process is gone.
        """
        with self._database.writing() as connection:
            for row in _heads(connection, now, only):
                queue = _queue(connection, row.incident, row.channel)
                if queue[0].leased_until and queue[0].leased_until > now and not is_gone(queue[0].leased_by):
                    continue
                chosen = _chosen(connection, queue, now)
                if chosen is not None and chosen.next_attempt_at <= now:
                    return _taken(connection, chosen, now)
        return None

    def sent(self, delivery: Delivery, message_id: str, now: datetime) -> None:
        """It was accepted; `message_id` is the incident's message from now on, but a reminder's own is not kept.

        A channel without messages gives "".
        """
        announcement = delivery.announcement
        with self._database.writing() as connection:
            _leave(connection, delivery, state=SENT, perhaps_sent=True, changed_at=now, why="")
            connection.execute(update(channels).where(channels.c.name == delivery.channel).values(last_sent_at=now))
            if announcement.kind is AnnouncementKind.REMINDED:
                return
            values = {"message_id": message_id, "sequence": announcement.sequence, "at": now}
            insert = insert_into(connection, messages).values(
                incident=announcement.incident.key, channel=delivery.channel, **values
            )
            connection.execute(insert.on_conflict_do_update(index_elements=["incident", "channel"], set_=values))

    def retry_later(self, delivery: Delivery, at: datetime, why: str, *, refused: bool) -> None:
        """Try again at `at`. `refused` says that it was certainly not accepted, as a 429 does and a timeout does not."""
        kept = delivery.perhaps_sent or not refused
        with self._database.writing() as connection:
            _leave(connection, delivery, next_attempt_at=at, perhaps_sent=kept, why=why)

    def give_up(self, delivery: Delivery, why: str, now: datetime) -> None:
        """It can never be accepted as it is; kept as `dead`, with the reason."""
        with self._database.writing() as connection:
            _leave(connection, delivery, state=DEAD, changed_at=now, why=why)

    def forget_message(self, delivery: Delivery, at: datetime, why: str) -> None:
        """The incident's message is gone from the channel: the delivery becomes a new message."""
        key = delivery.announcement.incident.key
        with self._database.writing() as connection:
            connection.execute(messages.delete().where(messages.c.incident == key, messages.c.channel == delivery.channel))
            _leave(connection, delivery, next_attempt_at=at, perhaps_sent=False, why=why)

    def next_due(self) -> datetime | None:
        """When the earliest pending delivery of a channel that is not disabled may be tried; None when nothing is pending."""
        disabled = select(channels.c.name).where(channels.c.disabled.is_(True))
        query = select(func.min(deliveries.c.next_attempt_at)).where(
            deliveries.c.state == PENDING, deliveries.c.channel.not_in(disabled)
        )
        with self._database.reading() as connection:
            due: datetime | None = connection.execute(query).scalar_one()
        return due

    def counts(self) -> dict[tuple[str, str], int]:
        """How many deliveries there are by (channel, state)."""
        query = select(deliveries.c.channel, deliveries.c.state, func.count()).group_by(deliveries.c.channel, deliveries.c.state)
        with self._database.reading() as connection:
            return {(channel, state): count for channel, state, count in connection.execute(query)}


def enqueue(connection: Connection, announcement: Announcement, names: Collection[str]) -> None:
    """`Outbox.enqueue` inside a transaction of the caller's; the same announcement twice is kept once."""
    incident = announcement.incident
    row = {"incident": incident.key, "sequence": announcement.sequence}
    content = {"said": announcement.kind, "world": announcement.world, "at": announcement.at, "content": as_data(incident)}
    connection.execute(insert_into(connection, announcements).values(**row, **content).on_conflict_do_nothing())
    told_channels = select(deliveries.c.channel).where(deliveries.c.incident == incident.key).distinct()
    for name in sorted({*names, *connection.execute(told_channels).scalars()}):
        values = {
            **row,
            "channel": name,
            "said": announcement.kind,
            "state": PENDING,
            "attempts": 0,
            "perhaps_sent": False,
            "next_attempt_at": announcement.at,
            "leased_by": "",
            "changed_at": announcement.at,
            "why": "",
        }
        connection.execute(insert_into(connection, deliveries).values(**values).on_conflict_do_nothing())


def _heads(connection: Connection, now: datetime, only: Collection[str] | None) -> Sequence[Row[*tuple[Any, ...]]]:
    """Incidents with something pending on a channel that may be used now, those that wait longest first."""
    closed = select(channels.c.name).where(channels.c.disabled.is_(True) | (channels.c.blocked_until > now))
    due = func.min(deliveries.c.next_attempt_at)
    where = [deliveries.c.state == PENDING, deliveries.c.channel.not_in(closed)]
    where += [] if only is None else [deliveries.c.channel.in_(only)]
    query = select(deliveries.c.incident, deliveries.c.channel, due).where(*where).having(due <= now)
    query = query.group_by(deliveries.c.incident, deliveries.c.channel)
    return connection.execute(query.order_by(due, func.min(deliveries.c.changed_at), deliveries.c.incident)).all()


def _queue(connection: Connection, incident: str, channel: str) -> Sequence[Row[Any]]:
    where = (deliveries.c.incident == incident, deliveries.c.channel == channel, deliveries.c.state == PENDING)
    return connection.execute(select(deliveries).where(*where).order_by(deliveries.c.sequence)).all()


def _chosen(connection: Connection, queue: Sequence[Row[Any]], now: datetime) -> Row[Any] | None:
    """The delivery of a queue that is sent next; those that it makes needless are dropped. None: none has to be sent any more."""
    chosen = queue[_overtaken(queue)]
    known = _was_announced(connection, chosen) or any(row.perhaps_sent for row in queue)
    silent = chosen.said == AnnouncementKind.RECOVERED and not known
    needless = [row for row in queue if row.sequence < chosen.sequence or (silent and row.sequence == chosen.sequence)]
    # What perhaps was sent, and when it may be tried again, holds for the one that takes its place.
    inherited = {"perhaps_sent": any(row.perhaps_sent for row in queue), "next_attempt_at": max(_waits(queue, chosen))}
    for row in needless:
        connection.execute(update(deliveries).where(_is(row)).values(state=DROPPED, changed_at=now, why="overtaken"))
    if silent:
        return None
    connection.execute(update(deliveries).where(_is(chosen)).values(**inherited))
    return connection.execute(select(deliveries).where(_is(chosen))).one()


def _overtaken(queue: Sequence[Row[Any]]) -> int:
    """The index of the first row that is not overtaken: the newest state of a row of states; a recovery overtakes all."""
    recovered = [index for index, row in enumerate(queue) if row.said == AnnouncementKind.RECOVERED]
    chosen = recovered[-1] if recovered else 0
    if queue[chosen].said == AnnouncementKind.REMINDED:
        return chosen
    while chosen + 1 < len(queue) and queue[chosen + 1].said != AnnouncementKind.REMINDED:
        chosen += 1
    return chosen


def _waits(queue: Sequence[Row[Any]], chosen: Row[Any]) -> list[datetime]:
    return [row.next_attempt_at for row in queue if row.sequence <= chosen.sequence and row.attempts] or [chosen.next_attempt_at]


def _taken(connection: Connection, row: Row[Any], now: datetime) -> Delivery:
    # Until there is an answer it may have been sent: this process can be killed at any moment.
    lease = {"leased_by": this_process(), "leased_until": now + LEASE, "perhaps_sent": True, "attempts": row.attempts + 1}
    connection.execute(update(deliveries).where(_is(row)).values(**lease))
    stored = connection.execute(
        select(announcements).where(announcements.c.incident == row.incident, announcements.c.sequence == row.sequence)
    ).one()
    announcement = Announcement(
        AnnouncementKind(stored.said), stored.sequence, incident_of(stored.content), stored.world, stored.at
    )
    return Delivery(announcement, row.channel, _message(connection, row), row.attempts, row.perhaps_sent)


def _message(connection: Connection, row: Row[Any]) -> str | None:
    query = select(messages.c.message_id).where(messages.c.incident == row.incident, messages.c.channel == row.channel)
    return connection.execute(query).scalar_one_or_none()


def _was_announced(connection: Connection, row: Row[Any]) -> bool:
    """Whether the channel knows of the incident: its message is there, or was and somebody deleted it."""
    sent = select(deliveries.c.sequence).where(
        deliveries.c.incident == row.incident, deliveries.c.channel == row.channel, deliveries.c.state == SENT
    )
    return _message(connection, row) is not None or connection.execute(sent.limit(1)).first() is not None


def _leave(connection: Connection, delivery: Delivery, **values: Any) -> None:
    """Give the delivery back; one that somebody else holds by now is left to them."""
    announcement = delivery.announcement
    mine = and_(
        deliveries.c.incident == announcement.incident.key,
        deliveries.c.sequence == announcement.sequence,
        deliveries.c.channel == delivery.channel,
        deliveries.c.leased_by == this_process(),
    )
    connection.execute(update(deliveries).where(mine).values(leased_by="", leased_until=None, **values))


def _is(row: Row[Any]) -> Any:
    return and_(deliveries.c.incident == row.incident, deliveries.c.sequence == row.sequence, deliveries.c.channel == row.channel)
