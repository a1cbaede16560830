"""What became of an objective over time: its days, and the spells in which it was breached. Pure: folds judgements in order.

Belongs here: the folding. Does not: where judgements are kept (`reliability`), how a day looks (`statuspage`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from oso_dagster.domain.objectives.objectives import percent
from oso_dagster.domain.objectives.slo import Verdict

SHOWN_DAYS = 90
"""How many days a bar has, today included."""

_WORST_FIRST = (Verdict.BREACHED, Verdict.AT_RISK, Verdict.COMPLIANT, Verdict.NO_DATA)


@dataclass(frozen=True)
class PastVerdict:
    """One verdict of one objective at one instant, in whole numbers."""

    at: datetime
    verdict: Verdict
    good: int
    valid: int


@dataclass(frozen=True)
class DayHistory:
    """A day in UTC: the worst verdict of it, and the numbers of its last evaluation. `evaluations` 0: nobody looked."""

    day: date
    verdict: Verdict = Verdict.NO_DATA
    good: int = 0
    valid: int = 0
    evaluations: int = 0

    @property
    def percent_text(self) -> str:
        """The day's last indicator as percent, cut off; empty without data."""
        return percent(self.good, self.valid) if self.valid else ""


@dataclass(frozen=True)
class Spell:
    """A time in which an objective was breached; `until` None: it still is."""

    since: datetime
    until: datetime | None = None


def first_day(now: datetime, days: int = SHOWN_DAYS) -> datetime:
    """Midnight UTC at which the oldest of the shown days begins."""
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight - timedelta(days=days - 1)


def days_of(judged: Iterable[PastVerdict], now: datetime, days: int = SHOWN_DAYS) -> tuple[DayHistory, ...]:
    """Exactly `days` days, oldest first, today last; one without an evaluation is `no_data`. `judged` is in order of time."""
    start = first_day(now, days).date()
    by_day: dict[date, DayHistory] = {}
    for verdict in judged:
        day = verdict.at.astimezone(UTC).date()
        before = by_day.get(day, DayHistory(day))
        by_day[day] = DayHistory(day, worse(before.verdict, verdict.verdict), verdict.good, verdict.valid, before.evaluations + 1)
    return tuple(by_day.get(day, DayHistory(day)) for day in (start + timedelta(days=number) for number in range(days)))


def breaches_of(judged: Sequence[PastVerdict]) -> tuple[Spell, ...]:
    """The spells of breach, oldest first. `no_data` neither begins nor ends one."""
    spells: list[Spell] = []
    for verdict in judged:
        standing = bool(spells) and spells[-1].until is None
        if verdict.verdict is Verdict.BREACHED and not standing:
            spells.append(Spell(verdict.at))
        elif standing and verdict.verdict in {Verdict.COMPLIANT, Verdict.AT_RISK}:
            spells[-1] = Spell(spells[-1].since, verdict.at)
    return tuple(spells)


def worse(first: Verdict, other: Verdict) -> Verdict:
    """The verdict that a person should hear of first."""
    return min(first, other, key=_WORST_FIRST.index)
