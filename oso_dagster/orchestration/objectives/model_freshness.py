"""Whether SQLMesh's models keep what they promise, from what the ledger knows of them. What that is: `models.promises`."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from oso_dagster.domain.durations import duration
from oso_dagster.domain.objectives import freshness
from oso_dagster.domain.objectives.freshness import MODELS_FRESH_WITHIN, Freshness, FutureEvidenceError, Promise
from oso_dagster.orchestration.objectives.table_freshness import TableFreshness
from oso_dagster.reliability.newest import newest_up_to_date
from oso_dagster.reliability.store import Store


def judged_models(store: Store, models: Collection[str], now: datetime) -> dict[str, TableFreshness]:
    """How fresh each of the models is; one that never came is stale when it has been known for as long as it may be old."""
    known = store.results.remember_assets(models, now)
    right = newest_up_to_date(store, models, now - MODELS_FRESH_WITHIN)
    right |= newest_up_to_date(store, [model for model in models if model not in right])
    judged = {}
    for model in models:
        evidence = right.get(model)
        try:
            judgement = freshness.judge(Promise(MODELS_FRESH_WITHIN, known[model] + MODELS_FRESH_WITHIN), evidence, now)
        except FutureEvidenceError as error:
            judged[model] = TableFreshness(Freshness.STALE, str(error), evidence)
            continue
        last = f"last right {evidence:%Y-%m-%d %H:%M} UTC" if evidence else "never computed well"
        note = f"{last}, promised within {duration(MODELS_FRESH_WITHIN)}" if judgement is Freshness.STALE else ""
        judged[model] = TableFreshness(judgement, note, evidence)
    return judged
