"""A warning stands until its audit is run again: of a model that is up to date, what was found before is told again.

Dagster calls a check skipped whose run told nothing of it, whatever it found before. An audit that blocks needs no telling: a
model on which it found something is not up to date.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Final

import dagster as dg

from .specs import asset_key

SEEN: Final = "found_at"
"""The key of an evaluation's metadata that holds when the audit was run, where that was in an earlier run."""

_LOOKED_THROUGH = 20


def standing_warnings(instance: dg.DagsterInstance, model: str, checks: Collection[str]) -> Iterator[dg.AssetCheckEvaluation]:
    """For those of the model's checks whose last evaluation did not pass, the same again, with when it was made."""
    for name in checks:
        key = dg.AssetCheckKey(asset_key(model), name)
        for record in instance.event_log_storage.get_asset_check_execution_history(key, limit=_LOOKED_THROUGH):
            if isinstance(last := record.evaluation, dg.AssetCheckEvaluation):
                if not last.passed:
                    yield _again(last, record.create_timestamp)
                break


def _again(last: dg.AssetCheckEvaluation, seconds: float) -> dg.AssetCheckEvaluation:
    metadata: Mapping[str, dg.MetadataValue] = {SEEN: dg.MetadataValue.timestamp(seconds)} | dict(last.metadata)
    return dg.AssetCheckEvaluation(
        asset_key=last.asset_key,
        check_name=last.check_name,
        passed=False,
        severity=last.severity,
        metadata=metadata,
        description=last.description,
    )
