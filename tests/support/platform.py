"""The platform as a newcomer has it: `make demo` in a folder of its own, and `oso dev` on top, for tests that look at both."""

from __future__ import annotations

import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import psutil

from oso_dagster.settings import PROJECT_ROOT

BIN = Path(sys.executable).parent
START_SECONDS = 120


def environment(home: Path, **more: str) -> dict[str, str]:
    """The variables of a process that keeps everything under `home`."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("OSO_", "DAGSTER_"))}
    return clean | {"OSO_HOME": str(home), "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "COLUMNS": "200"} | more


def run(command: list[str], home: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a command in the tree and give back what it printed."""
    return subprocess.run(
        command, cwd=PROJECT_ROOT, env=environment(home, **more), capture_output=True, text=True, check=False, timeout=280
    )


def as_written(command: str, home: Path) -> subprocess.CompletedProcess[str]:
    """Run a line of the README, with the settings that stand before it; one that serves until Ctrl-C gets it once it serves."""
    words = shlex.split(command)
    settings = dict(word.split("=", 1) for word in words if word.startswith("OSO_"))
    words = words[len(settings) :]
    return _interrupted(words, home, **settings) if words[:2] == ["oso", "serve"] else run(words, home, **settings)


def _interrupted(command: list[str], home: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """A server on a free port until it says that it serves, then Ctrl-C; no browser opens."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with subprocess.Popen(
        [*command, "--port", str(port)],
        cwd=PROJECT_ROOT,
        env=environment(home, BROWSER="true", **more),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        output = ""
        for line in process.stdout:
            output += line
            if "Ctrl-C to stop" in line:
                time.sleep(2)
                process.send_signal(signal.SIGINT)
    return subprocess.CompletedProcess(command, process.returncode, output, "")


@contextmanager
def dev(home: Path, **more: str) -> Iterator[str]:
    """`oso dev` on a free port; the address of Dagster's page. It must end when told to, with everything that it started."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [str(BIN / "oso"), "dev"],
        env=environment(home, OSO_WORLD="sandbox", OSO_WEBSERVER_PORT=str(port), **more),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        _wait(f"http://127.0.0.1:{port}/server_info", process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=60)
    assert process.returncode == 0, output
    assert left_running(home) == []


def left_running(home: Path) -> list[str]:
    """The processes that still work for `home`."""
    left: list[str] = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("OSO_HOME") == str(home) or str(home) in " ".join(process.cmdline()):
                left.append(" ".join(process.cmdline())[:200])
        except psutil.Error:  # it ended while we looked, or is not ours
            continue
    return left


def _wait(url: str, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            with urlopen(url, timeout=5):
                return
        except (URLError, OSError):
            if process.poll() is not None or time.monotonic() > deadline:
                raise
            time.sleep(0.3)
