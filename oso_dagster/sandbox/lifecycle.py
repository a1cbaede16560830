"""Starting and ending the sandbox world: at most one server per sandbox folder, started by whoever needs it first.

A file lock keeps two starters apart; the lock of a killed one is freed by the kernel. The world itself stays on disk when its
server ends. What a process is and leaves behind is `process`'s, what is on disk `disk`'s.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread

from filelock import FileLock, Timeout

from oso_dagster.sandbox import disk, process
from oso_dagster.sandbox.families import endpoints
from oso_dagster.sandbox.listener import SandboxPortError, listen
from oso_dagster.sandbox.process import Server
from oso_dagster.sandbox.process_identity import this_process
from oso_dagster.sandbox.protocols import postgres
from oso_dagster.sandbox.protocols.git_http import GitMissingError, find_backend
from oso_dagster.sandbox.server import serve
from oso_dagster.sandbox.world.world import DEFAULT_SEED, generate
from oso_dagster.settings import SandboxFiles, Settings

START_SECONDS = 30
_LOCK_SECONDS = 60
_BEAT_SECONDS = 1.0


class SandboxError(Exception):
    """The sandbox world cannot be started or used; the message says why and what to do next, in a line."""


@dataclass(frozen=True)
class Status:
    """The state of the sandbox world: its server if one lives, whether that answers, its addresses, the world on disk."""

    server: Server | None
    healthy: bool
    endpoints: Mapping[str, str]
    world: disk.WorldManifest | None


def up(settings: Settings, *, port: int = 0, seed: int | None = None, owned: bool = False) -> Mapping[str, str]:
    """Have the world made and served; returns its endpoints by `<source>_<setting>`.

    The world is made when there is none, when it is over a day old, or when another `seed` is asked for. Port 0 means the
    folder's usual port, or any free one; a healthy server is left as it is, unless it is wanted at another port. A server that
    is `owned` ends with this process, however it ends. Raises SandboxError.
    """
    with _lock(settings):
        before = disk.read(settings.sandbox_files.world)
        made = disk.ensure(settings.sandbox_files.world, seed, datetime.now(UTC)) != before
        server = process.remembered(settings.sandbox_dir)
        if server is None or port not in {0, server.port} or not server.healthy():
            _end(settings, server)
            server = _start(settings, port, this_process() if owned else None)
        elif made:
            _refill(settings, server)
        return process.publish(settings.sandbox_dir, server)


def down(settings: Settings) -> bool:
    """End the server and remove its traces; the world stays on disk. Returns whether a server was running."""
    with _lock(settings):
        server = process.remembered(settings.sandbox_dir)
        living = server is not None and server.alive()
        _end(settings, server)
        return living


def status(settings: Settings) -> Status:
    """Report the state, and change nothing."""
    server = process.remembered(settings.sandbox_dir)
    if server is None or not server.alive():
        return Status(None, healthy=False, endpoints={}, world=disk.read(settings.sandbox_files.world))
    return Status(server, server.healthy(), endpoints(server.port, server.database_port), disk.read(settings.sandbox_files.world))


def reset(settings: Settings, seed: int | None = None) -> disk.WorldManifest:
    """Make the world anew, also when it is young; a running server serves the new one at the same addresses."""
    with _lock(settings):
        manifest = disk.read(settings.sandbox_files.world)
        kept = manifest.seed if manifest else DEFAULT_SEED
        made = disk.make(settings.sandbox_files.world, generate(kept if seed is None else seed, datetime.now(UTC)))
        server = process.remembered(settings.sandbox_dir)
        if server is not None and server.alive():
            _refill(settings, server)
        return made


@contextmanager
def running(settings: Settings) -> Iterator[Mapping[str, str]]:
    """Have the world up inside the block; a server that was up before it is left up, another ends with this process."""
    before = status(settings).healthy
    try:
        yield up(settings, owned=True)
    finally:
        if not before:
            down(settings)


def stay(settings: Settings, *, port: int = 0, seed: int | None = None) -> None:
    """Serve the world from this very process until it is interrupted. Raises SandboxError, also when a server is up already."""
    with _lock(settings):
        disk.ensure(settings.sandbox_files.world, seed, datetime.now(UTC))
        server = process.remembered(settings.sandbox_dir)
        if server is not None and server.alive():
            raise SandboxError(f"the sandbox world is up already, at port {server.port}: end it first with `oso sandbox down`")
        process.keep_loss(settings.sandbox_dir, server)
        listener = _listen(settings, port)
        database_port = _database_port(settings)
        server = process.here(listener.getsockname()[1], database_port)
        process.remember(settings.sandbox_dir, server)
        process.publish(settings.sandbox_dir, server)
    host(settings.sandbox_dir, listener, database_port)


def host(folder: Path, listener: socket.socket, database_port: int) -> None:
    """Serve the world of the sandbox in `folder` on `listener`; when asked to end, leave no trace of this process."""
    server = process.here(listener.getsockname()[1], database_port)
    Thread(target=_beat, args=(folder, server), daemon=True).start()
    try:
        serve(SandboxFiles(folder).world, listener, database_port)
    finally:
        process.forget(folder, server)


def _beat(folder: Path, server: Server) -> None:
    while True:
        process.beat(folder, server)
        time.sleep(_BEAT_SECONDS)


def _start(settings: Settings, port: int, owner: tuple[int, float] | None) -> Server:
    log = settings.sandbox_dir / "server.log"
    with _listen(settings, port) as listener:
        server = process.spawn(settings.sandbox_dir, listener, _database_port(settings), log, owner)
    process.remember(settings.sandbox_dir, server)
    deadline = time.monotonic() + START_SECONDS
    while not server.healthy():
        if not server.alive() or time.monotonic() > deadline:
            _end(settings, server)
            raise SandboxError(f"the sandbox server did not start: {_last_line(log)} (all of it: {log})")
        time.sleep(0.02)
    return server


def _end(settings: Settings, server: Server | None) -> None:
    process.keep_loss(settings.sandbox_dir, server)
    process.forget(settings.sandbox_dir, server)
    if server is not None:
        server.end()


def _listen(settings: Settings, port: int) -> socket.socket:
    try:
        find_backend()
        return listen(port, settings.sandbox_dir)
    except (GitMissingError, SandboxPortError) as error:
        raise SandboxError(str(error)) from None


def _database_port(settings: Settings) -> int:
    """A free port that PostgreSQL is to take at once, the folder's usual one where it can; 0 when it is not installed."""
    if not postgres.installed():
        return 0
    with listen(0, settings.sandbox_dir / "postgres") as reserved:
        return int(reserved.getsockname()[1])


def _refill(settings: Settings, server: Server) -> None:
    if server.database_port:
        try:
            postgres.fill(server.database_port, settings.sandbox_files.world)
        except postgres.PostgresError as error:
            raise SandboxError(f"the sandbox's databases could not be filled again: {error}") from None


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "it printed nothing")


@contextmanager
def _lock(settings: Settings) -> Iterator[None]:
    try:
        settings.sandbox_dir.mkdir(parents=True, exist_ok=True)
        with FileLock(settings.sandbox_dir / "lock", timeout=_LOCK_SECONDS):
            yield
    except Timeout:
        raise SandboxError("another process is starting or stopping the sandbox world: try again in a minute") from None
    except OSError as error:
        where = error.filename or settings.sandbox_dir
        raise SandboxError(
            f"{where}: {error.strerror or error}: free disk space or fix the permissions, or set OSO_HOME to another folder"
        ) from None
