"""Service level objectives: what is promised, and the verdict on how it was kept.

The arithmetic is in `domain.objectives.budget`, alerts on burn rates are in `domain.objectives.burn`, the objectives
themselves in `domain.objectives.objectives`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from fractions import Fraction

from oso_dagster.domain.objectives.attempts import REGARDLESS_OF_RETRIES, Attempt, Judgement, Label, Outcome, judge_families
from oso_dagster.domain.objectives.budget import ALL, Count, allowed_failures, budget_left, burn_rate, error_budget, missed
from oso_dagster.domain.objectives.burn import Burning
from oso_dagster.domain.objectives.maintenance import Maintenance

__all__ = [
    "ALL",
    "Assessment",
    "Indicator",
    "Objective",
    "Tally",
    "Verdict",
    "allowed_failures",
    "budget_left",
    "burn_rate",
    "error_budget",
    "evaluate",
    "missed",
    "tally_attempts",
    "tally_families",
    "tally_samples",
    "verdict_of",
]

AT_RISK_SPENT = Fraction(3, 4)
"""Share of the error budget from which an objective is at risk."""


class Verdict(StrEnum):
    """What is known of one objective at one instant."""

    COMPLIANT = "compliant"
    AT_RISK = "at_risk"
    BREACHED = "breached"
    NO_DATA = "no_data"


class Indicator(StrEnum):
    """What an objective counts: judged families, single attempts, fresh assets, due partitions, second counts or samples."""

    FAMILIES = "families"
    ATTEMPTS = "attempts"
    FRESH_ASSETS = "fresh_assets"
    PARTITIONS = "partitions"
    SECOND_COUNTS = "second_counts"
    SAMPLES = "samples"


_AT_AN_INSTANT = frozenset({Indicator.FRESH_ASSETS, Indicator.PARTITIONS, Indicator.SECOND_COUNTS})


@dataclass(frozen=True)
class Objective:
    """A promise. `target` is in basis points; `window` None means at a point in time.

    It is about the assets of one `label`, or, without one, about what probes report as samples. With `each`, every asset
    has to meet the target by itself; otherwise good and valid are summed and divided once. An `extension` is ours, beside the
    published service definition, and marked so wherever it is shown.
    """

    service: str
    name: str
    title: str
    label: Label | None
    indicator: Indicator
    target: int
    window: timedelta | None = None
    each: bool = False
    extension: bool = False

    def __post_init__(self) -> None:
        if not 0 < self.target <= ALL:
            raise ValueError(f"{self.id}: a target of {self.target} basis points is not above 0 and at most {ALL}")
        if self.window is not None and self.window <= timedelta(0):
            raise ValueError(f"{self.id}: the window must be positive")
        if (self.label is None) != (self.indicator is Indicator.SAMPLES):
            raise ValueError(f"{self.id}: samples have no label, and everything else has one")
        if (self.window is None) != (self.indicator in _AT_AN_INSTANT):
            raise ValueError(f"{self.id}: {self.indicator} are counted {'over' if self.window is None else 'without'} a window")
        wrong = Indicator.FAMILIES if self.label in REGARDLESS_OF_RETRIES else Indicator.ATTEMPTS
        if self.indicator is wrong:
            raise ValueError(f"{self.id}: what is labelled {self.label} is not counted by {self.indicator}")

    @property
    def id(self) -> str:
        """`<service>.<objective>`."""
        return f"{self.service}.{self.name}"


@dataclass(frozen=True)
class Tally:
    """Whole numbers of one asset: `good` of `valid`; `note` says in words what was wrong."""

    asset: str
    good: int
    valid: int
    note: str = ""

    def __post_init__(self) -> None:
        if not 0 <= self.good <= self.valid:
            raise ValueError(f"{self.asset}: {self.good} good of {self.valid} valid")

    @property
    def bad(self) -> int:
        """Valid and not good."""
        return self.valid - self.good


@dataclass(frozen=True)
class Assessment:
    """One objective at one instant; `guilty` are the assets with bad events, the worst first.

    `burning` are the alert tiers that fire, the loudest first; `recovers` is when a breached window will be met again;
    `maintenance` are the declared windows whose events were left out; `problem` says why it could not be computed;
    `silent` names the slices of which there is no data any more, while others report.
    """

    objective: Objective
    verdict: Verdict
    good: int
    valid: int
    guilty: tuple[Tally, ...]
    at: datetime
    burning: tuple[Burning, ...] = ()
    recovers: datetime | None = None
    maintenance: tuple[Maintenance, ...] = ()
    problem: str = ""
    silent: tuple[str, ...] = ()


def verdict_of(good: int, valid: int, target: int) -> Verdict:
    """The verdict on plain numbers. Nothing valid is `no_data`, never 0 % and never 100 %."""
    if valid == 0:
        return Verdict.NO_DATA
    if missed(good, valid, target):
        return Verdict.BREACHED
    burn = burn_rate(good, valid, target)
    return Verdict.AT_RISK if burn is not None and burn >= AT_RISK_SPENT else Verdict.COMPLIANT


def evaluate(objective: Objective, tallies: Sequence[Tally], now: datetime, burning: tuple[Burning, ...] = ()) -> Assessment:
    """Assess an objective on what its assets show; a tier that fires puts it at risk. Ratios are never averaged."""
    good, valid = sum(tally.good for tally in tallies), sum(tally.valid for tally in tallies)
    verdict = verdict_of(good, valid, objective.target)
    if objective.each:
        verdict = _worst(verdict_of(tally.good, tally.valid, objective.target) for tally in tallies)
    if burning and verdict is Verdict.COMPLIANT:
        verdict = Verdict.AT_RISK
    guilty = sorted((tally for tally in tallies if tally.bad), key=lambda tally: (-Fraction(tally.bad, tally.valid), tally.asset))
    return Assessment(objective, verdict, good, valid, tuple(guilty), now, burning)


def tally_families(attempts: Iterable[Attempt], since: datetime, now: datetime) -> list[Tally]:
    """Good and valid materializations per asset, after retries, judged in (since, now]."""
    judged = (family for family in judge_families(attempts, now) if family.at is not None and since < family.at <= now)
    counted = {Judgement.GOOD: True, Judgement.BAD: False}
    return _tally((family.last, counted[family.judgement]) for family in judged if family.judgement in counted)


def tally_attempts(attempts: Iterable[Attempt], since: datetime, now: datetime) -> list[Tally]:
    """Good and valid attempts per asset, regardless of retries, ended in (since, now]."""
    counted = {Outcome.OK: True, Outcome.FAILED: False}
    inside = (attempt for attempt in attempts if attempt.ended is not None and since < attempt.ended <= now)
    return _tally((attempt, counted[attempt.outcome]) for attempt in inside if attempt.outcome in counted)


def tally_samples(samples: Iterable[tuple[str, Count]], since: datetime, now: datetime) -> list[Tally]:
    """Good and valid samples per slice, taken in (since, now]."""
    sums: dict[str, tuple[int, int]] = defaultdict(lambda: (0, 0))
    for slice_, count in samples:
        if since < count.at <= now:
            good, valid = sums[slice_]
            sums[slice_] = good + count.good, valid + count.valid
    return [Tally(slice_, good, valid) for slice_, (good, valid) in sorted(sums.items())]


def _tally(events: Iterable[tuple[Attempt, bool]]) -> list[Tally]:
    by_asset: dict[str, list[tuple[Attempt, bool]]] = defaultdict(list)
    for attempt, good in events:
        by_asset[attempt.asset].append((attempt, good))
    return [_of_asset(asset, rows) for asset, rows in sorted(by_asset.items())]


def _of_asset(asset: str, rows: list[tuple[Attempt, bool]]) -> Tally:
    bad = [attempt for attempt, good in rows if not good]
    newest = max(bad, key=lambda attempt: attempt.ended.timestamp() if attempt.ended else 0.0, default=None)
    return Tally(asset, len(rows) - len(bad), len(rows), newest.cause if newest else "")


def _worst(verdicts: Iterable[Verdict]) -> Verdict:
    order = (Verdict.BREACHED, Verdict.AT_RISK, Verdict.COMPLIANT)
    present = set(verdicts)
    return next((verdict for verdict in order if verdict in present), Verdict.NO_DATA)
