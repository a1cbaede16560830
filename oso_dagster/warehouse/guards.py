"""What a load must pass before anyone sees it: the checks that query the staged rows, and all checks together.

What the checks are called, and which a table has, is declared in `domain.judging.load_checks`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import duckdb

from oso_dagster.domain.catalogue.loading import (
    ROWS_KEPT,
    Finding,
    LoadFacts,
    LoadRecord,
    RefusedError,
    refuse_shrink,
)
from oso_dagster.domain.catalogue.partitions import Window
from oso_dagster.domain.catalogue.source import Disposition, Table
from oso_dagster.domain.catalogue.table_names import table_name
from oso_dagster.domain.judging import usual
from oso_dagster.domain.judging.load_checks import (
    ARRIVED,
    COLUMNS_PRESENT,
    IN_PARTITION,
    MIX,
    NOT_SHRUNK,
    PRIMARY_KEY,
    ROW_COUNT_BAND,
    SUMS,
    LoadSummary,
    judge_summary,
)
from oso_dagster.domain.judging.usual import PastLoad
from oso_dagster.warehouse import event_time
from oso_dagster.warehouse.ddl import columns_of, duckdb_type, quoted
from oso_dagster.warehouse.staging import SCHEMA
from oso_dagster.warehouse.value_rules import values_fit

_CHILD_SLACK = 10
"""Rows that a child table may lose whatever its share: half of a list of four is no sign of a broken upstream."""

_GROUPED = 250_000
"""So many rows have their keys compared at a time."""

_NAMED = 5
"""So many keys that stand more than once are named."""


def count(connection: duckdb.DuckDBPyConnection, table: Table) -> dict[str, int]:
    """Staged rows of each landed table; one that dlt did not create, for want of rows, has none."""
    staged_columns = columns_of(connection, SCHEMA, table.physical)
    rows: dict[str, int] = {}
    for name in table.physical:
        row = connection.execute(f"SELECT count(*) FROM {SCHEMA}.{quoted(name)}").fetchone() if name in staged_columns else (0,)
        rows[name] = int(row[0]) if row else 0
    return rows


@dataclass(frozen=True)
class LoadContext:
    """What a load is for, when it is judged, and what was there before it.

    `goes_on`: it asked only for what is new since `before`. `history`: what is remembered of earlier loads.
    """

    now: datetime
    window: Window | None = None
    before: LoadRecord | None = None
    goes_on: bool = False
    allow_shrink: bool = False
    history: Sequence[PastLoad] = ()


def judge(
    connection: duckdb.DuckDBPyConnection,
    source: str,
    table: Table,
    rows: dict[str, int],
    facts: LoadFacts,
    context: LoadContext,
) -> list[Finding]:
    """The findings of every check of a table on the staged rows and the `facts` of the load, passed or not.

    A missing column stops the checks of keys and partition, which could not run.
    """
    where, window = table_name(source, table.name), context.window
    arrived = rows[table.name] - int(facts.get(ROWS_KEPT, 0))
    findings = [_arrived(where, table, arrived, context), _columns_present(connection, where, table, rows)]
    if findings[-1].passed:
        findings += [values_fit(connection, where, table), _primary_key(connection, where, table, rows)]
        if IN_PARTITION.applies(table) and window is None:
            raise RefusedError(f"{where}: replace_partition needs a partition")
        if IN_PARTITION.applies(table) and window is not None and findings[-2].passed:
            findings.append(event_time.in_partition(connection, where, table, window))
    if context.allow_shrink or table.disposition is not Disposition.REPLACE:
        findings.append(NOT_SHRUNK.finding(table, passed=True, message="not checked: this load may shrink the table"))
    else:
        findings.append(_not_shrunk(source, table, rows, context.before))
    findings += judge_summary(LoadSummary(source, table, facts, context.now, context.before, context.allow_shrink))
    day = (window.start if window and window.start else context.now).date()
    now = PastLoad(day, rows[table.name], facts.get(usual.SUMS) or {}, facts.get(usual.MIX) or {})
    history = usual.of_regime(context.history, table.regimes, day)
    findings.append(_usual(where, table, now.rows, usual.usual_rows(history, day)))
    for check, problems in (
        (MIX, usual.unusual_mix(now, history)),
        (SUMS, usual.unusual_sums(now, history)),
    ):
        if check.applies(table):
            message = f"{where}: {'; '.join(problems)}" if problems else "as usual"
            findings.append(check.finding(table, passed=not problems, message=message, facts={"unusual": problems}))
    return findings


def undeclared(connection: duckdb.DuckDBPyConnection, table: Table) -> list[str]:
    """The staged columns that nobody declared, with their types."""
    staged_columns = columns_of(connection, SCHEMA, table.physical)
    return [
        f"{name}.{column} ({kind})"
        for name, columns in table.physical.items()
        for column, kind in staged_columns.get(name, {}).items()
        if column not in {declared.name for declared in columns}
    ]


def _usual(where: str, table: Table, rows: int, band: tuple[int, int] | None) -> Finding:
    if band is None:
        few = f"{rows:,} rows; too few loads to know what is usual"
        return ROW_COUNT_BAND.finding(table, passed=True, message=few)
    low, high = band
    facts: LoadFacts = {"rows": rows, "usual_from": low, "usual_to": high}
    message = f"{where}: {rows:,} rows; usually {low:,} to {high:,}"
    return ROW_COUNT_BAND.finding(table, passed=low <= rows <= high, message=message, facts=facts)


def _arrived(where: str, table: Table, rows: int, context: LoadContext) -> Finding:
    """Whether the load brought rows. Only where changes are added to what is there already may there be none the next time."""
    window, before = context.window, context.before
    adds = table.disposition in {Disposition.MERGE, Disposition.APPEND} and window is None and context.goes_on
    place = f"{where}[{window.key}]" if window else where
    if rows:
        arrived, message = True, f"{rows:,} rows"
    elif table.may_be_empty:
        arrived, message = True, "no rows, which this table may have"
    elif adds and before is not None:
        arrived, message = True, f"nothing new since the load of {before.loaded_at:%Y-%m-%d %H:%M} UTC"
    else:
        arrived, message = False, f"{place}: no rows arrived; an empty answer neither replaces rows nor counts as a first load"
    return ARRIVED.finding(table, passed=arrived, message=message, facts={"rows": rows})


def _columns_present(connection: duckdb.DuckDBPyConnection, where: str, table: Table, rows: dict[str, int]) -> Finding:
    staged_columns = columns_of(connection, SCHEMA, table.physical)
    lost = [
        f"{name}.{column.name}"
        for name, columns in table.physical.items()
        for column in columns
        if rows[name] and column.name not in staged_columns[name]
    ]
    message = f"{where}: columns are missing: {', '.join(lost)}" if lost else "all declared columns are there"
    return COLUMNS_PRESENT.finding(table, passed=not lost, message=message, facts={"lost": lost})


def _primary_key(connection: duckdb.DuckDBPyConnection, where: str, table: Table, rows: dict[str, int]) -> Finding:
    problems: list[str] = []
    for name, key in table.keys.items():
        if not rows[name]:
            continue
        required = dict.fromkeys([*key, *(column.name for column in table.physical[name] if not column.nullable)])
        columns = ", ".join(_as_published(table, name, column) for column in key)
        nulls = " OR ".join(f"{quoted(column)} IS NULL" for column in required)
        staged = f"{SCHEMA}.{quoted(name)}"
        problems += [
            f"{name} has no {'/'.join(required)} in {row[0]:,} rows"
            for row in connection.execute(f"SELECT count(*) FROM {staged} WHERE {nulls}").fetchall()
            if row[0]
        ]
        twice = _twice(connection, staged, columns, rows[name])
        problems += [f"{name} has {'/'.join(key)} = {'/'.join(map(str, row[:-1]))} {row[-1]} times" for row in twice]
    message = f"{where}: {'; '.join(problems)}" if problems else "keys are unique, required columns are filled"
    return PRIMARY_KEY.finding(table, passed=not problems, message=message, facts={"problems": problems})


def _twice(connection: duckdb.DuckDBPyConnection, staged: str, columns: str, rows: int) -> list[tuple[Any, ...]]:
    """Five of the keys that stand more than once, with how often.

    Of many rows a part is grouped at a time, each key with all of its rows: so that a large load takes no more memory.
    """
    parts = -(-rows // _GROUPED)
    some = [
        row
        for part in range(parts)
        for row in connection.execute(
            f"SELECT {columns}, count(*) FROM {staged} {f'WHERE hash({columns}) % {parts} = {part}' if parts > 1 else ''} "
            f"GROUP BY {columns} HAVING count(*) > 1 ORDER BY {columns} LIMIT {_NAMED}"
        ).fetchall()
    ]
    return some if parts == 1 else sorted(some, key=lambda row: tuple(map(str, row)))[:_NAMED]


def _as_published(table: Table, name: str, column: str) -> str:
    """A key's value after the cast: two that differ as they came may be one then."""
    (kind,) = (duckdb_type(declared) for declared in table.physical[name] if declared.name == column)
    return f"TRY_CAST({quoted(column)} AS {kind})"


def _not_shrunk(source: str, table: Table, rows: dict[str, int], before: LoadRecord | None) -> Finding:
    counts = dict(before.rows) if before else {}
    problems = [
        problem
        for name, now in rows.items()
        if (
            problem := refuse_shrink(
                table_name(source, name),
                before=counts.get(name, 0),
                now=now,
                floor=table.shrink_floor,
                slack=0 if name == table.name else _CHILD_SLACK,
            )
        )
    ]
    message = "; ".join(problems) if problems else f"not below {table.shrink_floor:.0%} of the last good load"
    return NOT_SHRUNK.finding(table, passed=not problems, message=message, facts={"before": counts, "now": rows})
