"""The checks of each load as Dagster has them: their specs, and findings as evaluations and results.

Those of a table with partitions have its partitions: what was found of one is not covered up by what is found of the next.
"""

from __future__ import annotations

import warnings
from datetime import datetime

import dagster as dg
from dagster import EventLogRecord
from dagster._core.definitions.asset_checks.asset_check_evaluation import AssetCheckEvaluationTargetMaterializationData

from oso_dagster.domain.catalogue.loading import Finding
from oso_dagster.domain.catalogue.partitions import PartitionKind, Partitions
from oso_dagster.domain.catalogue.source import Source, Table
from oso_dagster.domain.judging.load_checks import checks_of
from oso_dagster.orchestration import labels


def load_checks(source: Source, table: Table) -> list[dg.AssetCheckSpec]:
    """The checks that run inside each load of a table."""
    key = labels.asset_key(source, table)
    partitions = partitions_definition(table.partitions) if table.partitions else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.PreviewWarning)  # of partitions_def, which is pinned with Dagster
        return [
            dg.AssetCheckSpec(
                check.name, asset=key, description=check.description, blocking=check.blocking(table), partitions_def=partitions
            )
            for check in checks_of(table)
        ]


def partitions_definition(partitions: Partitions) -> dg.PartitionsDefinition:
    """The declared partitions as Dagster counts them, in UTC: one exists once its end has come, upstream having it or not."""
    if partitions.kind is PartitionKind.STATIC:
        return dg.StaticPartitionsDefinition(list(partitions.keys))
    start: datetime | None = partitions.start
    if start is None:
        raise ValueError(f"{partitions.kind} partitions without a start")
    if partitions.kind is PartitionKind.HOURLY:
        return dg.HourlyPartitionsDefinition(start)
    if partitions.kind is PartitionKind.DAILY:
        return dg.DailyPartitionsDefinition(start)
    if partitions.kind is PartitionKind.MONTHLY:
        return dg.MonthlyPartitionsDefinition(start)
    return dg.WeeklyPartitionsDefinition(start, day_offset=partitions.day_offset)


def evaluation(
    key: dg.AssetKey, finding: Finding, partition: str | None = None, target: EventLogRecord | None = None
) -> dg.AssetCheckEvaluation:
    """A finding as an event that is logged at once, also by a step that goes on to fail; `target` is what it is about."""
    return dg.AssetCheckEvaluation(
        asset_key=key,
        check_name=finding.check,
        passed=finding.passed,
        metadata=dict(finding.facts),
        partition=partition,
        target_materialization_data=AssetCheckEvaluationTargetMaterializationData(
            storage_id=target.storage_id, run_id=target.run_id, timestamp=target.timestamp
        )
        if target
        else None,
        description=finding.message,
        severity=_severity(finding),
        blocking=finding.blocking,
    )


def result(key: dg.AssetKey, finding: Finding) -> dg.AssetCheckResult:
    """A finding as a step yields it."""
    return dg.AssetCheckResult(
        asset_key=key,
        check_name=finding.check,
        passed=finding.passed,
        metadata=dict(finding.facts),
        description=finding.message,
        severity=_severity(finding),
    )


def _severity(finding: Finding) -> dg.AssetCheckSeverity:
    return dg.AssetCheckSeverity.ERROR if finding.blocking else dg.AssetCheckSeverity.WARN
