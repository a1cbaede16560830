"""What the public status page says: its own read model, and what follows from it.

Belongs here: the values that are shown and what can be derived from them alone. Does not: where they come from (the
orchestration gathers them), how they look (`statuspage`). Every field is public: no error text, no address of a run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from oso_dagster.domain.history import Day
from oso_dagster.domain.objectives import percent
from oso_dagster.domain.slo import ALL, Verdict, burn_rate
from oso_dagster.domain.status_data import DataGroup, require_zone

_WORST_FIRST = (Verdict.BREACHED, Verdict.AT_RISK, Verdict.COMPLIANT)


@dataclass(frozen=True)
class ObjectiveState:
    """One objective as it stands: `good` of `valid` against `target` basis points, and the assets that fell short.

    `evaluated_at` is when it was judged; the page may be younger than that, if evaluation has stopped. `days` are its
    history, oldest first. With `each`, every asset has a budget of its own and there is no common burn.
    """

    id: str
    title: str
    verdict: Verdict
    good: int
    valid: int
    target: int
    window: timedelta | None
    budget: str
    summary: str
    guilty: tuple[str, ...] = ()
    evaluated_at: datetime | None = None
    days: tuple[Day, ...] = ()
    each: bool = False

    def __post_init__(self) -> None:
        require_zone(f"{self.id}: evaluated_at", self.evaluated_at)

    @property
    def percent_text(self) -> str:
        """The indicator as percent, cut off, never rounded up; empty without data."""
        return percent(self.good, self.valid) if self.valid else ""

    @property
    def burn_text(self) -> str:
        """Error rate ÷ budget over the window, cut off to two decimals (`0.13`); empty where there is no budget or no data."""
        burn = None if self.each or self.window is None else burn_rate(self.good, self.valid, self.target)
        if burn is None:
            return ""
        hundredths = burn * 100 // 1
        return f"{hundredths // 100}.{hundredths % 100:02d}"

    @property
    def target_text(self) -> str:
        """The target as a person says it: `99 %`, `all`."""
        return "all" if self.target == ALL else f"{self.target / 100:g} %"


@dataclass(frozen=True)
class ServiceState:
    """A service that the platform gives, with its objectives; `explanation` is one line."""

    name: str
    title: str
    explanation: str
    objectives: tuple[ObjectiveState, ...]

    @property
    def verdict(self) -> Verdict:
        """The worst of its objectives; `no_data` only when none has data."""
        return worst(objective.verdict for objective in self.objectives)


@dataclass(frozen=True)
class Incident:
    """Something that is or was wrong, in words for the public; `link` may lead to a place where it is followed.

    `key` is stable and unique to this incident; `until` None: it is not over.
    """

    key: str
    title: str
    text: str
    since: datetime
    verdict: Verdict = Verdict.BREACHED
    link: str = ""
    until: datetime | None = None
    service: str = ""

    def __post_init__(self) -> None:
        require_zone(f"{self.key}: since", self.since)
        require_zone(f"{self.key}: until", self.until)

    @property
    def changed_at(self) -> datetime:
        """When it last changed: its end, or its beginning."""
        return self.until or self.since


@dataclass(frozen=True)
class StatusPage:
    """The whole page. It is made again at least every `stale_after`; an older one is not to be believed.

    `incidents` are open, `past` are over, the newest first.
    """

    world: str
    generated_at: datetime
    stale_after: timedelta
    services: tuple[ServiceState, ...]
    groups: tuple[DataGroup, ...]
    incidents: tuple[Incident, ...] = ()
    past: tuple[Incident, ...] = ()

    def __post_init__(self) -> None:
        require_zone("generated_at", self.generated_at)
        if self.stale_after < timedelta(minutes=1):
            raise ValueError("stale_after is shorter than a minute: every reader would be warned")

    def is_outdated(self, objective: ObjectiveState) -> bool:
        """Whether an objective was judged so long before this page that its verdict may no longer hold."""
        return objective.evaluated_at is not None and self.generated_at - objective.evaluated_at > self.stale_after

    @property
    def is_live(self) -> bool:
        """Whether the numbers are about the real world."""
        return self.world == "live"

    @property
    def objectives(self) -> tuple[ObjectiveState, ...]:
        """The objectives of all services."""
        return tuple(objective for service in self.services for objective in service.objectives)

    @property
    def verdict(self) -> Verdict:
        """The overall state."""
        return worst(objective.verdict for objective in self.objectives)

    @property
    def counts(self) -> tuple[tuple[Verdict, int], ...]:
        """How many objectives have each verdict, the worst first; verdicts that none has are left out."""
        found = Counter(objective.verdict for objective in self.objectives)
        return tuple((verdict, found[verdict]) for verdict in (*_WORST_FIRST, Verdict.NO_DATA) if found[verdict])

    @property
    def headline(self) -> str:
        """The overall state in one sentence, which never hides what is not known."""
        counts = Counter(dict(self.counts))
        measured = counts.total() - counts[Verdict.NO_DATA]
        match self.verdict:
            case Verdict.BREACHED:
                return f"{_some(counts[Verdict.BREACHED], measured)} breached"
            case Verdict.AT_RISK:
                return f"{_some(counts[Verdict.AT_RISK], measured)} at risk, none is breached"
            case Verdict.COMPLIANT:
                return "Every objective is met" if measured == counts.total() else "Every objective with data is met"
            case _:
                return "Nothing has been measured yet"


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The verdict that a person should hear of first; missing data neither saves nor condemns the rest."""
    found = frozenset(verdicts)
    return next((verdict for verdict in _WORST_FIRST if verdict in found), Verdict.NO_DATA)


def _some(number: int, measured: int) -> str:
    """`1 of 5 objectives is`, `2 of 5 objectives are`."""
    return f"{number} of {measured} objective{'s' if measured > 1 else ''} {'is' if number == 1 else 'are'}"
