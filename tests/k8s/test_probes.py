"""The kubernetes and flux probes against a real API server with real objects, with the rights that production gives them."""

from __future__ import annotations

import asyncio
import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from ssl import create_default_context
from typing import Any

import psutil
import pytest
import yaml

from oso_dagster.domain.probes.declaration import FluxProbe, KubernetesProbe
from oso_dagster.probes.kubernetes import FluxChecker, KubernetesChecker
from tests.k8s.conftest import Cluster, until
from tests.k8s.git_server import GitServer
from tests.k8s.kubelet import Kubelet

RIGHTS = Path(__file__).parents[2] / "k8s" / "base" / "foundation" / "probes.yaml"
SPACE, FLUX = "watched", "flux-system"
LATER = timedelta(minutes=6)


def deployment(name: str, namespace: str, image: str = "example.org/web:1", replicas: int = 1) -> dict[str, Any]:
    labels = {"app": name}
    container = {"name": "web", "image": image}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    }


@pytest.fixture(scope="module")
def account(cluster: Cluster, kubelet: Kubelet, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Where the API server is and the files of the probes' ServiceAccount, with the rights in k8s/ and no others."""
    cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SPACE}})
    text = RIGHTS.read_text().replace("namespace: oso\n", f"namespace: {SPACE}\n").replace("oso-probes", "probes-of-tests")
    rights = [right for right in yaml.safe_load_all(text) if right["metadata"].get("namespace") != "oso-runs"]
    cluster.apply(*rights)
    cluster.apply(deployment("well", SPACE))
    cluster.apply(*(deployment(f"{name}-controller", FLUX) for name in ("source", "kustomize")))
    token = tmp_path_factory.mktemp("account") / "token"
    token.write_text(cluster.kubectl("create", "token", "probes-of-tests", "-n", SPACE))
    yield {"url": cluster.settings["url"], "token_file": str(token), "authorities_file": cluster.settings["authorities"]}
    cluster.kubectl("delete", "namespace", SPACE)
    cluster.kubectl("delete", "deployment", "-n", FLUX, "--all")
    cluster.kubectl("delete", "clusterrole,clusterrolebinding", "probes-of-tests")


@pytest.fixture
def of_cluster(account: dict[str, str]) -> Callable[..., str]:
    """What the kubernetes probe says is wrong, now or after `later`."""

    def _cause(later: timedelta = timedelta(0), timeout: float = 10) -> str:
        declared = {"objective": "kubernetes.availability", "namespaces": (SPACE,), "timeout_seconds": timeout}
        probe = KubernetesProbe(name="cluster", **declared, **account)
        return asyncio.run(KubernetesChecker(probe).check(datetime.now(UTC) + later)).cause

    return _cause


def test_a_cluster_in_which_all_is_well_is_good(of_cluster, kubelet):
    until(lambda: of_cluster() == "", "the deployment is available")
    assert kubelet.faults == []


def test_a_node_that_is_not_ready_is_named_with_its_reason(of_cluster, kubelet):
    until(lambda: of_cluster() == "", "all is well before")
    kubelet.ready(well=False)
    try:
        assert of_cluster() == "node node-1 is not ready: the disk is full"
    finally:
        kubelet.ready(well=True)
    assert of_cluster() == ""


def test_an_image_that_cannot_be_pulled_is_named_and_the_deployment_too(of_cluster, cluster, kubelet):
    kubelet.cannot_pull.add("example.org/gone:2")
    cluster.apply(deployment("broken", SPACE, "example.org/gone:2"))
    try:
        cause = until(lambda: (cause := of_cluster()) and "ImagePullBackOff" in cause and cause, "the image is named")
        assert f"deployment {SPACE}/broken is not available: Deployment does not have minimum availability." in cause
        assert ": web: ImagePullBackOff, 0 restarts" in cause
    finally:
        cluster.kubectl("delete", "deployment", "broken", "-n", SPACE)
        kubelet.cannot_pull.clear()
    until(lambda: of_cluster() == "", "all is well again")


def test_a_pod_that_finds_no_place_is_named_after_five_minutes(of_cluster, cluster, kubelet):
    kubelet.paused.set()
    try:
        cluster.apply(deployment("waits", SPACE))
        until(lambda: "waits" in of_cluster(), "the deployment is there")
        assert "is pending" not in of_cluster()
        assert f"pod {SPACE}/waits-" in (late := of_cluster(LATER))
        assert "is pending since" in late
        cluster.kubectl("scale", "deployment", "waits", "-n", SPACE, "--replicas=0")
        until(lambda: of_cluster() == "", "a deployment that is not wanted is no fault")
    finally:
        kubelet.paused.clear()
        cluster.kubectl("delete", "deployment", "waits", "-n", SPACE)


def test_an_api_server_that_does_not_answer_is_a_failed_check_and_good_again_afterwards(of_cluster, cluster):
    port = int(cluster.settings["url"].rpartition(":")[2])
    [server] = {each.pid for each in psutil.net_connections("tcp4") if each.status == "LISTEN" and each.laddr.port == port}
    psutil.Process(server).suspend()
    try:
        assert "within 1 s" in of_cluster(timeout=1)
    finally:
        psutil.Process(server).resume()
    until(lambda: of_cluster() == "", "it answers again")


def test_the_account_of_the_probes_reads_lists_and_nothing_else(account, cluster):
    def status(path: str, body: bytes | None = None) -> int:
        headers = {"Authorization": f"Bearer {Path(account['token_file']).read_text()}", "Content-Type": "application/json"}
        request = urllib.request.Request(f"{account['url']}{path}", data=body, headers=headers)
        try:
            trusted = create_default_context(cafile=account["authorities_file"])
            with urllib.request.urlopen(request, context=trusted, timeout=10) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code

    allowed = ("/readyz", "/api/v1/nodes", f"/api/v1/namespaces/{SPACE}/pods", f"/apis/apps/v1/namespaces/{SPACE}/deployments")
    assert [status(path) for path in allowed] == [200] * 4
    refused = ("/api/v1/secrets", f"/api/v1/namespaces/{SPACE}/configmaps", f"/api/v1/namespaces/{SPACE}/serviceaccounts")
    assert [status(path) for path in refused] == [403] * 3
    assert status(f"/api/v1/namespaces/{SPACE}/pods", json.dumps({"metadata": {"name": "x"}}).encode()) == 403


@pytest.fixture
def deployed(cluster: Cluster, git: GitServer, account: dict[str, str]) -> Iterator[GitServer]:
    """A repository that Flux applies."""
    git.commit({"app/settings.yaml": _settings("1"), "app/kustomization.yaml": "resources: [settings.yaml]\n"})
    source = {"interval": "1s", "url": git.url, "ref": {"branch": "main"}}
    applied = {
        "interval": "10m",
        "path": "./app",
        "prune": True,
        "retryInterval": "2s",
        "sourceRef": {"kind": "GitRepository", "name": "watched"},
    }
    cluster.apply(
        {
            "apiVersion": "source.toolkit.fluxcd.io/v1",
            "kind": "GitRepository",
            "metadata": {"name": "watched", "namespace": FLUX},
            "spec": source,
        },
        {
            "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
            "kind": "Kustomization",
            "metadata": {"name": "watched", "namespace": FLUX},
            "spec": applied,
        },
    )
    yield git
    for kind in ("kustomization.kustomize.toolkit.fluxcd.io", "gitrepository"):
        cluster.kubectl("delete", kind, "watched", "-n", FLUX)


def _settings(value: str, kind: str = "ConfigMap") -> str:
    return f"apiVersion: v1\nkind: {kind}\nmetadata: {{name: settings, namespace: {SPACE}}}\ndata: {{value: '{value}'}}\n"


@pytest.fixture
def of_flux(account: dict[str, str]) -> Callable[..., str]:
    """What the flux probe says is wrong, now or after `later`; one checker, as in the process."""
    probe = FluxProbe(name="flux", objective="kubernetes.flux_availability", heads_of=(f"{FLUX}/watched",), **account)
    checker = FluxChecker(probe)
    return lambda later=timedelta(0): asyncio.run(checker.check(datetime.now(UTC) + later)).cause


def test_a_commit_that_flux_has_applied_is_good_and_so_is_the_next(of_flux, deployed, cluster):
    until(lambda: of_flux() == "", "the first commit is applied")
    deployed.commit({"app/settings.yaml": _settings("2")})
    until(lambda: cluster.get("configmap", "settings", "-n", SPACE)["data"] == {"value": "2"}, "the second is applied")
    until(lambda: of_flux() == "", "and good")


def test_a_commit_that_cannot_be_applied_is_named(of_flux, deployed):
    until(lambda: of_flux() == "", "the first commit is applied")
    deployed.commit({"app/settings.yaml": _settings("3", "NoSuchKind")})
    cause = until(lambda: (cause := of_flux()) and "NoSuchKind" in cause and cause, "the fault is seen")
    assert f"kustomization {FLUX}/watched is not ready:" in cause
    assert "NoSuchKind" in cause
    deployed.commit({"app/settings.yaml": _settings("4")})
    until(lambda: of_flux() == "", "put right")


def test_a_branch_that_flux_does_not_follow_is_named_although_flux_says_that_all_is_well(of_flux, deployed, cluster):
    until(lambda: of_flux() == "", "the first commit is applied")
    patch = json.dumps({"spec": {"interval": "5m"}})
    cluster.kubectl("patch", "gitrepository", "watched", "-n", FLUX, "--type=merge", "-p", patch)
    until(lambda: cluster.get("gitrepository", "watched", "-n", FLUX)["status"].get("observedGeneration") == 2, "seen by Flux")
    until(lambda: of_flux() == "", "well with the new interval")
    commit = deployed.commit({"app/settings.yaml": _settings("5")})
    assert of_flux() == ""
    late = of_flux(timedelta(minutes=11))
    assert f"source {FLUX}/watched is at main@sha1:" in late
    assert f"and its branch is at {commit} since" in late


def test_a_source_that_is_away_is_named(of_flux, deployed, cluster):
    until(lambda: of_flux() == "", "the first commit is applied")
    patch = json.dumps({"spec": {"url": "http://127.0.0.1:1/only.git"}})
    cluster.kubectl("patch", "gitrepository", "watched", "-n", FLUX, "--type=merge", "-p", patch)
    cause = until(lambda: (cause := of_flux()) and "is not ready" in cause and cause, "the fault is seen")
    assert f"source {FLUX}/watched is not ready" in cause
    assert "http://127.0.0.1:1/only.git: failed to connect" in cause
