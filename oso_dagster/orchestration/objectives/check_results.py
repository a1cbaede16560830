"""How assessments are told in Dagster: check results, numbers that plot over time, tables of the worst."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import dagster as dg

from oso_dagster.domain.objectives.budget import ALL, budget_left, burn_rate, minutes_left
from oso_dagster.domain.objectives.burn import Burning
from oso_dagster.domain.objectives.freshness import Freshness
from oso_dagster.domain.objectives.maintenance import Maintenance
from oso_dagster.domain.objectives.objectives import budget_text, percent, summary
from oso_dagster.domain.objectives.slo import Assessment, Indicator, Verdict
from oso_dagster.orchestration.labels import FRESHNESS_CHECK
from oso_dagster.orchestration.objectives.table_freshness import TableFreshness

_WORST = 10


def check_of(
    assessment: Assessment, asset: dg.AssetKey | None = None, breached: dg.AssetCheckSeverity = dg.AssetCheckSeverity.ERROR
) -> dg.AssetCheckResult:
    """Breached is an error unless told otherwise, at risk a warning; no data passes, and says that it is no data."""
    return dg.AssetCheckResult(
        check_name=assessment.objective.name,
        asset_key=asset,
        passed=assessment.verdict in (Verdict.COMPLIANT, Verdict.NO_DATA),
        severity=breached if assessment.verdict is Verdict.BREACHED else dg.AssetCheckSeverity.WARN,
        description=summary(assessment),
        metadata={"verdict": assessment.verdict.value, **_numbers(assessment), **_told(assessment)},
    )


def freshness_check(
    asset: dg.AssetKey, judged: TableFreshness, stale: dg.AssetCheckSeverity, now: datetime
) -> dg.AssetCheckResult:
    """Stale fails; fresh, and nothing due yet, pass."""
    ages = {"age_hours": judged.evidence, "newest_event_age_hours": judged.newest_event}
    hours = {name: round((now - at) / timedelta(hours=1), 2) for name, at in ages.items() if at is not None}
    told = {"last_good": dg.MetadataValue.timestamp(judged.evidence)} if judged.evidence else {}
    words = {Freshness.FRESH: "as fresh as promised", Freshness.NOT_DUE: "nothing is due yet", Freshness.STALE: judged.note}
    return dg.AssetCheckResult(
        check_name=FRESHNESS_CHECK,
        asset_key=asset,
        passed=judged.freshness is not Freshness.STALE,
        severity=stale,
        description=words[judged.freshness],
        metadata={"freshness": judged.freshness.value, **hours, **told},
    )


def metadata_of(assessments: Sequence[Assessment], world: str) -> dict[str, Any]:
    """What the materialization of a service says: numbers that Dagster plots over time, sentences, tables."""
    found: dict[str, Any] = {"world": world}
    for one in assessments:
        name = one.objective.name
        found[f"{name}/verdict"] = one.verdict.value
        found |= {f"{name}/{what}": value for what, value in (_numbers(one) | _told(one)).items()}
    return found


def _numbers(assessment: Assessment) -> dict[str, Any]:
    """What Dagster plots over time. Without data there is no ratio, neither 0 nor 1."""
    good, valid, target = assessment.good, assessment.valid, assessment.objective.target
    numbers: dict[str, Any] = {"good": good, "valid": valid, "target": target / ALL}
    if valid:
        numbers["sli"] = good / valid
    objective = assessment.objective
    burn, left = burn_rate(good, valid, target), budget_left(good, valid, target)
    if burn is not None and left is not None and not objective.each:
        numbers |= {"burn_rate": float(burn), "budget_left": float(left)}
        minutes = minutes_left(good, valid, target, objective.window) if objective.window else None
        if minutes is not None and objective.indicator is Indicator.SAMPLES:
            numbers["budget_left_minutes"] = float(minutes)
    return numbers


def _told(assessment: Assessment) -> dict[str, Any]:
    told: dict[str, Any] = {"summary": summary(assessment)}
    if budget_text(assessment):
        told["budget"] = budget_text(assessment)
    if assessment.recovers:
        told["met_again"] = dg.MetadataValue.timestamp(assessment.recovers)
    if assessment.burning:
        told["alerts_that_fire"] = dg.MetadataValue.md(_burning(assessment.burning))
    if assessment.maintenance:
        told["maintenance_left_out"] = dg.MetadataValue.md(_maintenance(assessment.maintenance))
    if assessment.guilty:
        told["worst_assets"] = dg.MetadataValue.md(_table(assessment))
    return told


def _table(assessment: Assessment) -> str:
    rows = [
        f"| {one.asset} | {one.bad} | {one.valid} | {percent(one.good, one.valid)} | {one.note.replace('|', '/')} |"
        for one in assessment.guilty[:_WORST]
    ]
    return "\n".join(["| asset | bad | valid | good share | newest cause |", "|---|---:|---:|---:|---|", *rows])


def _burning(burning: Sequence[Burning]) -> str:
    rows = [
        f"| {one.tier.loudness} | {one.tier.long} and {one.tier.short} | {float(one.tier.burn):g} | {float(one.long):.2f} "
        f"| {float(one.short):.2f} |"
        for one in burning
    ]
    return "\n".join(["| alert | windows | fires above | long | short |", "|---|---|---:|---:|---:|", *rows])


def _maintenance(windows: Sequence[Maintenance]) -> str:
    rows = [
        f"| {one.scope} | {one.start:%Y-%m-%d %H:%M} | {one.end:%Y-%m-%d %H:%M} | {one.author} | {one.reason.replace('|', '/')} |"
        for one in windows
    ]
    return "\n".join(["| scope | from (UTC) | to (UTC) | author | reason |", "|---|---|---|---|---|", *rows])
