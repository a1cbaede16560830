"""`oso sandbox`: what a person types, and what it leaves behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from oso_dagster.cli.sandbox_commands import app
from oso_dagster.sandbox import lifecycle, process
from oso_dagster.sandbox.process import Server
from oso_dagster.settings import PROJECT_ROOT, Settings, World

pytestmark = pytest.mark.server

RUNNER = CliRunner()


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Settings]:
    made = Settings(home=tmp_path / "home", world=World.SANDBOX)
    yield made
    lifecycle.down(made)


def _server(settings: Settings) -> Server:
    server = process.remembered(settings.sandbox_dir)
    assert server is not None
    return server


def _traces(settings: Settings) -> set[str]:
    return {path.name for path in settings.sandbox_dir.iterdir()} & {"endpoints.json", "server.json"}


def test_the_commands_take_the_world_up_and_down(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OSO_HOME", str(settings.home))
    assert "OSO_OSS_DIRECTORY_URL" in RUNNER.invoke(app, ["up"]).output
    status = json.loads(RUNNER.invoke(app, ["status", "--json"]).output)
    assert (status["up"], status["pid"], status["world"]["rows"]["oss_directory.projects"]) == (True, _server(settings).pid, 300)
    assert RUNNER.invoke(app, ["reset", "--seed", "5"]).exit_code == 0
    assert "seed 5" in RUNNER.invoke(app, ["status"]).output
    assert RUNNER.invoke(app, ["down"]).output == "the sandbox world is down\n"
    assert json.loads(RUNNER.invoke(app, ["status", "--json"]).output)["up"] is False


def test_a_command_that_fails_says_why_in_a_line(settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("OSO_HOME", str(settings.home))
    monkeypatch.setenv("GIT_EXEC_PATH", str(tmp_path))
    failed = RUNNER.invoke(app, ["up"])
    assert failed.exit_code == 1
    assert failed.stderr.startswith("oso: this git has no http-backend: install")
    assert failed.stderr.count("\n") == 1


def test_serving_from_the_terminal_ends_clean_on_ctrl_c(settings: Settings) -> None:
    command = [sys.executable, "-c", "from oso_dagster.cli.sandbox_commands import app; app()", "serve"]
    environment = os.environ | {"OSO_HOME": str(settings.home)}
    with subprocess.Popen(command, cwd=PROJECT_ROOT, env=environment, stderr=subprocess.PIPE, text=True) as terminal:
        _wait(lambda: lifecycle.status(settings).healthy, seconds=20)
        assert _server(settings).pid == terminal.pid
        with pytest.raises(lifecycle.SandboxError, match="up already"):
            lifecycle.stay(settings)
        terminal.send_signal(signal.SIGINT)
        _, errors = terminal.communicate(timeout=10)
    assert terminal.returncode == 0, errors
    assert "Traceback" not in errors
    assert _traces(settings) == set()


def _wait(condition: object, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)
