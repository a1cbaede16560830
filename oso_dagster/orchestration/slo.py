"""The `slo/*` assets: one per service, one asset check per objective. Glue: arithmetic is in `domain`, memory in `reliability`.

An asset here fails only when it cannot evaluate; a breached objective is a failed check. (Dagster reads the annotations of ops
while it builds them: they must not be postponed in this module.)
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from oso_dagster.alerting.log import LogChannel
from oso_dagster.domain.alert import Raise, advance, signal_of
from oso_dagster.domain.attempts import Label
from oso_dagster.domain.objectives import budget_text, of_service, percent, summary
from oso_dagster.domain.slo import ALL, Assessment, Verdict, budget_left, burn_rate
from oso_dagster.domain.source import Source, Stability
from oso_dagster.orchestration.evaluation import Evaluator, measured_assets
from oso_dagster.orchestration.labels import PLATFORM_GROUP, PLATFORM_TAG, names_of
from oso_dagster.orchestration.ledger import LedgerFill
from oso_dagster.reliability.results import VerdictRow
from oso_dagster.reliability.store import Store
from oso_dagster.settings import Settings

EVALUATION_CRON = "*/15 * * * *"
_OWNER = "team:platform"
_WORST = 10


def slo_assets(settings: Settings, sources: Sequence[Source], models: Sequence[dg.AssetSpec]) -> list[dg.AssetsDefinition]:
    """One asset per service, downstream of what it measures; of the SQLMesh `models`, of those that no other one reads."""
    sqlmesh_keys = sorted(spec.key for spec in models)
    read = {dep.asset_key for spec in models for dep in spec.deps}
    measured = {
        "core_source_data": names_of(Stability.CORE, tuple(sources)),
        "unstable_source_data": names_of(Stability.UNSTABLE, tuple(sources)),
        "sqlmesh": [key for key in sqlmesh_keys if key not in read],
    }
    return [_slo_asset(settings, tuple(sources), tuple(sqlmesh_keys), service, keys) for service, keys in measured.items()]


def slo_job(assets: Sequence[dg.AssetsDefinition]) -> UnresolvedAssetJobDefinition:
    """The job `evaluate_slos`: every objective, in one run."""
    return dg.define_asset_job("evaluate_slos", selection=dg.AssetSelection.assets(*assets))


def slo_schedule(job: UnresolvedAssetJobDefinition) -> dg.ScheduleDefinition:
    """Evaluate each quarter of an hour."""
    return dg.ScheduleDefinition(
        name="evaluate_slos_quarter_hourly",
        job=job,
        cron_schedule=EVALUATION_CRON,
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
    )


def _slo_asset(
    settings: Settings,
    sources: tuple[Source, ...],
    sqlmesh_keys: tuple[dg.AssetKey, ...],
    service: str,
    measured: Sequence[dg.AssetKey],
) -> dg.AssetsDefinition:
    key, objectives = dg.AssetKey(["slo", service]), of_service(service)

    @dg.asset(
        key=key,
        deps=measured,
        group_name=PLATFORM_GROUP,
        tags={PLATFORM_TAG: "true"},
        kinds={settings.reliability_store_url.split(":")[0].split("+")[0]},
        owners=[_OWNER],
        description=f"The service level objectives of `{service}`, evaluated from the ledger; each one is a check.",
        check_specs=[dg.AssetCheckSpec(one.name, asset=key, description=one.title) for one in objectives],
    )
    def _evaluate(context: dg.AssetExecutionContext) -> dg.MaterializeResult:  # type: ignore[type-arg]  # Dagster takes the bare class only
        labels = measured_assets(sources, [one.to_user_string() for one in sqlmesh_keys])
        with Store.open(settings.reliability_store_url, settings.world.value) as store:
            LedgerFill(context.instance, store.ledger, labels, settings.secrets()).run(datetime.now(UTC))
            now = datetime.now(UTC)
            evaluator = Evaluator(store, sources, labels)
            assessments = evaluator.assess(service, now)
            store.results.record_verdicts(verdict_row(one) for one in assessments)
            for label in {one.label for one in objectives} - {Label.SQLMESH}:
                store.results.record_freshness(evaluator.freshness_rows(label, now))
            announce(store, assessments, _owners(sources), LogChannel(context.log), now)
        checks = [_check(one) for one in assessments]
        return dg.MaterializeResult(metadata=_metadata(assessments, settings.world.value), check_results=checks)

    return _evaluate


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
    return ", ".join(sorted({owners.get(one.asset, _OWNER) for one in assessment.guilty})) or _OWNER


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
