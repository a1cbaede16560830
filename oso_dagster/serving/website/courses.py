"""The course of a metric in pieces: what did not happen has no row, so that a period without one is 0, or not known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from itertools import pairwise

from oso_dagster.serving.website.charts import Points
from oso_dagster.serving.website.families import split
from oso_dagster.serving.website.reading import Metric
from oso_dagster.serving.website.standing import Span, period_of

_COUNTED = {"sum", "count", "count_distinct"}
"""Of these nothing is 0; of an average, a median or a ratio it is no number at all."""
_CALENDAR = {"daily", "weekly", "monthly", "quarterly", "biannually", "yearly"}


def pieces(metric: Metric, points: Points, withheld: Sequence[Span] = ()) -> tuple[list[Points], str]:
    """What may be drawn without a break, and what has to be said of the periods without a value; nothing where there are none."""
    if not points:
        return [], ""
    made: list[list[tuple[date, float]]] = [[points[0]]]
    zero = broken = False
    for (before, _), point in pairwise(points):
        for day in _between(metric.name, before, point[0]):
            if metric.aggregation in _COUNTED and not _within(period_of(metric.name, day), withheld):
                made[-1].append((day, 0.0))
                zero = True
            else:
                broken = True
                if made[-1]:
                    made.append([])
        made[-1].append(point)
    notes = ["A period without a value is drawn as 0: nothing was counted in it."] if zero else []
    notes += ["The line is broken where there is no value."] if broken else []
    return [piece for piece in made if piece], " ".join(notes)


def _between(name: str, first: date, last: date) -> Iterator[date]:
    """The days between these two that could have a sample; a window is taken at the ends of months."""
    period = split(name)[1]
    day = first
    while True:
        if period in _CALENDAR:
            day = period_of(name, day)[1]
        elif period.endswith("_window"):
            day = _end_of_month(day + timedelta(days=1))
        else:
            return
        if day >= last:
            return
        yield day


def _end_of_month(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=31)).replace(day=1) - timedelta(days=1)


def _within(period: tuple[date, date], spans: Sequence[Span]) -> bool:
    first, end = period
    return any((span.since is None or span.since < end) and (span.until is None or first < span.until) for span in spans)
