"""One writer at a time: an operating-system file lock that waits, and dies with the process that holds it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout


class LockTimeoutError(Exception):
    """Another process kept the lock for longer than we were told to wait."""


@contextmanager
def hold(path: Path, timeout_seconds: float) -> Iterator[None]:
    """Hold the lock of the store at `path` (its lock file is `<path>.lock`); re-entrant within a thread.

    Raises LockTimeoutError after `timeout_seconds`. The kernel frees the lock when its holder dies, however it dies.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(f"{path}.lock", is_singleton=True)
    try:
        lock.acquire(timeout=timeout_seconds)  # not the lock's own: those who share it wait for as long as each may
    except Timeout:
        raise LockTimeoutError(
            f"{path.name} has been locked by another process for over {timeout_seconds:.0f} s; "
            f"`fuser {path.name}.lock` names it. Nothing was written; run again when it is done."
        ) from None
    try:
        yield
    finally:
        lock.release()
