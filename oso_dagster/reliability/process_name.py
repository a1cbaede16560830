"""Names of processes, and whether one still runs: a lease must not outlive the process that took it."""

from __future__ import annotations

import os
import socket


def this_process() -> str:
    """A name of this process that no other one will have: host, pid, and when it was started."""
    import psutil  # noqa: PLC0415  (who only reads a store takes no lease)

    return f"{socket.gethostname()}/{os.getpid()}/{psutil.Process().create_time():.2f}"


def is_gone(name: str) -> bool:
    """Whether the process of that name is known to have ended; of other hosts nothing is known."""
    import psutil  # noqa: PLC0415

    host, pid, started = name.rsplit("/", 2)
    if host != socket.gethostname():
        return False
    try:
        process = psutil.Process(int(pid))
        return process.status() == psutil.STATUS_ZOMBIE or f"{process.create_time():.2f}" != started
    except psutil.NoSuchProcess:
        return True
