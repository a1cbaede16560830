"""Counts attempts and judged families per asset inside the database: hundreds of thousands of rows, a few hundred answers.

The rules are those of `domain.slo.tally_families` and `tally_attempts`, which a test holds equal to what is counted here.
A family of a single run is worth what its attempt is worth, so such rows are counted as they stand; the few families that
were retried, or wait for it, are read and judged one by one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, or_, select

from oso_dagster.domain.attempts import Attempt, Judgement, Label, Outcome, judge_all
from oso_dagster.domain.maintenance import Maintenance
from oso_dagster.domain.slo import Tally
from oso_dagster.reliability.database import Database
from oso_dagster.reliability.rows import attempt_of, chunks, joined
from oso_dagster.reliability.samples import left_out
from oso_dagster.reliability.tables import attempts, runs

_COUNTED = (Outcome.OK, Outcome.FAILED)
Sums = dict[str, tuple[int, int]]


class Tallying:
    """Reads tallies from the ledger."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def attempts(
        self, label: Label, since: datetime, now: datetime, windows: Sequence[Maintenance] = (), wide: Iterable[str] = ()
    ) -> list[Tally]:
        """Good and valid attempts per asset, ended in (since, now]; `wide` are the scopes that cover every asset."""
        where = _inside(label, since, now, windows, set(wide))
        return _tallies(self._sums(where), self._causes(where))

    def families(
        self, label: Label, since: datetime, now: datetime, windows: Sequence[Maintenance] = (), wide: Iterable[str] = ()
    ) -> list[Tally]:
        """Good and valid materializations per asset, after retries, judged in (since, now]."""
        scopes = set(wide)
        where = _inside(label, since, now, windows, scopes)
        sums, causes = self._sums(where), self._causes(where)
        retried = self._retried(label)
        _add(sums, self._naive(retried, since, now, windows, scopes), -1)
        judged = [
            one
            for one in judge_all(retried, now)
            if one.at is not None and since < one.at <= now and not _covered(one.last.asset, one.at, windows, scopes)
        ]
        _add(
            sums,
            ((one.last.asset, one.judgement is Judgement.GOOD) for one in judged if one.judgement is not Judgement.UNCOUNTED),
        )
        causes |= {one.last.asset: one.last.cause for one in judged if one.judgement is Judgement.BAD}
        return _tallies(sums, causes)

    def _sums(self, where: list[ColumnElement[bool]]) -> Sums:
        good = func.sum(case((attempts.c.outcome == Outcome.OK, 1), else_=0)).label("good")
        query = select(attempts.c.asset, good, func.count().label("valid")).where(*where).group_by(attempts.c.asset)
        with self._database.reading() as connection:
            return {row.asset: (int(row.good), int(row.valid)) for row in connection.execute(query)}

    def _causes(self, where: list[ColumnElement[bool]]) -> dict[str, str]:
        """The newest cause of each asset that failed."""
        query = select(attempts.c.asset, attempts.c.cause).where(*where, attempts.c.outcome == Outcome.FAILED)
        with self._database.reading() as connection:
            return {row.asset: row.cause for row in connection.execute(query.order_by(attempts.c.ended))}

    def _retried(self, label: Label) -> list[Attempt]:
        """All attempts of the families that have more than one run, or wait for one."""
        later = runs.alias("later")
        families = select(later.c.family).where(or_(later.c.family != later.c.run_id, later.c.will_retry.is_(True)))
        with self._database.reading() as connection:
            run_ids = list(connection.execute(select(runs.c.run_id).where(runs.c.family.in_(families))).scalars())
            return [
                attempt_of(row)
                for chunk in chunks(run_ids)
                for row in connection.execute(joined().where(attempts.c.run_id.in_(chunk), attempts.c.label == label))
            ]

    def _naive(
        self, found: Iterable[Attempt], since: datetime, now: datetime, windows: Sequence[Maintenance], wide: set[str]
    ) -> list[tuple[str, bool]]:
        """What `_sums` has counted of these attempts."""
        return [
            (one.asset, one.outcome is Outcome.OK)
            for one in found
            if one.outcome in _COUNTED
            and one.ended is not None
            and since < one.ended <= now
            and not _covered(one.asset, one.ended, windows, wide)
        ]


def _inside(
    label: Label, since: datetime, now: datetime, windows: Sequence[Maintenance], wide: set[str]
) -> list[ColumnElement[bool]]:
    own = and_(attempts.c.label == label, attempts.c.outcome.in_(_COUNTED), attempts.c.ended > since, attempts.c.ended <= now)
    return [own, *(left_out(one, wide, attempts.c.asset, attempts.c.ended) for one in windows)]


def _covered(asset: str, at: Any, windows: Sequence[Maintenance], wide: set[str]) -> bool:
    return any(one.start <= at < one.end and (one.scope in wide or one.scope == asset) for one in windows)


def _add(sums: Sums, events: Iterable[tuple[str, bool]], sign: int = 1) -> None:
    for asset, good in events:
        before = sums.get(asset, (0, 0))
        sums[asset] = before[0] + sign * int(good), before[1] + sign


def _tallies(sums: Sums, causes: dict[str, str]) -> list[Tally]:
    return [
        Tally(asset, good, valid, causes.get(asset, "") if good < valid else "")
        for asset, (good, valid) in sorted(sums.items())
        if valid
    ]
