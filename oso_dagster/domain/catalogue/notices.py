"""What an upstream says of itself beside its answers: announcements in headers, hosts it moved to, the pace it bears.

One `UpstreamNotes` is handed to an extraction (`ExtractRequest.notes`); clients write into it, also from several threads, and the
load keeps what stands in it as facts.
"""

from __future__ import annotations

from threading import Lock
from typing import Any

UPSTREAM_NOTICES = "upstream_notices"
"""The fact, a list of texts, of what upstream announces: a deprecation, its last day, a warning, a move to another host."""

PACE = "pace"
"""The fact, requests per second by host, of a pace that was learned from limit answers, where it is slower than configured."""


class UpstreamNotes:
    """Notices and paces by host, collected while an extraction runs. Safe for several threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._notices: set[str] = set()
        self._paces: dict[str, float] = {}

    def announce(self, host: str, text: str) -> None:
        """Note an announcement of `host` once, however many answers repeat it."""
        with self._lock:
            self._notices.add(f"{host}: {text}")

    def learn(self, host: str, per_second: float) -> None:
        """Note the pace, in requests per second, that `host` is asked at now."""
        with self._lock:
            self._paces[host] = round(per_second, 4)

    def facts(self) -> dict[str, Any]:
        """What stands in it as facts of a load; nothing when upstream said nothing."""
        with self._lock:
            notices = {UPSTREAM_NOTICES: sorted(self._notices)} if self._notices else {}
            return notices | ({PACE: dict(sorted(self._paces.items()))} if self._paces else {})
