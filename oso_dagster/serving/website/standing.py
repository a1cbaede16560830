"""How far the numbers of a metric can be trusted, by span (complete, lower bound, withheld, not measured); and regime changes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import pairwise

from oso_dagster.serving.website.families import split
from oso_dagster.serving.website.reading import Metric, Reader

LOWER_BOUND, WITHHELD, COMPLETE, NOT_MEASURED = "lower_bound", "withheld", "complete", "not_measured"
_OF_A_DAY = (WITHHELD, LOWER_BOUND, COMPLETE, NOT_MEASURED)
"""Which of several statements about one day counts: the first of these."""
_OF_DAYS = (WITHHELD, LOWER_BOUND, NOT_MEASURED, COMPLETE)
"""What holds of several days together: the first of these that holds of one."""
_DAYS = {"daily": 1, "weekly": 7, "monthly": 31, "quarterly": 92, "biannually": 184, "yearly": 366}
_WINDOW_DAYS = {"day": 1, "week": 7, "month": 31, "year": 366}
_SMALLER = {"sum", "count_distinct"}
_NOT_SMALLER = ("bus_factor", "new_", "churned_", "dormant_", "part_time_", "episodic_", "resurrected_")
"""Counts of people that grow when something of them is missing, or may."""


@dataclass(frozen=True)
class Span:
    """What is stated of the days from `since` to before `until` (open where None); shares from 0 to 1, None where not known."""

    since: date | None
    until: date | None
    low: float | None
    high: float | None
    regime: str
    standing: str
    reason: str

    def covers(self, day: date) -> bool:
        """Whether it is about this day."""
        return (self.since is None or self.since <= day) and (self.until is None or day < self.until)

    @property
    def text(self) -> str:
        """The standing in words, with the shares of a lower bound or the reason of what is withheld."""
        if self.standing == WITHHELD:
            return f"withheld: {self.reason}"
        return f"lower bound: {held([self])}" if self.standing == LOWER_BOUND else self.standing.replace("_", " ")


@dataclass(frozen=True)
class Change:
    """A regime that begins or ends on a day, in a short label."""

    day: date
    label: str
    reason: str


class Standing:
    """What is stated of one metric."""

    def __init__(self, metric: Metric, spans: Iterable[Span]) -> None:
        self._metric = metric
        self.spans = tuple(spans)

    def changes(self, first: date, last: date) -> list[Change]:
        """The regime changes of these days, by day."""
        regimes = [span for span in self.spans if span.regime != "measured"]
        begun = {Change(s.since, s.regime.replace("_", " "), s.reason) for s in regimes if s.since}
        ended = {Change(s.until, f"end of {s.regime.replace('_', ' ')}", s.reason) for s in regimes if s.until}
        return sorted((c for c in begun | ended if first <= c.day <= last), key=lambda change: (change.day, change.label))

    def between(self, first: date, end: date) -> list[Span]:
        """The days from `first` to before `end`, cut where what counts of them changes; each day is in just one span."""
        edges = {day for span in self.spans for day in (span.since, span.until) if day and first < day < end}
        days = sorted({first, end} | edges)
        return [self._of_day(day, following) for day, following in pairwise(days)]

    def of_sample(self, day: date) -> Span:
        """What holds of a published value: of all its days. With some of them withheld it is one over all time: a lower bound."""
        first, end = period_of(self._metric.name, day)
        parts = self.between(first, end)
        worst = next(standing for standing in _OF_DAYS if any(part.standing == standing for part in parts))
        those = [part for part in parts if part.standing == worst]
        chosen = replace(those[0], since=first, until=end)
        return replace(chosen, standing=LOWER_BOUND) if worst == WITHHELD else chosen

    def withheld(self, first: date | None = None) -> list[Span]:
        """The withheld spans that end after this day, by time; none for a sum over all time, which is published as a bound."""
        if split(self._metric.name)[1] == "over_all_time":
            if self._metric.aggregation in _SMALLER:
                return []
            first = None
        spans = {span for span in self.spans if span.standing == WITHHELD and (not first or not span.until or span.until > first)}
        return sorted(spans, key=lambda span: (span.since or date.min, span.reason))

    def before(self, day: date) -> str:
        """What stands before a value: `at least` where what is missing can only make it smaller; nothing where it is no bound."""
        if self.of_sample(day).standing != LOWER_BOUND:
            return ""
        smaller = self._metric.aggregation in _SMALLER and not self._metric.measure.startswith(_NOT_SMALLER)
        return "at least" if smaller else "of incomplete data:"

    def _of_day(self, day: date, end: date) -> Span:
        about = [span for span in self.spans if span.covers(day)]
        for standing in _OF_A_DAY:
            those = [span for span in about if span.standing == standing]
            if those:  # what was measured is said before what is known of the regime
                chosen = min(those, key=lambda span: (span.high is None, span.regime != "measured", span.high or 0))
                return replace(chosen, since=day, until=end)
        return Span(day, end, None, None, "measured", NOT_MEASURED, "no input of it is measured")


def held(spans: Iterable[Span]) -> str:
    """Which share is held, in words, of several spans together."""
    many = list(spans)
    known = [(s.low or 0.0, s.high) for s in many if s.high is not None]
    if not known:
        return "how much is held is not known"
    low, high = min(low for low, _ in known), max(high for _, high in known)
    words = f"between {_percent(low)} and {_percent(high)} held"
    return words if len(known) == len(many) else f"{words}, where that is known"


def standings(reader: Reader, metrics: Iterable[Metric]) -> dict[str, Standing]:
    """What is stated of these metrics of projects, by the metric's name."""
    rows = reader.rows("""SELECT metric_source, metric, since, until, coverage_low, coverage_high, regime, standing, reason
        FROM marts.metric_coverage_v0 WHERE entity_type = 'project' ORDER BY since NULLS FIRST, regime""")
    stated: dict[tuple[str, str], list[Span]] = {}
    for source, metric, *cells in rows:
        stated.setdefault((str(source), str(metric)), []).append(_span(cells))
    return {m.name: Standing(m, stated.get((m.source, m.measure), []) + stated.get(("*", m.measure), [])) for m in metrics}


def _span(cells: list[object]) -> Span:
    since, until = (date.fromisoformat(str(cell)[:10]) if cell else None for cell in cells[:2])
    low, high = (None if cell is None else float(str(cell)) for cell in cells[2:4])
    regime, standing, reason = (str(cell) for cell in cells[4:])
    return Span(since, until, low, high, regime, standing, reason)


def period_of(name: str, day: date) -> tuple[date, date]:
    """The first day that a sample is about, and the first day after: a calendar period begins, a window ends with its date."""
    period = split(name)[1]
    if match := re.fullmatch(r"over_(\d+)_(day|week|month|year)_window", period):
        return day - timedelta(days=int(match[1]) * _WINDOW_DAYS[match[2]] - 1), day + timedelta(days=1)
    if period == "over_all_time":
        return date(1970, 1, 1), day + timedelta(days=1)
    days = _DAYS.get(period, 1)
    end = day + timedelta(days=days)
    return day, end if days < _DAYS["monthly"] else end.replace(day=1)


def _percent(share: float) -> str:
    return f"{min(max(share, 0), 1):.1%}".replace(".0%", "%").replace("%", " %")
