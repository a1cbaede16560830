"""SQLMesh's state is there again after a restore, and the models that it knows are not deployed anew."""

import pytest

from oso_dagster.orchestration.upkeep.copying import copy_sqlmesh, restore_sqlmesh
from oso_dagster.reliability.backup import BackupError
from tests.sqlmesh_assets.execution.test_materializing import ALL, run
from tests.support.postgres import ENGINES, empty


@pytest.fixture(scope="module", params=ENGINES)
def server(request):
    """None for a DuckDB file, which SQLMesh's state is otherwise."""
    return None if request.param == "sqlite" else request.getfixturevalue("postgres_server")


@pytest.fixture
def place(server, make_settings, tmp_path):
    def made(name):
        state = {"OSO_SQLMESH_STATE_URL": empty(server)} if server else {}
        settings = make_settings(OSO_HOME=str(tmp_path / name), **state)
        settings.world_dir.mkdir(parents=True)
        return settings

    return made


def environment(playground):
    from oso_dagster.sqlmesh_assets.context import open_context

    context = open_context(playground.project, connected=True)
    try:
        return context.state_reader.get_environment("prod").json()
    finally:
        context.close()


def test_a_restored_state_knows_the_environment_and_goes_on(playground, place, tmp_path):
    first, other = place("one"), place("other")
    playground.state = first.sqlmesh_state
    assert set(run(playground).materialized) == ALL
    before = environment(playground)
    copy_sqlmesh(first, tmp_path / "copy")
    restore_sqlmesh(other, tmp_path / "copy")
    playground.state = other.sqlmesh_state
    assert environment(playground) == before
    playground.sql("INSERT INTO raw.things VALUES (3, 3)")
    assert set(run(playground, "marts.sizes").materialized) == {"marts.sizes"}
    with pytest.raises(BackupError, match="already"):
        restore_sqlmesh(other, tmp_path / "copy")


def test_without_a_state_there_is_nothing_to_copy(make_settings, tmp_path):
    assert copy_sqlmesh(make_settings(), tmp_path / "copy") == "SQLMesh has no state yet"
    assert restore_sqlmesh(make_settings(), tmp_path / "copy") == "the copy holds no state of SQLMesh"
