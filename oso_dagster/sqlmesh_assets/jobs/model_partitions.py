"""SQLMesh's interval units as Dagster's time partitions."""

from __future__ import annotations

import datetime as dt

import dagster as dg

UNITS = {
    "year": ("0 0 1 1 *", "%Y"),
    "month": ("0 0 1 * *", "%Y-%m"),
    "day": ("0 0 * * *", "%Y-%m-%d"),
    "hour": ("0 * * * *", "%Y-%m-%d-%H:%M"),
    "half_hour": ("*/30 * * * *", "%Y-%m-%d-%H:%M"),
    "quarter_hour": ("*/15 * * * *", "%Y-%m-%d-%H:%M"),
    "five_minute": ("*/5 * * * *", "%Y-%m-%d-%H:%M"),
}
"""For each unit when an interval begins, as a cron, and how its key is written."""


_MINUTES = {"half_hour": 30, "quarter_hour": 15, "five_minute": 5}


def partitions_of(unit: str, start: dt.datetime) -> dg.TimeWindowPartitionsDefinition:
    """The intervals of the unit from the one in which `start` lies, in UTC: SQLMesh computes that one whole, too."""
    cron, key = UNITS[unit]
    return dg.TimeWindowPartitionsDefinition(start=_begin(unit, start), fmt=key, cron_schedule=cron, timezone="UTC")


def _begin(unit: str, moment: dt.datetime) -> dt.datetime:
    """When the interval begins in which a moment of UTC lies."""
    key = UNITS[unit][1]
    begin = dt.datetime.strptime(moment.strftime(key), key).replace(tzinfo=dt.UTC)
    return begin - dt.timedelta(minutes=begin.minute % _MINUTES[unit] if unit in _MINUTES else begin.minute)
