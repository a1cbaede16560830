"""Whether the declared type of a column holds its values as they are: a cast that would change one is refused, never rounded."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import duckdb

from oso_dagster.domain.catalogue.loading import Finding
from oso_dagster.domain.catalogue.source import Column, ColumnType, Table
from oso_dagster.domain.judging.load_checks import VALUES_FIT
from oso_dagster.warehouse.ddl import columns_of, duckdb_type, quoted
from oso_dagster.warehouse.staging import SCHEMA, put_over

_FLOATS = frozenset({"DOUBLE", "FLOAT"})
_FULL_NAMES = {"TIMESTAMPTZ": "TIMESTAMP WITH TIME ZONE"}
_DAYS = "BETWEEN DATE '0001-01-01' AND DATE '9999-12-31'"
_TIMES = "BETWEEN TIMESTAMPTZ '0001-01-01 00:00:00+00' AND TIMESTAMPTZ '9999-12-31 23:59:59.999999+00'"
_NO_JSON_NUMBER = r"'(^|[:,\[])\s*-?(NaN|Infinity|[0-9.]+[eE][+]?[0-9]{3})'"
"""What may be a number that JSON does not have; a text that matches is read again by a strict reader."""
_SHOWN = 60


@dataclass(frozen=True)
class Misfit:
    """A value that a column cannot hold as it is: its row by key, and how many rows have such a value."""

    column: str
    value: str
    row: str
    rows: int


def as_described(duckdb_name: str) -> str:
    """A type as DuckDB's DESCRIBE writes it."""
    return _FULL_NAMES.get(duckdb_name, duckdb_name)


def values_fit(connection: duckdb.DuckDBPyConnection, where: str, table: Table) -> Finding:
    """Whether all staged values of a table fit their declared types."""
    there = columns_of(connection, SCHEMA, table.physical)
    problems: list[str] = []
    for name in there:
        declared = {column.name: column for column in table.physical[name]}
        wanted = {column: declared[column] for column in there[name] if column in declared}
        for misfit in misfits(connection, f"{SCHEMA}.{quoted(name)}", there[name], wanted, table.keys[name]):
            more = f", and {misfit.rows - 1:,} rows more" if misfit.rows > 1 else ""
            kind = declared[misfit.column].type_name
            problems.append(f"{name}.{misfit.column} is {misfit.value} in the row {misfit.row}, which is no {kind}{more}")
    message = f"{where}: a column has changed its type: {'; '.join(problems)}" if problems else "all values fit their types"
    return VALUES_FIT.finding(table, passed=not problems, message=message, facts={"problems": problems})


def misfits(
    connection: duckdb.DuckDBPyConnection,
    relation: str,
    there: dict[str, str],
    wanted: dict[str, Column],
    key: tuple[str, ...],
) -> Iterator[Misfit]:
    """The columns of `relation` (quoted; `there` are its types) with values that the `wanted` types would change."""
    rules = {name: rule for name, column in wanted.items() if (rule := _changed(quoted(name), there[name], column))}
    if not rules:
        return
    counts = ", ".join(f"count(*) FILTER (WHERE {quoted(name)} IS NOT NULL AND ({rule}))" for name, rule in rules.items())
    counted = connection.execute(f"SELECT {counts} FROM {relation}").fetchone() or ()
    for (name, rule), rows in zip(rules.items(), counted, strict=True):
        if rows:
            yield from _named(connection, relation, wanted[name], rule, key, rows)


def _named(
    connection: duckdb.DuckDBPyConnection, relation: str, column: Column, rule: str, key: tuple[str, ...], rows: int
) -> Iterator[Misfit]:
    """The first row, by key, of those that the rule speaks of; a JSON text only when a strict reader refuses it too."""
    name, keys = quoted(column.name), ", ".join(f"CAST({quoted(part)} AS VARCHAR)" for part in key)
    where = f"{name} IS NOT NULL AND ({rule})"
    listed = connection.execute(f"SELECT {keys}, CAST({name} AS VARCHAR) FROM {relation} WHERE {where} ORDER BY ALL").fetchall()
    if column.type is ColumnType.JSON:
        listed = [row for row in listed if not _is_json(row[-1])]
        rows = len(listed)
    if listed:
        row = ", ".join(f"{part} = {value}" for part, value in zip(key, listed[0], strict=False))
        yield Misfit(column.name, repr(listed[0][-1])[:_SHOWN], row, rows)


def _is_json(text: str) -> bool:
    try:
        json.loads(text, parse_constant=_refuse, parse_float=_finite)
    except ValueError:
        return False
    return True


def _refuse(name: str) -> Any:
    raise ValueError(name)


def _finite(text: str) -> float:
    number = float(text)
    if number in {float("inf"), float("-inf")}:
        raise ValueError(text)
    return number


def _changed(column: str, kind: str, declared: Column) -> str | None:  # noqa: PLR0911  (one answer for each type)
    """The SQL condition under which a value of `column`, of DuckDB's type `kind`, is changed by its declared type.

    None where nothing can be: nothing is asked then.
    """
    text, target, wanted = kind == "VARCHAR", duckdb_type(declared), declared.type
    cast = f"TRY_CAST({column} AS {target})"
    back = f"TRY_CAST({cast} AS {kind}) IS DISTINCT FROM {column}"
    match wanted:
        case ColumnType.VARCHAR | ColumnType.VARCHARS:
            return None
        case ColumnType.DOUBLE if kind in _FLOATS:
            return f"NOT isfinite({column})"
        case ColumnType.DOUBLE if text:
            whole = f"regexp_full_match({column}, '-?[0-9]{{16,}}') AND CAST(TRY_CAST({cast} AS HUGEINT) AS VARCHAR)"
            return f"{cast} IS NULL OR NOT isfinite({cast}) OR ({whole} IS DISTINCT FROM {column})"
        case ColumnType.DECIMAL if text and declared.scale:  # what is behind the last digit that fits may be zeros only
            return f"{cast} IS NULL OR NOT regexp_full_match({column}, '[+-]?[0-9]*(\\.[0-9]{{0,{declared.scale}}}0*)?')"
        case ColumnType.DOUBLE | ColumnType.BIGINT | ColumnType.DECIMAL:
            return None if kind == as_described(target) else "TRUE" if kind == "BOOLEAN" else back
        case ColumnType.BOOLEAN:
            numbers = f"lower({column}) NOT IN ('true', 'false')" if text else f"{column} NOT IN (0, 1)"
            return None if kind == "BOOLEAN" else numbers
        case ColumnType.TIMESTAMP:
            changed = f" OR {back}" if kind == "TIMESTAMP_NS" else ""
            return f"({cast} {_TIMES}) IS NOT TRUE{changed}" if text or kind == "DATE" or kind.startswith("TIMESTAMP") else "TRUE"
        case ColumnType.DATE:
            return f"({cast} {_DAYS}) IS NOT TRUE" + ("" if kind == "DATE" else f" OR {back}")
        case ColumnType.JSON:
            doubtful = f"NOT json_valid({column}) OR regexp_matches({column}, {_NO_JSON_NUMBER})"
            return doubtful if kind in {"VARCHAR", "JSON"} else None


def null_not_finite(connection: duckdb.DuckDBPyConnection, table: Table) -> dict[str, int]:
    """Take NaN and infinity for no value in the staged columns that are declared so; how many values, by column."""
    there = columns_of(connection, SCHEMA, [table.name]).get(table.name, {})
    odd: dict[str, str] = {}
    for column in table.not_finite_is_null:
        kind, name = there.get(column, ""), quoted(column)
        if kind in _FLOATS:
            odd[column] = f"NOT isfinite({name})"
        elif kind == "DATE" or kind.startswith("TIMESTAMP"):
            odd[column] = f"(CAST({name} AS TIMESTAMPTZ) {_TIMES}) IS NOT TRUE"
    if not odd:
        return {}
    counts = ", ".join(f"count(*) FILTER (WHERE {quoted(column)} IS NOT NULL AND {rule})" for column, rule in odd.items())
    counted = connection.execute(f"SELECT {counts} FROM {SCHEMA}.{quoted(table.name)}").fetchone() or ()
    taken = {column: int(rows) for column, rows in zip(odd, counted, strict=True) if rows}
    if taken:
        nulled = ", ".join(f"CASE WHEN {odd[column]} THEN NULL ELSE {quoted(column)} END AS {quoted(column)}" for column in taken)
        put_over(connection, table.name, f"SELECT * REPLACE ({nulled}) FROM {{before}}")
    return taken
