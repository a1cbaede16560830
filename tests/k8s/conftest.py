"""The cluster that `make k8s` has started, a node whose kubelet is a stand-in, and a git server."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from kubernetes import config

from tests.k8s.git_server import GitServer, serving
from tests.k8s.kubelet import Kubelet
from tests.k8s.stages import applied
from tests.support.plugins.named_only import left_out, mark

_HERE = Path(__file__).resolve().parent


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Only who names this folder runs it: it needs a cluster that a test does not start."""
    return left_out(_HERE, collection_path, config)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    mark(_HERE, items, pytest.mark.server, pytest.mark.k8s)


class Cluster:
    """Where the cluster is and how to be its administrator; `kubectl` as one."""

    def __init__(self, settings: dict[str, str]) -> None:
        self.settings = settings

    def kubectl(self, *arguments: str, given: str | None = None, check: bool = True) -> str:
        """What kubectl prints."""
        command = [self.settings["kubectl"], f"--kubeconfig={self.settings['kubeconfig']}", *arguments]
        done = subprocess.run(command, input=given, capture_output=True, text=True, check=False)
        if check and done.returncode:
            raise AssertionError(f"kubectl {' '.join(arguments)}: {done.stderr}")
        return done.stdout + ("" if check else done.stderr)

    def apply(self, *objects: Any) -> None:
        """Apply objects, strictly: a field that the API does not know is an error."""
        listed = {"apiVersion": "v1", "kind": "List", "items": list(objects)}
        self.kubectl("apply", "--server-side", "--force-conflicts", "--validate=strict", "-f", "-", given=json.dumps(listed))

    def get(self, *arguments: str) -> dict[str, Any]:
        """An object, or a list of them."""
        document: dict[str, Any] = json.loads(self.kubectl("get", *arguments, "-o", "json"))
        return document


def until(holds: Callable[[], Any], what: str, seconds: float = 60) -> Any:
    """The first answer that is true. An answer that does not come is a failure that says what was waited for."""
    deadline = time.monotonic() + seconds
    while not (answer := holds()):
        if time.monotonic() > deadline:
            pytest.fail(f"not within {seconds} s: {what}", pytrace=False)
        time.sleep(0.1)
    return answer


@pytest.fixture(scope="session")
def cluster() -> Cluster:
    """The cluster. Without it a test fails, and says how to start it: nothing is skipped."""
    file = Path(os.environ.get("K8S_HOME", ".oso")).absolute() / "k8s" / "endpoints.json"
    if not file.exists():
        pytest.fail("no cluster runs: `make test-k8s` starts one, or `make k8s` and then pytest tests/k8s", pytrace=False)
    return Cluster(json.loads(file.read_text())["settings"])


@pytest.fixture(scope="session")
def kubelet(cluster: Cluster) -> Iterator[Kubelet]:
    """A node that takes every pod."""
    with Kubelet(config.new_client_from_config(cluster.settings["kubeconfig"])) as node:
        yield node


@pytest.fixture
def git(tmp_path: Path) -> Iterator[GitServer]:
    """A repository behind smart HTTP on loopback."""
    with serving(tmp_path / "git") as server:
        yield server


@pytest.fixture(scope="session")
def deployed(cluster: Cluster, kubelet: Kubelet, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GitServer]:
    """Production, applied by Flux from a repository of this session."""
    with serving(tmp_path_factory.mktemp("deployment") / "git") as server, applied(cluster, server) as repository:
        yield repository
