"""What one question may use, and how many questions one key may ask."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class QueryLimits:
    """Of one query: `seconds` of running and sending together, `rows` and `size` (bytes of the answer, not compressed).

    `stalled` is for how many seconds a client may read nothing before it counts as gone.
    """

    seconds: float = 120
    rows: int = 20_000_000
    size: int = 4 * 1024**3
    stalled: float = 30


@dataclass(frozen=True)
class KeyLimits:
    """Of one key, or of one address without a key: questions in a minute, and questions at the same time."""

    per_minute: int
    at_once: int


ANONYMOUS = KeyLimits(per_minute=30, at_once=2)
DEFAULT_KEY = KeyLimits(per_minute=120, at_once=5)
