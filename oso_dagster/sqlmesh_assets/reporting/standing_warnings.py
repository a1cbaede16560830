"""A warning stands until its audit runs again: for a model that is up to date its last result is logged again.

Dagster shows a check as skipped when the run logged no result of it, whatever the last one was. A blocking audit needs none: a
model that failed it is not up to date.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Final

import dagster as dg

from ..asset_keys import asset_key

EVALUATED_AT: Final = "found_at"
"""The key of an evaluation's metadata that holds when the audit ran, if that was in an earlier run."""

_HISTORY_LIMIT = 20


def standing_warnings(instance: dg.DagsterInstance, model: str, checks: Collection[str]) -> Iterator[dg.AssetCheckEvaluation]:
    """The last evaluation of each of the model's checks that did not pass, with when it was made."""
    for name in checks:
        key = dg.AssetCheckKey(asset_key(model), name)
        for record in instance.event_log_storage.get_asset_check_execution_history(key, limit=_HISTORY_LIMIT):
            if isinstance(last := record.evaluation, dg.AssetCheckEvaluation):
                if not last.passed:
                    yield _repeated(last, record.create_timestamp)
                break


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
