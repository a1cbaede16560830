"""The real project on a small made-up directory: what the marts hold, and which audit catches which fault."""

from __future__ import annotations

import base64
import hashlib
import shutil
from pathlib import Path

import duckdb
import pytest

from oso_dagster.orchestration.models.project_place import project_of
from oso_dagster.orchestration.resources import warehouse_of
from oso_dagster.settings import PROJECT_ROOT, Settings
from oso_dagster.sources import catalogue
from oso_dagster.sqlmesh_assets.events import AuditDone, ModelDone
from oso_dagster.sqlmesh_assets.execution.materializing import Request, materialize

pytestmark = pytest.mark.slow

RAW = """
INSERT INTO oss_directory.projects (name, display_name, file_path, commit_sha, committed_at)
  VALUES ('opensource-observer', 'OSO', 'f', 's', now()), ('ünï-ćode', 'Ünï', 'f', 's', now()), ('bare', NULL, 'f', 's', now());
INSERT INTO oss_directory.collections (name, display_name, projects, file_path, commit_sha, committed_at)
  VALUES ('one', 'One', ['opensource-observer', 'bare', 'bare'], 'f', 's', now()),
         ('two', 'Two', ['opensource-observer'], 'f', 's', now()), ('none', 'None', NULL, 'f', 's', now());
INSERT INTO oss_directory.projects__github (project_name, position, url) VALUES
  ('opensource-observer', 0, 'https://github.com/OpenSource-Observer/OSO'), ('bare', 0, 'https://github.com/opensource-observer/oso/'),
  ('bare', 1, 'https://github.com/some-org'), ('bare', 2, 'https://nowhere');
INSERT INTO oss_directory.projects__blockchain (project_name, position, address, networks) VALUES
  ('bare', 0, '0xABCDEF0123456789abcdef0123456789ABCDEF01', ['any_evm']), ('bare', 1, '0xbad', ['mainnet', 'base']);
INSERT INTO oss_funding.funding_data (funding_id, to_project_name, amount, funding_date, from_funder_name) VALUES
  ('g1', 'opensource-observer', 10.5, DATE '2024-02-05', 'optimism'), ('g2', NULL, 1.0, DATE '2024-02-06', 'optimism');
"""
COLUMNS = {
    "projects_v1": "project_id project_source project_namespace project_name display_name description",
    "collections_v1": "collection_id collection_source collection_namespace collection_name display_name description",
    "artifacts_v1": "artifact_id artifact_source_id artifact_source artifact_namespace artifact_name artifact_url",
    "artifacts_by_project_v1": "artifact_id artifact_source artifact_namespace artifact_name "
    "project_id project_source project_namespace project_name",
    "artifacts_by_collection_v1": "artifact_id artifact_source artifact_namespace artifact_name "
    "collection_id collection_source collection_namespace collection_name",
    "projects_by_collection_v1": "project_id project_source project_namespace project_name "
    "collection_id collection_source collection_namespace collection_name",
    "timeseries_events_by_artifact_v0": "time to_artifact_id from_artifact_id event_type event_source event_source_id amount",
}


def entity_id(source: str, namespace: str, name: str) -> str:
    return base64.b64encode(hashlib.sha256(f"{source}{namespace}{name}".encode()).digest()).decode()


class World:
    """A warehouse with the raw tables, and the project on it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.models: dict[str, str] = {}
        self.findings: dict[str, set[str]] = {}
        self.rows_found: dict[str, int] = {}

    def sql(self, statement: str) -> list[tuple[object, ...]]:
        with duckdb.connect(str(self.settings.warehouse_path)) as connection:
            return connection.execute(statement).fetchall()

    def materialize(self) -> None:
        self.models, self.findings, self.rows_found = {}, {}, {}
        materialize(project_of(self.settings), Request(), self._note, lambda: False)

    def _note(self, event: object) -> None:
        if isinstance(event, ModelDone):
            self.models[event.model] = event.outcome
        elif isinstance(event, AuditDone) and event.count:
            self.findings.setdefault(event.model, set()).add(event.check.split("_0")[0].split("_7")[0])
            self.rows_found[event.model] = self.rows_found.get(event.model, 0) + event.count


def world_at(home: Path, project: Path = PROJECT_ROOT / "sqlmesh_project") -> World:
    settings = Settings(home=home, sqlmesh_project=project)
    warehouse_of(settings).ensure_tables(catalogue())
    world = World(settings)
    world.sql(RAW)
    return world


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("deployed")
    world = world_at(home)
    world.materialize()
    assert set(world.models.values()) == {"ok"}
    assert world.findings == {}
    return home


@pytest.fixture
def world(deployed: Path, tmp_path: Path) -> World:
    """A copy, to be broken."""
    shutil.copytree(deployed, tmp_path / "home")
    return World(Settings(home=tmp_path / "home"))


def test_the_marts_have_exactly_the_published_columns(world):
    for mart, columns in COLUMNS.items():
        assert [row[0] for row in world.sql(f"DESCRIBE marts.{mart}")] == columns.split(), mart


def test_ids_are_the_published_ones_also_for_names_beyond_ascii(world):
    assert dict(world.sql("SELECT project_name, project_id FROM marts.projects_v1")) == {
        "opensource-observer": "UuWbpo5bpL5QsYvlukUWNm2uE8HFjxQxzCM0e+HMZfk=",
        "ünï-ćode": entity_id("OSS_DIRECTORY", "oso", "ünï-ćode"),
        "bare": entity_id("OSS_DIRECTORY", "oso", "bare"),
    }
    repository = entity_id("GITHUB", "opensource-observer", "oso")
    assert world.sql(
        "SELECT artifact_id, artifact_source_id, artifact_url FROM marts.artifacts_v1 WHERE artifact_source = 'GITHUB'"
    ) == [(repository, "opensource-observer/oso", "https://github.com/opensource-observer/oso")]


def test_every_entry_is_an_artifact_an_organisation_or_a_named_rejection(world):
    account = {row[0]: row[1:] for row in world.sql("SELECT * FROM intermediate.int_claims_reconciled")}
    assert account == {"github": (4, 4, 2, 1, 1), "blockchain": (2, 3, 1, 0, 2)}
    rejected = world.sql("SELECT entry, network, reason FROM intermediate.int_rejected_artifacts ORDER BY ALL")
    assert rejected == [
        ("0xbad", "base", "not an EVM address: 0x and 40 hexadecimal digits are expected"),
        ("0xbad", "mainnet", "not an EVM address: 0x and 40 hexadecimal digits are expected"),
        ("https://nowhere", None, "not an http(s) address"),
    ]


def test_any_evm_is_one_artifact_on_every_evm_network_of_the_seed(world):
    chains = world.sql("SELECT upper(network) FROM staging.seed_networks WHERE is_evm ORDER BY 1")
    sources = world.sql("SELECT artifact_source FROM marts.artifacts_by_project_v1 WHERE artifact_name LIKE '0x%' ORDER BY 1")
    assert sources == chains
    assert len(chains) > 30


def test_a_grant_reaches_its_project_through_the_marts_and_an_unattributed_one_is_kept(world):
    joined = """SELECT p.project_name, e.amount FROM marts.timeseries_events_by_artifact_v0 e
      JOIN marts.artifacts_by_project_v1 p ON p.artifact_id = e.to_artifact_id"""
    assert world.sql(joined) == [("opensource-observer", 10.5)]
    given = "SELECT sum(amount) FROM marts.timeseries_events_by_artifact_v0 WHERE from_artifact_id = "
    assert world.sql(f"{given}'{entity_id('OSS_FUNDING', '', 'optimism')}'") == [(11.5,)]


def test_new_raw_data_is_in_the_marts_after_the_next_materialization(world):
    world.sql("UPDATE oss_directory.projects SET display_name = 'New' WHERE name = 'bare'; DELETE FROM oss_funding.funding_data")
    world.materialize()
    assert world.sql("SELECT display_name FROM marts.projects_v1 WHERE project_name = 'bare'") == [("New",)]
    assert world.sql("SELECT COUNT(*) FROM marts.timeseries_events_by_artifact_v0") == [(0,)]


FAULTS = {
    "a member that is no project": (
        "UPDATE oss_directory.collections SET projects = ['gone'] WHERE name = 'two'",
        {"intermediate.int_projects_by_collection": {"refers_to"}},
        "marts.projects_by_collection_v1",
    ),
    "a project twice": (
        "INSERT INTO oss_directory.projects SELECT * FROM oss_directory.projects WHERE name = 'bare'",
        {"staging.stg_oss_directory__projects": {"unique_values"}},
        "marts.projects_v1",
    ),
    "an entry of a project that is missing": (
        "UPDATE oss_directory.projects__github SET project_name = 'gone' WHERE project_name = 'opensource-observer'",
        {"intermediate.int_artifacts_by_project": {"every_claim_is_published"}},
        "marts.artifacts_by_project_v1",
    ),
    "a grant without an amount": (
        "UPDATE oss_funding.funding_data SET amount = NULL WHERE funding_id = 'g1'",
        {"staging.stg_oss_funding__grants": {"not_null"}},
        "marts.timeseries_events_by_artifact_v0",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_caught_by_its_audit_and_holds_the_mart_back(world, fault):
    statement, findings, mart = FAULTS[fault]
    world.sql(statement)
    world.materialize()
    assert world.findings == findings
    assert world.models[mart] == "skipped_upstream"
    assert world.models["marts.collections_v1"] == "ok"


def test_an_unknown_network_and_an_unknown_receiver_are_warned_of_and_stop_nothing(world):
    world.sql(
        "UPDATE oss_directory.projects__blockchain SET networks = ['newchain'] WHERE position = 0;"
        "UPDATE oss_funding.funding_data SET to_project_name = 'gone' WHERE funding_id = 'g1'"
    )
    world.materialize()
    assert world.findings == {
        "intermediate.int_address_claims": {"networks_known"},
        "intermediate.int_grant_events": {"grants_name_known_projects"},
    }
    assert set(world.models.values()) == {"ok"}


def test_before_anything_has_landed_the_project_is_deployed_empty_with_a_warning(tmp_path):
    settings = Settings(home=tmp_path)
    warehouse_of(settings).ensure_tables(catalogue())
    world = World(settings)
    world.materialize()
    assert set(world.models.values()) == {"ok"}
    assert world.findings == {"staging.stg_oss_directory__projects": {"has_rows"}, "marts.projects_v1": {"has_rows"}}
    assert world.sql("SELECT COUNT(*) FROM marts.projects_v1") == [(0,)]


LOSSES = {
    "no_claim_lost": (
        "intermediate/int_rejected_artifacts.sql",
        "WHERE outcome = 'rejected'",
        "WHERE outcome = 'rejected' AND kind = 'github'",
    ),
    "id_is_published": ("intermediate/int_projects.sql", "'oso' AS project_namespace", "'other' AS project_namespace"),
    "accepted_claim_is_named": ("intermediate/int_package_claims.sql", "NOT host_fits OR artifact_name IS NULL", "NOT host_fits"),
    "refers_to_every_claim": (
        "intermediate/int_artifacts.sql",
        "FROM artifacts\n",
        "FROM artifacts WHERE artifact_source <> 'GITHUB'\n",
    ),
    "every_grant_is_an_event": (
        "intermediate/int_grant_events.sql",
        "FROM staging.stg_oss_funding__grants",
        "FROM staging.stg_oss_funding__grants WHERE project_name IS NOT NULL",
    ),
}


@pytest.mark.parametrize("audit", LOSSES)
def test_a_mistake_in_a_model_is_caught_by_its_audit_before_it_is_deployed(tmp_path, audit):
    file, old, new = LOSSES[audit]
    project = tmp_path / "project"
    shutil.copytree(PROJECT_ROOT / "sqlmesh_project", project, ignore=shutil.ignore_patterns(".cache", "logs", "tests"))
    path = project / "models" / file
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    world = world_at(tmp_path / "home", project)
    world.sql("INSERT INTO oss_directory.projects__npm VALUES ('bare', 0, 'https://npmjs.com/nothing')")
    world.materialize()
    assert audit in set().union(*world.findings.values())
    assert "ok" not in world.models.values()
