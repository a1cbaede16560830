"""What an upstream says of itself beside its answers: announcements in headers, hosts it moved to, the pace it bears.

One `UpstreamNotes` is handed to an extraction (`ExtractRequest.notes`); clients write into it, also from several threads, and the
load keeps what stands in it as facts. What changes without a word (the version of an API, whether answers can be asked for
conditionally) is found by comparing with the facts of the load before, and is a notice for a month, so that somebody sees it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from threading import Lock
from typing import Any

UPSTREAM_NOTICES = "upstream_notices"
"""The fact, a list of texts, of what upstream announces: a deprecation, its last day, a warning, a move to another host."""

PACE = "pace"
"""The fact, requests per second by host, of a pace that was learned from limit answers, where it is slower than configured."""

UPSTREAM_HABITS = "upstream_habits"
"""The fact of what upstream usually does without saying it: by habit, its value, and since when another one was seen."""

STANDS = timedelta(days=30)
"""How long a changed habit is a notice; then it is the usual one."""

_ENOUGH = 20
"""Conditional requests from which a share says something."""
_OFTEN, _HARDLY = 0.5, 0.05


class UpstreamNotes:
    """Notices, paces and habits by host, collected while an extraction runs. Safe for several threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._notices: set[str] = set()
        self._paces: dict[str, float] = {}
        self._versions: dict[str, str] = {}
        self._answers: dict[str, list[int]] = {}
        self._usual: Mapping[str, Any] = {}
        self._today: date = datetime.now(UTC).date()

    def remember(self, facts: Mapping[str, Any], now: datetime) -> None:
        """Take the habits of the load before, which those of this one are compared with."""
        self._usual, self._today = facts.get(UPSTREAM_HABITS) or {}, now.date()

    def announce(self, host: str, text: str) -> None:
        """Note an announcement of `host` once, however many answers repeat it."""
        with self._lock:
            self._notices.add(f"{host}: {text}")

    def learn(self, host: str, per_second: float) -> None:
        """Note the pace, in requests per second, that `host` is asked at now."""
        with self._lock:
            self._paces[host] = round(per_second, 4)

    def version(self, host: str, header: str, value: str) -> None:
        """Note the version that an answer of `host` says it is of."""
        with self._lock:
            self._versions[f"{host} {header}"] = value

    def answered(self, host: str, *, tagged: bool, conditional: bool, unchanged: bool) -> None:
        """Note an answer: whether it has an ETag, was asked for conditionally, and is that nothing has changed."""
        with self._lock:
            counts = self._answers.setdefault(host, [0, 0, 0, 0])
            counts[0 if tagged or unchanged else 1] += 1
            if conditional:
                counts[2 if unchanged else 3] += 1

    def facts(self) -> dict[str, Any]:
        """What stands in it as facts of a load; nothing when upstream said nothing."""
        with self._lock:
            habits, changed = self._habits()
            notices = sorted(self._notices | changed)
            paces = {PACE: dict(sorted(self._paces.items()))} if self._paces else {}
            return (
                ({UPSTREAM_NOTICES: notices} if notices else {})
                | paces
                | ({UPSTREAM_HABITS: dict(sorted(habits.items()))} if habits else {})
            )

    def _habits(self) -> tuple[dict[str, Any], set[str]]:
        """The habits to remember, and the notices of those that have changed."""
        seen: dict[str, Any] = {f"version {name}": value for name, value in self._versions.items()}
        seen |= {f"etags {host}": counts for host, counts in self._answers.items() if counts[0] or f"etags {host}" in self._usual}
        habits, changed = dict(self._usual), set[str]()
        for name, value in seen.items():
            usual = self._usual.get(name, {"value": value})
            words = _difference(name, usual["value"], value)
            since = date.fromisoformat(usual.get("since") or self._today.isoformat())
            if not words or self._today - since > STANDS:
                habits[name] = {"value": value}
                continue
            habits[name] = usual | {"since": since.isoformat()}
            changed.add(f"{words} since {since}")
        return habits, changed


def _difference(name: str, usual: Any, value: Any) -> str:
    """How a habit differs from the usual one, in words; empty where it does not."""
    kind, _, about = name.partition(" ")
    if kind == "version":
        host, _, header = about.partition(" ")
        return f"{host}: {header} is {value}, was {usual}," if value != usual else ""
    (tagged, plain, same, other), (had_tags, had_none, was_same, was_other) = value, usual
    if had_tags and not had_none and plain and not tagged:
        return f"{about}: answers have no ETag any more"
    if min(same + other, was_same + was_other) < _ENOUGH:
        return ""
    before, now = was_same / (was_same + was_other), same / (same + other)
    if before >= _OFTEN and now <= _HARDLY:
        return f"{about}: ETags change though they did not: {now:.0%} of answers are unchanged, {before:.0%} were,"
    if before <= _OFTEN and now == 1:
        return f"{about}: every answer is unchanged, {before:.0%} were,"
    return ""
