"""Removes what is dated later than now: rows that a clock once ahead, or a reporter with a wrong date, has left behind.

What is of the past stays as it is. Dagster's own storage is not touched.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, and_, delete, func, or_, select, update

from oso_dagster.domain.objectives.attempts import RETRY_PATIENCE
from oso_dagster.reliability.alerts.alert_tables import heartbeats
from oso_dagster.reliability.ledger.daily_rollup import KEPT
from oso_dagster.reliability.store import Store
from oso_dagster.reliability.tables import assets, attempts, folding, samples, verdicts

_DATED = {
    "verdicts": (verdicts, verdicts.c.evaluated_at),
    "samples": (samples, samples.c.at),
    "attempts": (attempts, attempts.c.ended),
    "heartbeats": (heartbeats, heartbeats.c.at),
}


def later_than(store: Store, now: datetime) -> dict[str, int]:
    """How many rows of each kind are dated later than `now`; kinds without any are left out."""
    with store.database.reading() as connection:
        return {name: rows for name, rows in _count(connection, now).items() if rows}


def remove_later_than(store: Store, now: datetime) -> dict[str, int]:
    """Remove them, and have judged, seen and rolled up no later than `now` what is; how many rows of each kind."""
    with store.database.writing() as connection:
        rows_by_kind = {name: rows for name, rows in _count(connection, now).items() if rows}
        for table, at in _DATED.values():
            connection.execute(delete(table).where(at > now))
        late = attempts.c.counted_at > now + RETRY_PATIENCE
        connection.execute(update(attempts).where(late).values(counted=None, counted_at=None))
        connection.execute(update(assets).where(assets.c.first_seen > now).values(first_seen=now))
        connection.execute(update(assets).where(assets.c.evaluated_at > now).values(evaluated_at=None, freshness=None))
        connection.execute(update(folding).where(folding.c.until > now - KEPT).values(until=now - KEPT))
    return rows_by_kind


def _count(connection: Connection, now: datetime) -> dict[str, int]:
    counted = {
        name: connection.execute(select(func.count()).select_from(table).where(at > now)).scalar_one()
        for name, (table, at) in _DATED.items()
    }
    seen = or_(assets.c.first_seen > now, and_(assets.c.evaluated_at.is_not(None), assets.c.evaluated_at > now))
    return counted | {"assets": connection.execute(select(func.count()).select_from(assets).where(seen)).scalar_one()}
