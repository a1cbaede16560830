"""What may be asked, by parsing alone: nothing is run here."""

from __future__ import annotations

import importlib
import itertools
import random

import pytest
from sqlglot import exp

from oso_dagster.serving.failures import Outcome, RefusedError
from oso_dagster.serving.statements.allowed import refused_part
from oso_dagster.serving.statements.names import NameAnswer, understood
from oso_dagster.serving.statements.select import Select
from tests.serving.small_door import published

ALLOWED = [
    "SELECT * FROM projects_v1",
    "SELECT * FROM oso.projects_v1 p JOIN marts.metrics_v0 m ON p.project_id = m.project_id",
    'SELECT "Projects_V1".project_id FROM "OSO"."Projects_V1"',
    "SELECT oso.projects_v1.project_id FROM oso.projects_v1",
    "WITH projects_v1 AS (SELECT * FROM projects_v1) SELECT count(*) FROM projects_v1",
    "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 5) SELECT * FROM t",
    "SELECT project_id, row_number() OVER (PARTITION BY project_id ORDER BY sample_date) FROM metrics_v0",
    "SELECT date_trunc('month', sample_date), sum(amount) FROM metrics_v0 GROUP BY 1 HAVING sum(amount) > 1 ORDER BY 2 LIMIT 5",
    "SELECT x FROM UNNEST(ARRAY[1, 2]) AS t(x)",
    "SELECT * FROM (VALUES (1, 'a')) AS t(n, s)",
    "(SELECT 1) UNION ALL (SELECT 2)",
    "SELECT a.project_id FROM projects_v1 a WHERE EXISTS (SELECT 1 FROM metrics_v0 WHERE metrics_v0.project_id = a.project_id)",
    "SELECT current_date, CAST(project_id AS VARCHAR) -- a comment; DROP TABLE projects_v1\nFROM projects_v1 /* ; COPY */",
    "SELECT 'read_text(''/etc/passwd''); DROP TABLE x'",
]

REFUSED = [
    "SELECT * FROM diary.entries",
    "SELECT * FROM platform.loads",
    "SELECT * FROM sqlmesh__marts.projects__old",
    "SELECT * FROM marts__dev.projects_v1",
    "SELECT * FROM information_schema.tables",
    "SELECT * FROM pg_catalog.pg_tables",
    "SELECT * FROM sqlite_master",
    "SELECT * FROM duckdb_settings()",
    "SELECT * FROM warehouse.diary.entries",
    "SELECT * FROM read_text('/etc/passwd')",
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM '/etc/passwd'",
    'SELECT * FROM "/etc/passwd"',
    "SELECT * FROM glob('*')",
    "SELECT * FROM query('SELECT 1')",
    "SELECT * FROM query_table('diary.entries')",
    "SELECT read_blob('/etc/passwd')",
    "SELECT getenv('HOME')",
    "SELECT current_user",
    "SELECT current_setting('memory_limit')",
    "SELECT nextval('s')",
    "SELECT (SELECT entry FROM diary.entries)",
    "WITH a AS (SELECT * FROM diary.entries) SELECT * FROM a",
    "WITH projects_v1 AS (SELECT 1) SELECT * FROM diary.entries",
    "WITH a AS (SELECT * FROM b), b AS (SELECT 1) SELECT * FROM a",
    "SELECT 1; DROP TABLE projects_v1",
    "SELECT * INTO copy FROM projects_v1",
    "SELECT * FROM projects_v1 FOR UPDATE",
    "SELECT * FROM projects_v1 WHERE project_id = ?",
    "INSERT INTO projects_v1 VALUES (1)",
    "WITH a AS (SELECT 1) DELETE FROM projects_v1",
    "UPDATE projects_v1 SET project_id = 1",
    "CREATE TABLE t AS SELECT 1",
    "CREATE TEMP TABLE t (a INT)",
    "DROP TABLE projects_v1",
    "TRUNCATE TABLE projects_v1",
    "COPY projects_v1 TO '/tmp/x'",
    "COPY (SELECT 1) TO '/tmp/x'",
    "ATTACH '/tmp/x' AS x",
    "PRAGMA database_list",
    "SET memory_limit = '1TB'",
    "CALL pragma_version()",
    "LOAD httpfs",
    "INSTALL httpfs",
    "EXPORT DATABASE '/tmp/x'",
    "USE diary",
    "VACUUM",
    "EXPLAIN ANALYZE SELECT 1",
    "EXPLAIN SELECT * FROM diary.entries",
    "DESCRIBE diary.entries",
    "SHOW COLUMNS FROM platform.loads",
    "SHOW TABLES FROM diary",
    "SUMMARIZE projects_v1",
    "SELECT * FROM (DESCRIBE projects_v1)",
    "PREPARE a AS SELECT 1",
    "EXECUTE a",
    "nonsense",
    "SELECT " + "(" * 3_000 + "1" + ")" * 3_000,
    "SELECT '" + "x" * 200_000 + "'",
]


@pytest.mark.parametrize("text", ALLOWED)
def test_a_query_over_published_names_is_understood(text: str) -> None:
    assert isinstance(understood(text, "trino", published()), Select)


@pytest.mark.parametrize("dialect", ["trino", "duckdb"])
@pytest.mark.parametrize("text", REFUSED, ids=lambda text: text[:60])
def test_everything_else_is_refused_as_the_users_own_mistake(text: str, dialect: str) -> None:
    with pytest.raises(RefusedError) as refused:
        understood(text, dialect, published())
    assert refused.value.outcome is Outcome.USER


@pytest.mark.parametrize(
    "text", ["SELECT @name", "SELECT @SQL('1')", "SELECT @'text @{name}'", "WITH @name AS (SELECT 1) SELECT 1"]
)
def test_macros_of_sqlmesh_which_it_teaches_sqlglot_where_it_is_loaded_are_refused(text: str) -> None:
    importlib.import_module("sqlmesh.core.dialect")
    with pytest.raises(RefusedError):
        understood(text, "duckdb", published())


def test_names_resolve_as_users_write_them() -> None:
    for name in ("projects_v1", "oso.projects_v1", "OSO.PROJECTS_V1", "marts.projects_v1"):
        assert understood(f"SELECT * FROM {name}", "trino", published()).tables == ("marts.projects_v1",)
    assert understood("SELECT * FROM int_named", "trino", published()).tables == ("intermediate.int_named",)
    with pytest.raises(RefusedError, match="similar: projects_v1"):
        understood("SELECT * FROM project_v1", "trino", published())


def test_show_describe_and_explain_are_answered_from_the_names() -> None:
    assert understood("SHOW TABLES", "trino", published()).rows == (("absent_v0",), ("metrics_v0",), ("projects_v1",))
    assert understood("show tables from oss_directory;", "trino", published()).rows == (("projects",),)
    for pattern in ("pro%", "%v1", "_rojects_v1", "%_%o%_%1"):
        assert understood(f"SHOW TABLES LIKE '{pattern}'", "trino", published()).rows == (("projects_v1",),)
    for pattern in ("pro*", "[p]rojects_v1", "projects?v1", "projects", "%_%_%_%_%_%_%_%_%_%Q"):
        assert understood(f"SHOW TABLES LIKE '{pattern}'", "trino", published()).rows == ()
    with pytest.raises(RefusedError, match="200 characters"):
        understood(f"SHOW TABLES LIKE '{'%' * 201}'", "trino", published())
    columns = understood("SHOW COLUMNS FROM oso.projects_v1", "trino", published())
    assert isinstance(columns, NameAnswer)
    assert columns.rows[0] == ("project_id", "varchar", "", "The project.")
    assert understood("DESCRIBE projects_v1", "trino", published()) == columns
    plan = understood("EXPLAIN SELECT * FROM metrics_v0", "trino", published())
    assert ("reads marts.metrics_v0: Every metric.",) in plan.rows
    assert ("derived from npm.downloads: Counted by npm.",) in plan.rows


_GOOD_NAMES = (
    "projects_v1",
    "oso.projects_v1",
    "marts.metrics_v0",
    '"marts"."metrics_v0"',
    "Metrics_V0",
    "oss_directory.projects",
)
_BAD_NAMES = (
    "diary.entries", "platform.loads", "information_schema.columns", "sqlmesh__marts.projects__1", "'/etc/passwd'",
    "read_csv('/x')", "duckdb_tables()", "pg_class", "temp.t", "warehouse.marts.projects_v1", '"diary"."entries"',
    "Diary.Entries",
)  # fmt: skip
_SHAPES = (
    "SELECT * FROM {0}",
    "SELECT count(*) FROM {0} AS a, {1} AS b",
    "SELECT 1 WHERE EXISTS (SELECT 1 FROM {0})",
    "WITH c AS (SELECT * FROM {0}) SELECT * FROM c UNION ALL SELECT * FROM c",
    "SELECT (SELECT max(1) FROM {0}) + (SELECT count(*) FROM {1})",
    "SELECT * FROM (SELECT * FROM {0}) AS a CROSS JOIN (SELECT 1 FROM {1}) AS b",
    "SELECT a.x IN (SELECT 1 FROM {0}) FROM (VALUES (1)) AS a(x)",
    "SELECT 1 FROM {0} /* {1} */ -- ; DROP TABLE x",
    "(SELECT 1 FROM {0}) EXCEPT (SELECT 1 FROM {1})",
    "SELECT sum(1) OVER (ORDER BY (SELECT 1 FROM {0})) FROM {1} AS z",
)
_WRAPS = ("{}", "  {} ;", "\n/* x */ {}", "{} -- end")
_BAD_WRAPS = (
    "{}; SELECT 1",
    "COPY ({}) TO '/tmp/x'",
    "CREATE TABLE t AS {}",
    "EXPLAIN ANALYZE {}",
    "PREPARE p AS {}",
    "DELETE {}",
)


@pytest.mark.slow
def test_five_thousand_generated_statements_go_the_right_way() -> None:
    chosen = random.Random(20)
    wrong: list[str] = []
    for number in range(5_000):
        shape = chosen.choice(_SHAPES)
        commented = shape.endswith("DROP TABLE x")
        names = [chosen.choice(_GOOD_NAMES if chosen.random() < 0.8 else _BAD_NAMES) for _ in range(2)]
        used = [name for place, name in enumerate(names) if f"{{{place}}}" in shape and not (commented and place == 1)]
        wraps = _WRAPS[:1] if commented else _WRAPS
        wrap, good = chosen.choice(wraps), all(name in _GOOD_NAMES for name in used)
        if not commented and chosen.random() < 0.1:
            wrap, good = chosen.choice(_BAD_WRAPS), False
        text = wrap.format(shape.format(*names))
        try:
            understood(text, ("trino", "duckdb")[number % 2], published())
            let_in = True
        except RefusedError:
            let_in = False
        if let_in != good:
            wrong.append(text)
    assert wrong == []


def test_the_campaign_knows_both_ways() -> None:
    """Each shape is let in with good names, and refused with a bad one: the campaign cannot pass by refusing everything."""
    for shape, bad in itertools.product(_SHAPES, _BAD_NAMES):
        assert understood(shape.format("projects_v1", "metrics_v0"), "trino", published())
        with pytest.raises(RefusedError):
            understood(shape.format(bad, "projects_v1"), "trino", published())


def test_new_syntax_of_sqlglot_is_refused_and_a_new_function_passes_as_the_page_says() -> None:
    new = {"__module__": "sqlglot.expressions"}
    assert refused_part(type("Summon", (exp.Expression,), new)()) == "SUMMON is not allowed here"
    assert refused_part(type("ReadSomething", (exp.Expression,), new)())
    assert not refused_part(type("Cuberoot", (exp.Func,), new)())
