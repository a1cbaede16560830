"""An edit of one model describes that one again, and what depends on what was edited; the manifest is that of a whole build."""

from __future__ import annotations

import shutil

import pytest

from oso_dagster.sqlmesh_assets.manifest import builder
from oso_dagster.sqlmesh_assets.manifest.manifest_store import load_manifest
from tests.sqlmesh_assets.playground import MODELS


@pytest.fixture
def described(playground, monkeypatch):
    """The models that were described since the last look."""
    names, describe = [], builder._model

    def recording(context, model, root):
        made = describe(context, model, root)
        names.append(made.name)
        return made

    monkeypatch.setattr(builder, "_model", recording)
    load_manifest(playground.project)
    assert sorted(names) == sorted(MODELS)
    names.clear()
    return names


def whole(playground):
    shutil.rmtree(playground.root / "cache")
    return load_manifest(playground.project)


def test_an_edit_of_one_model_describes_that_one(playground, described):
    playground.write("marts.others", "VIEW", "not_null(columns := id)", "SELECT id FROM staging.stg_others")
    edited = load_manifest(playground.project)
    assert described == ["marts.others"]
    assert edited == whole(playground)


def test_readers_of_a_column_that_has_another_type_are_described_again(playground, described):
    kind, audits, query = MODELS["staging.stg_things"]
    playground.write("staging.stg_things", kind, audits, query.replace("CAST(size AS BIGINT)", "CAST(size AS INTEGER)"))
    edited = load_manifest(playground.project)
    assert described == ["staging.stg_things", "marts.sizes", "marts.total"]
    assert edited.models["marts.sizes"].columns[1].type == "integer"
    assert edited == whole(playground)


def test_readers_of_an_embedded_model_are_described_with_it(playground, described):
    playground.write("staging.stg_others", "EMBEDDED", "", "SELECT CAST(id AS BIGINT) AS id FROM raw.others")
    assert load_manifest(playground.project).models["marts.others"].upstream == ("raw.others",)
    described.clear()
    playground.write("staging.stg_others", "EMBEDDED", "", "SELECT CAST(id AS BIGINT) AS id FROM raw.things")
    edited = load_manifest(playground.project)
    assert described == ["marts.others"]
    assert edited.models["marts.others"].upstream == ("raw.things",)
    assert edited == whole(playground)


def test_an_audit_or_a_variable_is_of_all_models(playground, described):
    audit = playground.root / "project" / "audits" / "small.sql"
    audit.write_text(audit.read_text().replace("(name small)", "(name small, blocking false)"))
    assert not load_manifest(playground.project).models["marts.sizes"].audits[1].blocking
    assert sorted(described) == sorted(MODELS)


@pytest.mark.parametrize("damage", ["", "not json", "edited"])
def test_damaged_parts_are_made_again(playground, described, damage):
    parts = playground.root / "cache" / "model_parts.json"
    parts.write_text(parts.read_text().replace("BIGINT", "TEXT") if damage == "edited" else damage)
    playground.write("marts.others", "VIEW", "not_null(columns := id)", "SELECT id FROM staging.stg_others")
    edited = load_manifest(playground.project)
    assert sorted(described) == sorted(MODELS)
    assert edited == whole(playground)
