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
    for key in checks:
        for record in instance.event_log_storage.get_asset_check_execution_history(key, limit=1, status=_COMPLETED):
            if isinstance(last := record.evaluation, dg.AssetCheckEvaluation) and not last.passed:
                yield _repeated(last, record.create_timestamp)


def _repeated(last: dg.AssetCheckEvaluation, seconds: float) -> dg.AssetCheckEvaluation:
    metadata: Mapping[str, dg.MetadataValue] = {EVALUATED_AT: dg.MetadataValue.timestamp(seconds)} | dict(last.metadata)
    return dg.AssetCheckEvaluation(
        asset_key=last.asset_key,
        check_name=last.check_name,
        passed=False,
        severity=last.severity,
        metadata=metadata,
        description=last.description,
    )
