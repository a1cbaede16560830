"""What the Dockerfile says, carried out in a folder, and its result started: it writes nothing beside its volumes."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp

import grpc
import pytest
from dagster._core.errors import DagsterUserCodeUnreachableError
from dagster._grpc.client import DagsterGrpcClient
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tests.k8s.conftest import until

TREE = Path(__file__).parents[2]
pytestmark = pytest.mark.timeout(900)  # it installs everything that production needs, and compiles it
STEPS = TREE / "k8s" / "image" / "steps.py"
SETTINGS = TREE / "k8s" / "base" / "instance" / "settings.env"
NOWHERE = {
    "DAGSTER_DATABASE_URL": "postgresql+psycopg2://nobody@127.0.0.1:1/dagster",
    "OSO_RELIABILITY_URL": "postgresql+psycopg2://nobody@127.0.0.1:1/reliability",
    "OSO_LAKEHOUSE_TRINO_URL": "http://producer@127.0.0.1:1",
    "OSO_LAKEHOUSE_CATALOGUE_URL": "postgresql+psycopg2://nobody@127.0.0.1:1/lake",
    "OSO_SQLMESH_STATE_URL": "postgresql://nobody@127.0.0.1:1/sqlmesh",
}
"""What the secrets of the code location hold."""


@pytest.fixture(scope="session")
def image() -> Iterator[Path]:
    """The folder below which lies what the image holds, built by the Dockerfile's own steps."""
    root = Path(mkdtemp(prefix="oso-image-"))
    root.chmod(0o755)
    done = subprocess.run([sys.executable, STEPS, root], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    yield root
    shutil.rmtree(root)


@pytest.fixture
def home() -> Iterator[Path]:
    """The volume of a container."""
    folder = Path(mkdtemp(prefix="oso-home-"))
    yield folder
    shutil.rmtree(folder)


def environment(image: Path, home: Path) -> dict[str, str]:
    """That of a container: the settings in k8s/, with its volumes where they are here."""
    lines = dict(line.split("=", 1) for line in SETTINGS.read_text().splitlines() if line)
    places = {"OSO_HOME": str(home), "HOME": str(home), "TMPDIR": str(home)}
    files = {name: lines.pop(name) for name in ("OSO_INSTANCE_FILE", "OSO_WORKSPACE_FILE")}
    there = {name: str(SETTINGS.parent / Path(file).name) for name, file in files.items()}
    lines |= {"DAGSTER_HOME": str(home), "OSO_LAKEHOUSE_STORE": "gs://nowhere/tables"}
    return {"PATH": f"{image}/opt/oso/venv/bin:/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"} | lines | places | there | NOWHERE


def run(image: Path, home: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the image."""
    return subprocess.run(
        [f"{image}/opt/oso/venv/bin/{command[0]}", *command[1:]], env=environment(image, home), cwd=image / "opt/oso/app",
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def held(image: Path) -> dict[str, tuple[int, int]]:
    """Size and time of each file of the image: a container's root is read-only, so that a write there would be an error."""
    files = (path for path in (image / "opt").rglob("*") if path.is_file())
    return {str(path): (path.stat().st_size, path.stat().st_mtime_ns) for path in files}


def test_the_manifest_is_in_the_image_and_is_that_of_its_models(image, home):
    done = run(image, home, "oso", "manifest", "check")
    assert (done.returncode, done.stdout.strip()) == (0, "the manifest is up to date"), done.stderr


def test_the_image_has_what_production_needs_and_nothing_that_tests_need(image):
    parts = json.loads((image / "opt/oso/sbom.cdx.json").read_text())["components"]
    names = {part["name"].lower().replace("_", "-") for part in parts}
    assert {"dagster-k8s", "dagster-gcp", "dagster-postgres", "dagster-webserver", "dlt", "sqlmesh", "trino", "pandas"} <= names
    assert names & {"pytest", "playwright", "moto", "hypothesis", "mypy", "ruff"} == set()
    assert all(part.get("version") for part in parts)


def test_nothing_in_the_image_can_be_changed_by_its_user(image):
    writable = [path for path in (image / "opt").rglob("*") if not path.is_symlink() and path.stat().st_mode & 0o022]
    assert writable == []


def test_every_module_of_ours_is_compiled(image):
    ours = image / "opt/oso/app/oso_dagster"
    sources = list(ours.rglob("*.py"))
    assert len(list(ours.rglob("*.pyc"))) == len(sources) > 100


def test_the_code_location_serves_its_definitions_without_a_network_and_a_writable_root(image, home):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    command = [f"{image}/opt/oso/venv/bin/dagster", "code-server", "start", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--location-name", "oso_dagster", "--module-name", "oso_dagster.definitions"]
    before = held(image)
    server = subprocess.Popen(
        command, env=environment(image, home), cwd=home,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
    )  # fmt: skip

    def healthy() -> bool:
        assert server.poll() is None, server.communicate()[0].decode()[-2000:]
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            asked = health_pb2.HealthCheckRequest(service="DagsterApi")
            try:
                answer = health_pb2_grpc.HealthStub(channel).Check(asked, timeout=2)
            except grpc.RpcError:
                return False
            return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)

    def loaded() -> bool:
        """The server answers before its code is there: what it serves is asked for."""
        try:
            answer = DagsterGrpcClient(host="127.0.0.1", port=port).list_repositories()
        except DagsterUserCodeUnreachableError:
            return False
        assert "SerializableErrorInfo" not in answer, answer
        return '"repository_symbols": [{' in answer

    try:
        until(healthy, "the probe of Kubernetes finds it serving", 120)
        until(loaded, "its definitions are loaded", 120)
    finally:
        server.terminate()
        try:
            server.communicate(timeout=30)
        except subprocess.TimeoutExpired:
            os.killpg(server.pid, signal.SIGKILL)
            server.communicate()
    assert held(image) == before
