"""`oso dev`: Dagster's web page and daemon, and in the sandbox world the sandbox, until Ctrl-C."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import typer

from oso_dagster.cli.instance import prepare, require_free
from oso_dagster.cli.workers.interruption import interruptible
from oso_dagster.settings import PROJECT_ROOT, Settings, World, read_settings
from oso_dagster.sources import catalogue

_STOP_SECONDS = 30


def dev() -> None:
    """Run Dagster in the browser, with every schedule running.

    Examples: `OSO_WORLD=sandbox oso dev` (what `make dev` does), `OSO_WEBSERVER_PORT=3001 oso dev`
    """
    settings = read_settings(catalogue())
    require_free(settings.webserver_port)
    with interruptible(), _world(settings):
        typer.echo(f"Dagster ({settings.world.value} world): http://127.0.0.1:{settings.webserver_port}   Ctrl-C to stop")
        typer.echo(f"Status page: {(settings.status_dir / 'index.html').as_uri()}")
        code = _serve(settings)
    raise typer.Exit(code)


def _world(settings: Settings) -> AbstractContextManager[Any]:
    if settings.world is not World.SANDBOX:
        return nullcontext()
    from oso_dagster.sandbox import lifecycle  # noqa: PLC0415  (the server's libraries load when used)

    return lifecycle.running(settings)


def _serve(settings: Settings) -> int:
    """`dagster dev` as a child in a session of its own: Ctrl-C reaches us, and we end it, whatever its own children are."""
    command = [sys.executable, "-m", "dagster", "dev", "--workspace", str(PROJECT_ROOT / "workspace.yaml")]
    command += ["--host", "127.0.0.1", "--port", str(settings.webserver_port), "--log-level", "warning"]
    environment = {**os.environ, **prepare(settings), "PYTHONWARNINGS": "ignore:Function `dev_command` is superseded"}
    child = subprocess.Popen(command, env=environment, cwd=settings.dagster_home, start_new_session=True)
    try:
        return child.wait()
    except KeyboardInterrupt:
        return 0
    finally:
        _end(child)


def _end(child: subprocess.Popen[bytes]) -> None:
    if child.poll() is not None:
        return
    os.killpg(child.pid, signal.SIGINT)  # to all of them at once, as a terminal does: one by one takes half a minute
    try:
        child.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
