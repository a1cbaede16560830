"""The server as a process: `python -m oso_dagster.sandbox FOLDER LISTENING_FD DATABASE_PORT`; started by `lifecycle` only."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

from oso_dagster.sandbox.lifecycle import host

if __name__ == "__main__":
    host(Path(sys.argv[1]), socket.socket(fileno=int(sys.argv[2])), int(sys.argv[3]))
