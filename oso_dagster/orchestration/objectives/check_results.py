"""How assessments are shown in Dagster: check results, numbers that plot over time, tables of the worst."""

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
        passed=assessment.verdict in (Verdict.COMPLIANT, Verdict.NO_DATA) and not assessment.problem,
        severity=breached if assessment.verdict is Verdict.BREACHED or assessment.problem else dg.AssetCheckSeverity.WARN,
        description=summary(assessment),
        metadata={"verdict": assessment.verdict.value, **_numbers(assessment), **_sentences(assessment)},
    )


def freshness_check(
    asset: dg.AssetKey, judged: TableFreshness, stale: dg.AssetCheckSeverity, now: datetime
) -> dg.AssetCheckResult:
    """Stale fails; fresh, and nothing due yet, pass."""
    ages = {"age_hours": judged.evidence, "newest_event_age_hours": judged.newest_event}
    hours = {name: round((now - at) / timedelta(hours=1), 2) for name, at in ages.items() if at is not None}
    last_good = {"last_good": dg.MetadataValue.timestamp(judged.evidence)} if judged.evidence else {}
    words = {Freshness.FRESH: "as fresh as promised", Freshness.NOT_DUE: "nothing is due yet", Freshness.STALE: judged.note}
    return dg.AssetCheckResult(
        check_name=FRESHNESS_CHECK,
        asset_key=asset,
        passed=judged.freshness is not Freshness.STALE,
        severity=stale,
        description=words[judged.freshness],
        metadata={"freshness": judged.freshness.value, **hours, **last_good},
    )


def metadata_of(assessments: Sequence[Assessment], world: str) -> dict[str, Any]:
    """What the materialization of a service says: numbers that Dagster plots over time, sentences, tables."""
    metadata: dict[str, Any] = {"world": world}
    for assessment in assessments:
        name = assessment.objective.name
        metadata[f"{name}/verdict"] = assessment.verdict.value
        metadata |= {f"{name}/{what}": value for what, value in (_numbers(assessment) | _sentences(assessment)).items()}
    return metadata


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


def _sentences(assessment: Assessment) -> dict[str, Any]:
    sentences: dict[str, Any] = {"summary": summary(assessment)}
    if budget_text(assessment):
        sentences["budget"] = budget_text(assessment)
    if assessment.recovers:
        sentences["met_again"] = dg.MetadataValue.timestamp(assessment.recovers)
    if assessment.burning:
        sentences["alerts_that_fire"] = dg.MetadataValue.md(_burning(assessment.burning))
    if assessment.maintenance:
        sentences["maintenance_left_out"] = dg.MetadataValue.md(_maintenance(assessment.maintenance))
    if assessment.guilty:
        sentences["worst_assets"] = dg.MetadataValue.md(_table(assessment))
    return sentences


def _table(assessment: Assessment) -> str:
    rows = [
        f"| {tally.asset} | {tally.bad} | {tally.valid} | {percent(tally.good, tally.valid)} | {tally.note.replace('|', '/')} |"
        for tally in assessment.guilty[:_WORST]
    ]
    return "\n".join(["| asset | bad | valid | good share | newest cause |", "|---|---:|---:|---:|---|", *rows])


def _burning(burning: Sequence[Burning]) -> str:
    rows = [
        f"| {tier.loudness} | {tier.long} and {tier.short} | {float(tier.burn):g} "
        f"| {float(firing.long):.2f} | {float(firing.short):.2f} |"
        for firing in burning
        for tier in (firing.tier,)
    ]
    return "\n".join(["| alert | windows | fires above | long | short |", "|---|---|---:|---:|---:|", *rows])


def _maintenance(windows: Sequence[Maintenance]) -> str:
    rows = [
        f"| {window.scope} | {window.start:%Y-%m-%d %H:%M} | {window.end:%Y-%m-%d %H:%M} | {window.author} "
        f"| {window.reason.replace('|', '/')} |"
        for window in windows
    ]
    return "\n".join(["| scope | from (UTC) | to (UTC) | author | reason |", "|---|---|---|---|---|", *rows])
