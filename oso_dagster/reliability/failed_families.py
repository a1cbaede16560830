"""Queries for alerts on single events: which families failed, and when each objective was last counted."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select

from oso_dagster.domain.objectives.attempts import RETRY_PATIENCE, Attempt, Outcome, is_deployment
from oso_dagster.domain.objectives.failed_family import FailedFamily, failed_after
from oso_dagster.domain.objectives.objectives import COVERAGE, OBJECTIVES
from oso_dagster.domain.objectives.over_time.silence import LOOKED_ONCE
from oso_dagster.domain.objectives.slo import Objective
from oso_dagster.reliability.ledger.attempt_rows import attempt_of, joined
from oso_dagster.reliability.ledger.rollup_reader import last_good as last_good_rolled_up
from oso_dagster.reliability.ledger.tallying import IS_BAD
from oso_dagster.reliability.newest import good_model
from oso_dagster.reliability.store import Store
from oso_dagster.reliability.tables import attempts, comparisons, samples

_FAMILY_SPAN = timedelta(days=7)


def failed_families(store: Store, since: datetime, now: datetime) -> list[FailedFamily]:
    """The families judged bad in (since, now], oldest first; see `FailedFamily` for what distinguishes them.

    A failure enters the ledger when it is next filled, and may have been judged before: ask for spans that overlap.
    """
    failed = (IS_BAD, attempts.c.counted_at > since - RETRY_PATIENCE, attempts.c.counted_at <= now)
    with store.database.reading() as connection:
        guilty = connection.execute(select(attempts.c.asset).where(*failed).distinct()).scalars().all()
        candidates: list[Attempt] = []
        for asset in guilty:
            mine = attempts.c.asset == asset
            begin = _begin(connection, mine, asset, since)
            query = joined().where(mine)
            if begin is not None:
                query = query.where(or_(attempts.c.ended >= begin, attempts.c.ended.is_(None)))
            candidates += [attempt_of(row) for row in connection.execute(query)]
    return failed_after(candidates, since, now)


def _begin(connection: Connection, mine: ColumnElement[bool], asset: str, since: datetime) -> datetime | None:
    """From when on attempts matter: a family before the last good one; where that was rolled up, no family is that long."""
    own = good_model() if is_deployment(asset) else [mine, attempts.c.outcome == Outcome.OK]
    good = and_(*own, attempts.c.ended <= since)
    kept = connection.execute(select(func.max(attempts.c.ended)).where(good)).scalar_one()
    old = last_good_rolled_up(connection, since, asset).get(asset)
    if old is not None and (kept is None or kept < old):
        return old
    return None if kept is None else kept - _FAMILY_SPAN


def last_data(store: Store, until: datetime | None = None) -> dict[str, datetime]:
    """When something was last counted for each objective that ever had data, by id; for `domain.objectives.over_time.silence`.

    What is dated later than `until` does not count: a clock may once have been ahead.
    """
    newest_attempt = select(attempts.c.label, func.max(attempts.c.counted_at).label("at")).where(attempts.c.counted.is_not(None))
    if until is not None:
        newest_attempt = newest_attempt.where(attempts.c.counted_at <= until)
    with store.database.reading() as connection:
        attempted = {row.label: row.at for row in connection.execute(newest_attempt.group_by(attempts.c.label))}
        rounds = select(func.max(comparisons.c.measured_at)).where(comparisons.c.high > 0)
        compared = connection.execute(rounds if until is None else rounds.where(comparisons.c.measured_at <= until)).scalar_one()
    newest: dict[str, datetime] = {}
    for (id_, _), at in last_samples(store, until).items():
        newest[id_] = max(at, newest.get(id_, at))
    newest |= {COVERAGE.id: compared} if compared is not None else {}
    return newest | {objective.id: attempted[objective.label] for objective in _windowed() if objective.label in attempted}


def last_samples(store: Store, until: datetime | None = None) -> dict[tuple[str, str], datetime]:
    """When the newest sample of each objective and slice was taken, of those up to `until`; not of what was looked at once."""
    own = (samples.c.service, samples.c.objective, samples.c.slice)
    known = [] if until is None else [samples.c.at <= until]
    with store.database.reading() as connection:
        rows = connection.execute(select(*own, func.max(samples.c.at).label("at")).where(*known).group_by(*own)).all()
    regular = (row for row in rows if not row.slice.startswith(LOOKED_ONCE))
    return {(f"{row.service}.{row.objective}", row.slice): row.at for row in regular}


def _windowed() -> Iterable[Objective]:
    return (objective for objective in OBJECTIVES if objective.label is not None and objective.window is not None)
