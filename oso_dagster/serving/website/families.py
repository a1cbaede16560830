"""Metrics by family: the same thing measured by day, week, month and over windows, as the ends of their names say."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from oso_dagster.serving.website.charts import Points, spark
from oso_dagster.serving.website.reading import Metric, Value

_END = re.compile(r"_(daily|weekly|monthly|quarterly|biannually|yearly|over_all_time|over_(\d+)_(day|week|month|year)_window)$")
_ORIGIN = re.compile(r"[A-Z0-9_]+(?=_[a-z])")
_SHOWN = ("over_all_time", "over_90_day_window", "monthly", "weekly", "daily")
"""Which period stands for a family on the page of a project: the first of these that has a value."""
_DRAWN = ("weekly", "daily", "monthly")
"""Which period of a family is drawn: the first of these that there is."""

LEADING = "GITHUB_stars_over_all_time"
"""What projects are ranked by where nobody has chosen."""


@dataclass(frozen=True)
class Card:
    """One family on the page of a project: a value, whose count it is, over which period, and its course."""

    value: Value
    origin: str
    period: str
    spark: Markup


def split(name: str) -> tuple[str, str]:
    """The family of a metric's name, and its period in the name's words; no period where the name has none."""
    match = _END.search(name)
    return (name[: match.start()], match[1]) if match else (name, "")


def origin(name: str) -> str:
    """The chain, funder or registry that a metric's name begins with, in words: `LANTERN FUND`; titles do not have it."""
    match = _ORIGIN.match(name)
    return match[0].replace("_", " ") if match else ""


def period_text(period: str) -> str:
    """A period as people say it: `over 90 days`, `by week`."""
    names = {
        "daily": "by day",
        "weekly": "by week",
        "monthly": "by month",
        "quarterly": "by quarter",
        "biannually": "by half-year",
    }
    if match := re.fullmatch(r"over_(\d+)_(\w+)_window", period):
        return f"over {match[1]} {match[2]}s"
    return {"over_all_time": "of all time", "yearly": "by year", "": "newest"}.get(period) or names.get(period, period)


def families(metrics: Iterable[Metric]) -> list[tuple[str, Metric, list[str]]]:
    """Every family by name, with one metric that describes it and its periods in words."""
    members: dict[str, list[Metric]] = {}
    for metric in metrics:
        members.setdefault(split(metric.name)[0], []).append(metric)
    return [(base, many[0], [period_text(split(metric.name)[1]) for metric in many]) for base, many in sorted(members.items())]


def drawn(values: Mapping[str, Value], catalogue: Mapping[str, Metric]) -> list[Metric]:
    """The metrics whose course the page of a project shows."""
    bases = {split(name)[0] for name in values}
    names = [next((f"{base}_{end}" for end in _DRAWN if f"{base}_{end}" in catalogue), "") for base in sorted(bases)]
    return [catalogue[name] for name in names if name]


def chosen_periods(names: Collection[str]) -> list[str]:
    """Of each family the one metric that stands for it, by name."""
    bases = sorted({split(name)[0] for name in names})
    return [next((f"{base}_{end}" for end in _SHOWN if f"{base}_{end}" in names), base) for base in bases if
            base in names or any(f"{base}_{end}" in names for end in _SHOWN)]  # fmt: skip


def sections(values: Mapping[str, Value], courses: Mapping[str, Sequence[Points]]) -> list[tuple[str, list[Card]]]:
    """The cards of a project under their headings; what is zero everywhere is left to the table of all."""
    headed: dict[str, list[Card]] = {"Developer activity": [], "Funding": [], "On-chain": [], "More": []}
    for base in sorted({split(name)[0] for name in values}):
        value, period = next(
            ((values[f"{base}_{end}"], end) for end in _SHOWN if f"{base}_{end}" in values), (values.get(base), "")
        )
        if value is None:
            continue
        pieces = next((courses[f"{base}_{end}"] for end in _DRAWN if f"{base}_{end}" in courses), ())
        if not value.amount and not any(amount for points in pieces for _, amount in points):
            continue
        whose = "" if base.startswith("GITHUB_") else origin(base)  # all that is under its heading is GitHub's
        course = spark(pieces, f"{value.metric.title} {whose}".strip() + " over time")
        headed[_heading(base, value.metric)].append(Card(value, whose, period_text(period), course))
    return [(heading, cards) for heading, cards in headed.items() if cards]


def _heading(base: str, metric: Metric) -> str:
    if base.startswith("GITHUB_"):
        return "Developer activity"
    if "funding" in base:
        return "Funding"
    return "On-chain" if metric.unit in {"wei", "contracts", "addresses", "transactions", "invocations", "ETH"} else "More"
