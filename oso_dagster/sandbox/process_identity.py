"""Whether a recorded process still runs: its id alone does not say, because the system uses ids again."""

from __future__ import annotations

import psutil

_CLOCK_TOLERANCE = 5.0
"""Seconds that a creation time may seem to move when the system's clock is set."""


def living_process(pid: int, created: float) -> psutil.Process | None:
    """The process with this id that was created then (seconds since the epoch), or None: it has ended, as a zombie has."""
    try:
        process = psutil.Process(pid)
        ours = abs(process.create_time() - created) < _CLOCK_TOLERANCE
        return process if ours and process.status() != psutil.STATUS_ZOMBIE else None
    except psutil.NoSuchProcess:
        return None


def this_process() -> tuple[int, float]:
    """This process: its id, and when it was created."""
    process = psutil.Process()
    return process.pid, process.create_time()
