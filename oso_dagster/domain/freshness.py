"""Whether a table is as fresh as it was promised to be. Evidence is a time at which it was known to be good."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from oso_dagster.domain.partitions import Partitions


class Freshness(StrEnum):
    """`not_due`: nothing is expected of the table yet."""

    FRESH = "fresh"
    STALE = "stale"
    NOT_DUE = "not_due"


class FutureEvidenceError(Exception):
    """Evidence lies in the future: a clock is wrong, and an age computed from it would be too."""


@dataclass(frozen=True)
class Promise:
    """A table is at most `within` old; one that never arrived is stale from `first_due` on."""

    within: timedelta
    first_due: datetime


def judge(promise: Promise, evidence: datetime | None, now: datetime) -> Freshness:
    """Fresh up to and including `within`. Raises FutureEvidenceError for evidence later than `now`."""
    if evidence is None:
        return Freshness.STALE if now >= promise.first_due else Freshness.NOT_DUE
    if evidence > now:
        raise FutureEvidenceError(f"the last good materialization is of {evidence.isoformat()}, which is after {now.isoformat()}")
    return Freshness.FRESH if now - evidence <= promise.within else Freshness.STALE


def judge_partitioned(partitions: Partitions, materialized: Collection[str], now: datetime) -> Freshness:
    """Fresh when the newest due partition is there: a backfill of an old one freshens nothing."""
    due = partitions.due(now)
    if not due:
        return Freshness.NOT_DUE
    return Freshness.FRESH if due[-1].key in materialized else Freshness.STALE


def holes(partitions: Partitions, materialized: Collection[str], now: datetime) -> tuple[str, ...]:
    """The due partitions that are missing, oldest first."""
    present = frozenset(materialized)
    return tuple(window.key for window in partitions.due(now) if window.key not in present)
