"""Two runs at once wait for each other, per environment: an operating-system file lock, which dies with its process."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from filelock import FileLock, Timeout

from .project import Project


class EnvironmentLockedError(Exception):
    """Another run worked on the environment for longer than we were told to wait."""


@contextmanager
def environment_lock(project: Project, environment: str) -> Iterator[None]:
    """Hold the lock of one environment; raises EnvironmentLockedError after `project.lock_timeout_seconds`."""
    folder = project.cache / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    name = re.sub(r"[^A-Za-z0-9_-]", "_", f"{project.gateway}-{environment}")
    lock = FileLock(str(folder / f"{name}.lock"), timeout=project.lock_timeout_seconds)
    try:
        lock.acquire()
    except Timeout:
        raise EnvironmentLockedError(
            f"environment {environment} has been worked on by another run for over {project.lock_timeout_seconds:.0f} s; "
            "nothing was done. Run again when it is over."
        ) from None
    try:
        yield
    finally:
        lock.release()
