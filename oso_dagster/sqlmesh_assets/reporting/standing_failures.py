"""A check that failed stays failed until its audit runs again: for a model that is up to date its last result is logged again.

Dagster shows a check as skipped when the run logged no result of it, whatever the last one was. That a model is up to date does
not mean that its audits passed: one that warns does not stop it, and a blocking one may have been executed by itself.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Final

import dagster as dg
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus

EVALUATED_AT: Final = "found_at"
"""The key of an evaluation's metadata that holds when the audit ran, if that was in an earlier run."""

_COMPLETED = {AssetCheckExecutionRecordStatus.SUCCEEDED, AssetCheckExecutionRecordStatus.FAILED}


def standing_failures(instance: dg.DagsterInstance, checks: Collection[dg.AssetCheckKey]) -> Iterator[dg.AssetCheckEvaluation]:
    """The last evaluation of each of the checks that did not pass, with when it was made."""
    yield from (last for last in standing(instance, checks) if not last.passed)


def all_passed(instance: dg.DagsterInstance, checks: Collection[dg.AssetCheckKey]) -> bool:
    """Whether the last evaluation of each of the checks passed; one that was never made did not."""
    return len([last for last in standing(instance, checks) if last.passed]) == len(checks)


def standing(instance: dg.DagsterInstance, checks: Collection[dg.AssetCheckKey]) -> Iterator[dg.AssetCheckEvaluation]:
    """The last evaluation of each of the checks that was ever made, with when that was."""
    for key in checks:
        for record in instance.event_log_storage.get_asset_check_execution_history(key, limit=1, status=_COMPLETED):
            if isinstance(last := record.evaluation, dg.AssetCheckEvaluation):
                yield _repeated(last, record.create_timestamp)


def _repeated(last: dg.AssetCheckEvaluation, seconds: float) -> dg.AssetCheckEvaluation:
    at: dict[str, dg.MetadataValue] = {EVALUATED_AT: dg.MetadataValue.timestamp(seconds)}
    metadata: Mapping[str, dg.MetadataValue] = at | dict(last.metadata)
    return dg.AssetCheckEvaluation(
        asset_key=last.asset_key,
        check_name=last.check_name,
        passed=last.passed,
        severity=last.severity,
        metadata=metadata,
        description=last.description,
    )
