"""What an answer of Discord's API means: accepted, wait, try again, never, gone. Pure; no address comes in or goes out.

Codes: https://discord.com/developers/docs/topics/opcodes-and-status-codes#json, rates:
https://discord.com/developers/docs/topics/rate-limits. No limit is known here beforehand: headers state them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from oso_dagster.alerting.outcomes import (
    CHANNEL,
    MESSAGE,
    SERVER,
    ChannelGone,
    Failed,
    Impossible,
    MessageGone,
    Outcome,
    Sent,
    Wait,
)
from oso_dagster.alerting.splitting import clean, clip
from oso_dagster.alerting.webhook import redacted

_OK, _BAD, _UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND, _TOO_MANY, _SERVER = 200, 400, 401, 403, 404, 429, 500
_MESSAGE_GONE = {10003, 10008, 50083}
"""Unknown channel (a thread that was deleted), unknown message, thread that is archived."""
_REPAIRABLE = {
    40067: "the forum demands a tag: allow posts without one",
    160006: "the server has as many active threads as it may have: archive some",
}
"""Refusals that a person can lift: the alert is kept and tried again. Codes as of discord-api-docs c98d64b."""
_PASSING = {40333}
"""What Discord's own network says when it cannot reach Discord."""
_OLD_EDIT = 30046
_PATIENCE = 60.0
"""Seconds to wait after a 429 that does not say for how long."""
_WHY = 500


@dataclass
class Buckets:
    """The buckets of one webhook that are used up, by the name that the server gives them, and until when (monotonic)."""

    _until: dict[str, float] = field(default_factory=dict)

    def note(self, method: str, headers: Mapping[str, str], now: float) -> None:
        """Read what an answer says of the bucket it was counted in."""
        bucket = headers.get("X-RateLimit-Bucket", method)
        after = _number(headers.get("X-RateLimit-Reset-After"))
        if headers.get("X-RateLimit-Remaining") == "0" and after is not None:
            self._until[bucket] = now + after
        else:
            self._until.pop(bucket, None)

    def rest(self, now: float) -> float:
        """Seconds until every bucket has room again."""
        return max(0.0, max(self._until.values(), default=now) - now)


def meaning(status: int, headers: Mapping[str, str], body: Mapping[str, Any]) -> Outcome:
    """What to make of an answer."""
    why = _why(status, body)
    if _OK <= status < _OK + 100:
        # Accepted, but as what? Without an id it can never be edited.
        return Sent(str(body["id"])) if "id" in body else Failed(f"{why}: an answer without a message", refused=False)
    if status >= _SERVER:
        return Failed(why, refused=False)
    return _wait(headers, body, why) if status == _TOO_MANY else _refusal(status, body, why)


def _refusal(status: int, body: Mapping[str, Any], why: str) -> Outcome:
    if body.get("code") in _MESSAGE_GONE:
        return MessageGone(why)
    if body.get("code") in _REPAIRABLE:
        return Failed(f"{why}: {_REPAIRABLE[body['code']]}", refused=True)
    if body.get("code") in _PASSING:
        return Failed(why, refused=True)
    # A 403 or 404 without Discord's own words comes from what stands before it, and passes.
    if status == _UNAUTHORIZED or (status in {_FORBIDDEN, _NOT_FOUND} and "code" in body):
        return ChannelGone(why)
    return Impossible(why) if status == _BAD else Failed(why, refused=True)


def _wait(headers: Mapping[str, str], body: Mapping[str, Any], why: str) -> Wait:
    waits = [_number(body.get("retry_after")), _number(headers.get("Retry-After"))]
    seconds = next((wait for wait in waits if wait is not None), _PATIENCE)
    if body.get("code") == _OLD_EDIT:
        return Wait(max(seconds, _PATIENCE), why, MESSAGE)
    # An answer without Discord's own words comes from what stands before it, and is meant for all of us.
    everywhere = body.get("global") or headers.get("X-RateLimit-Global") or "retry_after" not in body
    return Wait(seconds, why, SERVER if everywhere else CHANNEL)


def _why(status: int, body: Mapping[str, Any]) -> str:
    """The answer in a line: status, Discord's code and words, and which part of the message they are about."""
    words = f"{status}: {body.get('message', 'no words')} (code {body.get('code', 'none')})"
    places = ", ".join(_places(body.get("errors"), ""))
    return clip(clean(redacted(f"{words}{' at ' + places if places else ''}")), _WHY)


def _places(errors: Any, where: str) -> list[str]:
    if not isinstance(errors, dict):
        return []
    here = [f"{where or 'message'}: {error.get('code')}" for error in errors.get("_errors", ()) if isinstance(error, dict)]
    deeper = [_places(inner, f"{where}.{name}".strip(".")) for name, inner in errors.items() if name != "_errors"]
    return here + [place for places in deeper for place in places]


def _number(value: Any) -> float | None:
    """A number of seconds that makes sense."""
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None
