"""The published metrics, computed from the raw tables in plain Python: written from the definitions, not from the models' SQL."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import duckdb

Rows = list[dict[str, Any]]


def entity_id(source: str, namespace: str, name: str) -> str:
    """The published id."""
    return base64.b64encode(hashlib.sha256(f"{source}{namespace}{name}".encode()).digest()).decode()


@dataclass(frozen=True)
class Event:
    """One universal event, with what metrics ask of it."""

    day: date
    type: str
    to: str
    person: str | None = None
    is_bot: bool = False
    amount: float = 1.0
    at: datetime | None = None
    number: int | None = None
    key: str = ""


@dataclass
class Raw:
    """Raw tables, as rows, read when they are asked for."""

    connection: duckdb.DuckDBPyConnection
    known: dict[str, Rows] = field(default_factory=dict)

    def rows(self, table: str) -> Rows:
        """All rows of a raw table."""
        if table not in self.known:
            self.connection.execute("SET timezone = 'UTC'")
            relation = self.connection.execute(f"SELECT * FROM {table}")
            columns = [column[0] for column in relation.description]
            self.known[table] = [dict(zip(columns, row, strict=True)) for row in relation.fetchall()]
        return self.known[table]


def utc_day(moment: datetime) -> date:
    """The day of a moment, UTC."""
    return moment.astimezone(UTC).date()


def onchain_events(raw: Raw, artifacts: set[str], today: date) -> Iterator[tuple[str, date, str, str, int, float]]:
    """Chain, day, receiver and sender as artifacts, transactions and wei, of what was sent to known artifacts."""
    for row in raw.rows("superchain.daily_transactions"):
        chain = {"op": "OPTIMISM"}.get(row["chain"], row["chain"].upper())
        receiver = entity_id(chain, "", row["to_address"].lower())
        if receiver in artifacts and row["day"] < today:
            sender = entity_id(chain, "", row["from_address"].lower())
            yield chain, row["day"], receiver, sender, row["transactions"], float(row["gas_fees"])


def periods(day: date, today: date, first_month: date) -> Iterator[tuple[str, date, bool]]:
    """What a day counts for: how the metric's name ends, the sample's date, whether it is the newest window."""
    year, month = day.year, day.month
    spans = {
        "daily": (day, day + timedelta(days=1)),
        "weekly": (day - timedelta(days=day.weekday()), day - timedelta(days=day.weekday() - 7)),
        "monthly": (date(year, month, 1), _months_after(date(year, month, 1), 1)),
        "quarterly": (date(year, (month - 1) // 3 * 3 + 1, 1), _months_after(date(year, (month - 1) // 3 * 3 + 1, 1), 3)),
        "biannually": (date(year, 1 if month <= 6 else 7, 1), _months_after(date(year, 1 if month <= 6 else 7, 1), 6)),
        "yearly": (date(year, 1, 1), date(year + 1, 1, 1)),
    }
    for suffix, (start, end) in spans.items():
        if end <= today:
            yield suffix, start, False
    yield "over_all_time", today - timedelta(days=1), False
    for length in (28, 90, 180):
        last = _months_after(date(year, month, 1), 1) - timedelta(days=1)
        while last < day + timedelta(days=length):
            if last < today and last >= first_month:
                yield f"over_{length}_day_window", last, False
            last = _months_after(date(last.year, last.month, 1), 2) - timedelta(days=1)
        if today - timedelta(days=length + 1) < day:
            yield f"over_{length}_day_window", today - timedelta(days=1), True


def _months_after(first: date, months: int) -> date:
    whole = first.year * 12 + first.month - 1 + months
    return date(whole // 12, whole % 12 + 1, 1)
