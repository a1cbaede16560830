"""Counts per asset inside the database: hundreds of thousands of attempts, a few hundred answers.

What each attempt adds, and from when on, was worked out when it was recorded (`reliability.ledger.judging`); a test holds the
sums equal to those of `domain.objectives.slo.tally_families` and `tally_attempts`, and to brute force.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, func, select, text

from oso_dagster.domain.objectives.attempts import Label
from oso_dagster.domain.objectives.maintenance import Maintenance
from oso_dagster.domain.objectives.slo import Tally
from oso_dagster.reliability.database import Database
from oso_dagster.reliability.ledger.rollup_reader import Span, attempts_in, sums_of_attempts
from oso_dagster.reliability.ledger.samples import left_out
from oso_dagster.reliability.tables import attempts

IS_BAD = text("counted = 0")
"""As literally as the index of bad attempts has it."""


class Tallying:
    """Reads tallies from the ledger."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def tally(
        self, label: Label, since: datetime, now: datetime, windows: Sequence[Maintenance] = (), wide: Iterable[str] = ()
    ) -> list[Tally]:
        """Good and valid per asset in (since, now], by the rule of the label; `wide` are the scopes that cover every asset."""
        where = inside(label, since, now, windows, set(wide))
        sums = (func.sum(attempts.c.counted).label("good"), func.count().label("valid"))
        totals = select(attempts.c.asset, *sums).where(*where).group_by(attempts.c.asset).order_by(attempts.c.asset)
        bad = select(attempts.c.asset, attempts.c.cause).where(*where, IS_BAD).order_by(attempts.c.counted_at)
        with self._database.reading() as connection:
            rows = connection.execute(totals).all()
            newest = {row.asset: row.cause for row in connection.execute(bad)}
            old = _rolled_up(connection, label, Span(since, now, windows), set(wide))
        counted = {row.asset: (int(row.good), int(row.valid)) for row in rows}
        for asset, more in old.items():
            good, valid = counted.get(asset, (0, 0))
            counted[asset] = good + more, valid + more
        return [Tally(asset, *counted[asset], newest.get(asset, "")) for asset in sorted(counted)]


def _rolled_up(connection: Connection, label: Label, span: Span, wide: set[str]) -> Counter[str]:
    """What was rolled up of the span, by asset: all of it is good, for failures stay as they are."""
    if not span.touches(connection):
        return Counter()
    counts = Counter(sums_of_attempts(connection, label, span))
    for row in attempts_in(connection, label, span, parts=True):
        covering = (each for each in span.windows if each.scope in wide or each.scope == row["asset"])
        if not any(each.start <= row["counted_at"] < each.end for each in covering):
            counts[row["asset"]] += 1
    return counts


def inside(
    label: Label, since: datetime, now: datetime, windows: Sequence[Maintenance], wide: set[str]
) -> list[ColumnElement[bool]]:
    """The condition that an attempt of the label counts in (since, now], outside of the maintenance `windows`."""
    own = (attempts.c.label == label, attempts.c.counted_at > since, attempts.c.counted_at <= now)
    return [*own, *(left_out(window, wide, attempts.c.asset, attempts.c.counted_at) for window in windows)]
