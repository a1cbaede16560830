"""Dagster's own webserver behind the public filter: read-only, on a free port of loopback, ended with whoever started it."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from oso_dagster.cli.session.instance import prepare
from oso_dagster.settings import Settings

_ENDS_WITHIN_SECONDS = 20
_PR_SET_PDEATHSIG = 1
"""Linux: the signal that a process gets when its parent dies, however it dies. Elsewhere a killed `oso serve` leaves it."""


@contextmanager
def lineage_server(settings: Settings, prefix: str) -> Iterator[str]:
    """Start it, without waiting until it answers; its address. What it logs is in `lineage.log` of the instance."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {**os.environ, **prepare(settings)}
    command = [sys.executable, "-m", "dagster_webserver", "--read-only", "--path-prefix", prefix]
    command += ["--host", "127.0.0.1", "--port", str(port), "--workspace", str(settings.workspace_file)]
    with (settings.dagster_home / "lineage.log").open("w") as log:
        server = subprocess.Popen(
            command,
            env=environment,
            cwd=settings.dagster_home,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            process_group=0,
            preexec_fn=_end_with_parent,  # noqa: PLW1509  (no thread holds a lock that it needs: it makes one system call)
        )
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        with suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGTERM)
        try:
            server.wait(timeout=_ENDS_WITHIN_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(server.pid, signal.SIGKILL)
            server.wait()


_libc = ctypes.CDLL(None)


def _end_with_parent() -> None:
    with suppress(AttributeError):
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
