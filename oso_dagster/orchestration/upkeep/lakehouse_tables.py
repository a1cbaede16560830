"""The asset `platform/lakehouse_tables`, in the profile `lakehouse`: keeps its tables small, and checks that they are.

No postponed annotations in this file: Dagster reads the context's class from the function's own.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from oso_dagster.domain.catalogue.source import Source
from oso_dagster.domain.due.run_resources import OWN
from oso_dagster.orchestration.clock import utc_now
from oso_dagster.orchestration.labels import LAKEHOUSE_KEY, PLATFORM_GROUP, PLATFORM_OWNER, PLATFORM_TAG, resource_tags
from oso_dagster.orchestration.models.project_place import project_of
from oso_dagster.settings import Profile, Settings
from oso_dagster.sqlmesh_assets.environment_lock import environment_lock

JOB = "maintain_lakehouse"
CRON = "15 5 * * *"
"""Once a day, between the models and the second counts."""
CHECK = "tables_within_bounds"


def lakehouse_assets(settings: Settings, sources: Sequence[Source]) -> list[dg.AssetsDefinition]:
    """The asset; none in a profile that has no Iceberg tables."""
    if settings.profile is not Profile.LAKEHOUSE:
        return []

    @dg.asset(
        key=LAKEHOUSE_KEY,
        group_name=PLATFORM_GROUP,
        tags={PLATFORM_TAG: "true"},
        kinds={settings.profile.storage},
        owners=[PLATFORM_OWNER],
        description="Iceberg's tables in order: small files merged, snapshots older than a week forgotten, orphan files removed.",
        check_specs=[dg.AssetCheckSpec(CHECK, asset=LAKEHOUSE_KEY, description="No table has so many that readers suffer.")],
    )
    def _maintain(context: dg.AssetExecutionContext) -> dg.MaterializeResult:  # type: ignore[type-arg]  # Dagster takes the bare class only
        # pyiceberg loads when used.
        from oso_dagster.warehouse.lakehouse.catalogue import open_catalogue  # noqa: PLC0415
        from oso_dagster.warehouse.lakehouse.maintenance import maintain  # noqa: PLC0415

        value = settings.lakehouse_value
        catalogue = open_catalogue(value("lakehouse_catalogue_url"), value("lakehouse_store"))
        try:
            alone = _locks(settings, sources, catalogue.engine)
            after, failures = maintain(value("lakehouse_trino_url"), catalogue, utc_now(), alone=alone)
        finally:
            catalogue.close()
        for table, why in sorted(failures.items()):
            context.log.warning("%s could not be put in order: %s", table, why)
        outside = [state.in_words() for state in after if not state.within_bounds]
        if failures and len(failures) >= len(after):
            raise dg.Failure(f"no table of the lakehouse could be put in order; of one: {next(iter(failures.values()))}")
        return dg.MaterializeResult(
            metadata={
                "tables": len(after),
                "snapshots": sum(state.snapshots for state in after),
                "most_small_files": max((state.small_files for state in after), default=0),
                "not_in_order": sorted(failures),
            },
            check_results=[
                dg.AssetCheckResult(
                    passed=not outside and not failures,
                    check_name=CHECK,
                    severity=dg.AssetCheckSeverity.WARN if not outside else dg.AssetCheckSeverity.ERROR,
                    metadata={"outside": outside, "not_in_order": [f"{table}: {why}" for table, why in sorted(failures.items())]},
                )
            ],
        )

    return [_maintain]


def lakehouse_jobs(assets: Sequence[dg.AssetsDefinition]) -> list[UnresolvedAssetJobDefinition]:
    """The job `maintain_lakehouse`, where there is something to maintain."""
    if not assets:
        return []
    return [
        dg.define_asset_job(
            JOB,
            selection=dg.AssetSelection.assets(*assets),
            description="Merge small files, forget old snapshots, remove orphan files",
            tags=resource_tags(OWN),
        )
    ]


def lakehouse_schedules(jobs: Sequence[UnresolvedAssetJobDefinition]) -> list[dg.ScheduleDefinition]:
    """Once a day."""
    return [
        dg.ScheduleDefinition(
            name=f"{job.name}_daily",
            job=job,
            cron_schedule=CRON,
            execution_timezone="UTC",
            default_status=dg.DefaultScheduleStatus.RUNNING,
        )
        for job in jobs
    ]


def _locks(settings: Settings, sources: Sequence[Source], engine: Any) -> Callable[[str, str], AbstractContextManager[object]]:
    """What keeps loads and models off a table while its files are merged: the locks that these take themselves."""
    from oso_dagster.warehouse.lakehouse.locks import advisory  # noqa: PLC0415  (SQLAlchemy loads when used)

    loaded = {(source.name, name): table.name for source in sources for table in source.tables for name in table.physical}
    project = project_of(settings)

    def alone(schema: str, name: str) -> AbstractContextManager[object]:
        if schema.startswith("sqlmesh__"):
            return environment_lock(project, project.environment)
        return advisory(engine, f"{schema}.{loaded.get((schema, name), name)}", settings.lock_timeout_seconds)

    return alone
