"""What is usual for a table, learned from its own past loads: rows, sums, and the mix of categories.

A day may be as quiet as the quietest day of the week and as busy as the busiest: a holiday looks like a Sunday, and an ordinary
Sunday alarms nobody. All is judged on logarithms, for what grows grows by shares. A category is held against the last weeks and,
with a wider band, against all that is remembered: a feed that decays slowly must not teach us that hollow is usual.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from math import ceil, exp, floor, inf, log, sqrt
from statistics import median

from oso_dagster.domain.catalogue.truth import Regime, regime_of

MIX = "mix"
"""The fact, rows by category of each column of `Table.mix_by`: `{"type": {"PushEvent": 5}}`."""

SUMS = "sums"
"""The fact, the total of each column of `Table.sums`."""

MOST_REMEMBERED = 400
"""How many past loads are remembered: a year of days, and some."""

_FEWEST = 5
"""Before so many loads nothing is known to be usual."""
_FEWEST_OF_A_DAY = 3
"""A median of two is their mean: no use against an odd one."""
_RECENT = timedelta(days=56)
_LEAST_RECENT = 30
_WIDTH = 6.0
"""Median absolute deviations on either side: about four standard deviations of a normal distribution."""
_LEAST_EVEN, _LEAST_WEEKLY, _LEAST_YOUNG = log(1.25), log(1.6), log(1.9)
"""The narrowest half widths: of what is alike every day, of what has a weekly rhythm (and so holidays), and of what is known for
too short a time to have shown its weekends."""
_RHYTHM, _WEEK = log(1.1), 7
_LEAST_SHARE, _LEAST_SHARE_LONG = log(2.2), log(4)
_SMALLEST_SHARE = 0.001
"""A category is judged when it usually has this share of the rows or more."""
_NO_SHARE = 1e-6
_LARGE_NEW = 0.05
_LONG = 120
"""Loads that must be remembered before the longer past is judged."""


@dataclass(frozen=True)
class PastLoad:
    """What is remembered of one load: the day that it is of (or was made on), its rows, sums and mix."""

    day: date
    rows: int
    sums: Mapping[str, float] = field(default_factory=dict)
    mix: Mapping[str, Mapping[str, int]] = field(default_factory=dict)


@dataclass(frozen=True)
class Band:
    """What is usual, inclusive."""

    low: float
    high: float

    def holds(self, value: float) -> bool:
        """Whether a value is usual."""
        return self.low <= value <= self.high


def of_regime(past: Sequence[PastLoad], regimes: Sequence[Regime], day: date) -> list[PastLoad]:
    """The past loads of the regime in which `day` lies: what was usual before a source changed is no measure of it now."""
    regime = regime_of(regimes, day)
    return [load for load in past if regime is None or load.day >= regime.since]


def usual_amount(past: Sequence[tuple[date, float]], day: date) -> Band | None:
    """The band of amounts that are usual on `day`, after amounts of other days; None before there are five of them.

    Amounts are positive; others are left out. Of the last eight weeks (of thirty loads, where they are fewer).
    """
    known = [(when, log(amount)) for when, amount in past if amount > 0]
    if len(known) < _FEWEST:
        return None
    levels, spread, weeks = _weekly(_recent(known, day))
    rhythm = max(levels) - min(levels) > _RHYTHM
    half = max(_WIDTH * spread, (_LEAST_WEEKLY if rhythm else _LEAST_EVEN) if weeks else _LEAST_YOUNG)
    return Band(exp(min(levels) - half), exp(max(levels) + half))


def usual_rows(past: Sequence[PastLoad], day: date) -> tuple[int, int] | None:
    """The row counts that are usual on `day`; None before five loads.

    >>> usual_rows([PastLoad(date(2026, 1, n), 100) for n in range(1, 31)], date(2026, 1, 31))
    (80, 125)
    """
    band = usual_amount([(load.day, load.rows) for load in past], day)
    return None if band is None else (ceil(round(band.low, 6)), floor(round(band.high, 6)))


def unusual_sums(now: PastLoad, past: Sequence[PastLoad]) -> list[str]:
    """The totals of a load that are not usual, in words."""
    problems = []
    for column, total in now.sums.items():
        band = usual_amount([(load.day, load.sums[column]) for load in past if column in load.sums], now.day)
        if band is not None and not band.holds(total):
            problems.append(f"the sum of {column} is {total:,.6g}; usual are {band.low:,.6g} to {band.high:,.6g}")
    return problems


def unusual_mix(now: PastLoad, past: Sequence[PastLoad]) -> list[str]:
    """The categories of a load whose share of the rows is not usual, in words; a large one that was never there as well."""
    return [problem for column, counts in now.mix.items() for problem in _of_column(column, counts, now.day, past)]


def _of_column(column: str, counts: Mapping[str, int], day: date, past: Sequence[PastLoad]) -> Iterator[str]:
    before = [(load.day, load.mix[column]) for load in past if load.mix.get(column)]
    rows = sum(counts.values())
    if len(before) < _FEWEST or not rows:
        return
    known = {category for _, mix in before for category in mix}
    for category, band in usual_shares(column, past, day, rows).items():
        share = counts.get(category, 0) / rows
        if not band.holds(share):
            yield f"{column} {category} is {share:.2%} of the rows; usual are {band.low:.2%} to {band.high:.2%}"
    for category in sorted(counts.keys() - known):
        if counts[category] / rows > _LARGE_NEW:
            yield f"{column} {category} is {counts[category] / rows:.2%} of the rows, and never was there before"


def usual_shares(column: str, past: Sequence[PastLoad], day: date, rows: int) -> dict[str, Band]:
    """The shares of each category of a column that are usual on `day` among so many rows; only of categories that are judged."""
    before = [(load.day, load.mix[column], sum(load.mix[column].values())) for load in past if load.mix.get(column)]
    bands: dict[str, Band] = {}
    for category in sorted({category for _, mix, _ in before for category in mix}) if len(before) >= _FEWEST else ():
        band = _usual_share([(when, mix.get(category, 0) / total) for when, mix, total in before], day, rows)
        if band is not None:
            bands[category] = band
    return bands


def weekly_rhythm(past: Sequence[tuple[date, float]], day: date) -> dict[int, float] | None:
    """What is usual on each day of the week (0: Monday), as a share of the largest; None without a rhythm that is known."""
    known = [(when, log(amount)) for when, amount in past if amount > 0]
    days = _by_weekday(_recent(known, day)) if known else {}
    if len(days) < _WEEK or min(map(len, days.values())) < _FEWEST_OF_A_DAY:
        return None
    levels = {weekday: median(values) for weekday, values in sorted(days.items())}
    if max(levels.values()) - min(levels.values()) <= _RHYTHM:
        return None
    return {weekday: exp(level - max(levels.values())) for weekday, level in levels.items()}


def _usual_share(shares: Sequence[tuple[date, float]], day: date, rows: int) -> Band | None:
    """The shares of a category that are usual among so many rows; None for one that is too small to be judged."""
    logs = [(when, log(max(share, _NO_SHARE))) for when, share in shares]
    bands = []
    for known, least in ((_recent(logs, day), _LEAST_SHARE), (logs if len(logs) >= _LONG else [], _LEAST_SHARE_LONG)):
        if not known:
            continue
        typical = exp(median(value for _, value in known))
        if typical < _SMALLEST_SHARE:
            continue
        levels, spread, _ = _weekly(known)
        half = max(_WIDTH * spread, least) + 4 / sqrt(rows * typical)  # the last: so few rows are a sample
        bands.append(Band(exp(min(levels) - half), exp(max(levels) + half)))
    if not bands:
        return None
    return Band(max(band.low for band in bands), min((min(band.high, 1.0) for band in bands), default=inf))


def _recent(known: Sequence[tuple[date, float]], day: date) -> list[tuple[date, float]]:
    newest = sorted(known, reverse=True)
    within = [load for load in newest if day - load[0] <= _RECENT]
    return within if len(within) >= _LEAST_RECENT else newest[:_LEAST_RECENT]


def _weekly(known: Sequence[tuple[date, float]]) -> tuple[list[float], float, bool]:
    """The median of each day of the week, the spread about them, and whether each day is known by three loads.

    Where it is not, the median of all stands for them.
    """
    days = _by_weekday(known)
    weeks = min(map(len, days.values())) >= _FEWEST_OF_A_DAY
    if not weeks:
        days = {0: [value for _, value in known]}
    levels = {weekday: median(values) for weekday, values in days.items()}
    away = (abs(value - levels[weekday]) for weekday, values in days.items() for value in values)
    return list(levels.values()), median(away), weeks


def _by_weekday(known: Sequence[tuple[date, float]]) -> dict[int, list[float]]:
    days: dict[int, list[float]] = defaultdict(list)
    for when, value in known:
        days[when.weekday()].append(value)
    return days
