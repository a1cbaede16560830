"""What evaluation found: verdicts over time, and the freshness of each asset."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, func, or_, select

from oso_dagster.domain.objectives.freshness import Freshness
from oso_dagster.domain.objectives.objectives import budget_text, summary
from oso_dagster.domain.objectives.over_time.history import PastVerdict
from oso_dagster.domain.objectives.slo import Assessment, Tally, Verdict
from oso_dagster.reliability.database import Database, insert_into
from oso_dagster.reliability.tables import assets, verdicts


@dataclass(frozen=True)
class VerdictRow:
    """One objective at one instant, ready to be shown. `target_bp` is in basis points; `window` None is a point in time."""

    service: str
    objective: str
    verdict: Verdict
    good: int
    valid: int
    target_bp: int
    window: timedelta | None
    budget: str
    summary: str
    guilty: tuple[Tally, ...]
    evaluated_at: datetime


@dataclass(frozen=True)
class AssetRow:
    """The freshness of one asset when it was last evaluated; `within` None is an asset without a promise."""

    asset: str
    freshness: Freshness | None
    within: timedelta | None
    evaluated_at: datetime


class Results:
    """Reads and writes what evaluation found."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record_verdicts(self, rows: Iterable[VerdictRow]) -> None:
        """Add verdicts to history; the same instant evaluated twice is kept once."""
        values = [_verdict_values(row) for row in rows]
        if values:
            with self._database.writing() as connection:
                connection.execute(insert_into(connection, verdicts).on_conflict_do_nothing(), values)

    def latest_verdicts(self, until: datetime | None = None) -> list[VerdictRow]:
        """The newest verdict, of those up to `until`, of every objective ever evaluated: a clock may once have been ahead."""
        key = (verdicts.c.service, verdicts.c.objective)
        known = [] if until is None else [verdicts.c.evaluated_at <= until]
        newest = select(*key, func.max(verdicts.c.evaluated_at).label("at")).where(*known).group_by(*key).subquery()
        same = and_(
            verdicts.c.service == newest.c.service,
            verdicts.c.objective == newest.c.objective,
            verdicts.c.evaluated_at == newest.c.at,
        )
        with self._database.reading() as connection:
            return [_verdict(row) for row in connection.execute(select(verdicts).join(newest, same).order_by(*key))]

    def newest_of_days(self, since: datetime, until: datetime) -> list[VerdictRow]:
        """The newest verdict of each objective and day in UTC, from `since` up to `until`, by objective, oldest first."""
        key = (verdicts.c.service, verdicts.c.objective)
        asked = (verdicts.c.evaluated_at >= since, verdicts.c.evaluated_at <= until)
        with self._database.reading() as connection:
            day: ColumnElement[Any] = func.substr(verdicts.c.evaluated_at, 1, len("2026-01-01"))  # ISO text in UTC
            if connection.dialect.name == "postgresql":
                day = func.date(func.timezone("UTC", verdicts.c.evaluated_at))
            newest = select(*key, func.max(verdicts.c.evaluated_at).label("at")).where(*asked).group_by(*key, day).subquery()
            same = and_(
                verdicts.c.service == newest.c.service,
                verdicts.c.objective == newest.c.objective,
                verdicts.c.evaluated_at == newest.c.at,
            )
            query = select(verdicts).join(newest, same).order_by(*key, verdicts.c.evaluated_at)
            return [_verdict(row) for row in connection.execute(query)]

    def verdict_history(self, service: str, objective: str) -> list[VerdictRow]:
        """All verdicts of one objective, oldest first."""
        query = select(verdicts).where(verdicts.c.service == service, verdicts.c.objective == objective)
        with self._database.reading() as connection:
            return [_verdict(row) for row in connection.execute(query.order_by(verdicts.c.evaluated_at))]

    def past_verdicts(self, service: str, objective: str, since: datetime) -> list[PastVerdict]:
        """The judgements of an objective from `since` on, oldest first; before them the one that began a breach standing then.

        Reads by primary key: the cost grows with what is asked for, not with the history.
        """
        own = and_(verdicts.c.service == service, verdicts.c.objective == objective)
        shown = select(verdicts.c.evaluated_at, verdicts.c.verdict, verdicts.c.good, verdicts.c.valid).where(own)
        decided = [Verdict.COMPLIANT, Verdict.AT_RISK]
        before = and_(own, verdicts.c.evaluated_at < since)
        met = select(func.max(verdicts.c.evaluated_at)).where(before, verdicts.c.verdict.in_(decided)).scalar_subquery()
        breached = shown.where(before, verdicts.c.verdict == Verdict.BREACHED, or_(met.is_(None), verdicts.c.evaluated_at > met))
        with self._database.reading() as connection:
            standing = connection.execute(breached.order_by(verdicts.c.evaluated_at).limit(1)).all()
            rows = connection.execute(shown.where(verdicts.c.evaluated_at >= since).order_by(verdicts.c.evaluated_at)).all()
        return [PastVerdict(row.evaluated_at, Verdict(row.verdict), row.good, row.valid) for row in (*standing, *rows)]

    def remember_assets(self, names: Collection[str], now: datetime) -> dict[str, datetime]:
        """Since when the platform knows each of the assets; one never seen before is known from `now` on."""
        with self._database.writing() as connection:
            if names:
                values = [{"asset": name, "first_seen": now} for name in sorted(names)]
                connection.execute(insert_into(connection, assets).on_conflict_do_nothing(), values)
            rows = connection.execute(select(assets.c.asset, assets.c.first_seen)).all()
        return {row.asset: row.first_seen for row in rows if row.asset in names}

    def first_seen(self) -> dict[str, datetime]:
        """Since when the platform knows each asset."""
        with self._database.reading() as connection:
            rows = connection.execute(select(assets.c.asset, assets.c.first_seen)).all()
        return {row.asset: row.first_seen for row in rows}

    def record_freshness(self, rows: Iterable[AssetRow]) -> None:
        """Keep the newest freshness of each asset."""
        with self._database.writing() as connection:
            for row in rows:
                within = None if row.within is None else int(row.within.total_seconds())
                values = {"freshness": row.freshness, "within_seconds": within, "evaluated_at": row.evaluated_at}
                insert = insert_into(connection, assets).values(asset=row.asset, first_seen=row.evaluated_at, **values)
                connection.execute(insert.on_conflict_do_update(index_elements=["asset"], set_=values))

    def freshness(self) -> list[AssetRow]:
        """The freshness of every asset that was ever evaluated, by name."""
        query = select(assets).where(assets.c.evaluated_at.is_not(None)).order_by(assets.c.asset)
        with self._database.reading() as connection:
            return [_asset(row) for row in connection.execute(query)]


def _verdict_values(row: VerdictRow) -> dict[str, Any]:
    return {
        "service": row.service,
        "objective": row.objective,
        "evaluated_at": row.evaluated_at,
        "verdict": row.verdict,
        "good": row.good,
        "valid": row.valid,
        "target_bp": row.target_bp,
        "window_seconds": None if row.window is None else int(row.window.total_seconds()),
        "budget": row.budget,
        "summary": row.summary,
        "guilty": [{"asset": tally.asset, "good": tally.good, "valid": tally.valid, "note": tally.note} for tally in row.guilty],
    }


def _verdict(row: Row[Any]) -> VerdictRow:
    return VerdictRow(
        service=row.service,
        objective=row.objective,
        verdict=Verdict(row.verdict),
        good=row.good,
        valid=row.valid,
        target_bp=row.target_bp,
        window=_span(row.window_seconds),
        budget=row.budget,
        summary=row.summary,
        guilty=tuple(Tally(**tally) for tally in row.guilty),
        evaluated_at=row.evaluated_at,
    )


def _asset(row: Row[Any]) -> AssetRow:
    freshness = None if row.freshness is None else Freshness(row.freshness)
    return AssetRow(row.asset, freshness, _span(row.within_seconds), row.evaluated_at)


def _span(seconds: int | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=seconds)


def verdict_row(assessment: Assessment) -> VerdictRow:
    """An assessment as history keeps it."""
    objective = assessment.objective
    return VerdictRow(
        service=objective.service,
        objective=objective.name,
        verdict=assessment.verdict,
        good=assessment.good,
        valid=assessment.valid,
        target_bp=objective.target,
        window=objective.window,
        budget=budget_text(assessment),
        summary=summary(assessment),
        guilty=assessment.guilty,
        evaluated_at=assessment.at,
    )
