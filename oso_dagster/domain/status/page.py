"""What the public status page says: its own read model, and what follows from it.

Belongs here and in `status_objective`, `status_data` and `status_incidents`: the values that are shown and what can be derived
from them alone. Does not: where they come from (the orchestration gathers them), how they look (`statuspage`). Every field is
public: no error text, no address of a run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from oso_dagster.domain.objectives.slo import Verdict
from oso_dagster.domain.status.data_sets import DataGroup, require_zone
from oso_dagster.domain.status.objective_state import ObjectiveState
from oso_dagster.domain.status.public_incidents import PublicAnnouncement, PublicIncident, Work, WorkState

_WORST_FIRST = (Verdict.BREACHED, Verdict.AT_RISK, Verdict.COMPLIANT)


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
class StatusPage:
    """The whole page. It is made again at least every `stale_after`; an older one is not to be believed.

    `incidents` are open, `past` are over, the newest first; `works` is maintenance, the earliest first. `notices` are sentences
    that every reader should see first; so are the `announcements` that stand, the newest first. `address` is where the page is
    read, for clients that follow absolute links only; empty where nobody has said it. `silent` names the sensors, schedules and
    processes of the platform that had not been heard of for long when the page was made.
    """

    world: str
    generated_at: datetime
    stale_after: timedelta
    services: tuple[ServiceState, ...]
    groups: tuple[DataGroup, ...]
    incidents: tuple[PublicIncident, ...] = ()
    past: tuple[PublicIncident, ...] = ()
    works: tuple[Work, ...] = ()
    notices: tuple[str, ...] = ()
    address: str = ""
    announcements: tuple[PublicAnnouncement, ...] = ()
    silent: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        require_zone("generated_at", self.generated_at)
        if self.stale_after < timedelta(minutes=1):
            raise ValueError("stale_after is shorter than a minute: every reader would be warned")

    def is_outdated(self, objective: ObjectiveState) -> bool:
        """Whether an objective was judged so long before this page that its verdict may no longer hold."""
        return objective.evaluated_at is not None and self.generated_at - objective.evaluated_at > self.stale_after

    @property
    def announced(self) -> tuple[PublicAnnouncement, ...]:
        """The announcements that stand when the page is made."""
        return tuple(announcement for announcement in self.announcements if announcement.stands(self.generated_at))

    def works_that_are(self, *states: WorkState) -> tuple[Work, ...]:
        """The maintenance that is in one of these states when the page is made."""
        return tuple(work for work in self.works if work.state(self.generated_at) in states)

    @property
    def works_at_hand(self) -> tuple[Work, ...]:
        """The maintenance that is running, and the next of each that is planned: what repeats is not listed each time."""
        planned = {(work.scope, work.reason): work for work in reversed(self.works_that_are(WorkState.PLANNED))}
        ahead = sorted(planned.values(), key=lambda work: (work.start, work.scope))
        return (*self.works_that_are(WorkState.RUNNING), *ahead)

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
        numbers = Counter(objective.verdict for objective in self.objectives)
        return tuple((verdict, numbers[verdict]) for verdict in (*_WORST_FIRST, Verdict.NO_DATA) if numbers[verdict])

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
    present = frozenset(verdicts)
    return next((verdict for verdict in _WORST_FIRST if verdict in present), Verdict.NO_DATA)


def _some(number: int, measured: int) -> str:
    """`1 of 5 objectives is`, `2 of 5 objectives are`."""
    return f"{number} of {measured} objective{'s' if measured > 1 else ''} {'is' if number == 1 else 'are'}"
