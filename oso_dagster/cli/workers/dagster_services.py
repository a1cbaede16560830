"""Dagster's daemon, with its code server and web server as children: `python -m …dagster_services WORKSPACE PORT`.

What `dagster dev` does, without the process that only waits for the others: that one is the daemon here. All of it ends with an
interrupt, or when the web server ends; the exit code is then 1.
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Thread

import yaml
from dagster import DagsterInstance
from dagster._cli.proxy_server_manager import ProxyServerManager
from dagster._core.workspace.load_target import WorkspaceFileTarget
from dagster._daemon.cli import run_command

_LEVEL = "warning"
_STOP_SECONDS = 20


def serve(workspace: Path, port: int) -> int:
    """Run all of it for the code locations of `workspace` until an interrupt (0), or the end of the web server (1)."""
    os.environ["DAGSTER_IS_DEV_CLI"] = "1"
    stopping, lost = Event(), Event()
    with (
        DagsterInstance.get() as instance,
        ProxyServerManager(instance, WorkspaceFileTarget([str(workspace)]), _LEVEL) as servers,
        TemporaryDirectory(prefix="oso-dev-") as folder,
    ):
        served = Path(folder) / "workspace.yaml"
        served.write_text(yaml.safe_dump({"load_from": [*servers.get_code_server_specs()]}))
        shown = ["--workspace", str(served), "--code-server-log-level", _LEVEL]
        address = ["--host", "127.0.0.1", "--port", str(port), "--dagster-log-level", _LEVEL]
        webserver = subprocess.Popen([sys.executable, "-m", "dagster_webserver", *address, *shown])
        Thread(target=_end_with, args=(webserver, stopping, lost), daemon=True).start()
        try:
            run_command.main(["--log-level", _LEVEL, *shown], standalone_mode=False)
        finally:
            stopping.set()
            _end(webserver)
    return int(lost.is_set())


def _end_with(webserver: subprocess.Popen[bytes], stopping: Event, lost: Event) -> None:
    """Interrupt this process when the web server has ended although nobody wanted it to."""
    code = webserver.wait()
    if not stopping.is_set():
        lost.set()
        # As Dagster logs: of lines without a level, `oso dev` shows those that follow one that it shows.
        logging.getLogger("dagster").error("Dagster's web server ended with %s: all of it is ended", code)
        os.kill(os.getpid(), signal.SIGINT)


def _end(webserver: subprocess.Popen[bytes]) -> None:
    if webserver.poll() is None:
        webserver.send_signal(signal.SIGINT)
        try:
            webserver.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            webserver.kill()


if __name__ == "__main__":
    try:
        sys.exit(serve(Path(sys.argv[1]), int(sys.argv[2])))
    except KeyboardInterrupt:  # while it starts
        sys.exit(0)
