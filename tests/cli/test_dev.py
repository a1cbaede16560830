"""`oso dev`: one on an instance, its address when it answers, and nothing left when it has ended, however it ended."""

from __future__ import annotations

import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

from oso_dagster.cli.dev import worth_showing
from tests.support.platform import BIN, environment, left_running

PATIENCE_SECONDS = 120


def free_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return str(probe.getsockname()[1])


def start(home: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [str(BIN / "oso"), "dev"],
        env=environment(home, OSO_WORLD="sandbox", OSO_WEBSERVER_PORT=free_port()),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.mark.server
def test_a_second_one_is_refused_and_kill_9_leaves_nothing_running(tmp_path: Path) -> None:
    first = start(tmp_path)
    try:
        assert first.stdout is not None
        output = []
        for line in first.stdout:
            output.append(line)
            if line.startswith("Dagster: http://127.0.0.1:"):
                break
        assert output[-1].startswith("Dagster: "), output
        second = start(tmp_path)
        words, _ = second.communicate(timeout=PATIENCE_SECONDS)
        assert second.returncode == 1, words
        assert "oso: `oso dev` runs already on the instance" in words
        assert first.poll() is None
    finally:
        first.send_signal(signal.SIGKILL)
        first.communicate()
    deadline = time.monotonic() + PATIENCE_SECONDS
    while left := left_running(tmp_path):
        assert time.monotonic() < deadline, left
        time.sleep(0.5)


def test_what_is_logged_for_debugging_is_not_shown_and_errors_are_with_their_traces() -> None:
    lines = [
        "2026-11-30 09:00:00 +0000 - dagster - DEBUG - job - run - step - STEP_START",
        "more of it",
        "2026-11-30 09:00:01 +0000 - dagster - ERROR - job - run - it failed",
        "Traceback (most recent call last):",
        "2026-11-30 09:00:02 +0000 - dagster.daemon - INFO - not launching",
        "2026-11-30 09:00:03 +0000 - dagster.daemon.EventLogConsumerDaemon - WARNING - No cursor for event type X",
    ]
    assert list(worth_showing(lines)) == lines[2:4]
    assert list(worth_showing(["plain words"])) == ["plain words"]
