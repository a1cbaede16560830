"""Evaluates the objectives of one service: ledger up to date, verdicts recorded, alerts told. Glue: arithmetic is in `domain`.

Fails only when it cannot evaluate; a breached objective is a failed check.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from oso_dagster.alerting.log import LogChannel
from oso_dagster.domain.alert import Raise, advance, signal_of
from oso_dagster.domain.attempts import Label
from oso_dagster.domain.objectives import budget_text, of_service, percent, summary
from oso_dagster.domain.slo import ALL, Assessment, Verdict, budget_left, burn_rate
from oso_dagster.domain.source import Source
from oso_dagster.orchestration.evaluation import Evaluator, measured_assets
from oso_dagster.orchestration.labels import PLATFORM_OWNER
from oso_dagster.orchestration.ledger import LedgerFill
from oso_dagster.reliability.results import VerdictRow
from oso_dagster.reliability.store import Store
from oso_dagster.settings import Settings

_WORST = 10


def judge_service(
    context: dg.AssetExecutionContext, settings: Settings, sources: Sequence[Source], models: Sequence[str], service: str
) -> dg.MaterializeResult[None]:
    """Evaluate `service` now; `models` are the names of SQLMesh's assets."""
    labels = measured_assets(sources, models)
    with Store.open(settings.reliability_store_url, settings.world.value) as store:
        LedgerFill(context.instance, store.ledger, labels, settings.secrets()).run(datetime.now(UTC))
        now = datetime.now(UTC)
        evaluator = Evaluator(store, sources, labels)
        assessments = evaluator.assess(service, now)
        store.results.record_verdicts(verdict_row(one) for one in assessments)
        for label in {one.label for one in of_service(service)} - {Label.SQLMESH}:
            store.results.record_freshness(evaluator.freshness_rows(label, now))
        announce(store, assessments, _owners(sources), LogChannel(context.log), now)
    checks = [_check(one) for one in assessments]
    return dg.MaterializeResult(metadata=_metadata(assessments, settings.world.value), check_results=checks)


def verdict_row(assessment: Assessment) -> VerdictRow:
    """An assessment as history keeps it."""
    objective = assessment.objective
    return VerdictRow(
        service=objective.service,
        objective=objective.name,
        verdict=assessment.verdict,
        good=assessment.good,
        valid=assessment.valid,
        target_bp=objective.target,
        window=objective.window,
        budget=budget_text(assessment),
        summary=summary(assessment),
        guilty=assessment.guilty,
        evaluated_at=assessment.at,
    )


def announce(
    store: Store, assessments: Sequence[Assessment], owners: Mapping[str, str], channel: LogChannel, now: datetime
) -> None:
    """Say what has not been said; what was delivered is remembered afterwards, so that a crash repeats and never forgets."""
    found = (signal_of(one, _blamed(one, owners)) for one in assessments)
    signals = [signal for signal in found if signal is not None]
    for action in advance(signals, store.results.standing_alerts()):
        channel.deliver(action)
        if isinstance(action, Raise):
            store.results.record_announced(action.alert.key, action.alert.title, now, standing=True)
        else:
            store.results.record_announced(action.key, action.text, now, standing=False)


def _owners(sources: Sequence[Source]) -> dict[str, str]:
    return {f"{source.name}/{table.name}": source.owner for source in sources for table in source.tables}


def _blamed(assessment: Assessment, owners: Mapping[str, str]) -> str:
    return ", ".join(sorted({owners.get(one.asset, PLATFORM_OWNER) for one in assessment.guilty})) or PLATFORM_OWNER


def _check(assessment: Assessment) -> dg.AssetCheckResult:
    """Breached is an error, at risk a warning; no data passes, and says that it is no data."""
    return dg.AssetCheckResult(
        check_name=assessment.objective.name,
        passed=assessment.verdict in (Verdict.COMPLIANT, Verdict.NO_DATA),
        severity=dg.AssetCheckSeverity.ERROR if assessment.verdict is Verdict.BREACHED else dg.AssetCheckSeverity.WARN,
        description=summary(assessment),
        metadata={"verdict": assessment.verdict.value, **_numbers(assessment), **_told(assessment)},
    )


def _metadata(assessments: Sequence[Assessment], world: str) -> dict[str, Any]:
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
    burn, left = burn_rate(good, valid, target), budget_left(good, valid, target)
    if burn is not None and left is not None and not assessment.objective.each:
        numbers |= {"burn_rate": float(burn), "budget_left": float(left)}
    return numbers


def _told(assessment: Assessment) -> dict[str, Any]:
    told: dict[str, Any] = {"summary": summary(assessment)}
    if budget_text(assessment):
        told["budget"] = budget_text(assessment)
    if assessment.guilty:
        told["worst_assets"] = dg.MetadataValue.md(_table(assessment))
    return told


def _table(assessment: Assessment) -> str:
    rows = [
        f"| {one.asset} | {one.bad} | {one.valid} | {percent(one.good, one.valid)} | {one.note.replace('|', '/')} |"
        for one in assessment.guilty[:_WORST]
    ]
    return "\n".join(["| asset | bad | valid | good share | newest cause |", "|---|---:|---:|---:|---|", *rows])
