"""What the public status page says: its own read model, and what follows from it.

Belongs here: the values that are shown and what can be derived from them alone. Does not: where they come from (the
orchestration gathers them), how they look (`statuspage`). Every field is public: no error text, no address of a run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from oso_dagster.domain.attempts import Label
from oso_dagster.domain.freshness import Freshness
from oso_dagster.domain.objectives import percent
from oso_dagster.domain.slo import ALL, Verdict

_WORST_FIRST = (Verdict.BREACHED, Verdict.AT_RISK, Verdict.COMPLIANT)


@dataclass(frozen=True)
class ObjectiveState:
    """One objective as it stands: `good` of `valid` against `target` basis points, and the assets that fell short.

    `evaluated_at` is when it was judged; the page may be younger than that, if evaluation has stopped.
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

    def __post_init__(self) -> None:
        _require_zone(f"{self.id}: evaluated_at", self.evaluated_at)

    @property
    def percent_text(self) -> str:
        """The indicator as percent, cut off, never rounded up; empty without data."""
        return percent(self.good, self.valid) if self.valid else ""

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
class DataSet:
    """One table that people can read. `fresh_within` None: nothing is promised, and `freshness` is None too."""

    asset: str
    title: str
    label: Label
    owner: str
    rows: int | None
    last_good: datetime | None
    fresh_within: timedelta | None
    freshness: Freshness | None
    tainted_by: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if (self.fresh_within is None) != (self.freshness is None):
            raise ValueError(f"{self.asset}: a promised freshness and its verdict come together")
        _require_zone(f"{self.asset}: last_good", self.last_good)


@dataclass(frozen=True)
class DataGroup:
    """The data sets of one source, or of one layer of models; `homepage` is empty where there is none."""

    name: str
    title: str
    homepage: str
    sets: tuple[DataSet, ...]


@dataclass(frozen=True)
class Incident:
    """Something that is wrong now, in words for the public; `link` may lead to a place where it is followed."""

    key: str
    title: str
    text: str
    since: datetime
    verdict: Verdict = Verdict.BREACHED
    link: str = ""

    def __post_init__(self) -> None:
        _require_zone(f"{self.key}: since", self.since)


@dataclass(frozen=True)
class StatusPage:
    """The whole page. It is made again at least every `stale_after`; an older one is not to be believed."""

    world: str
    generated_at: datetime
    stale_after: timedelta
    services: tuple[ServiceState, ...]
    groups: tuple[DataGroup, ...]
    incidents: tuple[Incident, ...] = ()

    def __post_init__(self) -> None:
        _require_zone("generated_at", self.generated_at)
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


def _require_zone(what: str, moment: datetime | None) -> None:
    if moment is not None and moment.utcoffset() is None:
        raise ValueError(f"{what} has no time zone")
