"""The files of runs' events that an upgrade has to touch: those of another version, found without opening those seen before."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from pathlib import Path

from alembic.script import ScriptDirectory
from dagster._core.storage.event_log.sqlite import sqlite_event_log
from dagster._core.storage.sql import get_alembic_config

_MARK = "upgraded"
"""Beside the files: which version all of them had, and, by its own time, as of when."""


def newest_version() -> str:
    """The version of the files that the installed Dagster makes."""
    return str(ScriptDirectory.from_config(get_alembic_config(sqlite_event_log.__file__)).get_current_head())


def outdated(paths: Iterable[Path], folder: Path, version: str) -> Iterator[Path]:
    """Those of the files that are of another version. Files older than the mark of `version` were seen then."""
    mark, seen_until = folder / _MARK, 0.0
    with suppress(FileNotFoundError):
        seen_until = mark.stat().st_mtime if mark.read_text() == version else 0.0
    for path in paths:
        if path.stat().st_mtime >= seen_until and _version_of(path) != version:
            yield path


def mark(folder: Path, version: str, began: float) -> None:
    """Write down that every file there was at `began` (seconds since the epoch) is of `version`."""
    path = folder / _MARK
    path.write_text(version)
    os.utime(path, (began, began))


def _version_of(path: Path) -> str:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection, suppress(sqlite3.OperationalError):
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        return str(row[0]) if row else ""
    return ""
