"""Writes the type of a column as text once, not for each model that reads the column. Imports SQLMesh."""

from __future__ import annotations

from functools import cache
from typing import Any

from sqlglot import exp
from sqlglot.schema import MappingSchema, nested_set
from sqlmesh.core.model.definition import _Model

OF_SQLMESH = _Model.update_schema
"""SQLMesh's own way, which a test compares with."""


def use_known_type_texts() -> None:
    """From now on the models of this process learn about upstream columns by `update_schema` of this module."""
    _Model.update_schema = update_schema  # type: ignore[method-assign, assignment]


def update_schema(model: Any, schema: MappingSchema) -> None:
    """As SQLMesh's: keep in the model the columns that it finds upstream, with their types as text."""
    for upstream in model.depends_on:
        table = exp.to_table(upstream)
        columns = schema.find(table)
        if columns:
            path = tuple(part.sql(copy=False) for part in table.parts)
            nested_set(model.mapping_schema, path, {name: type_text(kind, model.dialect) for name, kind in columns.items()})


def type_text(kind: exp.DataType, dialect: str) -> str:
    """The type in that dialect; known from before where it is a bare name, without parameters, parts or comments."""
    name = kind.this
    bare = isinstance(name, exp.DataType.Type) and not kind.comments
    if not bare or any(value for part, value in kind.args.items() if part != "this"):
        return str(kind.sql(dialect=dialect))
    return _text_of_bare(name, dialect)


@cache
def _text_of_bare(name: Any, dialect: str) -> str:
    return str(exp.DataType(this=name).sql(dialect=dialect))
