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


def partitions_of(unit: str, start: dt.datetime) -> dg.TimeWindowPartitionsDefinition:
    """The whole intervals of the unit from `start` on, in UTC.

    An interval in which `start` lies is none of them: SQLMesh computes it when it deploys, and alone never again. It goes with
    the next one, by `sqlmesh_restate`.
    """
    cron, key = UNITS[unit]
    return dg.TimeWindowPartitionsDefinition(start=start, fmt=key, cron_schedule=cron, timezone="UTC")
