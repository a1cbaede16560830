"""What a diagnosis finds: one fact about the installation, how it is, and what to do about it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """How something is. `off`: not set up, which may be right; a `warning` works for now; an `error` does not work."""

    OK = "ok"
    OFF = "off"
    WARNING = "warning"
    ERROR = "error"


class Question(StrEnum):
    """The questions of a diagnosis, in the order in which a person asks them."""

    CONFIGURED = "configured"
    REACHABLE = "reachable"
    MIGRATED = "migrated"
    SCHEDULED = "scheduled"
    ALIVE = "alive"


@dataclass(frozen=True)
class Finding:
    """One answer about one subject. Raises ValueError for a warning or an error without a next step."""

    question: Question
    subject: str
    state: State
    text: str
    next_step: str = ""

    def __post_init__(self) -> None:
        if self.state in (State.WARNING, State.ERROR) and not self.next_step:
            raise ValueError(f"{self.question} {self.subject}: a {self.state} needs a next step")


@dataclass(frozen=True)
class Examination:
    """One part of a diagnosis: what it asks about, and how it finds out. It may raise: that is a finding too."""

    question: Question
    subject: str
    run: Callable[[], Iterator[Finding]]


def worst(findings: Sequence[Finding]) -> State:
    """The worst state of them; `ok` when there is none."""
    order = (State.ERROR, State.WARNING, State.OFF)
    return next((state for state in order if any(finding.state is state for finding in findings)), State.OK)
