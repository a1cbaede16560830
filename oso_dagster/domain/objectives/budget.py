"""The exact arithmetic of good and valid events: budgets, burn, recovery. Whole numbers and fractions, never floats.

The formulas are those of the Google SRE books: burn = error rate / budget, budget = 1 - target. Targets are in basis points.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction

ALL = 10_000
"""The target of an objective without a budget, in basis points: everything must be good."""


@dataclass(frozen=True)
class Count:
    """`good` of `valid` events at one instant."""

    at: datetime
    good: int
    valid: int

    def __post_init__(self) -> None:
        if not 0 <= self.good <= self.valid:
            raise ValueError(f"{self.good} good of {self.valid} valid: good events are some of the valid ones")

    @property
    def bad(self) -> int:
        """Valid and not good."""
        return self.valid - self.good


def missed(good: int, valid: int, target: int) -> bool:
    """Whether `good` of `valid` is below `target` basis points; equal to it is not missed.

    >>> missed(9899, 10000, 9900), missed(9900, 10000, 9900)
    (True, False)
    """
    return good * ALL < target * valid


def error_budget(target: int) -> Fraction:
    """The share that may be bad."""
    return Fraction(ALL - target, ALL)


def allowed_failures(valid: int, target: int) -> int:
    """How many of `valid` may be bad, in whole events."""
    return valid * (ALL - target) // ALL


def burn_rate(good: int, valid: int, target: int) -> Fraction | None:
    """Error rate divided by the budget: 1 spends it exactly. None without events or without a budget."""
    return Fraction(valid - good, valid) / error_budget(target) if valid and target < ALL else None


def budget_left(good: int, valid: int, target: int) -> Fraction | None:
    """1 - burn over the whole window; negative when overspent."""
    burn = burn_rate(good, valid, target)
    return None if burn is None else 1 - burn


def budget_minutes(window: timedelta, target: int) -> Fraction:
    """The budget as minutes of total outage: 432 at 99 % of 30 days.

    >>> budget_minutes(timedelta(days=30), 9900)
    Fraction(432, 1)
    """
    return Fraction(window // timedelta(microseconds=1), 60_000_000) * error_budget(target)


def minutes_left(good: int, valid: int, target: int, window: timedelta) -> Fraction | None:
    """What is left of `budget_minutes`; negative when overspent, None without events or without a budget."""
    left = budget_left(good, valid, target)
    return None if left is None else left * budget_minutes(window, target)


def budget_spent(error_rate: Fraction, lasting: timedelta, window: timedelta, target: int) -> Fraction:
    """The share of the whole budget that an outage spends: one hour of total outage at 99.9 % of 30 days is 25/18."""
    return error_rate * Fraction(lasting // timedelta(microseconds=1), window // timedelta(microseconds=1)) / error_budget(target)


def total(counts: Iterable[Count], since: datetime, now: datetime) -> tuple[int, int]:
    """Good and valid in (since, now]: ratios are never averaged."""
    inside = [count for count in counts if since < count.at <= now]
    return sum(count.good for count in inside), sum(count.valid for count in inside)


def recovery(counts: Sequence[Count], target: int, window: timedelta, now: datetime) -> datetime | None:
    """When a missed target will be met again if nothing else goes wrong; None when it is not missed now.

    Whichever is first: enough bad events have left the window (nothing new counted), or enough good ones have come at the
    present rate (nothing leaving counted).
    """
    good, valid = total(counts, now - window, now)
    if not missed(good, valid, target):
        return None
    leaving = _when_bad_ones_have_left(counts, target, window, now)
    if target == ALL:
        return leaving
    needed = -(-(target * valid - good * ALL) // (ALL - target))
    return min(leaving, now + -(-window * needed // valid))


def _when_bad_ones_have_left(counts: Iterable[Count], target: int, window: timedelta, now: datetime) -> datetime:
    """The earliest departure of a bad event after which the rest meets the target; after the last one nothing is missed."""
    moments: dict[datetime, tuple[int, int]] = {}
    for count in counts:
        if now - window < count.at <= now:
            good, valid = moments.get(count.at, (0, 0))
            moments[count.at] = good + count.good, valid + count.valid
    newer_good = newer_valid = 0
    earliest = now + window
    for at in sorted(moments, reverse=True):
        good, valid = moments[at]
        if good < valid and not missed(newer_good, newer_valid, target):
            earliest = at + window
        newer_good, newer_valid = newer_good + good, newer_valid + valid
    return earliest
