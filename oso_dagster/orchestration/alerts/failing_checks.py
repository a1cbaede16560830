"""Which asset checks fail: of a partitioned one each partition for itself, since a good one covers up no bad one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import dagster as dg
from dagster._core.definitions.asset_checks.asset_check_evaluation import AssetCheckEvaluation
from dagster._serdes import deserialize_value

from oso_dagster.domain.alerts.asset_signals import FailedCheck
from oso_dagster.orchestration.ledger import dagster_tables
from oso_dagster.orchestration.ledger.dagster_tables import moment

_FAILED = """
    WITH newest AS (
        SELECT max(id) AS id, asset_key, check_name, partition FROM asset_check_executions
        WHERE asset_key IN :keys AND check_name IN :names GROUP BY asset_key, check_name, partition
    )
    SELECT latest.asset_key, latest.check_name, latest.partition, latest.run_id, latest.create_timestamp, latest.evaluation_event
    FROM newest JOIN asset_check_executions AS latest ON latest.id = newest.id
    WHERE latest.execution_status = 'FAILED' AND (
        latest.partition IS NOT NULL
        OR latest.id = (
            SELECT max(id) FROM newest AS others
            WHERE others.asset_key = latest.asset_key AND others.check_name = latest.check_name
        )
    )
    ORDER BY latest.id
"""
"""What was found of an asset as a whole counts no more once a partition of it was looked at."""


def failing_checks(
    instance: dg.DagsterInstance, keys: Sequence[dg.AssetCheckKey], declared: Mapping[dg.AssetKey, Collection[str]]
) -> list[FailedCheck]:
    """Of the checks `keys`, those whose newest evaluation failed with severity ERROR; each once, its newest partition first.

    `declared` are the partitions of assets that have some: of others nothing is loaded any more, nor promised.
    """
    wanted = {(key.asset_key.to_string(), key.name): key for key in keys}
    assets, names = sorted({asset for asset, _ in wanted}), sorted({name for _, name in wanted})
    failing: dict[dg.AssetCheckKey, list[tuple[str, AssetCheckEvaluation, Any, str]]] = defaultdict(list)
    for asset, name, partition, run_id, at, event in dagster_tables.events(instance, _FAILED, keys=assets, names=names):
        key = wanted.get((asset, name))
        if key is None or (partition is not None and partition not in declared.get(key.asset_key, ())):
            continue
        evaluation = deserialize_value(event, dg.EventLogEntry).get_dagster_event().asset_check_evaluation_data
        if evaluation.severity is dg.AssetCheckSeverity.ERROR:
            failing[key].append((partition or "", evaluation, at, run_id))
    return sorted((_failed(key, failures) for key, failures in failing.items()), key=lambda check: (check.asset, check.check))


def _failed(key: dg.AssetCheckKey, failures: Sequence[tuple[str, AssetCheckEvaluation, Any, str]]) -> FailedCheck:
    partition, evaluation, at, run_id = failures[-1]
    words = f"{partition}: {evaluation.description or 'it failed'}" if partition else evaluation.description or ""
    if len(failures) > 1:
        words += f" (so do {len(failures) - 1:,} other partitions: {', '.join(sorted(key for key, *_ in failures[:-1])[:5])})"
    return FailedCheck(key.asset_key.to_user_string(), key.name, words, run_id, moment(at))
