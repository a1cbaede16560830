"""Opens DuckDB files that others may have open: waits for them within a bound, and then names who has the file.

DuckDB itself does not wait: a reader in another process, or a connection of the other kind in this one, is an error at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_random_exponential

from oso_dagster.warehouse.embedded.writer_lock import LockTimeoutError


def patiently(
    path: Path, timeout_seconds: float, call: Callable[..., duckdb.DuckDBPyConnection], *arguments: Any, **options: Any
) -> duckdb.DuckDBPyConnection:
    """Call what opens the file at `path`, again and again while another has it open.

    Raises LockTimeoutError, which names the process as DuckDB does, after `timeout_seconds`.
    """
    attempts = Retrying(
        retry=retry_if_exception(_is_busy),
        stop=stop_after_delay(timeout_seconds),
        wait=wait_random_exponential(multiplier=0.02, max=0.5),
        reraise=True,
    )
    try:
        return attempts(call, *arguments, **options)
    except duckdb.Error as error:
        if not _is_busy(error):
            raise
        raise LockTimeoutError(
            f"{path.name} has been open elsewhere for over {timeout_seconds:g} s: {_holder(error)}. "
            "Nothing was written; close it there, and run again."
        ) from None


@contextmanager
def kept_open(path: Path, timeout_seconds: float) -> Iterator[None]:
    """Have the file open for writing in this process, so that no other gets in between two connections made here.

    Connections of this process with the same options share it (`duckdb.connect(path)`). Raises LockTimeoutError.
    """
    connection = patiently(path, timeout_seconds, duckdb.connect, str(path))
    try:
        yield
    finally:
        connection.close()


def _is_busy(error: BaseException) -> bool:
    text = str(error)
    return isinstance(error, duckdb.Error) and ("Could not set lock" in text or "different configuration" in text)


def _holder(error: duckdb.Error) -> str:
    """What DuckDB knows of who has the file: `Conflicting lock is held in /usr/bin/python3 (PID 77)`."""
    _, _, holder = str(error).partition("Conflicting lock is held in ")
    return holder.partition(". See also")[0].strip() or "a connection of another kind in this process"
