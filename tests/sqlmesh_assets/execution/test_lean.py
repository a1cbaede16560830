"""What is done once instead of again gives what SQLMesh gives: rows of its state, packages of an environment."""

from __future__ import annotations

from contextlib import contextmanager

import duckdb
import pandas as pd
import pytest
from sqlglot import exp
from sqlmesh.core.engine_adapter import create_engine_adapter

from oso_dagster.sqlmesh_assets.execution.opened_project import opened_project
from oso_dagster.sqlmesh_assets.lean.intervals import with_plain_inserts

INTERVAL = {"id": "text", "identifier": "text", "start_ts": "bigint", "is_dev": "boolean", "last_altered_ts": "bigint"}
ROWS = [
    {"id": "1", "identifier": "it's", "start_ts": 1767312000000, "is_dev": False, "last_altered_ts": 1767312000001},
    {"id": "2", "identifier": None, "start_ts": 1767398400000, "is_dev": True, "last_altered_ts": None},
]


@contextmanager
def opened(playground):
    with opened_project(playground.project, lambda _: None) as context:
        yield context


def written(path, adapted):
    adapter = create_engine_adapter(lambda: duckdb.connect(str(path)), "duckdb")
    adapter.execute("CREATE TABLE _intervals (id TEXT, identifier TEXT, start_ts BIGINT, is_dev BOOLEAN, last_altered_ts BIGINT)")
    types = {name: exp.DataType.build(kind) for name, kind in INTERVAL.items()}
    for rows in (ROWS, ROWS[:1], ROWS[1:]):
        frame = pd.DataFrame(rows)
        adapted(adapter).insert_append(exp.table_("_intervals"), frame, target_columns_to_types=types, track_rows_processed=False)
    return adapter.fetchall("SELECT * FROM _intervals ORDER BY ALL")


def test_an_interval_is_the_row_that_sqlmesh_writes(tmp_path):
    assert written(tmp_path / "ours", with_plain_inserts) == written(tmp_path / "theirs", lambda adapter: adapter)


@pytest.mark.parametrize("imported", [True, False])
def test_the_packages_of_an_environment_are_those_that_its_code_imports(playground, imported):
    macros = playground.root / "project" / "macros"
    macros.mkdir()
    (macros / "__init__.py").touch()
    body = "    return str(filelock.__name__)" if imported else "    return 'x'"
    (macros / "own.py").write_text(f"import filelock\nfrom sqlmesh import macro\n\n@macro()\ndef own(evaluator):\n{body}\n")
    playground.write("marts.others", "FULL", "", "SELECT id, @own() AS word FROM staging.stg_others")
    with opened(playground) as context:
        plan = context.plan_builder("prod", skip_tests=True).build()
        assert set(plan.context_diff.requirements) == ({"filelock"} if imported else set())
        assert context.config.infer_python_dependencies
