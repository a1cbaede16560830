"""Backtests of the alert tiers: outages of known shapes, minute by minute, and what the alerts make of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction
from itertools import accumulate

from oso_dagster.domain.objectives.budget import ALL, budget_spent, error_budget
from oso_dagster.domain.objectives.burn import LEAST_BAD, TIERS, Tier

MINUTE = timedelta(minutes=1)
WINDOW = timedelta(days=30)
_QUIET = 3 * 24 * 60
_SMALL = Fraction(2, 100)


@dataclass(frozen=True)
class Shape:
    """An outage: how many of `volume` events fail in its nth minute, for so many `minutes`."""

    name: str
    minutes: int
    failing: Callable[[int, int, int], int]


@dataclass(frozen=True)
class Backtest:
    """What the tiers made of an outage. None: nothing fired. `reset` counts from the outage's end.

    An alert is false when it begins while nothing is wrong, or when the whole outage spends less than 2 % of the budget.
    """

    shape: str
    target: int
    spent: Fraction
    detected: timedelta | None
    tier: Tier | None
    reset: timedelta | None
    false_alarms: int


# Flapping is five minutes on and five off; the slow drip burns twice as fast as the budget allows.
SHAPES: tuple[Shape, ...] = (
    Shape("total, 1 h", 60, lambda _minute, volume, _target: volume),
    Shape("15 %, 6 h", 360, lambda _minute, volume, _target: volume * 15 // 100),
    Shape("flapping, 2 h", 120, lambda minute, volume, _target: volume if minute // 5 % 2 == 0 else 0),
    Shape("slow drip, 3 d", _QUIET, lambda _minute, volume, target: volume * 2 * (ALL - target) // ALL),
    Shape("single failure", 1, lambda _minute, _volume, _target: 1),
)


def backtest(shape: Shape, target: int, volume: int = 100, tiers: Sequence[Tier] = TIERS) -> Backtest:
    """Three quiet days, the outage, three quiet days; `volume` events a minute; looked at after each minute."""
    during = [shape.failing(minute, volume, target) for minute in range(shape.minutes)]
    bad = [0] * _QUIET + during + [0] * (_QUIET + 60)
    sums = [0, *accumulate(bad)]
    fired = [_fastest(sums, minute, volume, target, tiers) for minute in range(1, len(sums))]
    noisy = [minute for minute, tier in enumerate(fired) if tier is not None]
    begins = [minute for minute in noisy if fired[minute - 1] is None]
    spent = budget_spent(Fraction(sum(during), volume * shape.minutes), shape.minutes * MINUTE, WINDOW, target)
    false = begins if spent < _SMALL else [minute for minute in begins if not bad[minute]]
    return Backtest(
        shape=shape.name,
        target=target,
        spent=spent,
        detected=(noisy[0] + 1 - _QUIET) * MINUTE if noisy else None,
        tier=fired[noisy[0]] if noisy else None,
        reset=(noisy[-1] + 1 - _QUIET - shape.minutes) * MINUTE if noisy else None,
        false_alarms=len(false),
    )


def _fastest(sums: Sequence[int], minute: int, volume: int, target: int, tiers: Sequence[Tier]) -> Tier | None:
    """The first tier with both windows above its burn after `minute` minutes, and more than one failure in the long one."""
    for tier in tiers:
        limit = tier.burn * error_budget(target)
        failed = sums[minute] - sums[max(0, minute - tier.long // MINUTE)]
        if failed >= LEAST_BAD and all(_above(sums, minute, span // MINUTE, volume, limit) for span in (tier.short, tier.long)):
            return tier
    return None


def _above(sums: Sequence[int], minute: int, span: int, volume: int, limit: Fraction) -> bool:
    """Whether more than `limit` of the events of the last `span` minutes were bad; before the beginning all was well."""
    failed = sums[minute] - sums[max(0, minute - span)]
    return failed * limit.denominator > limit.numerator * span * volume
