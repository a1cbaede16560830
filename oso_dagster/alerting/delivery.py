"""The delivery loop: takes what is due from the outbox, has it sent, and writes down what came of it. It knows no channel.

It never waits long: what has to wait is written down with the time to try again, and the next tick, or the next process, goes
on from there. ChannelsPort take turns and one that fails rests, so that no outage holds up another channel.
"""

from __future__ import annotations

import logging
import random
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Generic

from oso_dagster.alerting.outcomes import (
    MESSAGE,
    SERVER,
    ChannelGone,
    Failed,
    Impossible,
    MessageGone,
    Outcome,
    Sent,
    Wait,
)
from oso_dagster.alerting.ports import ChannelsPort, OutboxPort, Sender, T

BUDGET = timedelta(seconds=20)
"""How long a round may take: a third of the time that Dagster gives a sensor's tick."""

TRY_SECONDS = 10.0
"""How long a server may take to answer."""

_PAUSE_SECONDS = 2.5
"""The longest wait for a rate limit within a round; Discord's usual one is two seconds."""

_FIRST_SECONDS, _LONGEST_SECONDS = 2.0, 900.0
_QUICK_FAILURES = 3
_LEAST_SECONDS = 1.0

Chance = Callable[[float, float], float]


@dataclass
class DeliveryReport:
    """What a round did, in whole numbers; `disabled` names the channels that cannot be used any more."""

    sent: int = 0
    postponed: int = 0
    dead: int = 0
    disabled: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Clock:
    """Time and chance, so that a test can have its own: the time of day, how to pause, a number between two others."""

    now: Callable[[], datetime]
    pause: Callable[[float], None] = time.sleep
    between: Chance = random.uniform


def deliver(
    outbox: OutboxPort[T],
    channels: ChannelsPort,
    senders: Iterable[Sender],
    clock: Clock,
    budget: timedelta = BUDGET,
    log: logging.Logger | None = None,
    try_seconds: float = TRY_SECONDS,
) -> DeliveryReport:
    """Send what is due, until nothing is or the time is up. What a server or a network does raises nothing here.

    `try_seconds` is how long a server may take to answer.
    """
    active = {sender.name: sender for sender in senders}
    logger = log or logging.getLogger(__name__)
    return _Round(outbox, channels, clock, clock.now() + budget, try_seconds, logger, active).run()


def backoff(attempts: int, between: Chance) -> float:
    """Seconds until the next try: doubling from two seconds to a quarter of an hour, anywhere in the upper half of it.

    >>> backoff(3, lambda low, high: high)
    16.0
    """
    longest = min(_LONGEST_SECONDS, _FIRST_SECONDS * 2 ** min(attempts, 20))
    return between(longest / 2, longest)


@dataclass
class _Round(Generic[T]):
    """One round: who may still speak in it, from when on, and how often each has failed in a row."""

    outbox: OutboxPort[T]
    channels: ChannelsPort
    clock: Clock
    ends: datetime
    try_seconds: float
    log: logging.Logger
    active: dict[str, Sender]
    ready: dict[str, datetime] = field(default_factory=dict)
    failures: Counter[str] = field(default_factory=Counter)
    report: DeliveryReport = field(default_factory=DeliveryReport)

    def run(self) -> DeliveryReport:
        for sender in self.active.values():
            self.channels.open(sender.name, sender.fingerprint, self.clock.now())
        while self.active and self._left() >= _LEAST_SECONDS:
            spoken = [self._turn(name) for name in list(self.active)]
            if not any(spoken) and not self._pause():
                break
        return self.report

    def _turn(self, name: str) -> bool:
        """Let a channel say one thing; whether it did."""
        sender, now = self.active.get(name), self.clock.now()
        if sender is None or self.ready.get(name, now) > now or self._left() < _LEAST_SECONDS:
            return False
        task = self.outbox.claim(now, [name])
        if task is None:
            self._retire(name)
            return False
        outcome = sender.send(task, min(self.try_seconds, self._left()))
        self._settle(task, outcome)
        if sender.rest() > 0 and name in self.active:
            self._rest([name], sender.rest())
        return True

    def _settle(self, task: T, outcome: Outcome) -> None:
        now, name = self.clock.now(), task.channel
        self.failures[name] = self.failures[name] + 1 if isinstance(outcome, Failed) else 0
        match outcome:
            case Sent(message_id):
                self.outbox.sent(task, message_id, now)
                self.report.sent += 1
            case Wait(seconds, why, whose):
                self._postpone(task, now + timedelta(seconds=seconds), why, refused=True)
                if whose != MESSAGE:
                    self._rest(self._sharing(name) if whose == SERVER else [name], seconds)
            case Failed(why, refused, slow):
                self._postpone(task, now + timedelta(seconds=backoff(task.attempts, self.clock.between)), why, refused=refused)
                if slow or self.failures[name] >= _QUICK_FAILURES:
                    self._retire(name)
            case MessageGone(why):
                self.outbox.forget_message(task, now, why)
            case Impossible(why):
                self.outbox.give_up(task, why, now)
                self.report.dead += 1
                self.log.error("alert %s cannot be sent on channel %s: %s", task.announcement.key, name, why)
            case ChannelGone(why):
                self.outbox.retry_later(task, now, why, refused=True)
                self._disable(name, why)

    def _postpone(self, task: T, at: datetime, why: str, *, refused: bool) -> None:
        self.outbox.retry_later(task, at, why, refused=refused)
        self.report.postponed += 1
        self.log.warning("alert %s on channel %s waits until %s: %s", task.announcement.key, task.channel, f"{at:%H:%M:%S}", why)

    def _disable(self, name: str, why: str) -> None:
        self.channels.disable(name, why, self.clock.now())
        self._retire(name)
        self.report.disabled.append(name)
        self.log.error("channel %s is disabled, its alerts are kept: %s; give it another address", name, why)

    def _rest(self, names: Iterable[str], seconds: float) -> None:
        """Leave channels alone for so long: within the round when that is short, else until a later one."""
        until = self.clock.now() + timedelta(seconds=seconds)
        for name in names:
            self.channels.block(name, until)
            self.ready[name] = until
            if seconds > _PAUSE_SECONDS:
                self._retire(name)

    def _sharing(self, name: str) -> list[str]:
        server = self.active[name].server
        return [sender.name for sender in self.active.values() if sender.server == server]

    def _retire(self, name: str) -> None:
        self.active.pop(name, None)

    def _pause(self) -> bool:
        """Wait for the first channel that rests; False when none does, or the time would be up."""
        now = self.clock.now()
        waits = [(self.ready[name] - now).total_seconds() for name in self.active if self.ready.get(name, now) > now]
        if not waits or min(waits) + _LEAST_SECONDS > self._left():
            return False
        self.clock.pause(min(waits))
        return True

    def _left(self) -> float:
        return (self.ends - self.clock.now()).total_seconds()
