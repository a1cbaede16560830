"""Materializations that failed for good, one by one, as events to report at once: daily data is too rare for burn rates.

Belongs here: which families are reported, and how many failed in a row. Does not: what a family is
(`domain.objectives.attempts`), how it is announced (`domain.alerts.asset_signals`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from oso_dagster.domain.objectives.attempts import Attempt, JudgedFamily, Judgement, Label, judge_families


@dataclass(frozen=True)
class FailedFamily:
    """A run and its automatic retries that did not materialize `asset`; (asset, partition, family) identifies it.

    `in_a_row` counts the families of the asset that failed since its last good one, this one included: the first is
    announced, the second with a higher severity. `stability` is the label of the asset at that time.
    """

    asset: str
    partition: str | None
    family: str
    run_id: str
    judged_at: datetime
    cause: str
    stability: Label | None
    in_a_row: int


def failed_after(attempts: Iterable[Attempt], since: datetime, now: datetime) -> list[FailedFamily]:
    """The families judged bad in (since, now], oldest first.

    `attempts` must hold, of each asset, everything since its last good materialization before `since`: what lies before is
    not counted in a row.
    """
    by_asset: dict[str, list[JudgedFamily]] = defaultdict(list)
    for judged_family in judge_families(attempts, now):
        if judged_family.judgement in (Judgement.GOOD, Judgement.BAD):
            by_asset[judged_family.last.asset].append(judged_family)
    failures = [failed for judged in by_asset.values() for failed in _rows(judged) if since < failed.judged_at <= now]
    return sorted(failures, key=lambda failed: (failed.judged_at, failed.asset, failed.family, failed.partition or ""))


def _rows(judged: Iterable[JudgedFamily]) -> list[FailedFamily]:
    failures, row = [], set[str]()
    for judged_family in sorted(
        judged, key=lambda judged_family: (_at(judged_family), judged_family.last.family, judged_family.last.partition or "")
    ):
        if judged_family.judgement is Judgement.GOOD:
            row = set()
            continue
        row.add(judged_family.last.family)
        last = judged_family.last
        failures.append(
            FailedFamily(
                last.asset, last.partition, last.family, last.run_id, _at(judged_family), last.cause, last.label, len(row)
            )
        )
    return failures


def _at(judged: JudgedFamily) -> datetime:
    if judged.at is None:
        raise ValueError("a family that is judged good or bad was judged at some time")
    return judged.at
