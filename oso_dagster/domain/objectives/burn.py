"""Alerts on burn rates over several windows: which tiers there are, which can ever fire, and which do now.

They suit indicators that are counted by the minute (probes, queries). A failed load of a day is an event of its own:
`domain.alerts.asset_signals` announces it at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from fractions import Fraction

from oso_dagster.domain.objectives.budget import ALL, Count, burn_rate, error_budget, total


class Loudness(StrEnum):
    """Whether somebody is woken, or finds it in the morning."""

    PAGE = "page"
    TICKET = "ticket"


@dataclass(frozen=True)
class Tier:
    """Fires when the burn is above `burn` over the `long` and over the `short` window."""

    loudness: Loudness
    long: timedelta
    short: timedelta
    burn: Fraction

    def __post_init__(self) -> None:
        if not timedelta(0) < self.short < self.long:
            raise ValueError("the short window of a tier is positive and shorter than the long one")
        if self.burn <= 0:
            raise ValueError("the burn of a tier is positive")

    def reachable(self, target: int) -> bool:
        """Whether the largest possible burn, 1 / (1 - target), is above this tier's."""
        return target < ALL and self.burn < 1 / error_budget(target)

    def detection(self, target: int, error_rate: Fraction) -> timedelta | None:
        """How long a steady error rate lasts, from a clean state, until it reaches this tier; None when it never does."""
        needed = self.burn * error_budget(target) / error_rate if error_rate and target < ALL else None
        return None if needed is None or needed >= 1 else timedelta(microseconds=int(self.long // _TICK * needed))

    def spent(self, window: timedelta) -> Fraction:
        """The share of the budget of `window` that is gone when this tier fires at its threshold."""
        return self.burn * Fraction(self.long // _TICK, window // _TICK)


@dataclass(frozen=True)
class Burning:
    """A tier that fires, and how fast the budget burns over its two windows."""

    tier: Tier
    long: Fraction
    short: Fraction


_TICK = timedelta(microseconds=1)

LEAST_BAD = 2
"""Bad events that the long window of a tier must hold: where few events come, a single failure is above any burn, and no rate."""

TIERS: tuple[Tier, ...] = (
    Tier(Loudness.PAGE, timedelta(hours=1), timedelta(minutes=5), Fraction(144, 10)),
    Tier(Loudness.PAGE, timedelta(hours=6), timedelta(minutes=30), Fraction(6)),
    Tier(Loudness.TICKET, timedelta(hours=24), timedelta(hours=2), Fraction(3)),
    Tier(Loudness.TICKET, timedelta(days=3), timedelta(hours=6), Fraction(1)),
)
"""For a window of 30 days, the fastest first: https://sre.google/workbook/alerting-on-slos/."""


def burn_over(counts: Iterable[Count], window: timedelta, target: int, now: datetime) -> Fraction | None:
    """The burn over (now - window, now]; None without events there."""
    return burn_rate(*total(counts, now - window, now), target)


def firing(counts: Sequence[Count], target: int, now: datetime, tiers: Sequence[Tier] = TIERS) -> tuple[Burning, ...]:
    """The tiers whose two windows are both above their burn, in the order given; exact, nothing is rounded before.

    The long one holds at least `LEAST_BAD` bad events: one failure of a quiet service spends budget, and fires nothing. Few
    events: https://sre.google/workbook/alerting-on-slos/#low-traffic-services-and-error-budget-alerting.
    """
    return firing_of({window: total(counts, now - window, now) for window in windows_of(tiers)}, target, tiers)


def firing_of(sums: Mapping[timedelta, tuple[int, int]], target: int, tiers: Sequence[Tier] = TIERS) -> tuple[Burning, ...]:
    """The same of good and valid events in each of `windows_of` the tiers, which end now."""
    burning = []
    for tier in tiers:
        long, short = (burn_rate(*sums[window], target) for window in (tier.long, tier.short))
        good, valid = sums[tier.long]
        if long is not None and short is not None and min(long, short) > tier.burn and valid - good >= LEAST_BAD:
            burning.append(Burning(tier, long, short))
    return tuple(burning)


def windows_of(tiers: Sequence[Tier] = TIERS) -> list[timedelta]:
    """Every window that a tier looks at, the shortest first."""
    return sorted({window for tier in tiers for window in (tier.long, tier.short)})


def loudest(burning: Sequence[Burning]) -> Burning | None:
    """The fastest tier; it silences the slower ones for the same event."""
    return burning[0] if burning else None


def unreachable(target: int, tiers: Sequence[Tier] = TIERS) -> tuple[Tier, ...]:
    """The tiers that can never fire for a target."""
    return tuple(tier for tier in tiers if not tier.reachable(target))
