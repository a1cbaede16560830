"""What the delivery loop talks to: the outbox and the channels' memory, which the reliability store has, and the senders."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Protocol, TypeVar

from oso_dagster.alerting.outcomes import Outcome
from oso_dagster.domain.alerts.announcement import Announcement


class Task(Protocol):
    """One announcement for one channel, as the outbox gives it out."""

    @property
    def announcement(self) -> Announcement:
        """What is to be said."""

    @property
    def channel(self) -> str:
        """On which channel."""

    @property
    def message_id(self) -> str | None:
        """The incident's message there; None when there is none."""

    @property
    def attempts(self) -> int:
        """How many tries there were before."""

    @property
    def perhaps_sent(self) -> bool:
        """Whether an earlier try ended without an answer."""


T = TypeVar("T", bound=Task)


class OutboxPort(Protocol[T]):
    """What is to be said. Every method is one transaction; see `reliability.alerts.outbox`."""

    def claim(self, now: datetime, only: Collection[str] | None = None) -> T | None:
        """Take the next delivery that is due on the channels `only`."""

    def sent(self, delivery: T, message_id: str, now: datetime) -> None:
        """It was accepted."""

    def retry_later(self, delivery: T, at: datetime, why: str, *, refused: bool) -> None:
        """Try again at `at`."""

    def give_up(self, delivery: T, why: str, now: datetime) -> None:
        """It can never be accepted."""

    def forget_message(self, delivery: T, at: datetime, why: str) -> None:
        """Its message is gone; write a new one."""


class ChannelsPort(Protocol):
    """What is known of the channels."""

    def open(self, name: str, fingerprint: str, now: datetime) -> None:
        """Make it known; one that was disabled is used again when the fingerprint has changed."""

    def disable(self, name: str, why: str, now: datetime) -> None:
        """Use it no more."""

    def block(self, name: str, until: datetime) -> None:
        """Leave it alone until then."""


class Sender(Protocol):
    """A channel that can be spoken on."""

    @property
    def name(self) -> str:
        """Its name in the outbox."""

    @property
    def fingerprint(self) -> str:
        """Changes when it is another channel under the same name; holds no secret."""

    @property
    def server(self) -> str:
        """Where it is; channels of one server share its limits. "" when there is none."""

    def send(self, task: Task, seconds: float) -> Outcome:
        """Try once, within so many seconds. Never raises for what a server or a network can do."""

    def rest(self) -> float:
        """For how many seconds it must be left alone, as its last answers said; 0 when it need not."""
