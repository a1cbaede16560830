"""The rate limits of the sandbox's Discord: a bucket per webhook and route, and one per channel that only a 429 reveals.

As Discord has them: every request counts, also one that fails; what is left stands in headers, except for the channel's limit
(https://github.com/discord/discord-api-docs/issues/1454). Counts live in memory: a new server has forgotten them.
"""

from __future__ import annotations

import hashlib
import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Rate:
    """At most `limit` requests within `seconds`."""

    limit: int
    seconds: float

    def __post_init__(self) -> None:
        if self.limit < 1 or self.seconds <= 0:
            raise ValueError("rate: a limit of at least 1 in more than 0 seconds is expected")


BUCKET = Rate(5, 2)
CHANNEL = Rate(30, 60)


@dataclass(frozen=True)
class RateAnswer:
    """The headers that any answer carries, and the body of a 429 when the request is refused."""

    headers: Mapping[str, str]
    refused: Mapping[str, Any] | None


@dataclass
class Rates:
    """The requests of the last moments, by bucket. Times are seconds since the epoch."""

    bucket: Rate = BUCKET
    channel: Rate = CHANNEL
    _seen: dict[str, deque[float]] = field(default_factory=dict)

    def take(self, route: str, webhook: str, channel: str | None, now: float) -> RateAnswer:
        """Count a request for `route` of `webhook`; `channel` is given when it sends a message to it."""
        key = f"{route}:{webhook}"
        seen, wait = self._recent(key, self.bucket, now)
        hidden, longer = self._recent(f"channel:{channel}", self.channel, now) if channel else (None, 0.0)
        if wait or longer:
            retry, scope = (wait, "user") if wait >= longer else (longer, "shared")
            return RateAnswer(self._headers(key, seen, now) | slow_down(retry, scope), limited(retry))
        seen.append(now)
        if hidden is not None:
            hidden.append(now)
        return RateAnswer(self._headers(key, seen, now), None)

    def _recent(self, key: str, rate: Rate, now: float) -> tuple[deque[float], float]:
        """The requests that still count, and how many seconds to wait for the next (0: none)."""
        seen = self._seen.setdefault(key, deque())
        while seen and seen[0] <= now - rate.seconds:
            seen.popleft()
        return seen, seen[-rate.limit] + rate.seconds - now if len(seen) >= rate.limit else 0.0

    def _headers(self, key: str, seen: deque[float], now: float) -> dict[str, str]:
        after = seen[0] + self.bucket.seconds - now if seen else self.bucket.seconds
        return {
            "X-RateLimit-Limit": str(self.bucket.limit),
            "X-RateLimit-Remaining": str(max(0, self.bucket.limit - len(seen))),
            "X-RateLimit-Reset": f"{now + after:.3f}",
            "X-RateLimit-Reset-After": f"{after:.3f}",
            "X-RateLimit-Bucket": hashlib.sha256(key.encode()).hexdigest()[:32],
        }


def slow_down(seconds: float, scope: str) -> dict[str, str]:
    """The headers that a 429 has more than other answers."""
    headers = {"Retry-After": str(math.ceil(seconds)), "X-RateLimit-Scope": scope}
    return headers | ({"X-RateLimit-Global": "true"} if scope == "global" else {})


def limited(seconds: float, *, everywhere: bool = False) -> dict[str, Any]:
    """The body of a 429."""
    return {"message": "You are being rate limited.", "retry_after": round(seconds, 3), "global": everywhere}
