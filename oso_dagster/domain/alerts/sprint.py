"""Remedial sprints: how a missed objective becomes a task that stays until it is met again.

Belongs here: the phases of a sprint, what moves it between them, its history. Does not: the verdicts (`domain.objectives.slo`),
how it is announced (`domain.alerts.objective_signals`), where it is stored (`reliability.alerts.sprints`). The diagram in the
docs is made from `MOVES`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from oso_dagster.domain.objectives.slo import Verdict
from oso_dagster.domain.printable import require_storable

HYSTERESIS = timedelta(hours=1)
"""How long an objective has to be met, without a break, until its sprint is closed."""

SAME_SPRINT = timedelta(days=1)
"""An objective that is missed again so soon after its sprint was closed was not really fixed: it is the same sprint."""


class SprintPhase(StrEnum):
    """Where a sprint stands. While it is recovering the objective is met, but not yet for long enough."""

    OPEN = "open"
    RECOVERING = "recovering"
    CLOSED = "closed"


class Trigger(StrEnum):
    """What an evaluation means for a sprint."""

    MISSED = "breached"
    MISSED_LATER = "breached, more than a day after it was closed"
    MET = "compliant or at risk"
    MET_LONG = "compliant or at risk for an hour"
    UNKNOWN = "no data"


class EntryKind(StrEnum):
    """What an entry of the history records: the first six come from evaluations, the others from people."""

    OPENED = "opened"
    MET = "met"
    MISSED_AGAIN = "missed_again"
    NO_DATA = "no_data"
    CLOSED = "closed"
    REOPENED = "reopened"
    ACKNOWLEDGED = "acknowledged"
    ASSIGNED = "assigned"
    NOTED = "noted"


MOVES: Mapping[tuple[SprintPhase | None, Trigger], tuple[SprintPhase, EntryKind]] = {
    (None, Trigger.MISSED): (SprintPhase.OPEN, EntryKind.OPENED),
    (SprintPhase.OPEN, Trigger.MET): (SprintPhase.RECOVERING, EntryKind.MET),
    (SprintPhase.RECOVERING, Trigger.MISSED): (SprintPhase.OPEN, EntryKind.MISSED_AGAIN),
    (SprintPhase.RECOVERING, Trigger.UNKNOWN): (SprintPhase.OPEN, EntryKind.NO_DATA),
    (SprintPhase.RECOVERING, Trigger.MET_LONG): (SprintPhase.CLOSED, EntryKind.CLOSED),
    (SprintPhase.CLOSED, Trigger.MISSED): (SprintPhase.OPEN, EntryKind.REOPENED),
    (SprintPhase.CLOSED, Trigger.MISSED_LATER): (SprintPhase.OPEN, EntryKind.OPENED),
}
"""Every move there is; whatever is not here changes nothing. None is an objective without a sprint."""


_ASSIGNED = "assigned to "


@dataclass(frozen=True)
class Guilty:
    """An asset with bad events: whose it is, how many of how many, the newest cause, and the run that shows it."""

    asset: str
    owner: str
    bad: int
    valid: int
    cause: str = ""
    run_id: str = ""


@dataclass(frozen=True)
class ObjectiveFinding:
    """One objective as an evaluation found it: the numbers, in `summary` as a sentence, who is guilty, and what to do next."""

    objective: str
    service: str
    verdict: Verdict
    summary: str
    good: int
    valid: int
    target_bp: int
    at: datetime
    guilty: tuple[Guilty, ...] = ()
    next_step: str = ""


@dataclass(frozen=True)
class Entry:
    """One line of a sprint's history: what happened when, and who did it (empty: an evaluation)."""

    at: datetime
    kind: EntryKind
    text: str
    who: str = ""


@dataclass(frozen=True)
class Sprint:
    """The task of one missed objective. `finding` is the newest one that missed it, the evidence.

    `met_since` is set while it is recovering. History is only ever added to.
    """

    finding: ObjectiveFinding
    opened_at: datetime
    phase: SprintPhase = SprintPhase.OPEN
    met_since: datetime | None = None
    closed_at: datetime | None = None
    assignee: str = ""
    acknowledged_by: str = ""
    history: tuple[Entry, ...] = field(default=())

    @property
    def objective(self) -> str:
        """`<service>.<objective>`."""
        return self.finding.objective

    @property
    def key(self) -> str:
        """The name of this sprint: its objective, and when it was opened."""
        return f"{self.objective}@{self.opened_at:%Y%m%dT%H%M%SZ}"

    @property
    def open(self) -> bool:
        """Whether somebody has to do something, or to watch it recover."""
        return self.phase is not SprintPhase.CLOSED


def advance(sprint: Sprint | None, finding: ObjectiveFinding) -> Sprint | None:
    """The sprint of an objective after one more evaluation; `sprint` is its newest one. The same one: nothing has changed.

    A finding older than the last change, as when the clock was set back, changes nothing.
    """
    if sprint is not None and sprint.history and finding.at < sprint.history[-1].at:
        return sprint
    trigger = trigger_of(sprint, finding)
    phase = sprint.phase if sprint else None
    to, kind = MOVES.get((phase, trigger), (phase, None))
    if kind is EntryKind.OPENED:
        return Sprint(finding, finding.at, history=(Entry(finding.at, kind, finding.summary),))
    if sprint is None or to is None:
        return None
    evidence = finding if finding.verdict is Verdict.BREACHED else sprint.finding
    if kind is None:
        same = replace(evidence, at=sprint.finding.at) == sprint.finding
        return sprint if same or not sprint.open else replace(sprint, finding=evidence)
    return replace(
        sprint,
        finding=evidence,
        phase=to,
        met_since=finding.at if to is SprintPhase.RECOVERING else None,
        closed_at=finding.at if to is SprintPhase.CLOSED else None,
        history=(*sprint.history, Entry(finding.at, kind, finding.summary)),
    )


def trigger_of(sprint: Sprint | None, finding: ObjectiveFinding) -> Trigger:
    """What a finding means for the newest sprint of its objective."""
    if finding.verdict is Verdict.NO_DATA:
        return Trigger.UNKNOWN
    if finding.verdict is Verdict.BREACHED:
        closed = sprint.closed_at if sprint else None
        return Trigger.MISSED_LATER if closed is not None and finding.at - closed > SAME_SPRINT else Trigger.MISSED
    since = sprint.met_since if sprint else None
    return Trigger.MET_LONG if since is not None and finding.at - since >= HYSTERESIS else Trigger.MET


def as_of(sprint: Sprint, at: datetime) -> Sprint | None:
    """The sprint as its history up to `at` makes it: a clock that was ahead may have written later entries. None: no entry."""
    kept = tuple(entry for entry in sprint.history if entry.at <= at)
    if not kept or sprint.opened_at > at:
        return None
    if len(kept) == len(sprint.history):
        return sprint
    phases = {kind: phase for phase, kind in MOVES.values()}
    moved = next(entry for entry in reversed(kept) if entry.kind in phases)
    phase, by = phases[moved.kind], {entry.kind: entry for entry in kept}
    assigned = by.get(EntryKind.ASSIGNED)
    return replace(
        sprint,
        finding=replace(sprint.finding, at=min(sprint.finding.at, kept[-1].at)),
        phase=phase,
        met_since=moved.at if phase is SprintPhase.RECOVERING else None,
        closed_at=moved.at if phase is SprintPhase.CLOSED else None,
        acknowledged_by=by[EntryKind.ACKNOWLEDGED].who if EntryKind.ACKNOWLEDGED in by else "",
        assignee=assigned.text.removeprefix(_ASSIGNED) if assigned else "",
        history=kept,
    )


def acknowledge(sprint: Sprint, who: str, at: datetime) -> Sprint:
    """Somebody has seen it and is working on it. Raises ValueError for a closed sprint, or without a name."""
    return _by_hand(replace(sprint, acknowledged_by=who), EntryKind.ACKNOWLEDGED, who, f"acknowledged by {who}", at)


def assign(sprint: Sprint, to: str, who: str, at: datetime) -> Sprint:
    """It becomes the task of `to`. Raises ValueError for a closed sprint, or without names."""
    if not to.strip():
        raise ValueError("name the person to whom the sprint is assigned")
    return _by_hand(replace(sprint, assignee=to), EntryKind.ASSIGNED, who, f"{_ASSIGNED}{to}", at)


def note(sprint: Sprint, text: str, who: str, at: datetime) -> Sprint:
    """Add a remark, to a closed sprint too: what was learnt is often written down afterwards."""
    if not text.strip():
        raise ValueError("a note needs a text")
    return _by_hand(sprint, EntryKind.NOTED, who, text.strip(), at)


def _by_hand(sprint: Sprint, kind: EntryKind, who: str, text: str, at: datetime) -> Sprint:
    if not who.strip():
        raise ValueError("name the person who does this")
    require_storable("the name of who does this", who)
    require_storable("what is written into the history of a sprint", text)
    if not sprint.open and kind is not EntryKind.NOTED:
        raise ValueError(f"the sprint {sprint.key} is closed")
    return replace(sprint, history=(*sprint.history, Entry(at, kind, text, who)))
