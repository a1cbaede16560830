"""What Dagster's storage says of asset checks, of the newest loads and of its own daemons, as plain facts for alerts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

import dagster as dg
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus

from oso_dagster.domain.alerts.asset_signals import FailedCheck, LastHeartbeat, SchemaDrift
from oso_dagster.domain.catalogue.loading import UNKNOWN_FIELDS
from oso_dagster.orchestration.ledger.dagster_tables import moment

_DAEMON_EVERY = timedelta(minutes=1)
"""How often a daemon says that it lives, at the latest: Dagster's own interval is half of it."""


def failing_checks(instance: dg.DagsterInstance, keys: Sequence[dg.AssetCheckKey]) -> list[FailedCheck]:
    """Of the checks `keys`, those whose newest evaluation failed with severity ERROR."""
    newest = instance.event_log_storage.get_latest_asset_check_execution_by_key(list(keys))
    found = []
    for key, record in newest.items():
        event = record.event.dagster_event if record.event else None
        if record.status is not AssetCheckExecutionRecordStatus.FAILED or event is None:
            continue
        said = event.asset_check_evaluation_data
        if said.severity is dg.AssetCheckSeverity.ERROR:
            asset, at = key.asset_key.to_user_string(), moment(record.create_timestamp)
            found.append(FailedCheck(asset, key.name, said.description or "", record.run_id, at))
    return sorted(found, key=lambda one: (one.asset, one.check))


def drifting(instance: dg.DagsterInstance, declared: Mapping[dg.AssetKey, frozenset[str]]) -> list[SchemaDrift]:
    """Tables of which the newest load told columns that nobody had declared, less those (`table.column`) that are by now."""
    found = []
    for record in instance.get_asset_records(list(declared)) if declared else []:
        entry = record.asset_entry
        loaded = entry.last_materialization.asset_materialization if entry.last_materialization else None
        said = loaded.metadata.get(UNKNOWN_FIELDS) if loaded else None
        if entry.last_materialization is None or said is None or not isinstance(said.value, list):
            continue
        new = tuple(sorted(one for one in map(str, said.value) if one.partition(" ")[0] not in declared[entry.asset_key]))
        if new:
            last = entry.last_materialization
            found.append(SchemaDrift(entry.asset_key.to_user_string(), new, last.run_id, moment(last.timestamp)))
    return found


def daemons(instance: dg.DagsterInstance) -> list[LastHeartbeat]:
    """The daemons that this instance needs and that ever lived."""
    beats = instance.get_daemon_heartbeats()
    needed = [beats[kind] for kind in instance.get_required_daemon_types() if kind in beats]
    return [LastHeartbeat(f"daemon {one.daemon_type.lower()}", moment(one.timestamp), _DAEMON_EVERY) for one in needed]
