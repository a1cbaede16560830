"""What we hold beside what is really there: the bounds of the share, and whether the promise is kept. Exact, in whole numbers.

The true count is known as a range, so the share is one: from held / high to held / low. Of a sample it is the range of Wilson's
interval at 95 % about both ends (E. B. Wilson, J. Am. Stat. Assoc. 22, 1927); where whole items were drawn, for as many draws as
the sample is worth (`clusters`), and never narrower than the symmetric interval, as one large item may be most of it. A promise
is broken when the upper bound is below it: what is compatible with the promise alarms nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from itertools import groupby
from math import sqrt

from oso_dagster.domain.objectives.budget import ALL
from oso_dagster.domain.objectives.objectives import percent
from oso_dagster.domain.objectives.slo import Tally, Verdict

MEASURED_WITHIN = timedelta(days=3)
"""A comparison that is older says nothing of now: second counts are asked for once a day."""

Z_SQUARED = Fraction(38_416, 10_000)
"""The square of the normal quantile 1.96, of an interval at 95 %."""

_NAMED = 3


@dataclass(frozen=True)
class Comparison:
    """One second count of one category, beside what we held when it was asked. `target` is in basis points.

    [since, until) is the span that is compared; None has no limit. `sampled`: `low`, `high` and `held` are of a sample, of so
    many `items` in which anything was counted, worth so many independent `draws` (None: each thing was drawn by itself).
    """

    asset: str
    category: str
    measured_at: datetime
    held: int
    low: int
    high: int
    target: int
    since: datetime | None = None
    until: datetime | None = None
    sampled: bool = False
    items: int | None = None
    draws: float | None = None

    def __post_init__(self) -> None:
        if self.held < 0 or not 0 <= self.low <= self.high:
            raise ValueError(f"{self.asset} {self.category}: {self.held} of {self.low} to {self.high} is no comparison")

    @property
    def verdict(self) -> Verdict:
        """`no_data` when nothing is there to be compared; breached when even the upper bound is below the target."""
        if self.high == 0:
            return Verdict.NO_DATA
        if self.low == 0:
            return Verdict.COMPLIANT
        target, share = Fraction(self.target, ALL), Fraction(self.held, self.low)
        below = share < target
        if below and self.sampled:  # the upper end of Wilson's interval is below the target: the same without a root
            spread = target * (1 - target)
            if self.draws is not None:
                spread = max(spread, share * (1 - share))
            below = (share - target) ** 2 * Fraction(self._draws(self.low)) > Z_SQUARED * spread
        return Verdict.BREACHED if below else Verdict.COMPLIANT

    @property
    def bounds(self) -> tuple[float, float] | None:
        """The share that we hold, at least and at most; for people. None when there is nothing to be compared with.

        More than is really there is more than 1: rows that upstream has no more, or rows twice.
        """
        if self.high == 0:
            return None
        low = self.held / self.high
        high = self.held / self.low if self.low else max(1.0, low)
        if not self.sampled:
            return low, high
        draws = self._draws(self.high), self._draws(self.low or self.high)
        below, above = _wilson(min(low, 1.0), draws[0])[0], _wilson(min(high, 1.0), draws[1])[1]
        if self.draws is None:
            return below, above
        return min(below, _symmetric(min(low, 1.0), draws[0])[0]), max(above, _symmetric(min(high, 1.0), draws[1])[1])

    @property
    def proven(self) -> bool:
        """Whether even the lower bound reaches the target; where it does not, a compliant verdict only is not contradicted."""
        return self.bounds is not None and self.bounds[0] >= self.target / ALL

    def _draws(self, count: int) -> float:
        return count if self.draws is None else min(self.draws, count)

    @property
    def in_words(self) -> str:
        """`WatchEvent 9.80 % to 11.20 % of 4,523 (target 95.00 %) on 2026-08-01`."""
        bounds = self.bounds
        low, high = (f"{share * 100:.2f} %" for share in bounds) if bounds else ("", "")
        share = "nothing to compare" if bounds is None else high if low == high else f"{low} to {high}"
        count = f"{self.low:,}" if self.low == self.high else f"{self.low:,} to {self.high:,}"
        sample = f"in a sample of {self.items:,}" if self.items is not None else "in a sample"
        words = [self.category, share, f"of {count}", sample if self.sampled else ""]
        words += [f"(target {percent(self.target, ALL)})", self.span]
        return " ".join(word for word in words if word)

    @property
    def span(self) -> str:
        """The span in words; empty for all that there is."""
        if self.since is None or self.until is None:
            return ""
        days = (self.until - self.since) / timedelta(days=1)
        return (
            f"on {self.since:%Y-%m-%d}" if days == 1 else f"from {self.since:%Y-%m-%d %H:%M} to {self.until:%Y-%m-%d %H:%M} UTC"
        )


def tallies_of(comparisons: Iterable[Comparison]) -> list[Tally]:
    """How many second counts of each asset are reached, of those with which anything could be compared; the worst in words."""
    ordered = sorted(comparisons, key=lambda comparison: comparison.asset)
    return [_tally(asset, list(mine)) for asset, mine in groupby(ordered, key=lambda comparison: comparison.asset)]


def _tally(asset: str, comparisons: Sequence[Comparison]) -> Tally:
    compared = [comparison for comparison in comparisons if comparison.verdict is not Verdict.NO_DATA]
    missed = sorted(
        (comparison for comparison in compared if comparison.verdict is Verdict.BREACHED),
        key=lambda comparison: (Fraction(comparison.held, comparison.low), comparison.category),
    )
    rest = len(missed) - _NAMED
    named = "; ".join(comparison.in_words for comparison in missed[:_NAMED]) + (f"; and {rest:,} more" if rest > 0 else "")
    return Tally(asset, len(compared) - len(missed), len(compared), named)


def _wilson(share: float, count: float) -> tuple[float, float]:
    """The interval of a share that was seen in a sample of `count` draws.

    >>> [round(bound, 4) for bound in _wilson(0.5, 100)]
    [0.4038, 0.5962]
    """
    z2 = float(Z_SQUARED)
    middle, width = share + z2 / (2 * count), sqrt(z2 * (share * (1 - share) / count + z2 / (4 * count * count)))
    return (middle - width) / (1 + z2 / count), (middle + width) / (1 + z2 / count)


def _symmetric(share: float, count: float) -> tuple[float, float]:
    """The interval of the same width on both sides, as far as there are shares."""
    width = sqrt(float(Z_SQUARED) * share * (1 - share) / count)
    return max(0.0, share - width), min(1.0, share + width)
