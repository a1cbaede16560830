"""What SQLite's event log holds of events besides their text, written with statements that are made once.

Building a statement takes SQLAlchemy longer than SQLite needs to carry it out. The rows are those that Dagster writes (a test
holds that).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from dagster import EventLogEntry
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus
from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable, AssetKeyTable, SqlEventLogStorageTable
from sqlalchemy import Connection, bindparam

INSERT = SqlEventLogStorageTable.insert()
INSERT_RETURNING_ID = INSERT.returning(SqlEventLogStorageTable.c.id, sort_by_parameter_order=True)
_UPDATE_CHECK = (
    AssetCheckExecutionsTable.update()
    .where(
        AssetCheckExecutionsTable.c.asset_key == bindparam("of_asset"),
        AssetCheckExecutionsTable.c.check_name == bindparam("of_check"),
        AssetCheckExecutionsTable.c.run_id == bindparam("of_run"),
        AssetCheckExecutionsTable.c.partition.is_(None),
    )
    .values(
        {
            name: bindparam(name)
            for name in (
                "execution_status",
                "evaluation_event",
                "evaluation_event_timestamp",
                "evaluation_event_storage_id",
                "materialization_event_storage_id",
            )
        }
    )
)


def planned_check_rows(event: EventLogEntry, event_id: int, row: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The rows that Dagster keeps of a check that a run is going to make, one for each partition."""
    planned: Any = event.get_dagster_event().event_specific_data
    plain = {
        "asset_key": planned.asset_key.to_string(),
        "check_name": planned.check_name,
        "run_id": event.run_id,
        "execution_status": AssetCheckExecutionRecordStatus.PLANNED.value,
        "evaluation_event": row["event"],
        "evaluation_event_timestamp": row["timestamp"],
        "evaluation_event_storage_id": event_id,
    }
    keys = planned.partitions_subset.get_partition_keys() if planned.partitions_subset else [None]
    return [plain | {"partition": key} for key in keys]


def update_check_row(index: Connection, event: EventLogEntry, event_id: int, row: Mapping[str, Any]) -> bool:
    """Write what a planned check found over its plan; whether that was all: other cases are left to Dagster."""
    evaluation: Any = event.get_dagster_event().event_specific_data
    if not event.run_id or evaluation.partition is not None:
        return False
    status = AssetCheckExecutionRecordStatus.SUCCEEDED if evaluation.passed else AssetCheckExecutionRecordStatus.FAILED
    target = evaluation.target_materialization_data
    values = {
        "of_asset": evaluation.asset_key.to_string(),
        "of_check": evaluation.check_name,
        "of_run": event.run_id,
        "execution_status": status.value,
        "evaluation_event": row["event"],
        "evaluation_event_timestamp": row["timestamp"],
        "evaluation_event_storage_id": event_id,
        "materialization_event_storage_id": target.storage_id if target else None,
    }
    return index.execute(_UPDATE_CHECK, values).rowcount == 1


@cache
def asset_update(*columns: str) -> Any:
    """A statement that writes these columns of one asset."""
    values: Any = {name: bindparam(name) for name in columns}
    return AssetKeyTable.update().where(AssetKeyTable.c.asset_key == bindparam("of_asset")).values(values)
