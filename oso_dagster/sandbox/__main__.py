"""The server as a process: `python -m oso_dagster.sandbox FOLDER LISTENING_FD DATABASE_PORT [OWNER_PID OWNER_CREATED]`.

Started by `lifecycle` only. With an owner it ends when that process has ended, also by kill -9 or a closed terminal.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from pathlib import Path
from threading import Thread

from oso_dagster.sandbox.lifecycle import host
from oso_dagster.sandbox.process_identity import living_process

_POLL_SECONDS = 1.0


def _end_with(pid: int, created: float) -> None:
    """Ask this very process to end once its owner has."""
    while living_process(pid, created) is not None:
        time.sleep(_POLL_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    folder, listening, database_port, *owner = sys.argv[1:]
    if owner:
        Thread(target=_end_with, args=(int(owner[0]), float(owner[1])), daemon=True).start()
    host(Path(folder), socket.socket(fileno=int(listening)), int(database_port))
