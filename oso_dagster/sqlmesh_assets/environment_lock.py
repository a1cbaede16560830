"""Two runs at once wait for each other, per environment, by a lock that ends with the process that holds it.

Where SQLMesh's state lies in PostgreSQL the lock is an advisory lock there, so it holds among machines: the server releases it
when the connection ends. Everywhere else it is a file lock of the operating system.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

from filelock import FileLock, Timeout

from .project import Project

POLL_SECONDS = 0.5
"""How often a waiting run asks PostgreSQL again; waiting inside the server could not be interrupted."""


class EnvironmentLockedError(Exception):
    """Another run held the environment for longer than `Project.lock_timeout_seconds`."""


@contextmanager
def environment_lock(project: Project, environment: str) -> Iterator[None]:
    """Hold the lock of one environment; raises EnvironmentLockedError after `project.lock_timeout_seconds`."""
    in_postgres = project.connections.get("state_connection", {}).get("type") == "postgres"
    with (_advisory_lock if in_postgres else _file_lock)(project, environment):
        yield


@contextmanager
def _file_lock(project: Project, environment: str) -> Iterator[None]:
    folder = project.cache / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    name = re.sub(r"[^A-Za-z0-9_-]", "_", f"{project.gateway}-{environment}")
    lock = FileLock(str(folder / f"{name}.lock"), timeout=project.lock_timeout_seconds)
    try:
        lock.acquire()
    except Timeout:
        raise _timeout_error(project, environment) from None
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _advisory_lock(project: Project, environment: str) -> Iterator[None]:
    import psycopg2  # noqa: PLC0415  (only who keeps state in PostgreSQL has it)

    accepted = ("host", "port", "user", "password", "database", "sslmode")
    parameters = {name: value for name, value in project.connections["state_connection"].items() if name in accepted}
    started = time.monotonic()
    with closing(psycopg2.connect(**parameters, keepalives_idle=30, application_name=f"lock of {environment}")) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            while not _try_advisory(cursor, f"{project.gateway}-{environment}"):
                if time.monotonic() - started > project.lock_timeout_seconds:
                    raise _timeout_error(project, environment)
                time.sleep(POLL_SECONDS)
            yield


def _try_advisory(cursor: Any, name: str) -> bool:
    number = int.from_bytes(hashlib.sha256(f"sqlmesh {name}".encode()).digest()[:8], "big", signed=True)
    cursor.execute("SELECT pg_try_advisory_lock(%s)", (number,))
    return bool(cursor.fetchone()[0])


def _timeout_error(project: Project, environment: str) -> EnvironmentLockedError:
    return EnvironmentLockedError(
        f"environment {environment} has been locked by another run for over {project.lock_timeout_seconds:.0f} s; "
        "nothing was done. Start this run again when the other has ended."
    )
