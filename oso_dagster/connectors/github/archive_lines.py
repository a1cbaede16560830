"""From a file of GH Archive to rows: whole lines, many at a time; a damaged one is set aside by name and stops no other.

What is in a line is in `archive_events`; which files are read, and which of their rows a day has, in `archive`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import pyarrow as pa
from isal import igzip_threaded

from oso_dagster.connectors.github import archive_events
from oso_dagster.connectors.github.archive_files import ArchiveError
from oso_dagster.domain.catalogue.source import Column

_SLICE = 4 * 1024 * 1024
"""Bytes of lines that are decoded at a time: what bounds the memory, whatever the size of a day."""
_MOST_DAMAGED = 0.01
"""The share of a file's lines that may be damaged; one of a few always may. Above it the file is no file of events."""
_ENOUGH = 100
"""So many damaged lines are looked at before a file is given up early."""
_ID = re.compile(rb'"id"\s*:\s*"(\d{1,18})"')
_UNUSABLE = (msgspec.MsgspecError, pa.ArrowInvalid, ValueError, OverflowError)
"""What is raised for an event that is not as declared."""


@dataclass
class FileLines:
    """The lines of one file: how many were read, and why the damaged ones were set aside, by the event's id or their place."""

    name: str
    url: str
    read: int = 0
    damaged: dict[str, str] = field(default_factory=dict)

    def rows(self, lines: bytes, columns: Sequence[Column]) -> tuple[pa.Table, list[int]]:
        """The rows of whole lines that can be read, and their ids as numbers. Raises ArchiveError when too many cannot."""
        try:
            table, ids = _rows(lines, columns)
        except _UNUSABLE:
            return _rows(b"\n".join(self._usable(lines, columns)), columns)
        self.read += len(ids)
        return table, ids

    def finish(self) -> None:
        """Judge the file as a whole. Raises ArchiveError when more of its lines are damaged than may be."""
        if len(self.damaged) > max(1, self.read * _MOST_DAMAGED):
            self._give_up()

    def _usable(self, lines: bytes, columns: Sequence[Column]) -> Iterator[bytes]:
        for line in lines.split(b"\n"):
            if not line.strip():
                continue
            self.read += 1
            try:
                _rows(line, columns)
            except _UNUSABLE as error:
                self._set_aside(line, error)
            else:
                yield line

    def _set_aside(self, line: bytes, error: Exception) -> None:
        where = f"{self.name} line {self.read:,}"
        known = _ID.search(line[:200])
        item = known[1].decode() if known and len(line) > known.end() else where
        self.damaged[item] = f"{where}: an event is not as declared: {error}"
        if len(self.damaged) > _ENOUGH and len(self.damaged) * 2 > self.read:
            self._give_up()

    def _give_up(self) -> None:
        first = next(iter(self.damaged.values()))
        raise ArchiveError(
            f"{self.url}: {len(self.damaged):,} of {self.read:,} lines cannot be read; the first: {first}. The old rows stay; if "
            "the archive has changed its format, change the source to match"
        ) from None


def _rows(lines: bytes, columns: Sequence[Column]) -> tuple[pa.Table, list[int]]:
    events = archive_events.decode(lines)
    return archive_events.table_of(events, columns), [int(event.id) for event in events]


def slices(path: Path) -> Iterator[bytes]:
    """Whole lines of a gzip file, many at a time, unpacked by another thread. Raises what isal raises for a damaged file."""
    rest = b""
    with igzip_threaded.open(path, "rb", threads=1) as stream:  # type: ignore[no-untyped-call]  # isal types its C parts only
        while chunk := stream.read(_SLICE):
            end = chunk.rfind(b"\n") + 1
            if end:
                yield rest + chunk[:end]
                rest = chunk[end:]
            else:
                rest += chunk
    if rest.strip():
        yield rest
