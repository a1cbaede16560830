"""Many small rows of one day in one value: compressed JSON, from which every row comes back as it was."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

TIMES = frozenset({"at", "started", "ended", "counted_at", "newest_event"})
"""The columns that hold a time."""


def pack(rows: Iterable[Sequence[Any]]) -> bytes:
    """Rows of texts, numbers and times, in the order given."""
    plain = [[value.isoformat() if isinstance(value, datetime) else value for value in row] for row in rows]
    return zlib.compress(json.dumps(plain, separators=(",", ":")).encode())


def unpack(packed: bytes, columns: Sequence[str]) -> list[dict[str, Any]]:
    """The rows that were packed, by the names of their columns; those in `TIMES` are times again."""
    return [
        {name: _value(name, value) for name, value in zip(columns, row, strict=True)}
        for row in json.loads(zlib.decompress(packed))
    ]


def _value(name: str, value: Any) -> Any:
    return datetime.fromisoformat(value) if name in TIMES and value is not None else value
