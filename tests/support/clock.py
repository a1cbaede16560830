"""The clock on the wall, for tests of what is handed a clock."""

from __future__ import annotations

from datetime import UTC, datetime


def clock() -> datetime:
    """Now, in UTC."""
    return datetime.now(UTC)
