"""What SQLMesh projects hold beside plain SQL models: seeds, Python, audits that stand alone, models without a table."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator

import dagster as dg
import duckdb
import pytest

from oso_dagster.sqlmesh_assets import sqlmesh_definitions
from oso_dagster.sqlmesh_assets.manifest.manifest_store import load_manifest
from tests.sqlmesh_assets.execution.test_materializing import ALL, Outcome, run
from tests.sqlmesh_assets.playground import Playground, played

pytestmark = pytest.mark.slow

PYTHON = """
import typing as t
import pandas as pd
from sqlmesh import ExecutionContext, model

@model("marts.from_python", kind="FULL", columns={"id": "bigint"}, depends_on=["marts.sizes"], owner="alice")
def execute(context: ExecutionContext, **kwargs: t.Any) -> pd.DataFrame:
    return context.fetchdf("SELECT id FROM " + context.resolve_table("marts.sizes"))
"""
OWN_KIND = """
from sqlmesh import CustomMaterialization

class Twice(CustomMaterialization):
    NAME = "NAMED"

    def insert(self, table_name, query_or_df, model, is_first_insert, render_kwargs, **kwargs):
        self.adapter.replace_query(table_name, query_or_df)
        self.adapter.execute(f"INSERT INTO {table_name} SELECT id + 100 FROM {table_name}")
"""
PACKAGE = {
    "kinds_shipped.py": OWN_KIND.replace("NAMED", "shipped"),
    "kinds-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: kinds\nVersion: 1.0\n",
    "kinds-1.0.dist-info/entry_points.txt": "[sqlmesh.materializations]\nshipped = kinds_shipped:Twice\n",
}
"""An installed package that brings a kind of model."""
FRESH = """
import sys
from pathlib import Path
import dagster as dg
from oso_dagster.sqlmesh_assets import Project, sqlmesh_definitions
database = {{name: {{"type": "duckdb", "database": "{root}/" + file}}
            for name, file in (("connection", "warehouse.duckdb"), ("state_connection", "state.duckdb"))}}
defs = sqlmesh_definitions(Project(Path("{root}/project"), "here", "duckdb", Path("{root}/cache"), connections=database))
job = defs.resolve_implicit_global_asset_job_def()
assert "sqlmesh" not in sys.modules, "the manifest was built"
result = job.execute_in_process()
print("MATERIALIZED", *(entry.asset_key.to_user_string() for entry in result.get_asset_materialization_events()))
"""
FILES = {
    "materializations/doubled.py": OWN_KIND.replace("NAMED", "doubled"),
    "models/shipped.sql": "MODEL (name marts.shipped, kind CUSTOM (materialization 'shipped'));"
    " SELECT CAST(id AS BIGINT) AS id FROM staging.colours",
    "models/own.sql": "MODEL (name marts.own, kind CUSTOM (materialization 'doubled'));"
    " SELECT CAST(id AS BIGINT) AS id FROM staging.colours",
    "models/from_python.py": PYTHON,
    "models/colours.sql": "MODEL (name staging.colours, kind SEED (path '../seeds/colours.csv'),"
    " columns (id BIGINT, name TEXT));",
    "seeds/colours.csv": "id,name\n1,red\n",
    "models/embedded_one.sql": "MODEL (name staging.embedded_one, kind EMBEDDED);"
    " SELECT CAST(id AS BIGINT) AS id FROM staging.colours",
    "models/outer.sql": "MODEL (name staging.reader, kind VIEW, owner 'Data People', tags (finance, 'two words'));"
    " SELECT /* the key */ id FROM staging.embedded_one",
    "models/loose.sql": "MODEL (name staging.loose, kind VIEW); SELECT * FROM raw.undeclared",
    "models/of_loose.sql": "MODEL (name marts.of_loose, kind FULL); SELECT a FROM staging.loose",
    "models/keyed.sql": "MODEL (name marts.keyed, kind INCREMENTAL_BY_UNIQUE_KEY (unique_key id));"
    " SELECT CAST(id AS BIGINT) AS id FROM staging.colours",
    "audits/alone.sql": "AUDIT (name alone, standalone true); SELECT * FROM marts.sizes AS s JOIN staging.colours AS c"
    " ON s.id = c.id WHERE s.size > 100",
}
MODELS = ALL | {
    "marts.from_python",
    "staging.colours",
    "staging.reader",
    "staging.loose",
    "marts.keyed",
    "marts.own",
    "marts.shipped",
    "marts.of_loose",
}


@pytest.fixture(scope="module")
def mixed(tmp_path_factory) -> Iterator[Playground]:
    """All of it in one project, which the tests read, and materialize one after the other."""
    with played(tmp_path_factory.mktemp("mixed")) as place, pytest.MonkeyPatch.context() as patch:
        place.recompute_whole = False
        files = {f"project/{name}": text for name, text in FILES.items()} | {
            f"packages/{name}": text for name, text in PACKAGE.items()
        }
        for name, text in files.items():
            path = place.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        patch.syspath_prepend(place.root / "packages")
        place.sql("CREATE TABLE raw.undeclared AS SELECT 5 AS a, 6 AS b")
        yield place


@pytest.fixture(scope="module")
def first(mixed) -> Outcome:
    """What its first materialization told."""
    return run(mixed)


def test_all_of_it_is_materialized_and_what_has_no_table_is_no_asset(mixed, first):
    assert first.result.success, first.result
    assert set(first.materialized) == MODELS
    assert mixed.sql("SELECT COUNT(*) FROM marts.from_python") == [(2,)]
    assert set(load_manifest(mixed.project).models) == MODELS


def test_what_reads_an_embedded_model_depends_on_what_that_one_reads(mixed):
    assert load_manifest(mixed.project).models["staging.reader"].upstream == ("staging.colours",)


def test_of_a_model_that_selects_all_of_an_undeclared_table_no_columns_are_said(mixed, first):
    models = load_manifest(mixed.project).models
    assert models["staging.loose"].columns == ()
    assert [(column.name, column.lineage) for column in models["marts.of_loose"].columns] == [("a", ("staging.loose.a",))]
    assert mixed.sql("SELECT * FROM marts.of_loose") == [(5,)]


def test_an_audit_that_stands_alone_is_a_check_of_a_model_that_it_reads(mixed, first, monkeypatch):
    monkeypatch.setattr(mixed, "recompute_whole", True)
    mixed.sql("INSERT INTO raw.things VALUES (3, 1)")
    result = run(mixed)
    alone = [check for check in result.checks if check.check_name == "alone"]
    assert [(check.asset_key.path, check.passed) for check in alone] == [(["marts", "sizes"], True)]


def test_owners_tags_and_groups_are_written_as_dagster_takes_them(mixed):
    specs = {spec.key.to_user_string(): spec for spec in sqlmesh_definitions(mixed.project).resolve_all_asset_specs()}
    outer = specs["staging/reader"]
    assert outer.owners == ["team:Data_People"]
    assert {"sqlmesh/finance", "sqlmesh/two_words"} <= set(outer.tags)
    assert outer.group_name == "sqlmesh/staging"
    assert specs["marts/from_python"].owners == ["team:alice"]
    assert specs["marts/total"].owners == ["team:data"]
    assert specs["marts/total"].group_name == "sqlmesh/marts"


def test_a_run_with_nothing_to_do_tells_of_no_asset_that_is_none(mixed, first):
    again = run(mixed)
    assert set(again.reports) == MODELS
    assert again.materialized == {}


@pytest.mark.parametrize("name", ["own", "shipped"])
def test_a_model_of_a_kind_of_the_projects_or_a_packages_own_is_computed_in_a_process_that_did_not_load_the_project(
    mixed, first, name
):
    ((table,),) = mixed.sql(f"SELECT name FROM (SHOW ALL TABLES) WHERE name LIKE 'marts__{name}__%'")
    mixed.sql(f"TRUNCATE sqlmesh__marts.{table}")
    with duckdb.connect(str(mixed.root / "state.duckdb")) as state:
        state.execute(f"DELETE FROM sqlmesh._intervals WHERE name LIKE '%\"{name}\"'")
    fresh = [sys.executable, "-c", FRESH.format(root=mixed.root)]
    environment = os.environ | {"PYTHONPATH": str(mixed.root / "packages")}
    output = subprocess.run(fresh, capture_output=True, text=True, cwd=mixed.root, check=True, env=environment).stdout
    assert output.split("MATERIALIZED ")[1].split() == [f"marts/{name}"]
    assert mixed.sql(f"SELECT id FROM marts.{name} ORDER BY id") == [(1,), (101,)]


def test_statements_of_the_project_run_before_and_after_also_when_nothing_is_deployed(playground):
    config = playground.root / "project" / "config.yaml"
    after = "INSERT INTO raw.others SELECT 1000 + COUNT(*) FROM raw.others"
    config.write_text(
        f"{config.read_text()}before_all: ['CREATE TABLE IF NOT EXISTS raw.ready (id INT)']\nafter_all: ['{after}']\n"
    )
    assert playground.materialize().success
    assert playground.sql("SELECT COUNT(*) FROM raw.ready") == [(0,)]
    assert playground.sql("SELECT MAX(id) FROM raw.others") == [(1001,)]
    assert playground.materialize("marts.others").success
    assert playground.sql("SELECT MAX(id) FROM raw.others") == [(1002,)]


def test_a_change_that_sqlmesh_would_ask_a_person_about_is_deployed_as_breaking(playground):
    config = playground.root / "project" / "config.yaml"
    config.write_text(f"{config.read_text()}plan: {{auto_categorize_changes: {{sql: 'off'}}}}\n")
    assert playground.materialize().success
    playground.write("marts.sizes", "FULL", "not_null(columns := id)", "SELECT id, size * 10 AS size FROM staging.stg_things")
    assert set(run(playground).materialized) == ALL
    assert playground.sql("SELECT total FROM marts.total") == [(30,)]


def test_days_that_a_model_restates_by_itself_are_computed_anew_when_their_time_has_come(playground):
    playground.recompute_whole = False
    kind = "INCREMENTAL_BY_TIME_RANGE (time_column day, auto_restatement_cron '@weekly'), start '2026-01-01', end '2026-01-02'"
    playground.write(
        "marts.days", kind, "", "SELECT CAST(@end_date AS DATE) AS day, COUNT(*) AS things FROM raw.things GROUP BY 1"
    )
    assert playground.materialize().success
    playground.sql("INSERT INTO raw.things VALUES (3, 3)")
    assert run(playground).materialized == {}
    with duckdb.connect(str(playground.root / "state.duckdb")) as state:
        state.execute("UPDATE sqlmesh._auto_restatements SET next_auto_restatement_ts = 1")
    assert set(run(playground).materialized) == {"marts.days"}
    assert playground.sql("SELECT MAX(things) FROM marts.days") == [(3,)]


def test_an_audit_that_stands_twice_on_a_model_and_blocks_once_is_two_checks(playground):
    audits = "small(most := 10), small(most := 10, blocking := false), not_null(columns := id)"
    playground.write("marts.sizes", "FULL", audits, "SELECT id, size FROM staging.stg_things")
    playground.materialize()
    playground.sql("INSERT INTO raw.things VALUES (3, 50)")
    result = run(playground, "marts.sizes")
    checks = sorted(
        (check.severity.value, check.check_name, check.passed) for check in result.checks if "small" in check.check_name
    )
    assert [(severity, passed) for severity, _, passed in checks] == [("ERROR", False), ("WARN", False)]
    assert checks[1][1] == f"{checks[0][1]}_2"


def test_a_check_that_dagster_would_write_like_an_asset_or_another_check_has_a_name_of_its_own(playground):
    (playground.root / "project" / "audits" / "words.sql").write_text(
        "AUDIT (name a_not_null); SELECT id FROM @this_model WHERE id < 0"
    )
    playground.write("marts.others_not_null", "FULL", "a_not_null", "SELECT id FROM marts.others")
    playground.write("marts.others_not_null_a", "FULL", "not_null(columns := id)", "SELECT id FROM marts.others")
    result = run(playground)
    assert result.result.success
    names = {".".join(check.asset_key.path): check.check_name for check in result.checks if "others" in check.asset_key.path[-1]}
    assert names["staging.stg_others"] == "not_null"
    assert re.fullmatch("not_null_[0-9a-f]{8}", names["marts.others"])
    assert re.fullmatch("a_not_null_[0-9a-f]{8}", names["marts.others_not_null"])
    assert re.fullmatch("not_null_[0-9a-f]{8}", names["marts.others_not_null_a"])


def test_an_asset_says_everything_that_the_model_says(mixed):
    spec = {spec.key.to_user_string(): spec for spec in sqlmesh_definitions(mixed.project).resolve_all_asset_specs()}[
        "marts/total"
    ]
    facts = spec.metadata
    assert (spec.description, spec.kinds) == ("d", {"sqlmesh", "duckdb"})
    assert [(column.name, column.type) for column in facts["dagster/column_schema"].columns] == [("total", "bigint")]
    deps = facts["dagster/column_lineage"].deps_by_column["total"]
    assert deps == [dg.TableColumnDep(dg.AssetKey(["marts", "sizes"]), "size")]
    assert "SUM" in facts["sqlmesh/sql"].value
    (code,) = facts["dagster/code_references"].code_references
    assert code.file_path == str(mixed.root / "project" / "models" / "marts.total.sql")
