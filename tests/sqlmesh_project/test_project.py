"""The SQLMesh project as a whole: its lint and unit tests pass, every rule can fail, and it reads only what is landed."""

from __future__ import annotations

import os
import re
import shutil
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from sqlmesh.core.context import Context
from sqlmesh.utils.errors import LinterError

from oso_dagster.domain.coverage import published
from oso_dagster.domain.objectives.published import TABLES
from oso_dagster.settings import PROJECT_ROOT
from oso_dagster.sources import catalogue
from oso_dagster.sqlmesh_assets.context import open_context
from oso_dagster.sqlmesh_assets.project import Project
from tests.sqlmesh_project.exact_comparison import differences, exact, is_same

PROJECT = PROJECT_ROOT / "sqlmesh_project"
OWN = {f"platform.{name}" for name in (published.NAME, *(table.name for table in TABLES))}
GOOD = """MODEL (
  name {name}, kind FULL, owner '{owner}', {description}, {grain}, audits (not_null(columns := id))
);
{query}
"""
PLAIN = "SELECT CAST(project_id AS VARCHAR) AS id -- Id\nFROM intermediate.int_projects"
STARRED = f"WITH a AS (SELECT * FROM intermediate.int_projects)\n{PLAIN.replace('intermediate.int_projects', 'a')}"
RULES = {
    "layersgodown": ("marts.bad", {"query": "SELECT CAST(project_id AS VARCHAR) AS id -- Id\nFROM marts.projects_v1"}),
    "layersgodown: staging reads no model": (
        "staging.stg_bad",
        {"query": "SELECT CAST(project_name AS VARCHAR) AS id -- Id\nFROM staging.stg_oss_directory__projects"},
    ),
    "layersgodown: marts read no raw table": (
        "marts.bad",
        {"query": "SELECT CAST(name AS VARCHAR) AS id -- Id\nFROM oss_directory.projects"},
    ),
    "namesstatelayer": ("intermediate.bad", {}),
    "ownernamed": ("marts.bad", {"owner": "nobody"}),
    "descriptionandgrain": ("marts.bad", {"description": "tags (x)", "grain": "cron '@daily'"}),
    "everycolumndescribed": ("marts.bad", {"query": "SELECT CAST(project_id AS VARCHAR) AS id\nFROM intermediate.int_projects"}),
    "nostaranywhere": ("marts.bad", {"query": STARRED}),
    "sameonbothengines": (
        "marts.bad",
        {"query": "SELECT CAST(TRIM(project_id) AS VARCHAR) AS id -- Id\nFROM intermediate.int_projects"},
    ),
    "timestampsstateprecision": (
        "marts.bad",
        {"query": "SELECT CAST(time AS TIMESTAMP) AS id -- Id\nFROM intermediate.int_grant_events"},
    ),
}


def open_project(path: Path, cache: Path) -> Context:
    return open_context(Project(path, gateway="embedded", engine="duckdb", cache=cache), connected=False)


@pytest.fixture(scope="module")
def copied(tmp_path_factory):
    """A copy of the project with SQLMesh's cache of it, for all tests that add a model: only that one is read anew."""
    folder = tmp_path_factory.mktemp("copied")
    shutil.copytree(PROJECT, folder / "project", ignore=shutil.ignore_patterns(".cache", "logs", "__pycache__"))
    return folder


@pytest.fixture
def with_model(copied, request) -> Iterator[Callable[..., Context]]:
    """Opens the copy with a model that is gone after the test."""
    added = []

    def opened(name: str, **parts: str) -> Context:
        words = {"owner": "team:data", "description": "description 'd'", "grain": "grain id", "query": PLAIN} | parts
        file = f"{zlib.crc32(request.node.name.encode())}_{name.split('.')[1]}.sql"
        path = copied / "project" / "models" / name.split(".", maxsplit=1)[0] / file
        path.write_text(GOOD.format(name=name, **words))
        added.append(path)
        return open_project(copied / "project", copied / "cache")

    yield opened
    for path in added:
        path.unlink()


@pytest.fixture(scope="module")
def ours(tmp_path_factory):
    """The project as it is; `make check` keeps SQLMesh's cache of it, so that only what has changed is read again."""
    kept = os.environ.get("CHECK_CACHE")
    return open_project(PROJECT, Path(kept) if kept else tmp_path_factory.mktemp("cache"))


def test_the_project_passes_its_lint_and_its_unit_tests(ours):
    ours.lint_models()
    with exact():
        result = ours.test()
    assert result.wasSuccessful(), [str(problem) for _, problem in [*result.failures, *result.errors]]
    assert result.testsRun >= 16


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        (1.7, 1),
        (1, True),
        ("no", True),
        (None, float("nan")),
        (1_000_009.0, 1_000_000.0),
        (1, 1.0),
        ("1", 1),
        ("2026-01-01", None),
    ],
)
def test_a_value_of_another_type_or_size_is_not_the_expected_one(expected, actual):
    """SQLMesh's own comparison passes several of these."""
    assert not is_same(expected, actual)
    assert is_same(actual, actual)
    assert differences([{"a": expected}], [{"a": actual, "b": 2}])
    assert differences([{"a": actual}], [{"a": actual, "b": 2}]) == []
    assert differences([{"a": actual}], [{"a": actual}, {"a": actual}]) == [f"not expected: {{'a': {actual!r}}}"]


def test_a_model_that_follows_the_rules_passes(with_model):
    with_model("marts.good").lint_models()


@pytest.mark.slow
@pytest.mark.parametrize("rule", RULES)
def test_each_rule_can_fail(with_model, rule):
    name, parts = RULES[rule]
    context = with_model(name, **parts)
    with pytest.raises(LinterError):
        context.lint_models()
    broken = [violation.rule.name for violation in context.lint_models(raise_on_error=False)]
    assert set(broken) == {rule.split(":")[0]}


def test_the_raw_tables_are_those_that_sources_declare_with_their_columns():
    external = {entry["name"]: entry["columns"] for entry in yaml.safe_load((PROJECT / "external_models.yaml").read_text())}
    declared = {
        f"{source.name}.{table}": {column.name: column.type_name for column in columns}
        for source in catalogue()
        for declared in source.tables
        for table, columns in declared.physical.items()
    }
    declared["platform.coverage"] = {column.name: column.type_name for column in published.COLUMNS}
    declared |= {f"platform.{table.name}": {column.name: column.type_name for column in table.columns} for table in TABLES}
    assert external == {name: declared[name] for name in external}


def test_the_models_read_only_tables_that_are_landed(ours):
    read = {name.replace('"', "").split(".", 1)[1] for model in ours.models.values() for name in model.depends_on}
    made = {model.fqn.replace('"', "").split(".", 1)[1] for model in ours.models.values() if not model.kind.is_external}
    landed = {f"{source.name}.{table}" for source in catalogue() for declared in source.tables for table in declared.physical}
    assert read - made <= landed | OWN


def test_a_raw_table_that_no_model_reads_is_listed_with_its_reason():
    read = {entry["name"] for entry in yaml.safe_load((PROJECT / "external_models.yaml").read_text())}
    unread = yaml.safe_load((PROJECT / "unread_tables.yaml").read_text())
    landed = {f"{source.name}.{table}" for source in catalogue() for declared in source.tables for table in declared.physical}
    assert set(unread) == landed - read
    assert read - landed == OWN
    assert all(len(reason) > 10 for reason in unread.values())


def test_downloads_of_a_package_system_are_held_or_their_absence_has_a_reason():
    claims = (PROJECT / "models" / "intermediate" / "int_package_claims.sql").read_text()
    systems = set(re.findall(r"'([A-Z]+)' AS artifact_source", claims))
    landed = {f"{source.name}.{table.name}" for source in catalogue() for table in source.tables}
    held = {system for system in systems if f"{system.lower()}.downloads" in landed}
    unheld = yaml.safe_load((PROJECT / "unheld_events.yaml").read_text())
    assert {name.removesuffix(" downloads") for name in unheld if name.endswith(" downloads")} == systems - held
    assert held == {"NPM"}
    assert all(len(reason) > 20 for reason in unheld.values())


def test_every_metric_is_one_file_that_says_all_of_itself():
    files = sorted((PROJECT / "metrics").glob("*.yaml"))
    required = {"display_name", "description", "unit", "aggregation", "relation", "definition_source", "inputs", "sql"}
    landed = {f"{source.name}.{table}" for source in catalogue() for declared in source.tables for table in declared.physical}
    for file in files:
        metric = yaml.safe_load(file.read_text())
        assert required <= set(metric) <= required | {"time", "withheld_below"}, file.name
        assert {given.partition(":")[0] for given in metric["inputs"]} <= landed, file.name
        assert (PROJECT / "models" / "intermediate" / f"int_metrics__{metric['relation']}.sql").is_file(), file.name
    assert len(files) > 20
