"""Parent, children and record are one commit; of two writers none overwrites the other; a load is one step in the history."""

from __future__ import annotations

import pytest
from pyiceberg.exceptions import CommitFailedException
from sqlalchemy import Connection

from oso_dagster.warehouse.lakehouse import records
from oso_dagster.warehouse.lakehouse.catalogue import open_catalogue
from oso_dagster.warehouse.lakehouse.warehouse import LakehouseWarehouse
from tests.warehouse.shop import ids, load, things


def test_a_load_that_dies_before_its_record_is_written_leaves_the_old_rows_in_parent_and_child(
    warehouse: LakehouseWarehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(warehouse, things([1, 2]))

    def die(*_: object) -> None:
        raise OSError("gone")

    with monkeypatch.context() as patch:
        patch.setattr(records, "add", die)
        with pytest.raises(OSError, match="gone"):
            load(warehouse, things([1, 2, 3]), version="v2")
    assert ids(warehouse) == [1, 2]
    assert ids(warehouse, "things__parts") == [1, 2]
    record = warehouse.last_load("shop", "things")
    assert record is not None
    assert record.version == "v1"
    load(warehouse, things([1, 2, 3]), version="v2")
    assert ids(warehouse) == ids(warehouse, "things__parts") == [1, 2, 3]


def test_a_commit_upon_what_another_writer_has_changed_meanwhile_is_refused_whole(
    warehouse: LakehouseWarehouse, catalogue_url: str
) -> None:
    load(warehouse, things([1]))
    catalogue = open_catalogue(catalogue_url, "file:///unused")
    parent, child = (catalogue.load_table(("shop", name)) for name in ("things", "things__parts"))
    written: list[str] = []

    def also(_: Connection) -> None:
        written.append("record")

    def write_both_while_another_loads() -> None:
        with catalogue.together(also):
            for table in (child, parent):
                with table.transaction() as transaction:
                    transaction.append(table.scan().to_arrow())
            load(warehouse, things([1, 2]), version="v2")

    with pytest.raises(CommitFailedException, match="changed by another writer"):
        write_both_while_another_loads()
    assert written == []
    assert ids(warehouse) == ids(warehouse, "things__parts") == [1, 2]
    catalogue.close()


def test_two_loads_of_a_table_are_two_commits_however_many_rows_they_have(
    warehouse: LakehouseWarehouse, catalogue_url: str
) -> None:
    load(warehouse, things(range(5000)))
    load(warehouse, things(range(6000)), version="v2")
    catalogue = open_catalogue(catalogue_url, "file:///unused")
    stored = catalogue.load_table(("shop", "things"))
    assert stored.scan().count() == 6000
    assert len(stored.metadata.metadata_log) <= 2
    assert len(stored.metadata.snapshots) <= 3
    catalogue.close()
