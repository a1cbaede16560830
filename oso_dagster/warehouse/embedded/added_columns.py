"""Columns of a landed table beside those that are there: declared since, new upstream, or of another type than was stored.

Runs inside the publishing transaction. No stored value is ever changed: a type that would is refused.
"""

from __future__ import annotations

from collections.abc import Mapping

import duckdb

from oso_dagster.domain.catalogue.loading import RefusedError
from oso_dagster.domain.catalogue.source import Column, SchemaContract, Table
from oso_dagster.domain.catalogue.table_names import table_name
from oso_dagster.domain.catalogue.truth import not_taken_name
from oso_dagster.warehouse.ddl import columns_of, describe, duckdb_type, quoted
from oso_dagster.warehouse.staging import SCHEMA
from oso_dagster.warehouse.value_rules import as_described, misfits


def published_columns(table: Table, staged: dict[str, dict[str, str]]) -> dict[str, dict[str, str]]:
    """The staged columns that may be published: those that are declared, and new ones unless only reported or not taken."""
    declared = {name: {column.name for column in columns} for name, columns in table.physical.items()}
    closed = table.contract is SchemaContract.REPORT
    return {
        name: {
            column: kind
            for column, kind in columns.items()
            if column in declared[name] or not (closed or not_taken_name(f"{name}.{column}", table.not_taken))
        }
        for name, columns in staged.items()
    }


def add_columns(
    connection: duckdb.DuckDBPyConnection, source: str, table: Table, name: str, staged: dict[str, dict[str, str]]
) -> list[str]:
    """Columns that were declared since, and those that nobody declared, with the type they came in: these are reported."""
    there = columns_of(connection, source, [name])[name]
    declared = {column.name: column for column in table.physical[name]}
    wanted = {column.name: duckdb_type(column) for column in declared.values()}
    new = {column: kind for column, kind in (staged.get(name, {}) | wanted).items() if column not in there}
    target = f"{quoted(source)}.{quoted(name)}"
    for column, kind in new.items():
        connection.execute(f"ALTER TABLE {target} ADD COLUMN {quoted(column)} {kind}")
    for column, kind in wanted.items():  # what arrived before it was declared, or was declared otherwise
        if column in there and there[column] != as_described(kind):
            _require_fit(connection, target, there, declared[column], table.keys[name])
            _retype(connection, target, column, kind)
    _require_same(connection, source, name, {c: kind for c, kind in staged.get(name, {}).items() if c not in declared}, there)
    about = table.descriptions[name]
    describe(connection, target, about, [declared[column] for column in new if column in declared], {"": about})
    return [f"{name}.{column}" for column in new]


def add_declared_columns(connection: duckdb.DuckDBPyConnection, source: str, table: Table) -> None:
    """Add the columns that were declared since the tables of an asset were made, without a value until its next load.

    What arrived before it was declared keeps its type until then: only a load may refuse another one.
    """
    there = columns_of(connection, source, table.physical)
    for name, declared in table.physical.items():
        target, new = f"{quoted(source)}.{quoted(name)}", [column for column in declared if column.name not in there[name]]
        for column in new:
            connection.execute(f"ALTER TABLE {target} ADD COLUMN {quoted(column.name)} {duckdb_type(column)}")
        describe(connection, target, table.descriptions[name], new, {"": table.descriptions[name]})


def _require_fit(
    connection: duckdb.DuckDBPyConnection, target: str, there: dict[str, str], column: Column, key: tuple[str, ...]
) -> None:
    """Refuse to give a stored column a type that would change one of its values."""
    for misfit in misfits(connection, target, there, {column.name: column}, key):
        raise RefusedError(
            f"{target}.{misfit.column}: what is there is no {column.type_name}: {misfit.value} in the row {misfit.row} would be "
            "changed. Declare a type that holds it, or correct the stored rows"
        )


def _require_same(
    connection: duckdb.DuckDBPyConnection, source: str, name: str, staged: Mapping[str, str], there: Mapping[str, str]
) -> None:
    """Refuse a column that nobody declared, whose values the type that it once arrived with would change."""
    for column, kind in staged.items():
        if there.get(column, kind) == kind:
            continue
        changed = f"TRY_CAST(TRY_CAST({quoted(column)} AS {there[column]}) AS {kind}) IS DISTINCT FROM {quoted(column)}"
        query = f"SELECT CAST({quoted(column)} AS VARCHAR) FROM {SCHEMA}.{quoted(name)} WHERE {changed} LIMIT 1"
        if example := connection.execute(query).fetchone():
            raise RefusedError(
                f"{table_name(source, name)}: a column has changed its type: {column}, which nobody declared, arrived as "
                f"{there[column]} before and is {example[0]} ({kind}) now. Declare it with a type that holds both"
            )


def _retype(connection: duckdb.DuckDBPyConnection, target: str, column: str, kind: str) -> None:
    try:
        connection.execute(f"ALTER TABLE {target} ALTER COLUMN {quoted(column)} SET DATA TYPE {kind}")
    except duckdb.ConversionException as error:
        raise RefusedError(f"{target}.{column}: what is there as text is no {kind}: {error}") from error
