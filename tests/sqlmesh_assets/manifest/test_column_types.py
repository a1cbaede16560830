"""The text of a column's type is SQLMesh's, whether it is known from before or written anew."""

from __future__ import annotations

import pytest
from sqlglot import exp
from sqlglot.schema import MappingSchema
from sqlmesh.core.dialect import parse
from sqlmesh.core.model import load_sql_based_model
from sqlmesh.core.model.definition import _Model

from oso_dagster.sqlmesh_assets.column_types import OF_SQLMESH, type_text, update_schema
from oso_dagster.sqlmesh_assets.context import open_context

TYPES = (
    *("BIGINT", "TEXT", "VARCHAR(20)", "DECIMAL(18, 3)", "DECIMAL(38, 0)", "DECIMAL", "TIMESTAMP", "TIMESTAMPTZ", "JSON"),
    *("STRUCT<a INT, b ARRAY<TEXT>>", "ARRAY<BIGINT>", "MAP<TEXT, DOUBLE>", "INTERVAL", "DOUBLE", "DATE", "BOOLEAN", "UNKNOWN"),
)


@pytest.mark.parametrize("dialect", ["duckdb", "trino", "postgres", "bigquery", "clickhouse"])
def test_each_type_is_written_as_its_dialect_writes_it(dialect):
    for text in TYPES * 2:
        kind = exp.DataType.build(text)
        assert type_text(kind, dialect) == kind.sql(dialect=dialect), text


def test_a_bare_name_with_parts_or_a_comment_is_not_taken_for_the_bare_name():
    assert type_text(exp.DataType.build("DECIMAL"), "trino") != type_text(exp.DataType.build("DECIMAL(18, 3)"), "trino")
    noted = exp.DataType.build("BIGINT")
    noted.add_comments(["of the archive"])
    assert type_text(noted, "duckdb") == noted.sql(dialect="duckdb")
    nullable = exp.DataType.build("Nullable(Int64)", dialect="clickhouse")
    assert type_text(nullable, "clickhouse") == nullable.sql(dialect="clickhouse")


def test_a_model_keeps_what_it_finds_upstream_as_sqlmesh_keeps_it():
    schema = MappingSchema(normalize=False)
    for table in ("a", "b"):
        columns = {f"c{place}": exp.DataType.build(text) for place, text in enumerate(TYPES)}
        schema.add_table(f'"w"."s"."{table}"', columns, dialect="duckdb")
    text = "MODEL (name s.m, dialect duckdb); SELECT a.c0 FROM s.a AS a JOIN s.b AS b ON a.c0 = b.c0"
    ours, theirs = (load_sql_based_model(parse(text), default_catalog="w", dialect="duckdb") for _ in range(2))
    update_schema(ours, schema)
    OF_SQLMESH(theirs, schema)
    assert ours.mapping_schema == theirs.mapping_schema != {}


def test_a_project_is_loaded_so(playground):
    open_context(playground.project, connected=False, load=False).close()
    assert _Model.update_schema is update_schema
