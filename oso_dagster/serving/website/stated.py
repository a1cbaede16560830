"""The course of a metric with what is stated of it: what a chart shades, its legend, and the rows of the table behind it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from oso_dagster.serving.website.charts import Marks, Points
from oso_dagster.serving.website.families import split
from oso_dagster.serving.website.reading import Metric
from oso_dagster.serving.website.standing import LOWER_BOUND, WITHHELD, Change, Span, Standing, held


@dataclass(frozen=True)
class Row:
    """One row of the table: a value, or (no `amount`) a span that is withheld, up to `last`."""

    day: date
    last: date | None
    amount: float | None
    standing: str


@dataclass(frozen=True)
class OverTime:
    """What a page shows of a metric over time; `rows` are the newest first, `legend` has pattern and text."""

    marks: Marks | None
    legend: tuple[tuple[str, str], ...]
    changes: tuple[Change, ...]
    rows: tuple[Row, ...]
    withheld: tuple[Span, ...]


def shown(standing: Standing, points: Points) -> OverTime:
    """The chart reaches past the last value where what follows is withheld."""
    withheld = standing.withheld(points[0][0] if points else None)
    rows = [Row(day, None, amount, standing.of_sample(day).text) for day, amount in points]
    rows += [_row_of(span, points) for span in withheld]
    rows.sort(key=lambda row: row.day, reverse=True)
    if not points:
        return OverTime(None, (), (), tuple(rows), tuple(withheld))
    first = points[0][0]
    last = max([points[-1][0], *(span.until - timedelta(days=1) for span in withheld if span.until)])
    spans = [span for span in standing.between(first, last + timedelta(days=1)) if span.standing in {LOWER_BOUND, WITHHELD}]
    if not withheld:  # a value over all time is published, and is no more than a bound
        spans = [Span(s.since, s.until, s.low, s.high, s.regime, LOWER_BOUND, s.reason) for s in spans]
    changes = tuple(standing.changes(first, last))
    marks = Marks(
        last,
        _joined(spans),
        [(change.day, change.label) for change in changes],
    )
    return OverTime(marks, tuple(_legend(spans)), changes, tuple(rows), tuple(withheld))


def _row_of(span: Span, points: Points) -> Row:
    """A withheld span; one without a first day begins where the values could, one that is not over has no last day."""
    first = span.since or (points[0][0] if points else date(1970, 1, 1))
    if span.until is None:
        return Row(first, None, None, f"since then {span.text}")
    return Row(first, span.until - timedelta(days=1), None, span.text)


def withheld_families(
    stated: Mapping[str, Standing], catalogue: Mapping[str, Metric], values: Mapping[str, object]
) -> list[tuple[Metric, str]]:
    """Metrics of which numbers are withheld that a page shows no value of, one of each family, with the reason."""
    shown_bases = {split(name)[0] for name in values}
    families: dict[str, tuple[Metric, str]] = {}
    for name, standing in sorted(stated.items()):
        base = split(name)[0]
        if base not in shown_bases and base not in families and (spans := standing.withheld()):
            families[base] = catalogue[name], spans[-1].reason
    return list(families.values())


def _joined(spans: Iterable[Span]) -> list[tuple[date, date, str]]:
    """Spans of one standing that follow upon each other, as one."""
    joined: list[tuple[date, date, str]] = []
    for span in spans:
        if span.since is None or span.until is None:
            continue
        if joined and joined[-1][1:] == (span.since, span.standing):
            joined[-1] = joined[-1][0], span.until, span.standing
        else:
            joined.append((span.since, span.until, span.standing))
    return joined


def _legend(spans: Iterable[Span]) -> list[tuple[str, str]]:
    many = list(spans)
    bounds = [span for span in many if span.standing == LOWER_BOUND]
    texts = [(LOWER_BOUND, f"lower bound: {held(bounds)}")] if bounds else []
    reasons = dict.fromkeys(span.text for span in many if span.standing == WITHHELD)
    return texts + [(WITHHELD, reason) for reason in reasons]
