"""What of the published tables GraphQL shows, and how it is called there: types, fields, keys, and who refers to whom."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from oso_dagster.serving.published import Published, PublishedColumn, PublishedTable

SCHEMA = "marts"
HOMES = {"project_id": "projects_v1", "artifact_id": "artifacts_v1", "collection_id": "collections_v1", "metric_id": "metrics_v0"}
"""The mart that has one row for each id."""

_SCALARS = (
    (re.compile(r"^bool"), "Boolean"),
    (re.compile(r"^(tinyint|smallint|int|integer|utinyint|usmallint)\b"), "Int"),
    (re.compile(r"^(bigint|hugeint|uinteger|ubigint|long)\b"), "BigInt"),
    (re.compile(r"^(double|real|float)"), "Float"),
    (re.compile(r"^(decimal|numeric)(\(|$)"), "Decimal"),
    (re.compile(r"^date$"), "Date"),
    (re.compile(r"^timestamp"), "DateTime"),
    (re.compile(r"^(varchar|text|char|string|uuid)(\(\d+\))?$"), "String"),
)


def scalar_of(type_name: str) -> str:
    """The scalar of GraphQL for a column's type, as the engine or the declaration names it; `JSON` for lists and structs."""
    written = type_name.strip().lower()
    return next((scalar for pattern, scalar in _SCALARS if pattern.match(written) and "[" not in written), "JSON")


def camel(name: str) -> str:
    """`project_id` as `projectId`."""
    first, *rest = name.split("_")
    return first + "".join(word[:1].upper() + word[1:] for word in rest)


@dataclass(frozen=True)
class Field:
    """One column as a field."""

    name: str
    column: PublishedColumn
    scalar: str


@dataclass(frozen=True)
class Relation:
    """From a row to others by an id: `name` is the field, `column` holds the id here and `key` there; `many` has pages."""

    name: str
    target: str
    column: str
    key: str
    many: bool


@dataclass(frozen=True)
class Shape:
    """One mart: `name` is its root field, `kind` its type, `key` the columns that no two rows share."""

    table: PublishedTable
    name: str
    kind: str
    fields: tuple[Field, ...]
    key: tuple[str, ...]
    relations: tuple[Relation, ...] = ()

    def column(self, field: str) -> str:
        """The column behind a field."""
        return next(known.column.name for known in self.fields if known.name == field)

    def scalar(self, column: str) -> str:
        """The scalar of a column."""
        return next(known.scalar for known in self.fields if known.column.name == column)


def shapes_of(published: Published) -> dict[str, Shape]:
    """Every mart, by its name."""
    tables = {table.name: table for table in published.tables.values() if table.schema == SCHEMA and table.columns}
    bare = {name: _shape(table) for name, table in sorted(tables.items())}
    backwards: dict[str, list[Relation]] = {name: [] for name in bare}
    forwards: dict[str, list[Relation]] = {name: [] for name in bare}
    for name, shape in bare.items():
        for column, home in _ids(shape, bare):
            forward = camel(column.removesuffix("_id"))
            if forward not in {field.name for field in shape.fields}:
                forwards[name].append(Relation(forward, home, column, HOMES_KEY[home], many=False))
            if column in HOMES:
                backwards[home].append(Relation(shape.name, name, HOMES_KEY[home], column, many=True))
    return {
        name: Shape(shape.table, shape.name, shape.kind, shape.fields, shape.key, (*forwards[name], *backwards[name]))
        for name, shape in bare.items()
    }


HOMES_KEY = {home: column for column, home in HOMES.items()}


def _shape(table: PublishedTable) -> Shape:
    fields = tuple(Field(camel(column.name), column, scalar_of(column.type)) for column in table.columns)
    name = camel(table.name)
    sortable = tuple(field.column.name for field in fields if field.scalar != "JSON")
    known = {column.name for column in table.columns}
    key = tuple(column for column in table.grain if column in known)
    return Shape(table, name, name[0].upper() + name[1:], fields, key if key and len(key) == len(table.grain) else sortable)


def _ids(shape: Shape, shapes: dict[str, Shape]) -> Iterable[tuple[str, str]]:
    """The columns of a mart that hold the id of something that has a mart of its own, with the name of that."""
    for field in shape.fields:
        for id_column, home in HOMES.items():
            column = field.column.name
            if home in shapes and home != shape.table.name and (column == id_column or column.endswith(f"_{id_column}")):
                yield column, home
                break
