"""What SQLMesh's models promise, as policies and checks (docs/decisions/0031). Neither SQLMesh nor the store is needed to know.

Does not belong here: how models become assets (`sqlmesh_assets`), whether they keep it (`model_freshness`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import dagster as dg

from oso_dagster.domain.durations import duration
from oso_dagster.domain.objectives.freshness import MODELS_FRESH_WITHIN
from oso_dagster.orchestration.labels import FRESHNESS_CHECK, PROMISES_TAG, TAINTED_TAG

_COMPUTED_EACH_TIME = frozenset({"FULL", "VIEW"})


def with_policies(specs: Sequence[dg.AssetSpec]) -> list[dg.AssetSpec]:
    """The models with Dagster's own policy where it says the truth: it sees what was computed, not what was up to date."""
    policy = dg.FreshnessPolicy.time_window(fail_window=MODELS_FRESH_WITHIN)
    return [
        spec.replace_attributes(freshness_policy=policy) if promises(spec) and _is_computed_each_time(spec) else spec
        for spec in specs
    ]


def _is_computed_each_time(spec: dg.AssetSpec) -> bool:
    return spec.metadata.get("sqlmesh/kind") in _COMPUTED_EACH_TIME or bool(spec.metadata.get("sqlmesh/goes_on"))


def promises(spec: dg.AssetSpec) -> bool:
    """Whether a model promises anything: what derives from unstable sources alone does not."""
    return TAINTED_TAG not in spec.tags or PROMISES_TAG in spec.tags


def model_checks(specs: Sequence[dg.AssetSpec]) -> Iterator[dg.AssetCheckSpec]:
    """The promise of each model that makes one, as a check."""
    description = f"Computed well, or found to be up to date, within {duration(MODELS_FRESH_WITHIN)}"
    return (dg.AssetCheckSpec(FRESHNESS_CHECK, asset=spec.key, description=description) for spec in specs if promises(spec))
