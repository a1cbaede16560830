"""Binds the platform's SQLMesh project to Dagster: its paths, lineage to the raw tables, taint, job and schedule.

Belongs here: what is this platform's. How models become assets is `sqlmesh_assets`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

import dagster as dg

from oso_dagster.domain.catalogue.source import Source, Stability
from oso_dagster.domain.coverage import published
from oso_dagster.domain.due.run_resources import MODELS
from oso_dagster.domain.lineage import tainted
from oso_dagster.domain.objectives.published import TABLES
from oso_dagster.orchestration.labels import (
    COVERAGE_KEY,
    PROMISES_TAG,
    SOURCE_TAG,
    TAINTED_TAG,
    landed_tables,
    resource_tags,
)
from oso_dagster.orchestration.models.project_place import project_of
from oso_dagster.orchestration.models.promises import with_policies
from oso_dagster.orchestration.resources import warehouse_of
from oso_dagster.settings import Settings
from oso_dagster.sqlmesh_assets.assets.multi_asset import sqlmesh_assets
from oso_dagster.sqlmesh_assets.assets.specs import AssetExtras, asset_specs, check_specs
from oso_dagster.sqlmesh_assets.jobs.catalogue import sqlmesh_jobs
from oso_dagster.sqlmesh_assets.manifest.contents import Manifest, Model
from oso_dagster.sqlmesh_assets.manifest.manifest_store import load_manifest

OP = "sqlmesh"
JOB = "transform"
TRANSFORM_CRON = "0 3 * * *"
PUBLISHED_LAYER = "sqlmesh/marts"
"""The group of the models that are published."""


def readable_tables(sources: Sequence[Source]) -> dict[str, dg.AssetKey]:
    """Every table that models may read and the asset that makes it: what sources land, the measured coverage of it, verdicts."""
    own = (published.NAME, *(table.name for table in TABLES))
    return landed_tables(tuple(sources)) | {f"platform.{name}": COVERAGE_KEY for name in own}


def transform_assets(settings: Settings, sources: Sequence[Source]) -> dg.AssetsDefinition:
    """Every model as an asset, every audit as a check. Reads the manifest cache; opens no warehouse until it runs."""
    project = project_of(settings)
    manifest = load_manifest(project)
    raw = readable_tables(sources)
    specs = asset_specs(manifest, project, raw, _extras(settings, manifest, sources))
    return sqlmesh_assets(
        project,
        with_policies(specs),
        check_specs(manifest, raw),
        guard=lambda: held_files(settings, sources),
        name=OP,
    )


def transform_jobs(settings: Settings, sources: Sequence[Source]) -> list[dg.JobDefinition]:
    """Restate, deploy alone, a development environment, the janitor: by hand, with typed configuration."""
    project = project_of(settings)
    return sqlmesh_jobs(
        project,
        load_manifest(project),
        guard=lambda: held_files(settings, sources),
        name=OP,
        raw_assets=readable_tables(sources),
    )


def transform_schedule(models: dg.AssetsDefinition) -> dg.ScheduleDefinition:
    """Everything once a day, after the sources' nightly loads."""
    return dg.ScheduleDefinition(
        name=f"{JOB}_daily",
        job=transform_job(models),
        cron_schedule=TRANSFORM_CRON,
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="All SQLMesh models: deploy what changed, then compute everything from the raw tables as they are.",
    )


def transform_job(models: dg.AssetsDefinition) -> dg.UnresolvedAssetJobDefinition:
    """All SQLMesh models and their audits, in one run of their own."""
    selection = dg.AssetSelection.assets(models).without_checks() | dg.AssetSelection.checks(*models.check_keys)
    return dg.define_asset_job(JOB, selection=selection, tags=resource_tags(MODELS))


def held_files(settings: Settings, sources: Sequence[Source]) -> AbstractContextManager[None]:
    """The files that SQLMesh opens, held by this process, with the declared tables of `sources` in them."""
    return warehouse_of(settings).held(sources, *([settings.sqlmesh_state_path] if settings.sqlmesh_state_url is None else []))


def _extras(settings: Settings, manifest: Manifest, sources: Sequence[Source]) -> Callable[[Model], AssetExtras]:
    titles = {source.name: source.title for source in sources}
    upstream = {name: model.upstream for name, model in manifest.models.items()}
    taint, core = (
        tainted(upstream, {t: s.name for s in sources if s.stability is stability for t in landed_tables((s,))})
        for stability in (Stability.UNSTABLE, Stability.CORE)
    )

    def extras(model: Model) -> AssetExtras:
        guilty = sorted(taint.get(model.name, ()))
        world = {"world": settings.world.value}
        if not guilty:
            return AssetExtras({SOURCE_TAG: "sqlmesh"}, world)
        names = ", ".join(titles[name] for name in guilty)
        return AssetExtras(
            {SOURCE_TAG: "sqlmesh", TAINTED_TAG: "true"} | ({PROMISES_TAG: "true"} if model.name in core else {}),
            world | {"tainted_by": guilty},
            f"Derives from unstable sources: {names}. No promise is made on what comes of them.",
        )

    return extras
