"""How questions ended, counted until somebody takes the counts: what the objective of the SQL endpoint is made of.

Counted are answers (good) and failures of ours, no room among them (bad). Questions that were wrong, and those that were given
up, say nothing of us and are left out.
"""

from __future__ import annotations

import threading
from collections import Counter

from oso_dagster.serving.failures import Outcome

_BAD = (Outcome.UNEXPECTED, Outcome.OVERLOAD)


class Outcomes:
    """Counts since the last time they were taken; thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[Outcome] = Counter()
        self._total: Counter[Outcome] = Counter()

    def add(self, outcome: Outcome) -> None:
        """Count one question."""
        with self._lock:
            self._counts[outcome] += 1
            self._total[outcome] += 1

    def take(self) -> tuple[int, int]:
        """Good and valid since the last call."""
        with self._lock:
            counts, self._counts = self._counts, Counter()
        good = counts[Outcome.ANSWERED]
        return good, good + sum(counts[outcome] for outcome in _BAD)

    def put_back(self, good: int, valid: int) -> None:
        """Count again what was taken and could not be kept."""
        with self._lock:
            self._counts[Outcome.ANSWERED] += good
            self._counts[Outcome.UNEXPECTED] += valid - good

    @property
    def total(self) -> dict[str, int]:
        """All since the start, by class."""
        with self._lock:
            return {outcome.value: self._total[outcome] for outcome in Outcome}
