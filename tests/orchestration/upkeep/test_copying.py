"""What Dagster keeps is there again after a restore: in files, and in PostgreSQL."""

import dagster as dg
import pytest

from oso_dagster.orchestration.ledger import asset_events
from oso_dagster.orchestration.upkeep.copying import copy_dagster, restore_dagster
from oso_dagster.reliability.backup import BackupError
from tests.support.postgres import ENGINES, empty


@pytest.fixture(scope="module", params=ENGINES)
def server(request):
    return None if request.param == "sqlite" else request.getfixturevalue("postgres_server")


@pytest.fixture
def instances(server, tmp_path):
    """Two instances, each with a storage of its own."""

    def storage():
        return {"storage": {"postgres": {"postgres_url": empty(server)}}} if server else {}

    homes = [tmp_path / name for name in ("one", "other")]
    for home in homes:
        home.mkdir()
    with (
        dg.instance_for_test(temp_dir=str(homes[0]), overrides=storage()) as first,
        dg.instance_for_test(temp_dir=str(homes[1]), overrides=storage()) as other,
    ):
        yield first, other


@dg.asset(key=["shop", "things"])
def things() -> dg.MaterializeResult:
    return dg.MaterializeResult(metadata={"said": 'a "quoted", long\nword'})


def test_a_restored_dagster_knows_its_runs_its_events_and_who_it_is_and_goes_on(instances, tmp_path):
    first, other = instances
    run_id, identity = dg.materialize([things], instance=first).run_id, asset_events.storage_id(first)
    first.run_storage.set_cursor_values({"sensor": ""})
    copy_dagster(first, tmp_path / "copy")
    restore_dagster(other, tmp_path / "copy")
    with dg.DagsterInstance.from_ref(other.get_ref()) as restored:
        assert restored.get_run_ids() == [run_id]
        assert asset_events.storage_id(restored) == identity
        assert [record.message for record in restored.all_logs(run_id)] == [record.message for record in first.all_logs(run_id)]
        event = restored.get_latest_materialization_event(things.key)
        assert event.asset_materialization.metadata["said"].value == 'a "quoted", long\nword'
        assert restored.run_storage.get_cursor_values({"sensor"}) == {"sensor": ""}
        again = dg.materialize([things], instance=restored).run_id
        assert set(restored.get_run_ids()) == {run_id, again}
        with pytest.raises(BackupError, match="already holds"):
            restore_dagster(restored, tmp_path / "copy")


def test_a_copy_goes_back_to_its_own_kind_of_store_only(instances, tmp_path):
    first, other = instances
    copy_dagster(first, tmp_path / "copy")
    [kind] = (tmp_path / "copy").iterdir()
    kind.rename(kind.with_name("another"))
    with pytest.raises(BackupError, match="another kind of store"):
        restore_dagster(other, tmp_path / "copy")
