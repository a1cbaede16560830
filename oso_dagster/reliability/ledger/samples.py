"""Samples: what is reported from outside. One is inserted once and never changed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, func, not_, select, true

from oso_dagster.domain.objectives.budget import Count, total
from oso_dagster.domain.objectives.maintenance import Maintenance
from oso_dagster.domain.objectives.sample import Sample
from oso_dagster.domain.objectives.slo import Tally
from oso_dagster.domain.printable import require_storable
from oso_dagster.reliability.database import Database, insert_into
from oso_dagster.reliability.ledger.rollup_reader import Span, is_rolled_up, samples_in, sums_of_samples
from oso_dagster.reliability.tables import folded_samples, samples

_RECENT = timedelta(hours=1)


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
        own = (*_within(service, objective, since, now), _outside(service, objective, windows))
        query = select(samples.c.slice, *columns).where(*own).group_by(samples.c.slice)
        with self._database.reading() as connection:
            sums = {row.slice: (int(row.good), int(row.valid)) for row in connection.execute(query)}
            for name, good, valid in _rolled_up(connection, service, objective, Span(since, now, windows)):
                before = sums.get(name, (0, 0))
                sums[name] = before[0] + good, before[1] + valid
        return [Tally(name, *sums[name]) for name in sorted(sums)]

    def newest(
        self, service: str, objective: str, since: datetime, now: datetime, expected: Collection[str] | None = None
    ) -> dict[str, datetime]:
        """When each slice was sampled last in (since, now].

        Where all `expected` ones were within the last hour, as nearly always, no older sample is read, nor another slice named.
        """
        newest = func.max(samples.c.at).label("newest")
        with self._database.reading() as connection:
            for begin in ([] if expected is None else [max(since, now - _RECENT)]) + [since]:
                own = _within(service, objective, begin, now)
                rows = connection.execute(select(samples.c.slice, newest).where(*own).group_by(samples.c.slice)).all()
                if expected is not None and {row.slice for row in rows} >= set(expected):
                    break
        return {row.slice: row.newest for row in rows}

    def sums_back(
        self, service: str, objective: str, now: datetime, lengths: Sequence[timedelta], windows: Sequence[Maintenance] = ()
    ) -> dict[timedelta, tuple[int, int]]:
        """Good and valid of all slices in each (now - length, now], without what `windows` cover."""
        since = now - max(lengths)
        own = (*_within(service, objective, since, now), _outside(service, objective, windows))
        columns = [
            func.coalesce(func.sum(case((samples.c.at > now - length, column), else_=0)), 0)
            for length in lengths
            for column in (samples.c.good, samples.c.valid)
        ]
        with self._database.reading() as connection:
            if not Span(since, now).touches(connection):
                sums = [int(value) for value in connection.execute(select(*columns).where(*own)).one()]
                return {length: (sums[2 * place], sums[2 * place + 1]) for place, length in enumerate(lengths)}
        counts = self.counts(service, objective, since, now, windows)
        return {length: total(counts, now - length, now) for length in lengths}

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
        query = query.where(*_within(service, objective, since, now)).order_by(samples.c.at, samples.c.slice)
        span = Span(since, now)
        with self._database.reading() as connection:
            rows = [tuple(row) for row in connection.execute(query)]
            if span.touches(connection):
                old = samples_in(connection, service, objective, span)
                unpacked = ((packed["at"], packed["slice"], packed["good"], packed["valid"], "") for packed in old)
                rows = sorted([*rows, *unpacked])
        return rows


def _within(service: str, objective: str, since: datetime, now: datetime) -> list[ColumnElement[bool]]:
    return [samples.c.service == service, samples.c.objective == objective, samples.c.at > since, samples.c.at <= now]


def _outside(service: str, objective: str, windows: Sequence[Maintenance]) -> ColumnElement[bool]:
    wide = {service, f"{service}.{objective}"}
    return and_(true(), *(left_out(window, wide, samples.c.slice, samples.c.at) for window in windows))


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
