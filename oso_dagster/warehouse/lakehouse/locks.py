"""Locks of the lakehouse: PostgreSQL's advisory ones, which hold among machines and end with the connection that holds them."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from sqlalchemy import Engine

from oso_dagster.warehouse.embedded.writer_lock import LockTimeoutError

_ASKED_EVERY = 0.1
"""Seconds between two questions; waiting inside of the server could not be interrupted."""


@contextmanager
def advisory(engine: Engine, name: str, timeout_seconds: float) -> Iterator[None]:
    """Be the only one with the lock `name`. Raises LockTimeoutError after `timeout_seconds`."""
    number = int.from_bytes(hashlib.sha256(f"oso {name}".encode()).digest()[:8], "big", signed=True)
    deadline = time.monotonic() + timeout_seconds
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        while not connection.execute(sa.text("SELECT pg_try_advisory_lock(:number)"), {"number": number}).scalar():
            if time.monotonic() > deadline:
                raise LockTimeoutError(
                    f"{name} has been locked by another process for over {timeout_seconds:.0f} s (pg_locks names it, type "
                    "advisory). Nothing was written; run again when it is done."
                )
            time.sleep(_ASKED_EVERY)
        try:
            yield
        finally:
            connection.execute(sa.text("SELECT pg_advisory_unlock(:number)"), {"number": number})
