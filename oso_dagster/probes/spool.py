"""What waits on disk while the store is away: lines of JSON, bounded, that survive kill -9.

A line that was written half is dropped when it is read. When the spool is full the oldest lines go: their slices are missing.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

MOST_LINES = 100_000
"""Three days of twenty probes."""


class Spool:
    """A file of records. One process at a time."""

    def __init__(self, path: Path, most: int = MOST_LINES) -> None:
        self._path, self._most = path, most

    def append(self, records: Sequence[dict[str, Any]]) -> int:
        """Add records, durably. How many old ones had to go to keep within the bound."""
        kept = self.read()
        dropped = max(0, len(kept) + len(records) - self._most)
        if dropped:
            self._write([*kept, *records][dropped:])
            return dropped
        self._path.parent.mkdir(parents=True, exist_ok=True)
        torn = self._path.is_file() and not self._path.read_bytes().endswith(b"\n") and self._path.stat().st_size
        with self._path.open("ab") as file:
            file.write((b"\n" if torn else b"") + _lines(records))
            file.flush()
            os.fsync(file.fileno())
        return 0

    def read(self) -> list[dict[str, Any]]:
        """Everything that waits, oldest first."""
        try:
            lines = self._path.read_bytes().splitlines()
        except FileNotFoundError:
            return []
        records = []
        for line in lines:
            try:
                records.append(json.loads(line))
            except ValueError:
                continue  # torn by a kill: what it held is missing, as if nobody had measured it
        return records

    def clear(self) -> None:
        """Forget everything: it is in the store."""
        self._path.unlink(missing_ok=True)

    def _write(self, records: Sequence[dict[str, Any]]) -> None:
        fresh = self._path.with_suffix(".new")
        with fresh.open("wb") as file:
            file.write(_lines(records))
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._path)


def _lines(records: Sequence[dict[str, Any]]) -> bytes:
    return b"".join(json.dumps(record, separators=(",", ":")).encode() + b"\n" for record in records)
