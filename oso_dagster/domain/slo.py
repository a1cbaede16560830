"""Service level objectives: what is promised, and the exact arithmetic of how it was kept.

Everything is counted in whole numbers and compared as fractions; percent appears only in sentences. The formulas are those
of the Google SRE books: burn = error rate / budget, budget = 1 - target. The objectives themselves are in `domain.objectives`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from fractions import Fraction

from oso_dagster.domain.attempts import Attempt, Judgement, Label, Outcome, judge_all

ALL = 10_000
"""The target of an objective without a budget, in basis points: everything must be good."""

AT_RISK_SPENT = Fraction(3, 4)
"""Share of the error budget from which an objective is at risk."""


class Verdict(StrEnum):
    """What is known of one objective at one instant."""

    COMPLIANT = "compliant"
    AT_RISK = "at_risk"
    BREACHED = "breached"
    NO_DATA = "no_data"


class Indicator(StrEnum):
    """What an objective counts: judged families, single attempts, fresh assets or due partitions."""

    FAMILIES = "families"
    ATTEMPTS = "attempts"
    FRESH_ASSETS = "fresh_assets"
    PARTITIONS = "partitions"


@dataclass(frozen=True)
class Objective:
    """A promise about the assets of one label. `target` is in basis points; `window` None means at a point in time.

    With `each`, every asset has to meet the target by itself; otherwise good and valid are summed and divided once.
    """

    service: str
    name: str
    title: str
    label: Label
    indicator: Indicator
    target: int
    window: timedelta | None = None
    each: bool = False

    def __post_init__(self) -> None:
        if not 0 < self.target <= ALL:
            raise ValueError(f"{self.id}: a target of {self.target} basis points is not above 0 and at most {ALL}")
        if self.window is not None and self.window <= timedelta(0):
            raise ValueError(f"{self.id}: the window must be positive")

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
    """One objective at one instant; `guilty` are the assets with bad events, the worst first."""

    objective: Objective
    verdict: Verdict
    good: int
    valid: int
    guilty: tuple[Tally, ...]
    at: datetime


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


def verdict_of(good: int, valid: int, target: int) -> Verdict:
    """The verdict on plain numbers. Nothing valid is `no_data`, never 0 % and never 100 %."""
    if valid == 0:
        return Verdict.NO_DATA
    if missed(good, valid, target):
        return Verdict.BREACHED
    burn = burn_rate(good, valid, target)
    return Verdict.AT_RISK if burn is not None and burn >= AT_RISK_SPENT else Verdict.COMPLIANT


def evaluate(objective: Objective, tallies: Sequence[Tally], now: datetime) -> Assessment:
    """Assess an objective on what its assets tell. Ratios are never averaged."""
    good, valid = sum(tally.good for tally in tallies), sum(tally.valid for tally in tallies)
    verdict = verdict_of(good, valid, objective.target)
    if objective.each:
        verdict = _worst(verdict_of(tally.good, tally.valid, objective.target) for tally in tallies)
    guilty = sorted((tally for tally in tallies if tally.bad), key=lambda tally: (-Fraction(tally.bad, tally.valid), tally.asset))
    return Assessment(objective, verdict, good, valid, tuple(guilty), now)


def tally_families(attempts: Iterable[Attempt], since: datetime, now: datetime) -> list[Tally]:
    """Good and valid materializations per asset, after retries, judged in (since, now]."""
    judged = (one for one in judge_all(attempts, now) if one.at is not None and since < one.at <= now)
    counted = {Judgement.GOOD: True, Judgement.BAD: False}
    return _tally((one.last, counted[one.judgement]) for one in judged if one.judgement in counted)


def tally_attempts(attempts: Iterable[Attempt], since: datetime, now: datetime) -> list[Tally]:
    """Good and valid attempts per asset, regardless of retries, ended in (since, now]."""
    counted = {Outcome.OK: True, Outcome.FAILED: False}
    inside = (one for one in attempts if one.ended is not None and since < one.ended <= now)
    return _tally((one, counted[one.outcome]) for one in inside if one.outcome in counted)


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
    found = set(verdicts)
    return next((verdict for verdict in order if verdict in found), Verdict.NO_DATA)
