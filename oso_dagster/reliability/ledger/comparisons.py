"""Comparisons with second counts. A row is inserted once and never changed; what was measured in one round has one time."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Row, and_, func, select

from oso_dagster.domain.coverage.comparison import Comparison
from oso_dagster.reliability.database import Database, insert_into
from oso_dagster.reliability.tables import comparisons


class Comparisons:
    """Reads and writes comparisons."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(self, measured: Iterable[Comparison]) -> int:
        """Insert comparisons; one of the same asset, category and time is ignored. How many were new."""
        values = [
            {
                "asset": comparison.asset,
                "measured_at": comparison.measured_at,
                "category": comparison.category,
                "since": comparison.since,
                "until": comparison.until,
                "held": comparison.held,
                "low": comparison.low,
                "high": comparison.high,
                "target_bp": comparison.target,
                "sampled": comparison.sampled,
                "items": comparison.items,
                "draws": comparison.draws,
            }
            for comparison in measured
        ]
        with self._database.writing() as connection:
            return sum(
                connection.execute(insert_into(connection, comparisons).values(row).on_conflict_do_nothing()).rowcount
                for row in values
            )

    def newest(self, now: datetime, since: datetime | None = None) -> list[Comparison]:
        """The newest round of each asset in (since, now], by asset and category."""
        inside = [comparisons.c.measured_at <= now, *([comparisons.c.measured_at > since] if since is not None else [])]
        rounds = select(comparisons.c.asset, func.max(comparisons.c.measured_at).label("at")).where(*inside)
        newest = rounds.group_by(comparisons.c.asset).subquery()
        same = and_(comparisons.c.asset == newest.c.asset, comparisons.c.measured_at == newest.c.at)
        query = select(comparisons).join(newest, same).order_by(comparisons.c.asset, comparisons.c.category)
        with self._database.reading() as connection:
            return [_comparison(row) for row in connection.execute(query)]

    def all(self, since: datetime | None = None) -> list[Comparison]:
        """Every comparison measured after `since`, oldest first."""
        query = select(comparisons).order_by(comparisons.c.measured_at, comparisons.c.asset, comparisons.c.category)
        if since is not None:
            query = query.where(comparisons.c.measured_at > since)
        with self._database.reading() as connection:
            return [_comparison(row) for row in connection.execute(query)]


def _comparison(row: Row[*tuple[Any, ...]]) -> Comparison:
    return Comparison(
        asset=row.asset,
        category=row.category,
        measured_at=row.measured_at,
        held=int(row.held),
        low=int(row.low),
        high=int(row.high),
        target=row.target_bp,
        since=row.since,
        until=row.until,
        sampled=bool(row.sampled),
        items=row.items,
        draws=row.draws,
    )
