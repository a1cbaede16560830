"""An objective on the public status page: part of its read model, see `domain.status.page`. Every field is public."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction

from oso_dagster.domain.objectives.budget import ALL, allowed_failures, burn_rate, minutes_left
from oso_dagster.domain.objectives.objectives import percent
from oso_dagster.domain.objectives.over_time.history import DayHistory
from oso_dagster.domain.objectives.slo import Verdict
from oso_dagster.domain.status.data_sets import require_zone


@dataclass(frozen=True)
class ObjectiveState:
    """One objective as it stands: `good` of `valid` against `target` basis points, and the assets that fell short.

    `evaluated_at` is when it was judged; the page may be younger than that, if evaluation has stopped. `days` are its
    history, oldest first. With `each`, every asset has a budget of its own and there is no common burn. `timed`: what it counts
    are samples of time and traffic, so that its budget is given in minutes of total outage, too. `recovers` is when a missed
    one will be met again if nothing else goes wrong.
    """

    id: str
    title: str
    verdict: Verdict
    good: int
    valid: int
    target: int
    window: timedelta | None
    summary: str
    guilty: tuple[str, ...] = ()
    evaluated_at: datetime | None = None
    days: tuple[DayHistory, ...] = ()
    each: bool = False
    timed: bool = False
    recovers: datetime | None = None

    def __post_init__(self) -> None:
        require_zone(f"{self.id}: evaluated_at", self.evaluated_at)
        require_zone(f"{self.id}: recovers", self.recovers)

    @property
    def service(self) -> str:
        """The name of its service."""
        return self.id.partition(".")[0]

    @property
    def has_history(self) -> bool:
        """Whether it was evaluated with data on any of its days, or is now."""
        return self.valid > 0 or any(day.verdict is not Verdict.NO_DATA for day in self.days)

    @property
    def bad(self) -> int:
        """Valid and not good."""
        return self.valid - self.good

    @property
    def allowed(self) -> int | None:
        """How many of what was counted may fail, in whole events; None where there is no common budget, or no data."""
        return allowed_failures(self.valid, self.target) if self._burn is not None else None

    @property
    def budget_text(self) -> str:
        """What is left of the budget, in whole events; empty without data."""
        if not self.valid:
            return ""
        if self.allowed is None:
            return "each by itself" if self.each else "none: all count"
        if self.bad > self.allowed:
            return (
                f"{self.bad - self.allowed:,} over the {self.allowed:,} allowed"
                if self.allowed
                else f"none allowed, {self.bad:,} failed"
            )
        return f"{self.allowed - self.bad:,} of {self.allowed:,} failures" if self.allowed else "no failure allowed"

    @property
    def minutes_left(self) -> int | None:
        """Minutes of total outage that are left, cut off; negative when overspent; None where they have no meaning."""
        if not self.timed or self.window is None or self._burn is None:
            return None
        left = minutes_left(self.good, self.valid, self.target, self.window)
        return None if left is None else left // 1

    @property
    def percent_text(self) -> str:
        """The indicator as percent, cut off, never rounded up; empty without data."""
        return percent(self.good, self.valid) if self.valid else ""

    @property
    def burn_text(self) -> str:
        """Error rate ÷ budget over the window, cut off to two decimals (`0.13`); empty where there is no budget or no data."""
        if self._burn is None:
            return ""
        hundredths = self._burn * 100 // 1
        return f"{hundredths // 100}.{hundredths % 100:02d}"

    @property
    def _burn(self) -> Fraction | None:
        return None if self.each or self.window is None else burn_rate(self.good, self.valid, self.target)

    @property
    def target_text(self) -> str:
        """The target as a person says it: `99 %`, `all`."""
        return "all" if self.target == ALL else f"{self.target / 100:g} %"
