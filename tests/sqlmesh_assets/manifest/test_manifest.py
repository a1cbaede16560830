"""The manifest: built without a warehouse, read without SQLMesh, never stale, never trusted when broken."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from oso_dagster.sqlmesh_assets.assets.specs import AssetExtras, UnknownTableError, asset_specs, check_specs
from oso_dagster.sqlmesh_assets.manifest import builder as building
from oso_dagster.sqlmesh_assets.manifest.audit_names import check_names
from oso_dagster.sqlmesh_assets.manifest.builder import SameNameError
from oso_dagster.sqlmesh_assets.manifest.manifest_store import fault_of_shipped, load_manifest, ship_manifest
from tests.sqlmesh_assets.playground import MODELS

PYTHON = """
from sqlmesh.core.config import Config, DuckDBConnectionConfig, GatewayConfig, ModelDefaultsConfig
config = Config(
    gateways={"here": GatewayConfig(connection=DuckDBConnectionConfig())},
    model_defaults=ModelDefaultsConfig(dialect="trino"),
)
"""


def cached(playground):
    return sorted((playground.root / "cache" / "manifests").iterdir())


def test_it_says_what_the_models_are(playground):
    model = load_manifest(playground.project).models["marts.total"]
    assert (model.kind, model.upstream, model.layer) == ("FULL", ("marts.sizes",), "marts")
    assert [(column.name, column.type) for column in model.columns] == [("total", "bigint")]
    assert model.columns[0].lineage == ("marts.sizes.size",)
    assert "SUM" in model.sql
    assert load_manifest(playground.project).raw_tables == {
        "raw.others": ("staging.stg_others",),
        "raw.things": ("staging.stg_things",),
    }


def test_a_column_that_a_function_makes_comes_from_no_table(playground):
    playground.write("marts.numbers", "FULL", "", "SELECT CAST(n AS BIGINT) AS n FROM UNNEST(SEQUENCE(1, 3)) AS t(n)")
    assert load_manifest(playground.project).models["marts.numbers"].columns[0].lineage == ()
    assert playground.definition()


def test_building_it_creates_no_warehouse(playground):
    (playground.root / "warehouse.duckdb").unlink()
    load_manifest(playground.project)
    assert not list(playground.root.glob("*.duckdb"))


def test_what_is_read_from_the_cache_is_what_was_built(playground):
    assert load_manifest(playground.project) == load_manifest(playground.project)
    assert len(cached(playground)) == 1


def test_of_two_that_find_none_at_once_one_builds_it(playground, monkeypatch):
    builds, build = [], building.build_manifest
    monkeypatch.setattr(building, "build_manifest", lambda project, parts: builds.append(project) or build(project, parts))
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(load_manifest, [playground.project] * 2)
    assert first == second
    assert len(builds) == 1


def test_reading_it_from_the_cache_imports_no_sqlmesh(playground):
    load_manifest(playground.project)
    code = (
        "import sys, pathlib; from oso_dagster.sqlmesh_assets.manifest.manifest_store import load_manifest;"
        "from oso_dagster.sqlmesh_assets.project import Project;"
        f"root = pathlib.Path({str(playground.root)!r});"
        "assert load_manifest(Project(root / 'project', 'here', 'duckdb', root / 'cache')).models;"
        "sys.exit('sqlmesh' in sys.modules or 'duckdb' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_changed_file_makes_a_new_one_and_a_touched_file_does_not(playground):
    before = load_manifest(playground.project)
    for path in (playground.root / "project").rglob("*.sql"):
        os.utime(path, (1, 1))
    load_manifest(playground.project)
    assert len(cached(playground)) == 1
    playground.write("marts.others", "VIEW", "not_null(columns := id)", "SELECT id FROM staging.stg_others")
    assert load_manifest(playground.project).models["marts.others"].kind == "VIEW"
    assert before.models["marts.others"].kind == "FULL"


@pytest.mark.parametrize("damage", ["", "not json", "cut", "edited"])
def test_a_broken_one_is_built_again(playground, damage):
    before = load_manifest(playground.project)
    path = cached(playground)[0]
    whole = path.read_text()
    path.write_text({"cut": whole[: len(whole) // 2], "edited": whole.replace("FULL", "VIEW")}.get(damage, damage))
    assert load_manifest(playground.project) == before
    assert path.read_text() == whole


def test_one_shipped_beside_the_project_is_read_and_nothing_is_built(playground, monkeypatch):
    shipped = ship_manifest(playground.project)
    assert fault_of_shipped(playground.project) == ""
    monkeypatch.setattr("oso_dagster.sqlmesh_assets.manifest.builder.build_manifest", None)
    assert set(load_manifest(playground.project).models) == set(MODELS)
    assert not (playground.root / "cache" / "manifests").exists()
    assert shipped.is_relative_to(playground.root / "project")


@pytest.mark.parametrize(
    ("fault", "reason"),
    [("damaged", "is damaged"), ("other", "is not what is built now"), ("stale", "another version"), ("missing", "no manifest")],
)
def test_a_shipped_one_that_is_not_right_is_named_and_built_again_elsewhere(playground, fault, reason):
    shipped = ship_manifest(playground.project)
    if fault == "damaged":
        shipped.write_text(shipped.read_text()[:-20])
    elif fault == "other":
        body = shipped.read_text().split("\n", 1)[1].replace("FULL", "VIEW")
        shipped.write_text(f"{hashlib.sha256(body.encode()).hexdigest()}\n{body}")
    elif fault == "stale":
        playground.write("marts.others", "VIEW", "not_null(columns := id)", "SELECT id FROM staging.stg_others")
    else:
        shipped.unlink()
    assert reason in fault_of_shipped(playground.project)
    if fault != "other":  # one with a valid digest was built by somebody: only `fault_of_shipped` compares
        expected = "VIEW" if fault == "stale" else "FULL"
        assert load_manifest(playground.project).models["marts.others"].kind == expected
    fresh = ship_manifest(playground.project)
    assert list(fresh.parent.iterdir()) == [fresh]
    assert fault_of_shipped(playground.project) == ""


def test_a_table_that_nobody_lands_is_an_error_that_names_its_reader(playground):
    manifest = load_manifest(playground.project)
    with pytest.raises(UnknownTableError, match=r"raw\.others, read by staging\.stg_others"):
        asset_specs(manifest, playground.project, {"raw.things": ("raw", "things")}, lambda _: AssetExtras({}, {}))


def test_the_same_audit_twice_gives_two_checks_whose_names_follow_their_arguments(playground):
    names = [spec.name for spec in check_specs(load_manifest(playground.project)) if spec.asset_key.path[-1] == "sizes"]
    assert len(set(names)) == 3
    assert "not_null" in names
    few, more = partial(dict, most="10"), partial(dict, most="11")
    first, second = check_names([("small", few), ("small", more)])
    assert first != second
    assert check_names([("small", more), ("other", dict), ("small", few)]) == [second, "other", first]
    assert check_names([("small", few), ("small", few)]) == [first, f"{first}_2"]


def test_models_that_differ_in_their_catalogue_only_are_refused_by_name(playground):
    config = playground.root / "project" / "config.yaml"
    config.write_text(
        config.read_text().replace(
            "connection: {type: duckdb}", "connection: {type: duckdb, catalogs: {a: ':memory:', b: ':memory:'}}", 1
        )
    )
    for catalogue in "ab":
        playground.write(f"{catalogue}.marts.twin", "FULL", "", "SELECT 1 AS id")
    with pytest.raises(SameNameError, match=r'"a"."marts"."twin", "b"."marts"."twin" would all be the asset marts\.twin'):
        load_manifest(playground.project)


def test_the_configuration_may_be_python_and_take_variables_from_a_file(playground):
    folder = playground.root / "project"
    (folder / "config.yaml").rename(folder / "config.yml")
    (folder / ".env").write_text("DIALECT_OF_MODELS=trino\n")
    text = (folder / "config.yml").read_text().replace("dialect: trino", "dialect: {{ env_var('DIALECT_OF_MODELS') }}")
    (folder / "config.yml").write_text(text)
    assert set(load_manifest(playground.project).models) == set(MODELS)
    (folder / "config.yml").unlink()
    (folder / "config.py").write_text(PYTHON)
    assert set(load_manifest(playground.project).models) == set(MODELS)


def test_a_variable_that_overrides_the_configuration_makes_a_new_one(playground, monkeypatch):
    assert load_manifest(playground.project).models["marts.total"].start.startswith("2026-01-01")
    monkeypatch.setenv("SQLMESH__MODEL_DEFAULTS__START", "2026-02-02")
    assert load_manifest(playground.project).models["marts.total"].start.startswith("2026-02-02")


def test_a_variable_that_the_configuration_asks_for_makes_a_new_one(playground, monkeypatch):
    config = playground.root / "project" / "config.yaml"
    config.write_text(f"{config.read_text()}variables: {{size: {{{{ env_var('LARGEST', '10') }}}}}}\n")
    playground.write("marts.total", "FULL", "", "SELECT CAST(@size AS BIGINT) AS total FROM marts.sizes")
    assert "10" in load_manifest(playground.project).models["marts.total"].sql
    monkeypatch.setenv("LARGEST", "777")
    assert "777" in load_manifest(playground.project).models["marts.total"].sql


def test_the_configuration_of_whoever_runs_it_counts(playground, monkeypatch, tmp_path_factory):
    before, home = playground.project.fingerprint(), tmp_path_factory.mktemp("home")
    monkeypatch.setenv("SQLMESH_HOME", str(home))
    (home / "user.yaml").write_text("id: somebody")
    assert playground.project.fingerprint() == before
    (home / "config.yaml").write_text("model_defaults: {start: '2026-03-03'}")
    assert playground.project.fingerprint() != before
