"""Each trap of SQL that means another thing on the other engine is seen, and what to write instead is not one."""

from __future__ import annotations

import importlib.util

import pytest
from sqlglot import parse_one

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
}


@pytest.mark.parametrize("trap", TRAPS)
def test_a_trap_is_seen_and_what_to_write_instead_is_none(trap):
    assert len(list(LINTER.traps(parse_one(f"SELECT {trap} FROM t", read="trino")))) == 1
    assert list(LINTER.traps(parse_one(f"SELECT {TRAPS[trap]} FROM t", read="trino"))) == []


def test_two_lists_are_unnested_one_at_a_time():
    both = "SELECT x FROM t CROSS JOIN UNNEST(a, b) AS u(x, y)"
    assert len(list(LINTER.traps(parse_one(both, read="trino")))) == 1
    assert list(LINTER.traps(parse_one("SELECT x FROM t CROSS JOIN UNNEST(a) AS u(x)", read="trino"))) == []
