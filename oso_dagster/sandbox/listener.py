"""The socket that the world is served on: loopback only, at a port that stays the same for a folder where it can."""

from __future__ import annotations

import os
import socket
from hashlib import sha256
from pathlib import Path

_USUAL_PORTS = range(20_000, 30_000)
"""Below the ports that Linux and macOS give to outgoing connections."""


class SandboxPortError(Exception):
    """Another program listens on the port that was asked for."""


def listen(port: int, folder: Path) -> socket.socket:
    """Listen on 127.0.0.1 at `port`; 0 means the usual port of `folder`, or any free one when that is taken.

    The usual port keeps addresses, and what is cached under them, alive over restarts. Raises SandboxPortError.
    """
    if port:
        return _bind(port)
    try:
        return _bind(_usual(folder))
    except SandboxPortError:
        return _bind(0)


def _usual(folder: Path) -> int:
    digest = int.from_bytes(sha256(str(folder).encode()).digest()[:8])
    return _USUAL_PORTS[digest % len(_USUAL_PORTS)]


def _bind(port: int) -> socket.socket:
    try:
        return socket.create_server(("127.0.0.1", port), backlog=128)
    except OSError as error:
        raise SandboxPortError(f"port {port}: {os.strerror(error.errno or 0)}; choose another, or 0 for any free one") from None
