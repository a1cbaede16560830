"""Spans of time as people say them."""

from __future__ import annotations

from datetime import timedelta


def duration(time: timedelta) -> str:
    """A span of time in its two largest units.

    >>> duration(timedelta(hours=49, minutes=5))
    '2 d 1 h'
    """
    minutes = max(0, int(time.total_seconds() // 60))
    parts = [(minutes // 1440, "d"), (minutes // 60 % 24, "h"), (minutes % 60, "min")]
    shown = [f"{count} {unit}" for count, unit in parts if count][:2]
    return " ".join(shown) or "less than a minute"
