"""`oso sandbox fault`: what a person sets spoils the answers, and clearing it mends them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from typer.testing import CliRunner

from oso_dagster.cli.sandbox_commands import app
from oso_dagster.sandbox import lifecycle
from oso_dagster.settings import PROJECT_ROOT, Settings, World

pytestmark = pytest.mark.server

RUNNER = CliRunner()
DRILL = (
    "import sys; from oso_dagster.cli.drill import _SandboxClient as Client; "
    "Client(sys.argv[1]).fail(); print('failing', flush=True); input()"
)
"""A drill that has come to its fault."""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Mapping[str, str]]]:
    home = tmp_path_factory.mktemp("home")
    with lifecycle.running(Settings(home=home, world=World.SANDBOX)) as endpoints:
        yield home, endpoints


@pytest.fixture
def endpoints(running: tuple[Path, Mapping[str, str]], monkeypatch: pytest.MonkeyPatch) -> Mapping[str, str]:
    """The addresses of a sandbox that is up, which is the one that commands of a test speak to."""
    home, addresses = running
    monkeypatch.setenv("OSO_HOME", str(home))
    return addresses


def test_a_fault_is_set_listed_spent_and_cleared(endpoints: Mapping[str, str]) -> None:
    url = f"{endpoints['growthepie_url']}/master.json"
    set_one = ["fault", "set", "growthepie", "status", "--status", "503", "--times", "1"]
    assert RUNNER.invoke(app, set_one).output == "growthepie: status, 1 more times\n"
    with pytest.raises(HTTPError, match="503"):
        urlopen(url, timeout=10)
    with urlopen(url, timeout=10) as answer:
        assert answer.status == 200
    RUNNER.invoke(app, ["fault", "set", "growthepie", "html"])
    with urlopen(url, timeout=10) as answer:
        assert b"Please log in" in answer.read()
    assert "growthepie: html, until it is cleared" in RUNNER.invoke(app, ["fault", "list"]).output
    assert RUNNER.invoke(app, ["fault", "clear", "growthepie"]).output == "no faults are set\n"
    wrongs = [
        (["nobody", "html"], "no family 'nobody'"),
        (["npm", "gremlins"], "no fault is called 'gremlins'"),
        (["npm", "chain_missing"], "chain_missing is a fault of bigquery, not of npm"),
    ]
    for wrong, words in wrongs:
        failed = RUNNER.invoke(app, ["fault", "set", *wrong])
        assert failed.exit_code == 1
        assert words in failed.stderr


def test_of_a_world_that_is_down_no_fault_can_be_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OSO_HOME", str(tmp_path / "home"))
    assert "the sandbox world is down" in RUNNER.invoke(app, ["fault", "list"]).stderr


def test_the_fault_of_a_drill_that_is_killed_ends_with_it(endpoints: Mapping[str, str]) -> None:
    url, base = endpoints["oss_funding_url"], endpoints["discord_url"].split("/discord/")[0]
    drill = subprocess.Popen(
        [sys.executable, "-c", DRILL, base], cwd=PROJECT_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with drill:
        assert drill.stdout is not None
        assert drill.stdout.readline() == "failing\n"
        with pytest.raises(HTTPError, match="404"):
            urlopen(url, timeout=10)
        output = RUNNER.invoke(app, ["fault", "list"]).output
        assert f"oss-funding: status, until process {drill.pid} ends" in output
        drill.kill()
    with urlopen(url, timeout=10) as answer:
        assert answer.status == 200
    assert "no faults are set" in RUNNER.invoke(app, ["fault", "list"]).output
