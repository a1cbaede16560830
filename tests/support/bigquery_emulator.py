"""A BigQuery that somebody else wrote, for tests: the emulator `bqemulator`, in its own environment and process."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from oso_dagster.settings import PROJECT_ROOT

FOLDER = PROJECT_ROOT / ".cache" / "bqemulator"
START_SECONDS = 60
_MISSING = "The BigQuery emulator is not installed; `make emulator` installs it"
_LISTENING = re.compile(r"Uvicorn running on (http://127\.0\.0\.1:\d+)")


@contextmanager
def running(folder: Path) -> Iterator[str]:
    """Its address; it ends with the block. Without it a test is skipped with the remedy, but in CI (`CI=true`) it fails."""
    if not (FOLDER / "ready").exists():
        if os.environ.get("CI") == "true":
            pytest.fail(_MISSING, pytrace=False)
        pytest.skip(_MISSING)
    log = folder / "emulator.log"
    command = [FOLDER / "bin" / "bqemulator", "start", "--rest-port", "0", "--grpc-port", "0", "--ephemeral"]
    environment = {"HOME": str(FOLDER), "PATH": os.environ["PATH"], "PYTHONUNBUFFERED": "1"}
    with (
        log.open("wb") as output,
        subprocess.Popen(command, env=environment, stdout=output, stderr=output, cwd=folder) as process,
    ):
        try:
            yield _address(process, log)
        finally:
            process.terminate()


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        match = _LISTENING.search(log.read_text(errors="replace"))
        if match:
            return match.group(1)
        time.sleep(0.05)
    raise AssertionError(f"the emulator did not start: {log.read_text(errors='replace')[-2000:]}")
