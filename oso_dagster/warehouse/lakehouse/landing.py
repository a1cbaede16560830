"""From the bench to Iceberg: the least that makes the stored tables what the bench has, a transaction a table."""

from __future__ import annotations

from collections.abc import Mapping

import duckdb
import pyarrow as pa
from pyiceberg.expressions import AlwaysTrue
from pyiceberg.io.pyarrow import schema_to_pyarrow
from pyiceberg.schema import Schema
from pyiceberg.table import Table as IcebergTable
from pyiceberg.table import Transaction

from oso_dagster.domain.catalogue.loading import ROWS_REMOVED, LoadRecord, RefusedError
from oso_dagster.domain.catalogue.partitions import Window
from oso_dagster.domain.catalogue.source import Column, Disposition, Source, Table
from oso_dagster.domain.catalogue.table_names import table_name
from oso_dagster.warehouse.ddl import columns_of, quoted
from oso_dagster.warehouse.lakehouse.catalogue import LakeCatalogue
from oso_dagster.warehouse.lakehouse.columns import PROPERTIES, iceberg_schema, iceberg_type, partition_spec, rows_of


def create_missing(catalogue: LakeCatalogue, source: Source, table: Table) -> None:
    """Create the declared tables of an asset that do not exist, and add the declared columns that one lacks."""
    for name, columns in table.physical.items():
        stored = catalogue.table_or_none(source.name, name)
        if stored is None:
            schema = iceberg_schema(columns)
            stored = catalogue.create_table_if_not_exists(
                (source.name, name),
                schema,
                partition_spec=partition_spec(table, name, schema),
                properties=PROPERTIES | {"comment": table.descriptions[name]},
            )
        there = {field.name for field in stored.schema().fields}
        if any(column.name not in there for column in columns):
            with stored.update_schema() as change:
                for column in columns:
                    if column.name not in there:
                        change.add_column(column.name, iceberg_type(column), doc=column.description)


def land(
    connection: duckdb.DuckDBPyConnection,
    catalogue: LakeCatalogue,
    source: Source,
    table: Table,
    window: Window | None,
    before: Mapping[str, int],
    record: LoadRecord,
) -> None:
    """Write what a load has made of the asset's tables on the bench; `before`: how many rows each had there."""
    marks, removes = {"oso.load_id": record.load_id}, bool(record.facts.get(ROWS_REMOVED))
    for name in table.physical:
        stored = catalogue.load_table((source.name, name))
        retyped = _retyped(stored, source.name, table, name, window)
        only_new = table.disposition is Disposition.APPEND and not removes and not retyped
        relation = f"{quoted(source.name)}.{quoted(name)}"
        fresh = f"WHERE rowid >= {before[name]}" if only_new else ""
        with stored.transaction() as transaction:
            if retyped:
                with transaction.update_schema(allow_incompatible_changes=True) as change:
                    for column in retyped:
                        change.delete_column(column)
            _add_columns(transaction, connection, source.name, table, name)
            rows = _arrow(connection, relation, fresh, transaction.table_metadata.schema())
            if only_new:
                if rows.num_rows:
                    transaction.append(rows, snapshot_properties=marks)
            elif rows.num_rows or before[name]:
                overwrite(transaction, stored, rows, table, window, marks)


def overwrite(
    transaction: Transaction, stored: IcebergTable, rows: pa.Table, table: Table, window: Window | None, marks: dict[str, str]
) -> None:
    """Put `rows` in place of those that a load of `window` stands for. A new table is only appended to: one snapshot less."""
    chosen = rows_of(table, window)
    if stored.current_snapshot() is None:
        transaction.append(rows, snapshot_properties=marks)
    elif not rows.num_rows:
        transaction.delete(chosen, snapshot_properties=marks)
    else:
        transaction.overwrite(rows, overwrite_filter=chosen, snapshot_properties=marks)


def replace_rows(stored: IcebergTable, rows: pa.Table) -> None:
    """Put `rows` in place of all that a table has, in one commit."""
    with stored.transaction() as transaction:
        columns = schema_to_pyarrow(transaction.table_metadata.schema(), include_field_ids=False)
        transaction.overwrite(rows.select(columns.names).cast(columns), overwrite_filter=AlwaysTrue())


def _retyped(stored: IcebergTable, source: str, table: Table, name: str, window: Window | None) -> list[str]:
    """The columns that were stored with another type than is declared: they are written anew, with all rows of the table.

    Raises RefusedError where a load brings a part of the table only.
    """
    there = {field.name: str(field.field_type) for field in stored.schema().fields}
    declared = {column.name: column for column in table.physical[name]}
    retyped = sorted(column for column in declared.keys() & there.keys() if str(iceberg_type(declared[column])) != there[column])
    if retyped and not isinstance(rows_of(table, window), AlwaysTrue):
        column = retyped[0]
        raise RefusedError(
            f"{table_name(source, name)}: {column} is declared as {declared[column].type_name} and stored in Iceberg as "
            f"{there[column]}; a load of one partition cannot change that. Change the stored column in the producer's Trino "
            "(ALTER TABLE … ALTER COLUMN … SET DATA TYPE), or drop the table there and load all partitions again"
        )
    return retyped


def _add_columns(transaction: Transaction, connection: duckdb.DuckDBPyConnection, source: str, table: Table, name: str) -> None:
    """Add the columns that the bench has and the stored table has not."""
    there = {field.name for field in transaction.table_metadata.schema().fields}
    declared: dict[str, Column] = {column.name: column for column in table.physical[name]}
    bench = columns_of(connection, source, [name])[name]
    undeclared = connection.execute(f"SELECT * FROM {quoted(source)}.{quoted(name)} LIMIT 0").to_arrow_table().schema
    new = [column for column in bench if column not in there]
    if not new:
        return
    with transaction.update_schema() as change:
        for column in new:
            if column in declared:
                change.add_column(column, iceberg_type(declared[column]), doc=declared[column].description)
        rest = [undeclared.field(column) for column in new if column not in declared]
        if rest:
            change.union_by_name(pa.schema([_storable(field) for field in rest]))


def _storable(field: pa.Field) -> pa.Field:
    """A column that nobody declared, as Iceberg stores its like."""
    if pa.types.is_timestamp(field.type):
        return field.with_type(pa.timestamp("us", tz="UTC" if field.type.tz else None))
    if pa.types.is_unsigned_integer(field.type):
        return field.with_type(pa.int64())
    if isinstance(field.type, pa.BaseExtensionType):
        return field.with_type(pa.string())
    return field


def _arrow(connection: duckdb.DuckDBPyConnection, relation: str, where: str, schema: Schema) -> pa.Table:
    """The rows of a table of the bench, with the columns and types of the stored one."""
    columns = schema_to_pyarrow(schema, include_field_ids=False)
    chosen = ", ".join(
        f"CAST({quoted(field.name)} AS VARCHAR) AS {quoted(field.name)}" if _is_text(field.type) else quoted(field.name)
        for field in columns
    )
    rows = connection.execute(f"SELECT {chosen} FROM {relation} {where}").to_arrow_table()
    return rows.cast(columns)


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))
