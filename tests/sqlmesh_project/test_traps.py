"""Each trap of SQL that means another thing on the other engine is seen, and what to write instead is not one."""

from __future__ import annotations

import importlib.util

import duckdb
import pytest
from sqlglot import parse_one
from sqlglot.optimizer.annotate_types import annotate_types
from sqlglot.optimizer.qualify import qualify

from oso_dagster.settings import PROJECT_ROOT

SPEC = importlib.util.spec_from_file_location("traps", PROJECT_ROOT / "sqlmesh_project" / "linter" / "traps.py")
LINTER = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(LINTER)
TRAPS = {
    "TRIM(a)": "REGEXP_REPLACE(a, 'x', '')",
    "DATE_DIFF('day', a, b)": "a < b",
    "TRY_CAST(a AS BIGINT)": "CAST(a AS BIGINT)",
    "TRY_CAST(a AS BOOLEAN)": "TRY_CAST(a AS DOUBLE)",
    "JSON_EXTRACT_SCALAR(a, '$.b')": "a",
    "a AT TIME ZONE 'UTC'": "a",
    "a / b": "CAST(a AS DOUBLE) / b",
    "CAST(a AS DOUBLE) / (b - c)": "CAST(a AS DOUBLE) / NULLIF(b - c, 0)",
    "REGEXP_EXTRACT(a, 'b', 1)": "NULLIF(REGEXP_EXTRACT(a, 'b', 1), '')",
    "SUBSTR(a, 0)": "SUBSTR(a, 1)",
    "EXTRACT(DOW FROM a)": "EXTRACT(YEAR FROM a)",
    "DAY_OF_WEEK(a)": "MONTH(a)",
    "DATE_TRUNC('month', a)": "CAST(DATE_TRUNC('month', a) AS DATE)",
    "APPROX_DISTINCT(a)": "COUNT(DISTINCT a)",
    "APPROX_PERCENTILE(a, 0.5)": "MAX(a)",
    "ARRAY_MAX(a)": "CARDINALITY(a)",
    "ARRAY_MIN(a)": "CARDINALITY(a)",
    "ARRAY_DISTINCT(a)": "ARRAY_AGG(DISTINCT a)",
    "SPLIT_PART(a, '/', 2)": "NULLIF(SPLIT_PART(a, '/', 2), '')",
    "COALESCE(SPLIT_PART(a, '/', 3), 'x')": "SPLIT_PART(a, '/', 1)",
    "CONTAINS(a, b)": "CARDINALITY(FILTER(a, item -> item = b)) > 0",
    "ARRAY_POSITION(a, b)": "COALESCE(ARRAY_POSITION(a, b), 0)",
    "REGEXP_LIKE(a, 'b$')": r"REGEXP_LIKE(a, 'b\z')",
    "REGEXP_REPLACE(a, '^/|/$', '')": r"REGEXP_REPLACE(a, '^/|/\z|[$.]|\$|\.', '')",
    "REGEXP_LIKE(a, '^a.c')": r"REGEXP_LIKE(a, '^a[^\n]c')",
    "NULLIF(REGEXP_EXTRACT(a, '[]/]@.*'), '')": r"NULLIF(REGEXP_EXTRACT(a, '[]./]@[^\n]*'), '')",
    "REGEXP_EXTRACT_ALL(a, 'b$')": "REGEXP_EXTRACT_ALL(a, 'b')",
    "REGEXP_SPLIT(a, '.')": "REGEXP_SPLIT(a, '[.]')",
}
TYPED = {
    "CAST(CAST(a AS TIMESTAMP(6)) AS VARCHAR)": "DATE_FORMAT(CAST(a AS TIMESTAMP(6)), '%Y-%m-%d')",
    "CAST(CAST(a AS TIMESTAMP(6) WITH TIME ZONE) AS VARCHAR)": "CAST(CAST(a AS DATE) AS VARCHAR)",
    "CAST(SUM(CAST(a AS DOUBLE)) AS VARCHAR)": "CAST(CAST(SUM(CAST(a AS DOUBLE)) AS BIGINT) AS VARCHAR)",
    "CAST(moment AS VARCHAR)": "CAST(name AS VARCHAR)",
    "CAST(share AS VARCHAR)": "CAST(CAST(share AS DECIMAL(18, 2)) AS VARCHAR)",
    "AVG(cents)": "AVG(CAST(cents AS DOUBLE))",
    "AVG(CAST(a AS DECIMAL(10, 0)))": "AVG(share)",
}
SCHEMA = {"t": {"moment": "TIMESTAMP", "share": "DOUBLE", "cents": "DECIMAL(38, 0)", "name": "VARCHAR"}}


@pytest.mark.parametrize("trap", TRAPS)
def test_a_trap_is_seen_and_what_to_write_instead_is_none(trap):
    assert len(list(LINTER.traps(parse_one(f"SELECT {trap} FROM t", read="trino")))) == 1
    assert list(LINTER.traps(parse_one(f"SELECT {TRAPS[trap]} FROM t", read="trino"))) == []


@pytest.mark.parametrize("trap", TYPED)
def test_a_trap_that_only_types_show_is_seen_and_what_to_write_instead_is_none(trap):
    def typed(expression: str) -> list[str]:
        query = qualify(parse_one(f"SELECT {expression} FROM t", read="trino"), schema=SCHEMA, validate_qualify_columns=False)
        return list(LINTER.typed_traps(annotate_types(query, schema=SCHEMA, dialect="trino")))

    assert len(typed(trap)) == 1
    assert typed(TYPED[trap]) == []


def test_a_trap_is_named_once_however_often_it_is_there():
    twice = parse_one("SELECT REGEXP_LIKE(a, 'b$'), REGEXP_REPLACE(a, 'b$', '') FROM t", read="trino")
    assert len(list(LINTER.traps(twice))) == 1


@pytest.mark.parametrize(
    ("pattern", "text", "matches"), [(r"^a\z", "a", True), (r"^a\z", "a\n", False), (r"^a[^\n]*\z", "a\nb", False)]
)
def test_what_to_write_instead_means_on_duckdb_what_it_says(pattern, text, matches):
    assert duckdb.execute("SELECT regexp_matches(?, ?)", [text, pattern]).fetchall() == [(matches,)]


def test_the_table_of_traps_is_that_of_the_linter():
    page = (PROJECT_ROOT / "sqlmesh_project" / "README.md").read_text(encoding="utf-8")
    known = dict.fromkeys(instead for _, _, instead in (*LINTER.TRAPS, *LINTER.TYPED_TRAPS))
    rows = [line for line in page.split("## SQL that means two things")[1].splitlines() if line.startswith("| ")]
    assert rows[1:] == [f"| {what} | {instead} |" for what, _, instead in (text.partition(": ") for text in known)]


def test_two_lists_are_unnested_one_at_a_time():
    both = "SELECT x FROM t CROSS JOIN UNNEST(a, b) AS u(x, y)"
    assert len(list(LINTER.traps(parse_one(both, read="trino")))) == 1
    assert list(LINTER.traps(parse_one("SELECT x FROM t CROSS JOIN UNNEST(a) AS u(x)", read="trino"))) == []
