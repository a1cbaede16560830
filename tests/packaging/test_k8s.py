"""What k8s/ says twice is said once: its files follow those that they are made from."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import yaml

from oso_dagster.probes.catalogue import read_probes
from oso_dagster.settings import PROJECT_ROOT, settings_model
from oso_dagster.sources import catalogue

K8S = PROJECT_ROOT / "k8s"
INSTANCE = K8S / "base" / "instance"
OTHERWISE = {"storage", "run_launcher", "compute_logs"}
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


def test_no_file_holds_a_secret_and_every_secret_that_is_asked_for_is_made_from_outside():
    objects = [
        document
        for file in sorted(K8S.rglob("*.yaml"))
        for document in yaml.safe_load_all(file.read_text())
        if isinstance(document, dict)
    ]
    assert not [each for each in objects if each.get("kind") == "Secret"]
    made = {each["metadata"]["name"] for each in objects if each.get("kind") == "ExternalSecret"}
    wanted = {"oso-run-secrets"}
    for each in objects:
        for container in each.get("spec", {}).get("template", {}).get("spec", {}).get("containers", []):
            wanted |= {source["secretRef"]["name"] for source in container.get("envFrom", []) if "secretRef" in source}
            wanted |= {
                entry["valueFrom"]["secretKeyRef"]["name"]
                for entry in container.get("env", [])
                if "secretKeyRef" in entry.get("valueFrom", {})
            }
    assert made == wanted
