"""The `slo/*` assets: one per service, one asset check per objective. What happens when they run is in `evaluation_step`.

No postponed annotations in this file: Dagster reads the context's class from the function's own.
"""

from collections.abc import Iterable, Iterator, Sequence

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from oso_dagster.domain.catalogue.source import Source, Stability, Table
from oso_dagster.domain.due.run_resources import OWN
from oso_dagster.domain.durations import duration
from oso_dagster.domain.objectives.objectives import COMPLETENESS, RELIABILITY, SERVICES, of_service
from oso_dagster.orchestration.labels import (
    COVERAGE_KEY,
    FRESHNESS_CHECK,
    PLATFORM_GROUP,
    PLATFORM_OWNER,
    PLATFORM_TAG,
    asset_key,
    asset_keys_of,
    resource_tags,
)
from oso_dagster.orchestration.models.promises import model_checks
from oso_dagster.settings import Settings

_RELIABLE = "Good ÷ valid materializations of the last 30 days, judged by the objective of the asset's class"

EVALUATION_CRON = "*/15 * * * *"


def slo_assets(settings: Settings, sources: Sequence[Source], models: Sequence[dg.AssetSpec]) -> list[dg.AssetsDefinition]:
    """One asset per service, downstream of what it measures; of the SQLMesh `models`, of those that no other one reads."""
    sqlmesh_keys = sorted(spec.key for spec in models)
    read = {dep.asset_key for spec in models for dep in spec.deps}
    measured = {
        "core_source_data": [*asset_keys_of(Stability.CORE, tuple(sources)), COVERAGE_KEY],
        "unstable_source_data": asset_keys_of(Stability.UNSTABLE, tuple(sources)),
        "sqlmesh": [key for key in sqlmesh_keys if key not in read],
    }
    return [_slo_asset(settings, tuple(sources), tuple(sqlmesh_keys), service, measured.get(service, ())) for service in SERVICES]


def reliability_checks(settings: Settings, sources: Sequence[Source], models: Sequence[dg.AssetSpec]) -> dg.AssetChecksDefinition:
    """The objectives of every data asset by itself, as checks, all in one step.

    Each has `materialization_reliability`; one that promises something `freshness`, also of SQLMesh's models; a partitioned one
    `partition_completeness`.
    A run that loads the assets selects their checks too; such a run is not over, so the step says nothing there.
    """
    in_use = [source for source in sources if source.retired is None]
    keys = {asset_key(source, table) for source in in_use for table in source.tables} | {spec.key for spec in models}
    names = sorted(spec.key.to_user_string() for spec in models)
    specs = [dg.AssetCheckSpec(RELIABILITY, asset=key, description=_RELIABLE) for key in sorted(keys)]
    specs += [spec for source in in_use for table in source.tables for spec in promised_checks(source, table)]
    specs += model_checks(models)

    @dg.multi_asset_check(name="reliability_of_each_asset", specs=specs, can_subset=True)
    def _judge(context: dg.AssetCheckExecutionContext) -> Iterable[dg.AssetCheckResult]:
        from oso_dagster.orchestration.objectives.evaluation_step import evaluate_assets  # noqa: PLC0415  (SQLAlchemy loads when used)

        if context.op_execution_context.job_def.asset_layer.selected_asset_keys & keys:
            context.log.info("this run loads what is to be judged: the next evaluation judges it")
            return
        yield from evaluate_assets(context, settings, sources, names, context.selected_asset_check_keys)

    return _judge


def slo_job(
    assets: Sequence[dg.AssetsDefinition], checks: Sequence[dg.AssetChecksDefinition] = ()
) -> UnresolvedAssetJobDefinition:
    """The job `evaluate_slos`: every objective, and every asset by itself, in one run."""
    selection: dg.AssetSelection = dg.AssetSelection.assets(*assets)
    if checks:
        selection |= dg.AssetSelection.checks(*checks)
    return dg.define_asset_job("evaluate_slos", selection=selection, tags=resource_tags(OWN))


def slo_schedule(job: UnresolvedAssetJobDefinition) -> dg.ScheduleDefinition:
    """Evaluate each quarter of an hour."""
    return dg.ScheduleDefinition(
        name="evaluate_slos_quarter_hourly",
        job=job,
        cron_schedule=EVALUATION_CRON,
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
    )


def promised_checks(source: Source, table: Table) -> Iterator[dg.AssetCheckSpec]:
    """What a table promises, as checks: judged beside its loads, not in them."""
    key = asset_key(source, table)
    if table.promised_within is not None:
        yield dg.AssetCheckSpec(
            FRESHNESS_CHECK, asset=key, description=f"Fresh within {duration(table.promised_within)}, as promised"
        )
    if table.partitions is not None:
        yield dg.AssetCheckSpec(
            COMPLETENESS.name, asset=key, description="Share of the due partitions that are loaded; missing ones are named"
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
        owners=[PLATFORM_OWNER],
        description=f"The service level objectives of `{service}`, evaluated from the ledger; each one is a check.",
        check_specs=[dg.AssetCheckSpec(objective.name, asset=key, description=objective.title) for objective in objectives],
    )
    def _evaluate(context: dg.AssetExecutionContext) -> dg.MaterializeResult:  # type: ignore[type-arg]  # Dagster takes the bare class only
        from oso_dagster.orchestration.objectives.evaluation_step import evaluate_service  # noqa: PLC0415  (SQLAlchemy loads when used)

        return evaluate_service(context, settings, sources, [model_key.to_user_string() for model_key in sqlmesh_keys], service)

    return _evaluate
