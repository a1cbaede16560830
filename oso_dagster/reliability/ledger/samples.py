"""Samples: what is reported from outside. One is inserted once and never changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, func, not_, select

from oso_dagster.domain.objectives.budget import Count
from oso_dagster.domain.objectives.maintenance import Maintenance
from oso_dagster.domain.objectives.sample import Sample
from oso_dagster.domain.objectives.slo import Tally
from oso_dagster.domain.printable import require_storable
from oso_dagster.reliability.database import Database, insert_into
from oso_dagster.reliability.ledger.rollup_reader import Span, is_rolled_up, samples_in, sums_of_samples
from oso_dagster.reliability.tables import folded_samples, samples


class Samples:
    """Reads and writes samples."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(self, new_samples: Iterable[Sample]) -> int:
        """Insert samples; one that is there already (same objective, slice and time) is ignored. How many were new.

        Raises ValueError for the name of a slice that cannot be kept.
        """
        values = [
            {
                "service": sample.service,
                "objective": sample.objective,
                "at": sample.count.at,
                "slice": sample.slice,
                "good": sample.count.good,
                "valid": sample.count.valid,
                "cause": sample.cause,
            }
            for sample in new_samples
        ]
        for row in values:
            require_storable("the name of the slice", str(row["slice"]))
        with self._database.writing() as connection:
            return sum(
                connection.execute(insert_into(connection, samples).values(row).on_conflict_do_nothing()).rowcount
                for row in values
                if not is_rolled_up(connection, row)
            )

    def tally(
        self, service: str, objective: str, since: datetime, now: datetime, windows: Sequence[Maintenance] = ()
    ) -> list[Tally]:
        """Good and valid per slice in (since, now], without what `windows` cover."""
        columns = (func.sum(samples.c.good).label("good"), func.sum(samples.c.valid).label("valid"))
        query = select(samples.c.slice, *columns).where(*self._inside(service, objective, since, now, windows))
        with self._database.reading() as connection:
            sums = {row.slice: (int(row.good), int(row.valid)) for row in connection.execute(query.group_by(samples.c.slice))}
            for name, good, valid in _rolled_up(connection, service, objective, Span(since, now, windows)):
                before = sums.get(name, (0, 0))
                sums[name] = before[0] + good, before[1] + valid
        return [Tally(name, *sums[name]) for name in sorted(sums)]

    def counts(
        self, service: str, objective: str, since: datetime, now: datetime, windows: Sequence[Maintenance] = ()
    ) -> list[Count]:
        """The single counts in (since, now], oldest first, without what `windows` cover."""
        return [
            Count(at, good, valid)
            for at, name, good, valid, _cause in self._rows(service, objective, since, now)
            if not any(window.covers(service, objective, name, at) for window in windows)
        ]

    def all(self, service: str, objective: str, since: datetime, now: datetime) -> list[Sample]:
        """The samples in (since, now], oldest first; the causes of rolled-up days are not kept."""
        rows = self._rows(service, objective, since, now)
        return [Sample(service, objective, Count(at, good, valid), name, cause) for at, name, good, valid, cause in rows]

    def slices(self) -> list[str]:
        """Every slice that was ever reported."""
        queries = [select(table.c.slice).distinct() for table in (samples, folded_samples)]
        with self._database.reading() as connection:
            return sorted({slice_ for query in queries for slice_ in connection.execute(query).scalars() if slice_})

    def _rows(self, service: str, objective: str, since: datetime, now: datetime) -> list[tuple[datetime, str, int, int, str]]:
        query = select(samples.c.at, samples.c.slice, samples.c.good, samples.c.valid, samples.c.cause)
        query = query.where(*self._inside(service, objective, since, now, ())).order_by(samples.c.at, samples.c.slice)
        span = Span(since, now)
        with self._database.reading() as connection:
            rows = [tuple(row) for row in connection.execute(query)]
            if span.touches(connection):
                old = samples_in(connection, service, objective, span)
                unpacked = ((packed["at"], packed["slice"], packed["good"], packed["valid"], "") for packed in old)
                rows = sorted([*rows, *unpacked])
        return rows

    def _inside(
        self, service: str, objective: str, since: datetime, now: datetime, windows: Sequence[Maintenance]
    ) -> list[ColumnElement[bool]]:
        own = (samples.c.service == service, samples.c.objective == objective, samples.c.at > since, samples.c.at <= now)
        wide = {service, f"{service}.{objective}"}
        return [*own, *(left_out(window, wide, samples.c.slice, samples.c.at) for window in windows)]


def _rolled_up(connection: Connection, service: str, objective: str, span: Span) -> Iterator[tuple[str, int, int]]:
    if not span.touches(connection):
        return
    for name, (good, valid) in sums_of_samples(connection, service, objective, span).items():
        yield name, good, valid
    for packed in samples_in(connection, service, objective, span, parts=True):
        if not any(window.covers(service, objective, packed["slice"], packed["at"]) for window in span.windows):
            yield packed["slice"], packed["good"], packed["valid"]


def left_out(window: Maintenance, wide: set[str], name: Any, at: Any) -> ColumnElement[bool]:
    """The condition that an event at column `at` of the asset or slice in column `name` is not covered by `window`."""
    during = and_(at >= window.start, at < window.end)
    return not_(during) if window.scope in wide else not_(and_(during, name == window.scope))
