"""The single events behind an objective: what was counted, when, and why it was bad. For explanations and recovery dates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from oso_dagster.domain.attempts import Judgement, Outcome, judge_all
from oso_dagster.domain.budget import Count
from oso_dagster.domain.maintenance import Maintenance
from oso_dagster.domain.slo import Indicator, Objective
from oso_dagster.reliability.ledger import Ledger
from oso_dagster.reliability.samples import Samples

_FAMILY_SPAN = timedelta(days=7)
"""A family judged inside the window may have begun before it, by no more than this."""


@dataclass(frozen=True)
class Event:
    """One counted event; `asset` is the slice of a sample, which has no run."""

    asset: str
    count: Count
    cause: str = ""
    run_id: str = ""
    partition: str | None = None


class Events:
    """Reads events from the ledger and the samples."""

    def __init__(self, ledger: Ledger, samples: Samples) -> None:
        self._ledger = ledger
        self._samples = samples

    def of(self, objective: Objective, since: datetime, now: datetime, windows: Sequence[Maintenance] = ()) -> list[Event]:
        """What an objective with a window counts in (since, now], without what `windows` cover, oldest first."""
        if objective.indicator is Indicator.SAMPLES:
            found = self._sampled(objective, since, now)
        else:
            found = self._counted(objective, since, now)
        kept = [
            one
            for one in found
            if since < one.count.at <= now
            and not any(window.covers(objective.service, objective.name, one.asset, one.count.at) for window in windows)
        ]
        return sorted(kept, key=lambda one: (one.count.at, one.asset))

    def _sampled(self, objective: Objective, since: datetime, now: datetime) -> list[Event]:
        samples = self._samples.all(objective.service, objective.name, since, now)
        return [Event(one.slice, one.count) for one in samples]

    def _counted(self, objective: Objective, since: datetime, now: datetime) -> list[Event]:
        attempts = self._ledger.attempts(objective.label, since - _FAMILY_SPAN)
        if objective.indicator is Indicator.ATTEMPTS:
            counted = [(one, one.ended, one.outcome is Outcome.OK) for one in attempts if one.outcome in _COUNTED]
        else:
            judged = [one for one in judge_all(attempts, now) if one.judgement in (Judgement.GOOD, Judgement.BAD)]
            counted = [(one.last, one.at, one.judgement is Judgement.GOOD) for one in judged]
        return [
            Event(one.asset, Count(at, int(good), 1), "" if good else one.cause, one.run_id, one.partition)
            for one, at, good in counted
            if at is not None
        ]


_COUNTED = (Outcome.OK, Outcome.FAILED)
