"""Production's stages of Flux, applied from a commit of this tree's k8s/."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from tests.k8s.git_server import GitServer

if TYPE_CHECKING:
    from tests.k8s.conftest import Cluster

K8S = Path(__file__).parents[2] / "k8s"
FLUX = "flux-system"
STAGES = ("oso-foundation", "oso-migrate", "oso-platform")


@contextmanager
def applied(cluster: Cluster, repository: GitServer) -> Iterator[GitServer]:
    """The stages for the block, ready. What differs from production is the repository, and how often it is asked."""
    from tests.k8s.conftest import until

    shutil.copytree(K8S, repository.tree / "k8s")
    repository.commit()
    source = documents("source.yaml")[0]
    del source["spec"]["secretRef"]
    source["spec"] |= {"url": repository.url, "interval": "1s"}
    stages = [stage for stage in documents("stages.yaml") if stage["metadata"]["name"] in STAGES]
    for stage in stages:
        stage["spec"]["retryInterval"] = "2s"
    cluster.apply(source, *stages)
    for name in STAGES:
        until(lambda name=name: ready(cluster, name), f"stage {name} is ready", 150)
    yield repository
    for name in reversed(STAGES):
        cluster.kubectl("delete", "kustomization.kustomize.toolkit.fluxcd.io", name, "-n", FLUX)
    cluster.kubectl("delete", "gitrepository", "oso-dagster", "-n", FLUX)


def documents(name: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((K8S / "flux" / "production" / name).read_text()))


def ready(cluster: Cluster, name: str, commit: str = "") -> bool:
    status = cluster.get("kustomization.kustomize.toolkit.fluxcd.io", name, "-n", FLUX).get("status", {})
    ready = [each for each in status.get("conditions", []) if each["type"] == "Ready"]
    applied = status.get("lastAppliedRevision", "")
    return bool(ready) and ready[0]["status"] == "True" and applied.endswith(commit)
