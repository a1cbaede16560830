"""What a declaration is in Iceberg: types, columns with their descriptions, and how a table is cut into files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pyiceberg.expressions import AlwaysTrue, And, BooleanExpression, EqualTo, GreaterThanOrEqual, LessThan
from pyiceberg.partitioning import UNPARTITIONED_PARTITION_SPEC, PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.transforms import DayTransform, HourTransform, IdentityTransform, MonthTransform, Transform
from pyiceberg.types import (
    BooleanType,
    DateType,
    DecimalType,
    DoubleType,
    IcebergType,
    ListType,
    LongType,
    NestedField,
    StringType,
    TimestamptzType,
)

from oso_dagster.domain.catalogue.partitions import PartitionKind, Window
from oso_dagster.domain.catalogue.source import Column, ColumnType, Disposition, Table

_PLAIN: dict[ColumnType, IcebergType] = {
    ColumnType.VARCHAR: StringType(),
    ColumnType.BIGINT: LongType(),
    ColumnType.DOUBLE: DoubleType(),
    ColumnType.BOOLEAN: BooleanType(),
    ColumnType.DATE: DateType(),
    ColumnType.TIMESTAMP: TimestamptzType(),
    ColumnType.JSON: StringType(),
}
_CUTS: dict[PartitionKind, Transform[Any, Any]] = {
    PartitionKind.HOURLY: HourTransform(),
    PartitionKind.DAILY: DayTransform(),
    PartitionKind.WEEKLY: DayTransform(),
    PartitionKind.MONTHLY: MonthTransform(),
    PartitionKind.STATIC: IdentityTransform(),
}
_FIRST_PARTITION_ID = 1000

PROPERTIES = {
    "format-version": "2",
    "write.parquet.compression-codec": "zstd",
    "write.metadata.delete-after-commit.enabled": "true",
    "write.metadata.previous-versions-max": "20",
}
"""Of every table: the newest metadata files only, so that a table that is loaded hourly does not fill the store with them."""


def iceberg_type(column: Column, next_id: int = 0) -> IcebergType:
    """Iceberg's type of a declared column; `next_id` is the id of a list's element."""
    if column.type is ColumnType.VARCHARS:
        return ListType(element_id=next_id, element_type=StringType(), element_required=False)
    if column.type is ColumnType.DECIMAL:
        return DecimalType(*column.digits)
    return _PLAIN[column.type]


def iceberg_schema(columns: Sequence[Column]) -> Schema:
    """The columns of a new table. The catalogue numbers them anew."""
    ids = range(1, len(columns) + 1)
    fields = [
        NestedField(number, column.name, iceberg_type(column, len(columns) + number), required=False, doc=column.description)
        for number, column in zip(ids, columns, strict=True)
    ]
    return Schema(*fields)


def partition_spec(table: Table, name: str, schema: Schema) -> PartitionSpec:
    """How the landed table `name` is cut: as its loads replace it, so that one rewrites the files of its own partition only."""
    column = table.partition_column
    if table.disposition is not Disposition.REPLACE_PARTITION or table.partitions is None or column is None:
        return UNPARTITIONED_PARTITION_SPEC
    declared = next((each for each in table.physical[name] if each.name == column), None)
    if declared is None or (table.partitions.start is not None and declared.type not in {ColumnType.DATE, ColumnType.TIMESTAMP}):
        return UNPARTITIONED_PARTITION_SPEC
    cut = _CUTS[table.partitions.kind]
    if declared.type is ColumnType.DATE and isinstance(cut, HourTransform):
        cut = DayTransform()
    return PartitionSpec(PartitionField(schema.find_field(column).field_id, _FIRST_PARTITION_ID, cut, f"{column}_{cut}"))


def rows_of(table: Table, window: Window | None) -> BooleanExpression:
    """The rows that a load of `window` stands for; all of them where it replaces no partition."""
    if table.disposition is not Disposition.REPLACE_PARTITION or window is None:
        return AlwaysTrue()
    column = str(table.partition_column)
    if window.start is None or window.end is None:
        return EqualTo(column, window.key)
    declared = next(each for each in table.columns if each.name == column)
    if declared.type is ColumnType.DATE:
        return And(GreaterThanOrEqual(column, window.start.date().isoformat()), LessThan(column, window.end.date().isoformat()))
    return And(GreaterThanOrEqual(column, window.start.isoformat()), LessThan(column, window.end.isoformat()))
