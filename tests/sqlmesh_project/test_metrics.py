"""Every metric equals an independent calculation in plain Python, and queries of the shapes that users write have answers."""

from __future__ import annotations

import base64
import shutil
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import pytest

from oso_dagster.settings import Settings
from tests.sqlmesh_project.reference import entity_id
from tests.sqlmesh_project.reference_metrics import computed_metrics, different_metrics, expected_retention
from tests.sqlmesh_project.test_rows import World

pytestmark = pytest.mark.slow

MARTS = {
    "repositories_v0": "artifact_id artifact_source_id artifact_source artifact_namespace artifact_name artifact_url project_id "
    "branch created_at updated_at is_fork fork_count star_count watcher_count language license_name license_spdx_id",
    "contracts_v0": "contract_address contract_namespace originating_address factory_address root_deployer_address "
    "deployment_date sort_weight",
    "package_owners_v0": "package_project_id package_artifact_id package_artifact_source package_artifact_namespace "
    "package_artifact_name package_owner_project_id package_owner_artifact_id package_owner_source "
    "package_owner_artifact_namespace package_owner_artifact_name",
    "event_types_v1": "event_type description unit",
    "chains_v0": "chain network is_evm chain_id",
    "metrics_v0": "metric_id metric_source metric_namespace metric_name display_name description aggregation_function unit "
    "sql_source_path rendered_sql",
    **{
        f"{kind}_metrics_by_{entity}_v0": f"metric_id {entity}_id sample_date amount unit"
        for kind in ("timeseries", "key")
        for entity in ("artifact", "project", "collection")
    },
}


@pytest.fixture
def warehouse(active_world: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(Settings(home=active_world).warehouse_path), read_only=True) as connection:
        yield connection


def test_every_metric_of_every_entity_and_period_equals_a_calculation_in_python(warehouse):
    today = warehouse.execute("SELECT max(sample_date) + 1 FROM intermediate.int_metrics WHERE grain = 'all'").fetchone()[0]
    assert today in (datetime.now(UTC).date(), None) or (datetime.now(UTC).date() - today).days == 1
    assert len({key[0] for key in computed_metrics(warehouse)}) > 100
    assert different_metrics(warehouse) == {}


def test_retention_by_cohort_equals_a_calculation_in_python(warehouse):
    today = warehouse.execute("SELECT max(sample_date) + 1 FROM intermediate.int_metrics WHERE grain = 'all'").fetchone()[0]
    columns = "entity_type, entity_id, cohort_month, sample_date, cohort_size, retained, amount, months_since"
    rows = warehouse.execute(f"SELECT {columns} FROM marts.retention_by_cohort_v0").fetchall()
    assert {row[:4]: row[4:6] for row in rows} == expected_retention(warehouse, today)
    assert any(row[7] > 0 for row in rows)
    assert all(row[6] == row[5] / row[4] for row in rows)


def test_the_marts_of_metrics_have_exactly_the_published_columns(warehouse):
    for mart, columns in MARTS.items():
        assert [row[0] for row in warehouse.execute(f"DESCRIBE marts.{mart}").fetchall()] == columns.split(), mart


def test_the_published_names_are_there_with_their_ids(warehouse):
    ids = dict(warehouse.execute("SELECT metric_name, metric_id FROM marts.metrics_v0").fetchall())
    for name in (
        "GITHUB_active_developers_monthly",
        "GITHUB_stars_over_all_time",
        "OPTIMISM_gas_fees_daily",
        "BASE_transactions_daily",
        "OPTIMISM_contract_invocations_daily",
        "BASE_active_addresses_aggregation_daily",
        "BIG_FUND_funding_awarded_over_all_time",
        "GITHUB_project_velocity_weekly",
        "GITHUB_dependents_over_all_time",
        "NPM_downloads_daily",
        "OP_MAINNET_defillama_tvl_daily",
    ):
        assert ids[name] == entity_id("OSO", "oso", name)


def test_the_newest_window_is_a_key_metric_and_no_point_of_the_time_series(warehouse):
    window = entity_id("OSO", "oso", "GITHUB_commits_over_28_day_window")
    key = warehouse.execute(
        f"SELECT DISTINCT sample_date FROM marts.key_metrics_by_project_v0 WHERE metric_id = '{window}'"
    ).fetchall()
    assert (
        key == warehouse.execute("SELECT DISTINCT max(sample_date) FROM intermediate.int_metrics WHERE grain = 'all'").fetchall()
    )
    mart = "marts.timeseries_metrics_by_project_v0"
    series = f"SELECT DISTINCT sample_date = last_day(sample_date) FROM {mart} WHERE metric_id = '{window}'"
    assert warehouse.execute(series).fetchall() == [(True,)]


def test_the_top_projects_of_a_collection_by_a_metric_over_time(warehouse):
    query = """SELECT p.display_name, t.sample_date, t.amount FROM marts.timeseries_metrics_by_project_v0 AS t
      JOIN marts.metrics_v0 AS m ON t.metric_id = m.metric_id JOIN marts.projects_v1 AS p ON t.project_id = p.project_id
      JOIN marts.projects_by_collection_v1 AS c ON c.project_id = p.project_id
      WHERE c.collection_name = 'all' AND m.metric_name = 'GITHUB_commits_weekly'
      ORDER BY t.amount DESC, t.sample_date, p.display_name"""
    rows = warehouse.execute(query).fetchall()
    assert {row[0] for row in rows} == {"Acme", "Beta", "Both"}
    assert rows[0][2] >= rows[-1][2] > 0


def test_a_renamed_repository_is_one_and_stands_under_each_project_that_has_it(warehouse):
    query = """SELECT p.project_name, r.artifact_namespace || '/' || r.artifact_name FROM marts.repositories_v0 AS r
      JOIN marts.projects_v1 AS p ON r.project_id = p.project_id ORDER BY 1, 2"""
    assert warehouse.execute(query).fetchall() == [
        ("0xp1", "beta/new-name"),
        ("acme", "acme/one"),
        ("acme", "acme/one#-1"),
        ("acme", "acme/three"),
        ("acme", "acme/two"),
        ("acme", "acme/two#0"),
        ("beta", "beta/new-name"),
        ("both", "acme/one"),
        ("both", "acme/one#-1"),
        ("both", "beta/new-name"),
    ]


def test_a_repository_that_was_deleted_and_made_again_keeps_its_history_apart_and_under_its_project(warehouse):
    query = f"""SELECT p.project_name, a.artifact_id, count(*) > 10, bool_and(e.event_source_id LIKE 'before %')
      FROM marts.timeseries_events_by_artifact_v0 AS e JOIN marts.artifacts_by_project_v1 AS a ON a.artifact_id = e.to_artifact_id
      JOIN marts.projects_v1 AS p ON p.project_id = a.project_id
      WHERE a.artifact_id = '{entity_id("GITHUB", "acme", "one#-1")}' GROUP BY ALL ORDER BY 1"""
    former = entity_id("GITHUB", "acme", "one#-1")
    assert warehouse.execute(query).fetchall() == [("acme", former, True, True), ("both", former, True, True)]


def test_a_contract_of_a_factory_names_who_deployed_the_factory(warehouse):
    rows = warehouse.execute("SELECT * FROM marts.contracts_v0 ORDER BY contract_address").fetchall()
    assert rows == [
        ("0xc", "OPTIMISM", "0xb", "0xf", "0xe", date(2026, 11, 2), 9),
        ("0xf", "OPTIMISM", "0xe", None, "0xe", date(2026, 11, 1), 0),
    ]


def test_a_dependency_counts_once_and_names_the_project_of_its_package(warehouse):
    query = """SELECT p.project_name, s.from_artifact_name, s.package_artifact_source, s.package_artifact_namespace,
        s.package_artifact_name, owner.project_name
      FROM marts.sboms_v0 AS s JOIN marts.projects_v1 AS p ON s.from_project_id = p.project_id
      LEFT JOIN marts.projects_v1 AS owner ON s.to_package_project_id = owner.project_id ORDER BY ALL"""
    assert warehouse.execute(query).fetchall() == [
        ("0xp1", "new-name", "CRATES", "", "serde", None),
        ("acme", "one", "NPM", "@acme", "kit", "acme"),
        ("beta", "new-name", "CRATES", "", "serde", None),
        ("both", "new-name", "CRATES", "", "serde", None),
        ("both", "one", "NPM", "@acme", "kit", "acme"),
    ]


def test_the_repository_of_a_package_is_named_as_it_is_called_now_with_both_projects(warehouse):
    query = """SELECT claimant.project_name, o.package_artifact_source, o.package_artifact_namespace, o.package_artifact_name,
        owner.project_name, o.package_owner_artifact_namespace, o.package_owner_artifact_name
      FROM marts.package_owners_v0 AS o LEFT JOIN marts.projects_v1 AS claimant ON o.package_project_id = claimant.project_id
      LEFT JOIN marts.projects_v1 AS owner ON o.package_owner_project_id = owner.project_id ORDER BY ALL"""
    name = next(row[1] for row in warehouse.execute("SELECT project_id, artifact_name FROM marts.repositories_v0 AS r").fetchall()
                if row[1].endswith("-name"))  # fmt: skip
    assert warehouse.execute(query).fetchall() == [
        ("acme", "NPM", "@acme", "kit", "0xp1", "beta", name),
        ("acme", "NPM", "@acme", "kit", "beta", "beta", name),
        ("acme", "NPM", "@acme", "kit", "both", "beta", name),
        (None, "CRATES", "", "serde", None, "serde-rs", "serde"),
    ]


def test_projects_and_rounds_of_op_atlas_stand_beside_those_of_the_directory(warehouse):
    projects = "SELECT project_name, project_id, display_name FROM marts.projects_v1 WHERE project_source = 'OP_ATLAS' ORDER BY 1"
    assert warehouse.execute(projects).fetchall() == [
        ("0xp1", entity_id("OP_ATLAS", "", "0xp1"), "Acme on Atlas"),
        ("0xp2", entity_id("OP_ATLAS", "", "0xp2"), "Bare"),
    ]
    members = """SELECT collection_name, project_name FROM marts.projects_by_collection_v1
      WHERE collection_source = 'OP_ATLAS' ORDER BY ALL"""
    assert warehouse.execute(members).fetchall() == [("7", "0xp1"), ("7", "0xp2")]
    artifacts = """SELECT artifact_source, artifact_namespace, artifact_name FROM marts.artifacts_by_project_v1
      WHERE project_source = 'OP_ATLAS' ORDER BY ALL"""
    renamed = [row for row in warehouse.execute(artifacts).fetchall() if row[1] != "beta"]
    assert renamed == [
        ("BASE", "", f"0x{'b2':0>40}"),
        ("DEFILLAMA", "", "acme-swap"),
        ("FARCASTER", "", "acme"),
        ("GITHUB", "only", "atlas"),
        ("OP_ATLAS", "", "0xp1"),
        ("TWITTER", "", "acme"),
        ("WWW", "", "acme.example"),
    ]
    rejected = "SELECT project_name, reason FROM intermediate.int_rejected_artifacts WHERE project_name LIKE '0x%' ORDER BY ALL"
    assert warehouse.execute(rejected).fetchall() == [
        ("0xp1", "not an http(s) address"),
        ("0xp1", "the chain is not in seeds/networks.csv"),
        ("0xp1", "the entry is empty"),
        ("0xp2", "not the address of a repository: https://github.com/<owner>/<name> is expected"),
    ]


def test_ids_have_their_hexadecimal_alias(warehouse):
    query = "SELECT entity_id, entity_id_hex FROM marts.entity_aliases_v0"
    rows = warehouse.execute(query).fetchall()
    assert len(rows) > 10
    assert all(base64.b64decode(base).hex() == digits for base, digits in rows)


def test_the_coverage_of_a_metric_has_its_published_columns_and_its_regimes(warehouse):
    columns = "metric_source metric entity_type since until coverage_low coverage_high regime standing reason measured_at"
    assert [row[0] for row in warehouse.execute("DESCRIBE marts.metric_coverage_v0").fetchall()] == columns.split()
    query = """SELECT DISTINCT regime, since, standing FROM marts.metric_coverage_v0
      WHERE metric = 'active_developers' AND entity_type = 'project' ORDER BY since"""
    assert warehouse.execute(query).fetchall() == [
        ("push_without_commits", date(2025, 10, 7), "lower_bound"),
        ("nearly_empty_days", date(2025, 10, 9), "lower_bound"),
    ]


def test_the_events_of_all_sources_stand_in_one_table_and_their_types_are_known(warehouse):
    query = "SELECT DISTINCT event_source FROM marts.timeseries_events_by_artifact_v0 ORDER BY 1"
    sources = [
        "BASE",
        "GITCOIN",
        "GITHUB",
        "GIVETH",
        "NPM",
        "OPEN_COLLECTIVE",
        "OPTIMISM",
        "OP_ATLAS",
        "OP_MAINNET",
        "OSS_FUNDING",
    ]
    assert [row[0] for row in warehouse.execute(query).fetchall()] == sources
    givers = """SELECT from_artifact_id IS NULL FROM marts.timeseries_events_by_artifact_v0
      WHERE event_source = 'OPEN_COLLECTIVE' ORDER BY event_source_id"""
    assert warehouse.execute(givers).fetchall() == [(True,), (False,), (True,)]  # no person is named
    unknown = """SELECT event_type FROM marts.timeseries_events_by_artifact_v0
      WHERE event_type NOT IN (SELECT event_type FROM marts.event_types_v1)"""
    assert warehouse.execute(unknown).fetchall() == []


EVENTS_OF_GITHUB = "intermediate.int_events_daily__github"
LATE = {
    "events and what GitHub has of issues, pull requests and releases, that came after their week": (
        """INSERT INTO github.events (id, type, action, actor_id, actor_login, repo_id, repo_name, number, created_at) VALUES
          ('late', 'ForkEvent', NULL, 1, 'x', 1, 'acme/one', NULL, TIMESTAMPTZ '2025-09-25 12:00:00Z'),
          ('late2', 'IssuesEvent', 'opened', 1, 'x', 1, 'acme/one', 77, TIMESTAMPTZ '2024-01-01 12:00:00Z');
        INSERT INTO github.issues (repo_id, repo_name, id, number, state, created_at, updated_at, checked_at)
          VALUES (1, 'r', 77001, 501, 'open', TIMESTAMPTZ '2024-01-02 12:00:00Z', now(), now());
        INSERT INTO github.pull_requests (repo_id, repo_name, id, number, state, is_draft, base_ref, created_at, updated_at,
            closed_at, merged_at, checked_at)
          VALUES (1, 'r', 77002, 502, 'closed', false, 'main', TIMESTAMPTZ '2024-01-03 12:00:00Z', now(),
            TIMESTAMPTZ '2024-01-04 12:00:00Z', TIMESTAMPTZ '2024-01-04 12:00:00Z', now());
        INSERT INTO github.releases (repo_id, repo_name, id, tag_name, is_prerelease, created_at, published_at,
            updated_at, checked_at)
          VALUES (3, 'r', 77003, 't', false, now(), TIMESTAMPTZ '2024-01-05 12:00:00Z', now(), now())""",
        {EVENTS_OF_GITHUB: {"github_days_are_current"}},
        6,
    ),
    "stars of a past day that a repository came with": (
        "INSERT INTO github.stars_by_day VALUES ('acme/one', DATE '2025-03-03', 7, now())",
        {EVENTS_OF_GITHUB: {"github_days_are_current"}},
        1,
    ),
    "transactions that came after their week": (
        (
            "INSERT INTO superchain.daily_transactions VALUES "
            "('base', DATE '2026-01-05', '0x0', '0x00000000000000000000000000000000000000b2', 1, 1)"
        ),
        {"intermediate.int_events_daily__onchain": {"chain_days_are_current"}},
        1,
    ),
}


@pytest.mark.parametrize("what", LATE)
def test_a_day_that_changed_after_it_was_computed_is_named(active_world, tmp_path, what):
    shutil.copytree(active_world, tmp_path / "home")
    world = World(Settings(home=tmp_path / "home"))
    statement, findings, days = LATE[what]
    world.sql(statement)
    world.materialize()
    assert world.findings == findings
    assert sum(world.rows_found.values()) == days
    assert set(world.models.values()) <= {"ok", "up_to_date"}
