"""The real `pyoso` of three generations, as it is on PyPI, against the door: what a notebook does, with one changed address."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.serving.small_door import NOW, small_door

pytestmark = pytest.mark.server
ROOT = Path(__file__).parents[2]
SEMANTIC = {
    ("pyoso", "0.9.1"): "10af430591359febca2493a4588fb54feb0d615b65dc5cb8c1f4271149e9fedb",
    ("oso-semantic", "0.1.3"): "97b5305bb405644ccd3fadbb3378ca0a7e758b181d122ff65e0958322d00d18e",
}
"""The one whose semantic client asks for models by GraphQL, and what compiles them into SQL."""
VERSIONS = {
    "0.6.6": "aa444cdb7f2712e5a36115cf9baab068a09aa4bc60f61f5d6c0a0de2581c7155",
    "0.8.1": "9c9215716f17d9c09374b5e2abca42b38edd6e64cf42aeabf92807ab4a94f0c3",
    "0.10.0": "798678b138b6fd6cfed30761b113e72dc4222afd05712c0fd72c2580d13c0fd8",
}
"""With the SHA-256 of their wheels."""

NOTEBOOK = """
import json, sys
from pyoso import Client
from pyoso.client import ClientConfig

client = Client(client_opts=ClientConfig(base_url=sys.argv[1]))
frame = client.to_pandas('SELECT project_id, amount, sample_date FROM oso.metrics_v0 ORDER BY amount DESC NULLS LAST LIMIT 3')
whole = client.query('SELECT * FROM metrics_v0')
try:
    client.to_pandas('SELECT nope FROM projects_v1')
except Exception as error:
    failed = f'{type(error).__name__}: {error}'
cursor = client.dbapi_connection().cursor()
cursor.execute('SHOW COLUMNS FROM projects_v1')
print(json.dumps({
    'rows': json.loads(frame.to_json(orient='values')),
    'columns': list(frame.columns),
    'count': len(whole.to_pandas()),
    'empty': list(client.to_pandas('SELECT project_id FROM projects_v1 WHERE 1 = 0').columns),
    'known': sorted(whole.analytics.root_keys),
    'failed': failed,
    'shown': [row[0] for row in cursor.fetchall()],
}))
whole.analytics.print_tree()
"""


SEMANTIC_NOTEBOOK = """
import json, os, sys
from pyoso import Client
from pyoso.client import ClientConfig
from pyoso.semantic import create_registry

client = Client(client_opts=ClientConfig(base_url=sys.argv[1]))
registry = create_registry(sys.argv[1] + '/', os.environ['OSO_API_KEY'], client.to_pandas, org_id='anyone')
frame = registry.select('projects_v1.project_name', 'metrics_v0.count').where("projects_v1.project_name = 'name-7'").to_pandas()
print(frame.to_json(orient='values'))
"""


def installed(version: str) -> Path:
    """A folder with that `pyoso` alone, kept in .cache; what it needs is in our own environment. Without it CI fails."""
    packages = {("pyoso", version): VERSIONS[version]} if version in VERSIONS else SEMANTIC
    folder = ROOT / ".cache" / "pyoso" / version
    if not (folder / "pyoso").is_dir():
        wanted = folder.parent / f"{version}.txt"
        wanted.parent.mkdir(parents=True, exist_ok=True)
        wanted.write_text("".join(f"{name}=={at} --hash=sha256:{digest}\n" for (name, at), digest in packages.items()))
        uv = Path(sys.executable).with_name("uv")
        command = [str(uv), "pip", "install", "-q", "--no-deps", "--require-hashes", "--target", str(folder), "-r", str(wanted)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            message = f"pyoso {version} cannot be installed from the package registry: {done.stderr[-300:]}"
            if os.environ.get("CI") == "true":
                pytest.fail(message, pytrace=False)
            pytest.skip(message)
    return folder


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    with small_door(tmp_path_factory.mktemp("door"), anonymous=None) as small, small.served() as address:
        yield address, small.keys.create("a notebook", NOW)[1]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_notebook_works_with_one_changed_address(version: str, served: tuple[str, str]) -> None:
    address, key = served
    environment = {**os.environ, "PYTHONPATH": str(installed(version)), "OSO_API_KEY": key}
    command = [sys.executable, "-W", "ignore", "-c", NOTEBOOK, address]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    result, _, tree = done.stdout.partition("\n")
    values = json.loads(result)
    assert values["columns"] == ["project_id", "amount", "sample_date"]
    assert values["rows"][:2] == [["p7", None, "2026-01-01"], ["p299", 14999.5, "2026-04-10"]]
    assert values["count"] == 30_000
    assert values["empty"] == ["project_id"]
    assert "nope" in values["failed"]
    assert values["failed"].startswith("OsoHTTPError: 400")
    assert values["shown"] == ["project_id", "project_name"]
    if version == "0.6.6":  # the last one that reads what is known of the tables from the answer
        assert values["known"] == ["marts/metrics_v0"]
        assert "marts/metrics_v0 (Last: 2026-11-30 12:00:00)" in tree
        assert "oss_directory/projects (Last: 2026-11-30 12:00:00)" in tree


def test_the_semantic_client_of_0_9_learns_the_marts_and_joins_them_by_id(served: tuple[str, str]) -> None:
    address, key = served
    environment = {**os.environ, "PYTHONPATH": str(installed("0.9.1")), "OSO_API_KEY": key}
    command = [sys.executable, "-W", "ignore", "-c", SEMANTIC_NOTEBOOK, address]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [["name-7", 100]]
