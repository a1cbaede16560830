"""Copies of the reliability store, between SQLite and PostgreSQL too: a backup is a store of its own, in one SQLite file."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table, func, select

from oso_dagster.reliability.store import Store
from oso_dagster.reliability.tables import identity, metadata

_ROWS_AT_ONCE = 5_000
_MAGIC = b"SQLite format 3"


class BackupError(Exception):
    """The copy would overwrite history, or the file is no backup."""


@contextmanager
def all_or_nothing(target: Path) -> Iterator[Path]:
    """A folder to write into, which gets the name `target` when all went well, and is gone when anything did not."""
    if target.exists():
        raise BackupError(f"{target} exists already: a backup never overwrites anything")
    part = target.with_name(f"{target.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    try:
        yield part
        part.rename(target)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def copy_out(url: str, world: str, target: Path) -> int:
    """Copy the store at `url`, as it is at one instant, into the new file `target`; how many rows. All or nothing."""
    if target.exists():
        raise BackupError(f"{target} exists already: a backup never overwrites anything")
    part = target.with_name(f"{target.name}.part")
    part.unlink(missing_ok=True)
    try:
        with Store.open(url, world) as source, Store.open(f"sqlite:///{part}", world) as copy:
            rows = _copy(source, copy)
        with closing(sqlite3.connect(part)) as plain:
            plain.execute("PRAGMA journal_mode=DELETE")  # one file, without its log beside it
        os.replace(part, target)  # noqa: PTH105  (atomic on one file system)
    finally:
        part.unlink(missing_ok=True)
    return rows


def copy_in(backup: Path, url: str, world: str) -> int:
    """Fill the empty store at `url` from a backup of the same world; how many rows. Raises WrongWorldError, BackupError."""
    with backup.open("rb") as file:
        known = file.read(len(_MAGIC)) == _MAGIC
    if not known:
        raise BackupError(f"{backup} is no backup of the reliability store")
    with Store.open(f"sqlite:///{backup}", world) as source, Store.open(url, world) as target:
        return _copy(source, target)


def _copy(source: Store, target: Store) -> int:
    total = 0
    with source.database.reading() as reading, target.database.writing() as writing:
        for table in _tables():
            if writing.execute(select(func.count()).select_from(table)).scalar_one():
                raise BackupError(f"the store already holds {table.name}: restore into an empty one")
            for rows in _pages(reading, table):
                writing.execute(table.insert(), rows)
                total += len(rows)
    return total


def _tables() -> list[Table]:
    """All but the world, which both stores know before anything is copied."""
    return [table for table in metadata.sorted_tables if table is not identity]


def _pages(connection: Connection, table: Table) -> Iterator[Sequence[dict[str, Any]]]:
    result = connection.execution_options(yield_per=_ROWS_AT_ONCE).execute(select(table))
    for page in result.mappings().partitions():
        yield [dict(row) for row in page]
