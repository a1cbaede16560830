"""Who may do what, under the real authorizer: equal to a table that people have reviewed, and nothing beside it."""

from __future__ import annotations

from pathlib import Path

import yaml

from tests.k8s.conftest import Cluster

REVIEWED = Path(__file__).with_name("rights.txt")
K8S = Path(__file__).parents[2] / "k8s"
NAMESPACES = ("oso", "oso-runs", "flux-system", "kube-system")


def accounts() -> set[tuple[str, str]]:
    """Every ServiceAccount that a file of k8s/base makes, with its namespace."""
    made = set()
    for file in (K8S / "base").rglob("*.yaml"):
        for document in yaml.safe_load_all(file.read_text()):
            if isinstance(document, dict) and document.get("kind") == "ServiceAccount":
                name, namespace = document["metadata"]["name"], "oso-runs" if "runs" in file.parts else "oso"
                made.add((namespace, "oso-migrate" if "migrate" in file.parts else name))
    return made


def allowed(cluster: Cluster, user: str, namespace: str) -> set[str]:
    """What the API server says an account may do there, as lines."""
    answer = cluster.kubectl("auth", "can-i", "--list", "--no-headers", f"--as={user}", "-n", namespace)
    return {" ".join(line.split()) for line in answer.splitlines() if line.strip()}


def test_what_each_account_may_do_is_the_table_that_was_reviewed(cluster, deployed):
    nobody = {namespace: allowed(cluster, "system:serviceaccount:oso:nobody", namespace) for namespace in NAMESPACES}
    lines: list[str] = []
    for home, name in sorted(accounts()):
        for namespace in NAMESPACES:
            extra = allowed(cluster, f"system:serviceaccount:{home}:{name}", namespace) - nobody[namespace]
            lines += [f"{home}/{name} in {namespace}: {line}" for line in sorted(extra)]
        if not any(line.startswith(f"{home}/{name} ") for line in lines):
            lines.append(f"{home}/{name}: nothing")
    assert "\n".join(lines) == REVIEWED.read_text().strip()


def test_no_workload_holds_a_token_that_needs_none(cluster, deployed):
    holders = set()
    for item in cluster.get("pods", "-n", "oso")["items"]:
        volumes = [volume for volume in item["spec"].get("volumes", []) if "projected" in volume]
        if any("serviceAccountToken" in source for volume in volumes for source in volume["projected"]["sources"]):
            holders.add(item["spec"]["serviceAccountName"])
    assert holders == {"dagster-daemon", "dagster-webserver", "oso-probes"}
