"""A world's stores in one file, as if they came from another machine: its paths are replaced, and none may be left."""

from __future__ import annotations

import shutil
import sqlite3
import tarfile
import tempfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import duckdb

LEFT_OUT = shutil.ignore_patterns("cache", "status", "storage", "*.lock", "*-wal", "*-shm")
"""What is made anew: caches, the page, what steps printed."""


def pack(world: Path, target: Path, places: Mapping[str, str]) -> int:
    """Write the world's files to `target` with each place of this machine renamed; the size in bytes."""
    with tempfile.TemporaryDirectory() as name:
        copy = Path(name) / world.name
        for database in world.rglob("*.db"):
            with closing(sqlite3.connect(database)) as connection:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        shutil.copytree(world, copy, ignore=LEFT_OUT)
        for database in sorted(copy.rglob("*.db")):
            _rename_in_sqlite(database, places)
        _require_clean(copy, places)
        with tarfile.open(target, "w:xz", preset=9) as archive:
            archive.add(copy, world.name, filter=_nobody)
    return target.stat().st_size


def _nobody(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member


def _rename_in_sqlite(path: Path, places: Mapping[str, str]) -> None:
    with closing(sqlite3.connect(path)) as connection:
        for table, column in list(_columns(connection)):
            for before, after in places.items():
                connection.execute(
                    f'UPDATE "{table}" SET "{column}" = replace("{column}", ?, ?) WHERE typeof("{column}") = \'text\' '
                    f'AND instr("{column}", ?)',
                    (before, after, before),
                )
        connection.commit()
        connection.execute("VACUUM")


def _columns(connection: sqlite3.Connection) -> Iterator[tuple[str, str]]:
    for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
        for row in connection.execute(f'PRAGMA table_info("{table}")').fetchall():
            yield table, row[1]


def _require_clean(folder: Path, places: Mapping[str, str]) -> None:
    for path in sorted(entry for entry in folder.rglob("*") if entry.is_file()):
        for cell in _cells(path):
            held = _text(cell)
            if named := [place for place in places if place in held]:
                raise RuntimeError(f"{path.name} still names {named}: {held[:300]}")


def _cells(path: Path) -> Iterator[Any]:
    yield path.read_bytes()
    if path.suffix == ".db":
        with closing(sqlite3.connect(path)) as connection:
            for table, column in list(_columns(connection)):
                yield from (row[0] for row in connection.execute(f'SELECT "{column}" FROM "{table}"'))
    elif path.suffix == ".duckdb":
        with duckdb.connect(str(path), read_only=True) as connection:
            tables = connection.execute("SELECT schema_name, table_name FROM duckdb_tables()").fetchall()
            for schema, table in tables:
                yield from (cell for row in connection.execute(f'SELECT * FROM "{schema}"."{table}"').fetchall() for cell in row)
            yield from (row[0] for row in connection.execute("SELECT sql FROM duckdb_views() WHERE NOT internal").fetchall())


def _text(cell: Any) -> str:
    if isinstance(cell, bytes):
        with suppress(zlib.error):
            cell = zlib.decompress(cell)
        return cell.decode(errors="replace")
    return str(cell)
