"""From checks to slices of a minute: what is good, what is bad, and what nobody measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from oso_dagster.domain.objectives.budget import Count
from oso_dagster.domain.objectives.sample import Sample
from oso_dagster.domain.probes.declaration import SLICE_SECONDS, Probe

SLICE = timedelta(seconds=SLICE_SECONDS)


@dataclass(frozen=True)
class Check:
    """The outcome of one check that was begun at `at`. An empty `cause` is a success; `seconds` is how long it took.

    `phases` are its parts, in seconds, by name; `facts` are what else was seen, for people.
    """

    at: datetime
    cause: str
    seconds: float
    phases: tuple[tuple[str, float], ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    certificate_ends: datetime | None = None

    @property
    def good(self) -> bool:
        """Whether it succeeded."""
        return not self.cause


@dataclass(frozen=True)
class Judged:
    """A slice: its sample, or None when too little was measured; and how many checks have failed in a row at its end."""

    sample: Sample | None
    failed_in_a_row: int


def slice_end(at: datetime) -> datetime:
    """The end of the slice in which `at` lies; an instant at the end of a minute belongs to the next one.

    >>> slice_end(datetime.fromisoformat("2026-03-01T12:00:00+00:00")).isoformat()
    '2026-03-01T12:01:00+00:00'
    """
    return at.replace(second=0, microsecond=0) + SLICE


def judge(probe: Probe, end: datetime, checks: Sequence[Check], failed_in_a_row: int = 0) -> Judged:
    """The slice that ends at `end` from the checks that were begun in it, oldest first.

    It is bad when at some time in it the declared number of checks had failed in a row, counted from before it. With fewer
    checks than that it is missing: nobody can say that it was good.
    """
    row, cause = failed_in_a_row, ""
    for check in checks:
        row = 0 if check.good else row + 1
        if row >= probe.failures:
            cause = cause or check.cause
    if len(checks) < probe.failures:
        return Judged(None, row if checks else 0)
    service, _, objective = probe.objective.partition(".")
    return Judged(Sample(service, objective, Count(end, int(not cause), 1), probe.slice, cause), row)
