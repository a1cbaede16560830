"""The clock that is handed in: who decides or records something is told the time, and does not read it."""

from __future__ import annotations

from datetime import UTC, datetime


def utc_now() -> datetime:
    """The time, in UTC, with its zone."""
    return datetime.now(UTC)
