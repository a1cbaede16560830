"""Times as people write them on the command line."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from oso_dagster.cli.session.terminal import refusal


def moment(text: str | None, zone: str = "UTC") -> datetime:
    """A time as a person writes it, in `zone` where it names none, as UTC; now when there is no text."""
    if text is None:
        return datetime.now(UTC)
    try:
        here = ZoneInfo(zone)
    except (KeyError, ValueError):
        raise refusal(f"no time zone is called {zone}; write for example Europe/Berlin") from None
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        raise refusal(f"{text} is not a time; write for example 2026-03-01T12:00+00:00") from None
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=here)).astimezone(UTC)
