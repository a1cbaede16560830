"""The server as an operating-system process: started detached, recognised for certain, ended, with its traces on disk.

`endpoints.json` (read by the settings) and `server.json` (which process it is, touched each second) are there while a server is;
it removes them itself when it is asked to end. One that was killed leaves them, and whoever starts the next one keeps, in
`lost.json`, since when it was gone. When to start or end one is decided in `lifecycle`.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import psutil

from oso_dagster.sandbox.json_files import write_json
from oso_dagster.sandbox.process_identity import living_process, this_process
from oso_dagster.settings import PREFIX, PROJECT_ROOT, SandboxFiles

STOP_SECONDS = 5
_children: dict[int, subprocess.Popen[bytes]] = {}
"""Servers that this process started, kept so that they are reaped when they end."""


@dataclass(frozen=True)
class Server:
    """A server process: its id, when it was created (seconds since the epoch), its port and PostgreSQL's (0: there is none)."""

    pid: int
    created: float
    port: int
    database_port: int = 0

    def alive(self) -> bool:
        """Whether the process lives; another one that was given its id does not count."""
        return self._process() is not None

    def healthy(self) -> bool:
        """Whether this very process answers on its port."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=2)
        try:
            connection.request("GET", "/health")
            answer = json.loads(connection.getresponse().read())
        except (OSError, HTTPException, ValueError):
            return False
        finally:
            connection.close()
        return bool(answer == {"status": "ok", "pid": self.pid})

    def end(self) -> None:
        """Ask the process to end, and make it end when it does not within a few seconds."""
        process = self._process()
        if process is None:
            return
        for signal_it in (process.terminate, process.kill):
            with contextlib.suppress(psutil.NoSuchProcess, psutil.TimeoutExpired):
                signal_it()
                process.wait(STOP_SECONDS)
            if not self.alive():
                return

    def _process(self) -> psutil.Process | None:
        _reap()
        return living_process(self.pid, self.created)


def _reap() -> None:
    for pid in [pid for pid, child in _children.items() if child.poll() is not None]:
        _children.pop(pid, None)


def here(port: int, database_port: int) -> Server:
    """This process, as the server at these ports."""
    return Server(*this_process(), port, database_port)


def spawn(folder: Path, listener: socket.socket, database_port: int, log: Path, owner: tuple[int, float] | None = None) -> Server:
    """Start a server of the sandbox in `folder` on `listener`, in a session of its own, writing to `log`.

    With an `owner` (a process id, and when it was created) it ends when that process has ended, however it ended.
    """
    command = [sys.executable, "-m", "oso_dagster.sandbox", str(folder), str(listener.fileno()), str(database_port)]
    command += [str(part) for part in owner or ()]
    # The server needs none of the platform's settings, some of which are secret.
    environment = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    with log.open("wb") as output:
        child = subprocess.Popen(
            command,
            cwd=PROJECT_ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            pass_fds=[listener.fileno()],
            start_new_session=True,
        )
    _children[child.pid] = child
    return Server(child.pid, psutil.Process(child.pid).create_time(), listener.getsockname()[1], database_port)


def remember(folder: Path, server: Server) -> None:
    """Write down which process serves the sandbox in `folder`."""
    write_json(_server_file(folder), asdict(server))


def publish(folder: Path, server: Server) -> dict[str, str]:
    """Write down, and return, the addresses that `server` answers at: from now on the world is up."""
    from oso_dagster.sandbox.families import endpoints  # noqa: PLC0415  (evaluations look for a lost sandbox only)

    addresses = endpoints(server.port, server.database_port)
    write_json(SandboxFiles(folder).endpoints, addresses)
    return addresses


def remembered(folder: Path) -> Server | None:
    """The process that was written down last and not removed, dead or alive. A torn or foreign file counts as none."""
    try:
        return Server(**json.loads(_server_file(folder).read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def forget(folder: Path, server: Server | None) -> None:
    """Remove the traces of `server`, unless another one has left its own since; None removes whatever is there."""
    if server is None or remembered(folder) in {server, None}:
        for trace in (SandboxFiles(folder).endpoints, _server_file(folder)):
            trace.unlink(missing_ok=True)


def beat(folder: Path, server: Server) -> None:
    """Show that `server` lives: the age of its trace then says when it was killed, to about a second."""
    with contextlib.suppress(OSError):
        if remembered(folder) == server:
            os.utime(_server_file(folder))


def last_loss(folder: Path) -> datetime | None:
    """When a server of this folder was last seen before it was killed; None when none ever was, or each was asked to end."""
    server = remembered(folder)
    with contextlib.suppress(FileNotFoundError):
        if server is not None and not server.alive():
            return datetime.fromtimestamp(_server_file(folder).stat().st_mtime, UTC)
    try:
        return datetime.fromisoformat(json.loads(_loss_file(folder).read_text())["at"])
    except (FileNotFoundError, ValueError, TypeError, KeyError):
        return None


def keep_loss(folder: Path, server: Server | None) -> None:
    """Write down when `server` was killed, if it was: its traces are about to be removed."""
    if server is not None and not server.alive() and (at := last_loss(folder)) is not None:
        write_json(_loss_file(folder), {"at": at.isoformat()})


def _loss_file(folder: Path) -> Path:
    return folder / "lost.json"


def _server_file(folder: Path) -> Path:
    return folder / "server.json"
