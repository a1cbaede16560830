"""Loading definitions from a manifest: what makes it cheap, and that it leaves the process as it was."""

from __future__ import annotations

import gc

import dagster as dg
import pytest

from oso_dagster.sqlmesh_assets import sqlmesh_definitions
from oso_dagster.sqlmesh_assets.assets.multi_asset import sqlmesh_assets


def test_loading_leaves_the_collection_of_garbage_as_it_was(playground):
    usual = gc.get_threshold()
    assert sqlmesh_definitions(playground.project)
    assert (gc.get_threshold(), gc.isenabled()) == (usual, True)


@pytest.fixture
def two(playground) -> tuple[list[dg.AssetSpec], list[dg.AssetCheckSpec]]:
    """One asset, and a check of another one."""
    return [dg.AssetSpec("here")], [dg.AssetCheckSpec("looked", asset="elsewhere")]


def test_a_check_of_an_asset_that_is_not_made_is_refused(playground, two):
    with pytest.raises(dg.DagsterInvalidDefinitionError, match="elsewhere"):
        sqlmesh_assets(playground.project, *two)


def nothing():
    return None


def test_dagster_can_be_told_not_to_look_for_each_checks_asset_among_all(two):
    """What is used of Dagster beside its documented interface: without it the time grows with assets times checks."""
    specs, checks = two
    defined = dg.multi_asset(specs=specs, check_specs=checks, allow_arbitrary_check_specs=True)
    assert defined(nothing).check_keys == {checks[0].key}
    with pytest.raises(dg.DagsterInvalidDefinitionError, match="elsewhere"):
        dg.multi_asset(specs=specs, check_specs=checks)(nothing)
