"""Removes what is dated later than now: rows that a clock once ahead, or a reporter with a wrong date, has left behind.

What is of the past stays as it is. Dagster's own storage is not touched.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, Table, and_, delete, func, or_, select, update

from oso_dagster.domain.objectives.attempts import RETRY_PATIENCE
from oso_dagster.domain.objectives.over_time.utc_days import DAY, day_of
from oso_dagster.reliability.alerts.alert_tables import (
    announcements,
    channels,
    deliveries,
    heartbeats,
    incidents,
    messages,
    sprints,
)
from oso_dagster.reliability.ledger.daily_rollup import KEPT
from oso_dagster.reliability.probe_results import probe_results
from oso_dagster.reliability.query_ends import query_ends
from oso_dagster.reliability.store import Store
from oso_dagster.reliability.tables import (
    assets,
    attempts,
    comparisons,
    folded_attempts,
    folded_samples,
    folding,
    runs,
    samples,
    verdicts,
)

_DATED = {
    "verdicts": (verdicts, verdicts.c.evaluated_at),
    "samples": (samples, samples.c.at),
    "attempts": (attempts, attempts.c.ended),
    "comparisons": (comparisons, comparisons.c.measured_at),
    "days of samples": (folded_samples, folded_samples.c.day),
    "days of attempts": (folded_attempts, folded_attempts.c.day),
    "incidents": (incidents, incidents.c.opened_at),
    "heartbeats": (heartbeats, heartbeats.c.at),
    "checks of probes": (probe_results, probe_results.c.at),
    "ends of queries": (query_ends, query_ends.c.at),
}


def later_than(store: Store, now: datetime) -> dict[str, int]:
    """How many rows of each kind are dated later than `now`; kinds without any are left out."""
    with store.database.reading() as connection:
        return {name: rows for name, rows in _count(connection, now).items() if rows}


def remove_later_than(store: Store, now: datetime) -> dict[str, int]:
    """Remove them, and have judged, seen and rolled up no later than `now` what is; how many rows of each kind.

    A sprint is as its history up to `now` makes it; an incident that was announced, ended or delivered later is so now.
    """
    with store.database.writing() as connection:
        rows_by_kind = {name: rows for name, rows in _count(connection, now).items() if rows}
        _forget_incidents(connection, now)
        for table, at in _DATED.values():
            connection.execute(delete(table).where(at > now))
        late = attempts.c.counted_at > now + RETRY_PATIENCE
        connection.execute(update(attempts).where(late).values(counted=None, counted_at=None))
        connection.execute(update(runs).where(runs.c.seen_at > now).values(seen_at=now))
        connection.execute(update(assets).where(assets.c.first_seen > now).values(first_seen=now))
        connection.execute(update(assets).where(assets.c.evaluated_at > now).values(evaluated_at=None, freshness=None))
        connection.execute(update(channels).where(channels.c.blocked_until > now + DAY).values(blocked_until=None))
        connection.execute(update(folding).where(folding.c.until > now - KEPT).values(until=_rolled_up_until(connection, now)))
    store.sprints.cut(now)
    return rows_by_kind


def _forget_incidents(connection: Connection, now: datetime) -> None:
    """Those that began later, with their messages; of the others, what was written down later is as of now."""
    late = select(incidents.c.key).where(incidents.c.opened_at > now)
    for table in (deliveries, messages, announcements):
        connection.execute(delete(table).where(table.c.incident.in_(late)))
    connection.execute(update(incidents).where(incidents.c.said_at > now).values(said_at=now, pace=None))
    connection.execute(update(incidents).where(incidents.c.closed_at > now).values(closed_at=now))
    connection.execute(update(deliveries).where(deliveries.c.next_attempt_at > now + DAY).values(next_attempt_at=now))


def _rolled_up_until(connection: Connection, now: datetime) -> datetime:
    """Readers find what was rolled up too early: up to the last day that was."""
    tables = (folded_samples, folded_attempts)
    days: list[datetime | None] = [connection.execute(select(func.max(table.c.day))).scalar_one() for table in tables]
    return max([day_of(now - KEPT), *(day + DAY for day in days if day is not None)])


def _count(connection: Connection, now: datetime) -> dict[str, int]:
    counted = {name: _number(connection, table, at > now) for name, (table, at) in _DATED.items()}
    seen = or_(assets.c.first_seen > now, and_(assets.c.evaluated_at.is_not(None), assets.c.evaluated_at > now))
    return counted | {
        "assets": _number(connection, assets, seen),
        "sprints": _number(connection, sprints, sprints.c.updated_at > now),
    }


def _number(connection: Connection, table: Table, where: object) -> int:
    number: int = connection.execute(select(func.count()).select_from(table).where(where)).scalar_one()  # type: ignore[arg-type]
    return number
