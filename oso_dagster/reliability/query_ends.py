"""Queries of the SQL endpoint, each counted once: what a listener reports again, because it heard no answer, adds nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Column, Connection, Index, String, Table, delete

from oso_dagster.domain.probes.query_outcomes import QueryEnd, QueryOutcome
from oso_dagster.reliability.database import Database, insert_into
from oso_dagster.reliability.ledger.rollup_reader import is_rolled_up
from oso_dagster.reliability.tables import UtcTime, metadata, samples

KEPT = timedelta(days=31)
"""For so long a query that is reported again is known to be the same."""

query_ends = Table(
    "query_ends",
    metadata,
    Column("query_id", String(255), primary_key=True),
    Column("at", UtcTime, nullable=False),
    Column("outcome", String(16), nullable=False),
    Index("query_ends_at", "at"),
)


class QueryEnds:
    """Writes ends of queries, and with each the sample of its minute."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(self, ends: Sequence[tuple[QueryEnd, QueryOutcome]], service: str, objective: str, slice_: str) -> int:
        """Record ends in one transaction, and count those that count. How many were new; a part is never recorded."""
        new = 0
        with self._database.writing() as connection:
            for end, outcome in ends:
                row = {"query_id": end.query_id, "at": end.at, "outcome": outcome.value}
                inserted = connection.execute(insert_into(connection, query_ends).values(row).on_conflict_do_nothing())
                if inserted.rowcount:
                    new += 1
                    if outcome.counts:
                        _add(connection, (service, objective, slice_), end, int(outcome is QueryOutcome.GOOD))
        return new

    def forget(self, now: datetime) -> int:
        """Forget the ids of old queries; their counts stay. How many."""
        with self._database.writing() as connection:
            return connection.execute(delete(query_ends).where(query_ends.c.at < now - KEPT)).rowcount


def _add(connection: Connection, own: tuple[str, str, str], end: QueryEnd, good: int) -> None:
    """One more event at the beginning of the minute of the end, which is not ahead; one that is rolled up takes no more."""
    service, objective, slice_ = own
    minute = end.at.replace(second=0, microsecond=0)
    cause = "" if good else f"{end.error or 'an error without a name'} ({end.type or 'no type'})"
    row = {"service": service, "objective": objective, "at": minute, "slice": slice_, "good": good, "valid": 1}
    if is_rolled_up(connection, row):
        return
    insert = insert_into(connection, samples).values(row | {"cause": cause})
    more = {"good": samples.c.good + insert.excluded.good, "valid": samples.c.valid + insert.excluded.valid}
    more |= {"cause": insert.excluded.cause} if cause else {}
    connection.execute(insert.on_conflict_do_update(index_elements=["service", "objective", "at", "slice"], set_=more))
