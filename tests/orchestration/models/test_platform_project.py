"""The platform's own project as Dagster assets: names, lineage to the raw tables, taint, job and schedule."""

from __future__ import annotations

from dataclasses import replace

import dagster as dg
import pytest

from oso_dagster.domain.catalogue.source import Stability
from oso_dagster.orchestration.models.platform_project import transform_assets, transform_job, transform_schedule
from oso_dagster.settings import Settings
from oso_dagster.sources import catalogue

pytestmark = pytest.mark.slow

KEY = dg.AssetKey
ATLAS_TABLES = [
    "project",
    "project_contract",
    "project_repository",
    "published_contract",
    "funding_round",
    "application",
    "funding_reward",
]
GITHUB_TABLES = [
    "events",
    "repository_events",
    "repositories",
    "stars_by_day",
    "issues",
    "pull_requests",
    "commits",
    "releases",
    "sbom",
]


@pytest.fixture
def settings(tmp_path) -> Settings:
    return Settings(home=tmp_path)


@pytest.fixture
def assets(settings, shared_manifest) -> dg.AssetsDefinition:
    return transform_assets(settings, catalogue())


def test_defining_the_assets_opens_no_warehouse(settings, assets):
    assert [path.name for path in settings.world_dir.iterdir()] == ["cache"]


def test_a_child_table_leads_back_to_the_asset_that_lands_it(assets):
    spec = assets.specs_by_key[KEY(["staging", "stg_oss_directory__urls"])]
    assert {dep.asset_key for dep in spec.deps} == {KEY(["oss_directory", "projects"])}


def test_every_mart_leads_back_to_raw_assets_only(assets):
    upstream = {key: {dep.asset_key for dep in spec.deps} for key, spec in assets.specs_by_key.items()}
    ends = {key for deps in upstream.values() for key in deps if key not in upstream}
    assert ends == {
        KEY(["oss_directory", "projects"]),
        KEY(["oss_directory", "collections"]),
        KEY(["oss_funding", "funding_data"]),
        KEY(["superchain", "daily_transactions"]),
        KEY(["superchain", "deployments"]),
        KEY(["platform", "coverage"]),
        *(KEY(["op_atlas", table]) for table in ATLAS_TABLES),
        KEY(["npm", "downloads"]),
        KEY(["deps_dev", "packages"]),
        KEY(["eas_optimism", "attestations"]),
        KEY(["open_collective", "transactions"]),
        KEY(["gitcoin", "all_donations"]),
        KEY(["gitcoin", "all_matching"]),
        KEY(["giveth", "qf_rounds"]),
        KEY(["giveth", "projects"]),
        *(KEY(["defillama", table]) for table in ("tvl_events", "trading_volume", "fees")),
        *(KEY(["github", table]) for table in GITHUB_TABLES),
    }


def test_an_asset_says_what_it_is(assets):
    spec = assets.specs_by_key[KEY(["marts", "artifacts_v1"])]
    assert spec.group_name == "sqlmesh/marts"
    assert spec.kinds == {"sqlmesh", "duckdb"}
    assert spec.owners == ["team:data"]
    assert spec.tags["opensource.observer/source"] == "sqlmesh"
    assert spec.metadata["dagster/table_name"] == "marts.artifacts_v1"
    assert spec.metadata["dagster/column_schema"].columns[0].name == "artifact_id"
    assert all(column.description for column in spec.metadata["dagster/column_schema"].columns)


def test_what_is_united_with_unstable_sources_is_tainted_and_keeps_its_promise(assets):
    tainted = {spec.key.path[-1]: spec for spec in assets.specs if "opensource.observer/tainted" in spec.tags}
    assert {name for name, spec in tainted.items() if spec.key.path[0] == "marts"} == {
        "timeseries_events_by_artifact_v0",
        "metrics_v0",
        "package_owners_v0",
        *(f"{kind}_metrics_by_{of}_v0" for kind in ("timeseries", "key") for of in ("artifact", "project", "collection")),
    }
    assert {name for name, spec in tainted.items() if "opensource.observer/promises" not in spec.tags} == {
        "stg_defillama__amounts",
        "stg_deps_dev__packages",
        "stg_eas_optimism__attestations",
        "stg_gitcoin__gifts",
        "stg_giveth__projects",
        "stg_npm__downloads",
        "stg_open_collective__donations",
    }


def test_what_derives_from_unstable_sources_first_holds_nothing_back(assets):
    """Their bad rows are warned of; core data beside them is published."""
    own = (
        "stg_defillama",
        "stg_deps_dev",
        "stg_eas",
        "stg_npm",
        "stg_open_collective",
        "int_events__usage",
        "int_metrics__usage",
    )
    checks = [check for check in assets.check_specs if check.asset_key.path[-1].startswith(own)]
    assert len(checks) >= 2 * len(own)
    assert [check.key for check in checks if check.blocking] == []


def test_an_unstable_source_taints_what_derives_from_it_and_is_named(settings, shared_manifest):
    sources = [
        replace(source, stability=Stability.UNSTABLE) if source.name == "oss_funding" else source for source in catalogue()
    ]
    specs = transform_assets(settings, sources).specs_by_key
    events = specs[KEY(["marts", "timeseries_events_by_artifact_v0"])]
    assert events.tags["opensource.observer/tainted"] == "true"
    assert "oss_funding" in events.metadata["tainted_by"]
    assert "OSS Funding" in events.description
    assert "opensource.observer/tainted" not in specs[KEY(["marts", "projects_v1"])].tags


def test_every_model_has_checks(assets):
    assert {spec.asset_key for spec in assets.check_specs} == set(assets.keys)


def test_the_schedule_runs_every_day_in_utc_without_a_click(assets):
    schedule = transform_schedule(assets)
    assert schedule.default_status is dg.DefaultScheduleStatus.RUNNING
    assert (schedule.cron_schedule, schedule.execution_timezone) == ("0 3 * * *", "UTC")
    job = dg.Definitions(assets=[assets], jobs=[transform_job(assets)]).resolve_job_def("transform")
    assert set(job.asset_layer.executable_asset_keys) == set(assets.keys)
