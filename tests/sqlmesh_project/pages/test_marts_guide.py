"""The guide of the marts is true: its tables, grains and picture are the project's, and its queries answer as it says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from oso_dagster.orchestration.models.project_place import project_of
from oso_dagster.orchestration.public_door.published_tables import published_tables
from oso_dagster.serving.graphql.schema import schema_of
from oso_dagster.serving.graphql.shape import shapes_of
from oso_dagster.serving.published import Published
from oso_dagster.serving.statements.names import understood
from oso_dagster.serving.statements.select import Select
from oso_dagster.settings import PROJECT_ROOT, Settings
from oso_dagster.sources import catalogue
from oso_dagster.sqlmesh_assets.manifest.contents import Manifest, Model
from oso_dagster.sqlmesh_assets.manifest.manifest_store import load_manifest

pytestmark = pytest.mark.slow

PAGE = (PROJECT_ROOT / "docs" / "marts.md").read_text(encoding="utf-8")
IN_THE_SMALL_WORLD = {"'opensource-observer'": "'acme'", "'optimism'": "'all'"}
"""What the queries ask for, and its like in the warehouse of the tests."""


@dataclass(frozen=True)
class Section:
    """One table of the guide."""

    name: str
    grain: tuple[str, ...]
    query: str
    columns: tuple[str, ...]


def _sections() -> Iterator[Section]:
    for text in re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:]:
        grain = re.search(r"^- Grain: (.+)$", text, re.MULTILINE)
        query = re.search(r"^```sql\n(.+?)^```$", text, re.MULTILINE | re.DOTALL)
        columns = re.search(r"^Columns: (.+)$", text, re.MULTILINE)
        name = text.partition("\n")[0]
        for part in ("- Joins: ", "- Traps: "):
            assert part in text, f"docs/marts.md: {name} has no line {part}"
        if grain is None or query is None or columns is None:
            raise AssertionError(f"docs/marts.md: {name} lacks its grain, its query or its columns")
        yield Section(name, _quoted(grain[1]), query[1], _quoted(columns[1]))


def _quoted(line: str) -> tuple[str, ...]:
    return tuple(re.findall(r"`(\w+)`", line))


SECTIONS = {section.name: section for section in _sections()}


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory, _manifests: Path) -> Manifest:
    """The one that all tests share, built where none has been."""
    home = tmp_path_factory.mktemp("guide")
    project = project_of(Settings(home=home))
    project.cache.mkdir(parents=True, exist_ok=True)
    (project.cache / "manifests").symlink_to(_manifests)
    return load_manifest(project)


@pytest.fixture(scope="module")
def models(manifest: Manifest) -> dict[str, Model]:
    """By the name without its layer."""
    return {name.partition(".")[2]: model for name, model in manifest.models.items()}


@pytest.fixture(scope="module")
def published(manifest: Manifest) -> Published:
    """What the public door would answer."""
    return published_tables(catalogue(), manifest)


def test_every_mart_has_a_section_with_its_grain(models: dict[str, Model]) -> None:
    marts = {name for name, model in models.items() if model.layer == "marts"}
    assert marts - set(SECTIONS) == set(), "write a section in docs/marts.md for each"
    assert set(SECTIONS) - set(models) == set(), "docs/marts.md has sections of what is no model"
    assert {name: section.grain for name, section in SECTIONS.items()} == {name: models[name].grain for name in SECTIONS}


def test_the_picture_has_tables_columns_and_keys_of_the_project(models: dict[str, Model]) -> None:
    picture = PAGE.partition("erDiagram\n")[2].partition("```")[0]
    tables = dict(re.findall(r"^ +(\w+) \{\n(.*?)^ +\}$", picture, re.MULTILINE | re.DOTALL))
    assert len(tables) > 15
    for table, body in tables.items():
        entries = [line.split() for line in body.splitlines()]
        types = {column.name: column.type.partition("(")[0] for column in models[table].columns}
        assert {name: kind for kind, name, _ in entries} == {name: types[name] for _, name, _ in entries}, table
        assert {name for _, name, key in entries if key == "PK"} == set(models[table].grain), table
    joins = re.findall(r'^ +(\w+) [|o{}]+--[|o{}]+ (\w+) : "?([^"\n]+)"?$', picture, re.MULTILINE)
    assert len(joins) == picture.count("--")
    assert {table for left, right, _ in joins for table in (left, right)} == set(tables)
    for left, right, keys in joins:
        for key in keys.split(", "):
            ours, _, theirs = key.partition(" = ")
            assert ours in {column.name for column in models[left].columns}, (left, right, key)
            assert (theirs or ours) in {column.name for column in models[right].columns}, (left, right, key)


@pytest.mark.parametrize("section", SECTIONS.values(), ids=SECTIONS)
def test_the_query_answers_with_its_columns_and_some_rows(section: Section, active_world: Path, published: Published) -> None:
    text = section.query
    for asked, small in IN_THE_SMALL_WORLD.items():
        text = text.replace(asked, small)
    query = understood(text, "trino", published)
    assert isinstance(query, Select)
    assert published.resolve("oso", section.name).full_name in query.tables
    with duckdb.connect(str(Settings(home=active_world).warehouse_path), read_only=True) as connection:
        answer = connection.execute(query.sql)
        assert tuple(column[0] for column in answer.description) == section.columns
        assert answer.fetchall()


def test_graphql_has_every_mart_with_the_key_of_the_project_and_its_relations(
    published: Published, models: dict[str, Model]
) -> None:
    shapes = shapes_of(published)
    assert shapes.keys() == {name for name, model in models.items() if model.layer == "marts"}
    assert {name: shape.key for name, shape in shapes.items()} == {name: models[name].grain for name in shapes}
    assert {relation.name for relation in shapes["sboms_v0"].relations} >= {"fromProject", "toPackageArtifact"}
    types = schema_of(shapes).type_map
    assert {shape.kind for shape in shapes.values()} <= types.keys()
