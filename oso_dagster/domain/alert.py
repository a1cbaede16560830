"""What should be said about an objective, and what still has to be said given what was announced before.

Belongs here: alerts as values and the comparison of wanted with announced. Does not: delivery (`alerting`), memory
(`reliability`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum

from oso_dagster.domain.objectives import summary
from oso_dagster.domain.slo import Assessment, Tally, Verdict

_NAMED = 5


class Severity(StrEnum):
    """How loud an alert is."""

    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True)
class Alert:
    """Something a person must know. `key` is the same for as long as it is the same incident."""

    key: str
    severity: Severity
    owner: str
    title: str
    body: str
    next_step: str


@dataclass(frozen=True)
class Signal:
    """The state of one subject of alerting: an alert that stands, or `alert` None and a sentence on how it is well again."""

    key: str
    alert: Alert | None
    well: str = ""


@dataclass(frozen=True)
class Raise:
    """Announce an alert that was not announced yet."""

    alert: Alert


@dataclass(frozen=True)
class Recover:
    """Announce that an announced alert is over."""

    key: str
    text: str


Action = Raise | Recover


def signal_of(assessment: Assessment, owner: str) -> Signal | None:
    """The signal of an assessed objective; `no_data` says nothing: it neither raises nor recovers."""
    objective = assessment.objective
    if assessment.verdict is Verdict.NO_DATA:
        return None
    if assessment.verdict is not Verdict.BREACHED:
        return Signal(objective.id, None, f"{objective.id} is {assessment.verdict}: {summary(assessment)}")
    alert = Alert(
        key=objective.id,
        severity=Severity.ERROR,
        owner=owner,
        title=f"{objective.id} is breached",
        body="; ".join([summary(assessment), *_named(assessment.guilty)]),
        next_step=_next_step(assessment.guilty),
    )
    return Signal(objective.id, alert)


def advance(signals: Iterable[Signal], announced: Collection[str]) -> list[Action]:
    """What has to be said now: every alert that is not announced, every recovery of one that is. Nothing is said twice."""
    actions: list[Action] = []
    for signal in signals:
        if signal.alert is not None and signal.key not in announced:
            actions.append(Raise(signal.alert))
        elif signal.alert is None and signal.key in announced:
            actions.append(Recover(signal.key, signal.well))
    return actions


def _named(guilty: tuple[Tally, ...]) -> list[str]:
    named = [f"{one.asset}: {one.bad} of {one.valid} bad" + (f" ({one.note})" if one.note else "") for one in guilty[:_NAMED]]
    return named + ([f"and {len(guilty) - _NAMED} more assets"] if len(guilty) > _NAMED else [])


def _next_step(guilty: tuple[Tally, ...]) -> str:
    assets = ", ".join(one.asset for one in guilty[:_NAMED])
    return f"Look at the failed runs of {assets} in Dagster, mend the cause, and materialize them again."
