"""The ledger: append-only attempts, the runs they belong to, and how far the event log has been read.

A row is inserted once. Only a pending one may change, and only into its final outcome.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, func, or_, select, update

from oso_dagster.domain.objectives.attempts import Attempt, Label, Outcome
from oso_dagster.reliability.database import Database, insert_into
from oso_dagster.reliability.ledger import rollup_reader
from oso_dagster.reliability.ledger.attempt_rows import NO_LABEL, StoredRow, attempt_of, chunks, insert_attempts, joined
from oso_dagster.reliability.ledger.judging import families_to_judge, judge_anew, judge_single_attempts, rejudge_families
from oso_dagster.reliability.ledger.recording import Record, in_background
from oso_dagster.reliability.ledger.run_rows import RunRow, insert_runs, update_runs
from oso_dagster.reliability.tables import attempts, cursors, runs

_MANY = 10_000
"""Attempts, written at once, that may change how they are best looked for."""

__all__ = ["Cursor", "LastGood", "Ledger", "RunRow"]


@dataclass(frozen=True)
class Cursor:
    """How far one event log has been read; `anchor` describes the event at `position`, to notice a rewritten log."""

    position: int
    anchor: str


@dataclass(frozen=True)
class LastGood:
    """The newest good materialization of an asset; `rows` where it reported them."""

    at: datetime
    rows: int | None


class Ledger:
    """Reads and writes the ledger."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def cursor(self, storage_id: str) -> Cursor | None:
        """How far the event log of the Dagster storage `storage_id` has been read; None when never."""
        with self._database.reading() as connection:
            row = connection.execute(select(cursors).where(cursors.c.storage_id == storage_id)).one_or_none()
        return None if row is None else Cursor(row.position, row.anchor)

    def discover(self, storage_id: str, cursor: Cursor, run_ids: Iterable[str], now: datetime) -> None:
        """Remember runs to look at, and the new cursor, in one transaction."""
        with self._database.writing() as connection:
            insert_runs(connection, run_ids, now)
            values = {"position": cursor.position, "anchor": cursor.anchor}
            insert = insert_into(connection, cursors).values(storage_id=storage_id, **values)
            connection.execute(insert.on_conflict_do_update(index_elements=["storage_id"], set_=values))

    def unsettled(self) -> list[str]:
        """The runs to look at, in the order in which they were discovered."""
        query = select(runs.c.run_id).where(runs.c.settled.is_(False)).order_by(runs.c.seen_at, runs.c.run_id)
        with self._database.reading() as connection:
            return list(connection.execute(query).scalars())

    def families(self, run_ids: Collection[str]) -> dict[str, str]:
        """The families of known runs."""
        families: dict[str, str] = {}
        with self._database.reading() as connection:
            for chunk in chunks(sorted(run_ids)):
                query = select(runs.c.run_id, runs.c.family).where(runs.c.run_id.in_(chunk))
                families.update((row.run_id, row.family) for row in connection.execute(query))
        return families

    def pending(self, run_ids: Collection[str]) -> list[Attempt]:
        """The attempts of the given runs whose outcome was not known when they were last looked at."""
        with self._database.reading() as connection:
            rows = [
                row
                for chunk in chunks(sorted(run_ids))
                for row in connection.execute(joined().where(attempts.c.run_id.in_(chunk), attempts.c.outcome == Outcome.PENDING))
            ]
        return [attempt_of(row) for row in rows]

    def record(self, run_rows: Sequence[RunRow], new_attempts: Sequence[Attempt], good: Sequence[StoredRow] = ()) -> None:
        """Insert new attempts, finish pending ones, drop those that were reported one by one, and update their runs.

        `good` are the rows of attempts that are plainly good (`attempt_rows.good_row`).
        """
        with self._database.writing() as connection:
            entangled = families_to_judge(connection, run_rows, new_attempts)
            update_runs(connection, run_rows)
            insert_attempts(connection, judge_single_attempts(run_rows, new_attempts), good)
            for chunk in chunks(sorted({attempt.run_id for attempt in new_attempts if attempt.reported})):
                _drop_reported(connection, chunk)
            rejudge_families(connection, entangled)
        if len(new_attempts) + len(good) >= _MANY:
            self._database.analyze_if_new(attempts)

    def label(self, labels: Mapping[str, Label]) -> int:
        """Give attempts that were recorded without a label the one that their asset has now, and count them; how many."""
        nameless = attempts.c.label == NO_LABEL
        with self._database.reading() as connection:
            assets = connection.execute(select(attempts.c.asset).where(nameless).distinct()).scalars().all()
        labelled = 0
        for asset in sorted(set(assets) & labels.keys()):
            mine = (attempts.c.asset == asset, nameless)
            with self._database.writing() as connection:
                of_runs = select(runs.c.family).join(attempts, attempts.c.run_id == runs.c.run_id).where(*mine).distinct()
                families = list(connection.execute(of_runs).scalars())
                labelled += connection.execute(update(attempts).where(*mine).values(label=labels[asset].value)).rowcount
                judge_anew(connection, families)
        return labelled

    @contextmanager
    def recording(self) -> Iterator[Record]:
        """`record` for many runs, piece by piece: all is written when this ends. Beside its caller where a server writes.

        SQLite writes in this process, and would keep its lock while it waits for its turn.
        """
        if self._database.is_server:
            with in_background(self.record) as record:
                yield record
        else:
            yield self.record

    def attempts(
        self, label: Label | None = None, since: datetime | None = None, assets: Collection[str] | None = None
    ) -> list[Attempt]:
        """Attempts of a label that ended after `since` or have not ended, oldest first, unended last."""
        query = joined().order_by(attempts.c.ended.is_(None), attempts.c.ended, attempts.c.run_id, attempts.c.asset)
        if label is not None:
            query = query.where(attempts.c.label == label)
        if since is not None:
            query = query.where(or_(attempts.c.ended > since, attempts.c.ended.is_(None)))
        with self._database.reading() as connection:
            read = [attempt_of(row) for row in connection.execute(query)]
        return read if assets is None else [attempt for attempt in read if attempt.asset in assets]

    def last_good(self, until: datetime | None = None, *, audited: bool = False) -> dict[str, LastGood]:
        """The newest good materialization of every asset, of those up to `until`; `audited`: of those whose checks all passed."""
        good = _good(until, audited=audited)
        newest = (
            select(attempts.c.asset, func.max(attempts.c.ended).label("ended")).where(*good).group_by(attempts.c.asset).subquery()
        )
        same = and_(attempts.c.asset == newest.c.asset, attempts.c.ended == newest.c.ended)
        query = select(attempts.c.asset, attempts.c.ended, attempts.c.rows).join(newest, same).where(*good)
        with self._database.reading() as connection:
            by_asset = {row.asset: LastGood(row.ended, row.rows) for row in connection.execute(query)}
            old = {} if until is None else rollup_reader.last_good(connection, until, audited=audited)
        later = {asset: LastGood(at, None) for asset, at in old.items() if asset not in by_asset or by_asset[asset].at < at}
        return by_asset | later

    def materialized_partitions(self, asset: str, until: datetime | None = None) -> frozenset[str]:
        """The partitions of an asset that were ever materialized well, up to `until`."""
        return frozenset(self.landed(asset, until))

    def landed(self, asset: str, until: datetime | None = None, *, audited: bool = False) -> dict[str, datetime]:
        """When each partition of an asset was first materialized well, up to `until`; `audited`: with all its checks passed."""
        return self.landed_of([asset], until, audited=audited)[asset]

    def landed_of(
        self, assets: Collection[str], until: datetime | None = None, *, audited: bool = False
    ) -> dict[str, dict[str, datetime]]:
        """The same of many assets, by asset, in one query."""
        own = (attempts.c.asset.in_(assets), *_good(until, audited=audited), attempts.c.partition != "")
        query = select(attempts.c.asset, attempts.c.partition, func.min(attempts.c.ended).label("first")).where(*own)
        landed: dict[str, dict[str, datetime]] = {asset: {} for asset in assets}
        with self._database.reading() as connection:
            for row in connection.execute(query.group_by(attempts.c.asset, attempts.c.partition)):
                landed[row.asset][row.partition] = row.first
        return landed

    def newest_event(self, asset: str, until: datetime | None = None, *, of_last: bool = False) -> datetime | None:
        """The newest event time that good materializations of an asset brought up to `until`; `of_last`: that of the last one."""
        at = attempts.c.newest_event
        query = select(attempts.c.ended, at).where(attempts.c.asset == asset, *_good(until), at.is_not(None))
        order = attempts.c.ended if of_last else at
        with self._database.reading() as connection:
            candidates = [(row.ended, row.newest_event) for row in connection.execute(query.order_by(order.desc()).limit(1))]
            # No event is more than a day newer than its load, a check refuses it: what is out of reach is not unpacked.
            least = candidates[0][0 if of_last else 1] - timedelta(days=0 if of_last else 1) if candidates else None
            if until is not None and (least is None or rollup_reader.Span(least, until).touches(connection)):
                old = rollup_reader.newest_event(connection, asset, until, of_last=of_last)
                candidates += [old] if old else []
        best = max(candidates, key=lambda pair: pair[0 if of_last else 1], default=None)
        return best[1] if best else None

    def good_times(
        self, assets: Collection[str], since: datetime, until: datetime, *, audited: bool = False
    ) -> dict[str, list[datetime]]:
        """When each asset was materialized well in (since, until], and the last time before that, oldest first."""
        good = (attempts.c.asset.in_(assets), *_good(audited=audited))
        newest = select(attempts.c.asset, func.max(attempts.c.ended).label("ended")).where(*good, attempts.c.ended <= since)
        query = select(attempts.c.asset, attempts.c.ended).where(*good, attempts.c.ended > since, attempts.c.ended <= until)
        times: dict[str, list[datetime]] = {asset: [] for asset in assets}
        with self._database.reading() as connection:
            for row in connection.execute(query):
                times[row.asset].append(row.ended)
            earlier = {row.asset: row.ended for row in connection.execute(newest.group_by(attempts.c.asset))}
            if rollup_reader.Span(since, until).touches(connection):
                for asset in assets:
                    times[asset] += rollup_reader.good_times(connection, asset, since, until, audited=audited)
            for asset, at in rollup_reader.last_good(connection, since, audited=audited).items():
                earlier[asset] = max(at, earlier.get(asset, at))
        return {asset: sorted([*([earlier[asset]] if asset in earlier else []), *of_asset]) for asset, of_asset in times.items()}


def _good(until: datetime | None = None, *, audited: bool = False) -> list[ColumnElement[bool]]:
    conditions = [attempts.c.outcome == Outcome.OK]
    conditions += [] if until is None else [attempts.c.ended <= until]
    return conditions + ([attempts.c.audited.is_(True)] if audited else [])


def _drop_reported(connection: Any, run_ids: Sequence[str]) -> None:
    """A plan that was reported attempt by attempt has no row of its own."""
    report = attempts.alias("report")
    reported = select(report.c.run_id).where(
        report.c.run_id == attempts.c.run_id, report.c.asset == attempts.c.asset, report.c.report != ""
    )
    pending = and_(attempts.c.outcome == Outcome.PENDING, attempts.c.report == "")
    connection.execute(delete(attempts).where(attempts.c.run_id.in_(run_ids), pending, reported.exists()))
