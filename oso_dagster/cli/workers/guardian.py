"""A process that stands between `oso dev` and what it starts, and ends all of it when `oso dev` has ended, however it ended.

`python -m oso_dagster.cli.workers.guardian PIPE_FD LOCK_FILE COMMAND…`: it takes the lock, so that no two run on one instance,
starts the command in a group of its own, and waits for its end or for the pipe to close, as the death of the parent closes it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Collection
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread

from filelock import FileLock, Timeout

TAKEN = 75
"""The exit code when another process holds the lock (EX_TEMPFAIL)."""
STOP_SECONDS = 30
LEFT_BEHIND_SECONDS = 10
IGNORED = (signal.SIGINT, signal.SIGHUP, signal.SIGTERM)
"""What a terminal or a shell sends to everybody: the parent decides, and then closes the pipe."""


def guard(pipe: int, lock: Path, command: list[str]) -> int:
    """Run the command until it ends or the other end of the pipe is closed; its exit code."""
    for number in IGNORED:
        signal.signal(number, signal.SIG_IGN)
    try:
        with FileLock(lock, timeout=0):
            child = subprocess.Popen(command, process_group=0, preexec_fn=_heed_signals)  # noqa: PLW1509  (no thread runs yet)
            stopped: list[datetime] = []
            Thread(target=_end_at_close, args=(pipe, child, stopped), daemon=True).start()
            code = child.wait()
            _end_group(child.pid)
            if stopped:
                mark_runs(stopped[0], "`oso dev`")
            return code
    except Timeout:
        return TAKEN


def _heed_signals() -> None:
    for number in IGNORED:
        signal.signal(number, signal.SIG_DFL)


def _end_group(group: int) -> None:
    """End what the command started and left behind, as when it was killed alone."""
    until = time.monotonic() + LEFT_BEHIND_SECONDS
    with suppress(ProcessLookupError):
        os.killpg(group, signal.SIGINT)
        while time.monotonic() < until:
            os.killpg(group, 0)
            time.sleep(0.1)
        os.killpg(group, signal.SIGKILL)


def mark_runs(stopped: datetime, by: str, processes: Collection[int] = ()) -> None:
    """Have the runs that ended with all of it, or with these processes, not counted as failures.

    It writes to Dagster's instance, which takes seconds.
    """
    command = [sys.executable, "-m", "oso_dagster.orchestration.ledger.stopped_runs", stopped.isoformat(), by]
    with suppress(subprocess.TimeoutExpired):
        subprocess.run([*command, *map(str, processes)], timeout=STOP_SECONDS, check=False)


def _end_at_close(pipe: int, child: subprocess.Popen[bytes], stopped: list[datetime]) -> None:
    """Wait for the parent's end of the pipe to be closed, then end the command and whatever it started."""
    os.read(pipe, 1)
    stopped.append(datetime.now(UTC))
    # To all of them at once, as a terminal does: one by one takes half a minute.
    _to_group(child, signal.SIGINT)
    try:
        child.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        _to_group(child, signal.SIGKILL)


def _to_group(child: subprocess.Popen[bytes], number: signal.Signals) -> None:
    if child.poll() is None:
        os.killpg(child.pid, number)


if __name__ == "__main__":
    sys.exit(guard(int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:]))
