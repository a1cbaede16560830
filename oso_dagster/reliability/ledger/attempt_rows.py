"""Attempts as rows of the ledger, and back; many of them at once, as fast as each engine takes them."""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime
from functools import cache
from io import StringIO
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Row, Select, select

from oso_dagster.domain.objectives.attempts import Attempt, Counted, Label, Outcome
from oso_dagster.reliability.tables import attempts, runs

StoredRow = tuple[Any, ...]
"""An attempt as it is written: the columns of `attempts`, in the order in which all writers here name them."""

NO_LABEL = ""
"""What is stored of an attempt at an asset that its recorder did not know."""

_OK = Outcome.OK.value
_CHUNK = 500
_PAGE = 5_000
"""Rows in one statement: each one may read a whole table to find them."""
_KEY = ("run_id", "asset", "partition", "report")
_FINAL = ("outcome", "started", "ended", "cause", "rows", "step_retries", "audited", "newest_event", "counted", "counted_at")
_COLUMNS = (*_KEY, "label", *_FINAL)
_NAMES = ", ".join(f'"{name}"' for name in _COLUMNS)
_NEVER_NULL = ", ".join(f'"{name}"' for name in ("partition", "report", "label", "cause"))
_SET = ", ".join(f'"{name}" = excluded."{name}"' for name in _FINAL)
_FINISH = (
    f'ON CONFLICT ("run_id", "asset", "partition", "report") DO UPDATE SET {_SET} WHERE attempts.outcome = \'{Outcome.PENDING}\''
)
_UPDATE_COUNTED = (
    "UPDATE attempts SET counted = v.counted::integer, counted_at = v.counted_at::timestamptz "
    f"FROM (VALUES %s) AS v(counted, counted_at, {', '.join(_KEY)}) "
    f"WHERE {' AND '.join(f'attempts.{name} = v.{name}' for name in _KEY)}"
)


def joined() -> Select[Any]:
    """Attempts with what their runs say."""
    return select(attempts, runs.c.family, runs.c.will_retry).join(runs, runs.c.run_id == attempts.c.run_id)


def attempt_of(row: Row[Any]) -> Attempt:
    """An attempt from a row of `joined`."""
    return Attempt(
        run_id=row.run_id,
        asset=row.asset,
        partition=row.partition or None,
        label=Label(row.label) if row.label else None,
        outcome=Outcome(row.outcome),
        family=row.family,
        started=row.started,
        ended=row.ended,
        cause=row.cause,
        rows=row.rows,
        will_retry=row.will_retry,
        reported=row.report != "",
        step_retries=row.step_retries,
        audited=row.audited,
        newest_event=row.newest_event,
    )


def key_of(attempt: Attempt) -> tuple[str, str, str, str]:
    """What distinguishes an attempt from all others: run, asset, partition, and when a reported one began."""
    report = attempt.started.isoformat() if attempt.reported and attempt.started else ""
    return attempt.run_id, attempt.asset, attempt.partition or "", report


def good_row(  # noqa: PLR0913, PLR0917  (one for each column, by position: called for every good attempt there is)
    run_id: str,
    asset: str,
    partition: str | None,
    label: Label | None,
    started: str | None,
    ended: str,
    rows: int | None,
    step_retries: int | None,
    audited: bool | None,
    newest_event: datetime | None,
) -> StoredRow:
    """The row of a good attempt, judged: the same as of an `Attempt`, at a tenth of its cost. Times as `text_of` writes them."""
    name, counted, at = (label.value, 1, ended) if label is not None else (NO_LABEL, None, None)
    newest = None if newest_event is None else text_of(newest_event)
    part = partition or ""
    return (run_id, asset, part, "", name, _OK, started, ended, "", rows, step_retries, audited, newest, counted, at)


def insert_attempts(
    connection: Connection, counted_attempts: Sequence[tuple[Attempt, Counted | None]], good: Sequence[StoredRow] = ()
) -> None:
    """Insert what is new and finish what is pending; an attempt that is final already stays as it is."""
    rows = sorted([*_rows_of(counted_attempts), *good], key=itemgetter(1))  # by asset: two of the indexes grow where they are
    if rows and connection.dialect.name == "sqlite":
        marks = ", ".join("?" * len(_COLUMNS))
        connection.exec_driver_sql(f"INSERT INTO attempts ({_NAMES}) VALUES ({marks}) {_FINISH}", rows)
    elif rows:
        _copy_in(connection, rows)


def update_counted(connection: Connection, counts: Sequence[tuple[Attempt, Counted | None]]) -> None:
    """Write anew what attempts that are there already add to their objectives."""
    rows = [(*((int(count.good), text_of(count.at)) if count else (None, None)), *key_of(attempt)) for attempt, count in counts]
    if rows and connection.dialect.name == "sqlite":
        where = " AND ".join(f'"{name}" = ?' for name in _KEY)
        connection.exec_driver_sql(f"UPDATE attempts SET counted = ?, counted_at = ? WHERE {where}", rows)
    elif rows:
        many_values(connection, _UPDATE_COUNTED, rows)


def many_values(connection: Connection, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
    """A statement of PostgreSQL with all rows where it says `VALUES %s`: row by row each one would be parsed and planned."""
    from psycopg2.extras import execute_values  # noqa: PLC0415  (only who has a PostgreSQL has it)

    cursor: Any = connection.connection.cursor()
    try:
        execute_values(cursor, statement, rows, page_size=_PAGE)
    finally:
        cursor.close()


def text_of(at: datetime | None) -> str | None:
    """A moment as `tables.UtcTime` writes it on SQLite; PostgreSQL reads it too."""
    return None if at is None else (at if at.tzinfo is UTC else at.astimezone(UTC)).isoformat(timespec="microseconds")


def chunks(values: Sequence[str]) -> Iterator[Sequence[str]]:
    """SQLite takes a bounded number of parameters in one statement."""
    return (values[start : start + _CHUNK] for start in range(0, len(values), _CHUNK))


def _rows_of(counted_attempts: Sequence[tuple[Attempt, Counted | None]]) -> Collection[StoredRow]:
    """The rows of attempts, each key once."""
    rows: dict[tuple[str, ...], tuple[Any, ...]] = {}
    begun = cache(text_of)  # where the log of a run was not read, its attempts began together
    for attempt, counts in counted_attempts:
        key = key_of(attempt)
        if key not in rows:
            rows[key] = (*key, *_values(attempt, counts, begun(attempt.started)))
    return rows.values()


def _values(attempt: Attempt, counts: Counted | None, started: str | None) -> tuple[Any, ...]:
    ended = text_of(attempt.ended)
    if counts is None:
        good, at = None, None
    else:
        good, at = int(counts.good), ended if counts.at is attempt.ended else text_of(counts.at)
    return (
        attempt.label.value if attempt.label else NO_LABEL,
        attempt.outcome.value,
        started,
        ended,
        attempt.cause,
        attempt.rows,
        attempt.step_retries,
        attempt.audited,
        text_of(attempt.newest_event),
        good,
        at,
    )


def _copy_in(connection: Connection, rows: Collection[tuple[Any, ...]]) -> None:
    """PostgreSQL takes many rows several times faster by COPY; from a table of this connection they are then inserted."""
    file = StringIO()
    csv.writer(file).writerows(rows)
    file.seek(0)
    connection.exec_driver_sql(
        f"CREATE TEMPORARY TABLE IF NOT EXISTS incoming ON COMMIT DELETE ROWS AS SELECT {_NAMES} FROM attempts WITH NO DATA"
    )
    cursor: Any = connection.connection.cursor()
    try:
        cursor.copy_expert(f"COPY incoming ({_NAMES}) FROM STDIN WITH (FORMAT csv, FORCE_NOT_NULL ({_NEVER_NULL}))", file)
    finally:
        cursor.close()
    connection.exec_driver_sql(f"INSERT INTO attempts ({_NAMES}) SELECT {_NAMES} FROM incoming {_FINISH}")
