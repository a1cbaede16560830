"""What k8s/ says twice is said once: its files follow those that they are made from."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from typer.testing import CliRunner

from oso_dagster.cli import app
from oso_dagster.orchestration.models.project_place import project_of
from oso_dagster.probes.catalogue import read_probes
from oso_dagster.settings import PROJECT_ROOT, Profile, SettingsError, read_settings, settings_model
from oso_dagster.sources import catalogue

K8S = PROJECT_ROOT / "k8s"
INSTANCE = K8S / "base" / "instance"
OTHERWISE = {"storage", "run_launcher", "compute_logs", "local_artifact_storage"}
"""Of dagster.yaml, what a cluster has otherwise."""


def test_the_instance_in_a_cluster_is_that_of_one_machine_but_for_its_storage_its_launcher_and_two_times():
    here, there = (yaml.safe_load((folder / "dagster.yaml").read_text()) for folder in (PROJECT_ROOT, INSTANCE))
    assert here.keys() | OTHERWISE == there.keys()
    assert there["run_monitoring"].pop("start_timeout_seconds") > here["run_monitoring"].pop("start_timeout_seconds")
    assert {name: here[name] for name in here.keys() - OTHERWISE} == {name: there[name] for name in here.keys() - OTHERWISE}


def test_what_consumers_may_read_is_made_from_the_catalogue():
    """`python .ci/lakehouse/rules.py` writes the file anew."""
    sys.path[:0] = [str(PROJECT_ROOT / ".ci" / "lakehouse"), str(PROJECT_ROOT / ".ci")]
    try:
        from trino_server import read_only_rules
    finally:
        del sys.path[:2]
    raw = {source.name: [name for table in source.tables if table.public for name in table.physical] for source in catalogue()}
    made = read_only_rules({name: tables for name, tables in raw.items() if tables}, ["marts", "intermediate", "staging"])
    assert json.loads((K8S / "base/platform/trino/consumer/rules.json").read_text()) == made


@pytest.mark.parametrize("file", sorted(K8S.rglob("*.env")), ids=lambda path: str(path.relative_to(K8S)))
def test_every_setting_in_a_cluster_is_one_of_the_platforms(file: Path):
    known = {f"OSO_{name.upper()}" for name in settings_model(catalogue()).model_fields}
    names = {line.partition("=")[0] for line in file.read_text().splitlines() if line}
    assert {name for name in names if name.startswith("OSO_")} <= known


@pytest.mark.parametrize("overlay", ["staging", "production"])
def test_services_and_runs_have_the_same_settings(overlay: str):
    folder = K8S / "overlays" / overlay
    assert (folder / "settings/settings.env").read_text() == (folder / "settings-of-runs/settings.env").read_text()


def test_the_probes_of_a_cluster_are_declared_as_the_process_reads_them():
    kinds = {probe.kind for probe in read_probes(K8S / "base/platform/probes/probes-declared.yaml")}
    assert kinds == {"trino", "kubernetes", "flux"}


def documents(folder: Path) -> list[dict[str, Any]]:
    listed = (yaml.safe_load_all(file.read_text()) for file in sorted(folder.rglob("*.yaml")))
    return [document for parts in listed for document in parts if isinstance(document, dict)]


def secret_keys(overlay: str) -> dict[tuple[str, str], set[str]]:
    """The keys of each secret, by namespace and name, that are made from outside."""
    made = [each for each in documents(K8S / "overlays" / overlay) if each.get("kind") == "ExternalSecret"]
    return {
        (each["metadata"]["namespace"], each["metadata"]["name"]): {entry["secretKey"] for entry in each["spec"].get("data", [])}
        for each in made
    }


def workloads() -> dict[str, dict[str, Any]]:
    """Each workload, by its name."""
    kinds = ("Deployment", "StatefulSet", "Job")
    described = [each for each in documents(K8S / "base") if each.get("kind") in kinds and "template" in each.get("spec", {})]
    return {"migrate" if each["kind"] == "Job" else each["metadata"]["name"]: each for each in described}


def environment(name: str, overlay: str = "production") -> dict[str, str]:
    """What a workload of ours has in its environment in a cluster; of secrets an address that leads nowhere."""
    lines = [*(K8S / "base/instance/settings.env").read_text().splitlines()]
    lines += (K8S / "overlays" / overlay / "settings/settings.env").read_text().splitlines()
    values = dict(line.split("=", 1) for line in lines if line)
    for source in workloads()[name]["spec"]["template"]["spec"]["containers"][0]["envFrom"]:
        if "secretRef" in source:
            values |= dict.fromkeys(secret_keys(overlay)[("oso", source["secretRef"]["name"])], "")
    for variable in values:
        if variable.endswith("_URL") and not values[variable]:
            http = "TRINO" in variable or "DISCORD" in variable
            values[variable] = (
                "https://nowhere.example/api/webhooks/1/x" if http else "postgresql+psycopg2://nobody@127.0.0.1:1/x"
            )
    return values


def test_no_file_holds_a_secret_and_every_key_of_one_that_is_asked_for_is_made_from_outside():
    assert not [each for each in documents(K8S) if each.get("kind") == "Secret"]
    for overlay in ("staging", "production"):
        made, asked = secret_keys(overlay), {("oso-runs", "oso-run-secrets")}
        for workload in workloads().values():
            container = workload["spec"]["template"]["spec"]["containers"][0]
            asked |= {("oso", source["secretRef"]["name"]) for source in container.get("envFrom", []) if "secretRef" in source}
            for entry in container.get("env", []):
                if reference := entry.get("valueFrom", {}).get("secretKeyRef"):
                    asked.add(("oso", reference["name"]))
                    assert reference["key"] in made[("oso", reference["name"])]
        assert made.keys() == asked


@pytest.mark.parametrize("name", ["code-location", "dagster-daemon", "dagster-webserver", "migrate", "probes"])
def test_the_environment_of_each_workload_has_what_its_settings_need(name: str, monkeypatch: pytest.MonkeyPatch):
    values = environment(name)
    for variable, value in values.items():
        monkeypatch.setenv(variable, value)
    settings = read_settings(catalogue())
    assert settings.profile is Profile.LAKEHOUSE
    assert values["DAGSTER_HOME"] == "/opt/dagster"
    if name.startswith("dagster-"):
        assert "DAGSTER_DATABASE_URL" in values
    if name in {"code-location", "migrate"}:
        assert "DAGSTER_DATABASE_URL" in values
        assert settings.lakehouse_value("lakehouse_catalogue_url")
        assert settings.trino_connection["host"] == "nowhere.example"
        assert settings.sqlmesh_state["type"] == "postgres"
    if name == "probes":  # of the models it needs the names alone, and no address of a Trino
        assert project_of(settings, connected=False).connections == {}
        with pytest.raises(SettingsError, match="OSO_LAKEHOUSE_TRINO_URL"):
            project_of(settings)
    if name not in {"dagster-daemon", "dagster-webserver"}:
        assert settings.reliability_store_url.startswith("postgresql+psycopg2://")


@pytest.mark.slow
@pytest.mark.server
def test_the_stores_are_made_by_the_configuration_of_a_cluster(
    postgres_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """`oso migrate` as its Job runs it, on a real PostgreSQL: Dagster's storage is where k8s/ says."""
    server = create_engine(postgres_server, isolation_level="AUTOCOMMIT")
    urls = {}
    with server.connect() as connection:
        for database in ("dagster", "reliability", "lake", "sqlmesh"):
            connection.execute(text(f"CREATE DATABASE cluster_{os.getpid()}_{database} TEMPLATE template0"))
            urls[database] = make_url(postgres_server).set(database=f"cluster_{os.getpid()}_{database}")
    server.dispose()
    for variable, value in environment("migrate").items():
        monkeypatch.setenv(variable, value)
    monkeypatch.setenv("DAGSTER_DATABASE_URL", urls["dagster"].render_as_string(hide_password=False))
    monkeypatch.setenv("OSO_RELIABILITY_URL", urls["reliability"].render_as_string(hide_password=False))
    monkeypatch.setenv("OSO_LAKEHOUSE_CATALOGUE_URL", urls["lake"].render_as_string(hide_password=False))
    monkeypatch.setenv(
        "OSO_SQLMESH_STATE_URL", urls["sqlmesh"].set(drivername="postgresql").render_as_string(hide_password=False)
    )
    monkeypatch.setenv("OSO_HOME", str(tmp_path))
    monkeypatch.setenv("OSO_INSTANCE_FILE", str(INSTANCE / "dagster.yaml"))
    result = CliRunner().invoke(app, ["migrate"])
    assert "Dagster's storage is up to date" in result.output, result.output
    made = create_engine(urls["dagster"])
    with made.connect() as connection:
        tables = set(connection.execute(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).scalars())
    made.dispose()
    assert {"runs", "event_logs", "asset_keys", "alembic_version"} <= tables
