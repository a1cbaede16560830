"""Maintenance that repeats: a rule of RFC 5545 (RRULE) is written out into the windows that it means, by python-dateutil.

They are written out when they are declared: what is left out never depends on how a rule is read later, and each window can be
ended, moved and taken back by itself. That needs an end: COUNT or UNTIL.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

from oso_dagster.domain.objectives.maintenance import Maintenance

MOST = 100
"""Windows of one declaration."""

HORIZON = timedelta(days=731)
"""How far ahead the last one may begin."""

_OFTEN = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
_PARTS = {"FREQ", "INTERVAL", "BYDAY", "BYMONTHDAY", "WKST", "COUNT", "UNTIL"}
_OF_MONTHS = {"BYMONTH", "BYSETPOS"}
"""Which days of which months: with days or weeks they could name a day that never comes, for which dateutil looks long."""
_LONGEST_MONTH = 31


def repeated(window: Maintenance, rule: str, zone: str = "UTC") -> list[Maintenance]:
    """The windows that `rule` makes of the first one, each as long as it, at the same time of day in `zone`; the earliest first.

    The whole days of its length are days of the zone, as in RFC 5545, and one that would run into the next only as the zone's
    clock goes forward ends there: windows of a day meet, whatever the clock does.

    `rule` is written as in a calendar: `FREQ=WEEKLY;BYDAY=SU;COUNT=8`. Raises ValueError for one that cannot be read, has no
    end, repeats more often than daily, means no window, too many or some too far ahead, or windows that overlap.
    """
    parts = _parts(rule)
    here = ZoneInfo(zone)
    first = window.start.astimezone(here).replace(tzinfo=None)
    local_begins = list(_begins(parts, first, here))
    begins = [_utc(at, here) for at in local_begins]
    if not begins:
        raise ValueError(f"{rule} means no window at all from {first:%Y-%m-%d %H:%M} on")
    if len(begins) > MOST:
        raise ValueError(f"{rule} means more than {MOST} windows: declare fewer at a time")
    if len(begins) < _asked(parts) or ("UNTIL" in parts and _until(parts["UNTIL"], here) > first + HORIZON):
        raise ValueError(
            f"{rule} means windows more than {HORIZON.days} days ahead: {len(begins)} begin before, declare only these"
        )
    local_length = window.end.astimezone(here).replace(tzinfo=None) - first
    if any(after - before < local_length for before, after in pairwise(local_begins)):
        raise ValueError(f"the windows of {rule} would overlap: each lasts until {window.end.isoformat()} or as long")
    text = f"{';'.join(f'{name}={value}' for name, value in parts.items())} ({zone})"
    days = timedelta(days=local_length.days)
    rest = window.end - _utc(first + days, here)
    ends = [_utc(at + days, here) + rest for at in local_begins]
    return [
        replace(window, start=begin, end=min(end, following), rule=text)
        for begin, end, following in zip(begins, ends, [*begins[1:], max(ends)], strict=True)
    ]


def _utc(local: datetime, zone: ZoneInfo) -> datetime:
    return local.replace(tzinfo=zone).astimezone(UTC)


def _asked(parts: dict[str, str]) -> int:
    """How many windows a rule with COUNT names; 0 for one with UNTIL."""
    return _number("COUNT", parts["COUNT"]) if "COUNT" in parts else 0


def _parts(rule: str) -> dict[str, str]:
    parts = dict(part.strip().split("=", 1) for part in rule.upper().removeprefix("RRULE:").split(";") if "=" in part)
    if parts.get("FREQ") not in _OFTEN:
        raise ValueError(f"{rule}: a rule begins with FREQ= and one of {', '.join(_OFTEN)}, such as FREQ=WEEKLY;COUNT=8")
    if not ("COUNT" in parts) ^ ("UNTIL" in parts):
        raise ValueError(f"{rule}: say when it ends, by COUNT=8 or by UNTIL=20270131, not by both")
    unknown = parts.keys() - _PARTS - (_OF_MONTHS if parts["FREQ"] in ("MONTHLY", "YEARLY") else set())
    if unknown:
        raise ValueError(f"{rule}: {', '.join(sorted(unknown))} cannot be used; the time of day is that of the first window")
    days = parts.get("BYMONTHDAY", "1").split(",")
    if not all(day.removeprefix("-").isdecimal() and 1 <= abs(int(day)) <= _LONGEST_MONTH for day in days):
        raise ValueError(f"{rule}: BYMONTHDAY takes days from 1 to 31, or from -1 to -31")
    _number("INTERVAL", parts.get("INTERVAL", "1"))
    return parts


def _begins(parts: dict[str, str], first: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    """Local times, at most one more than are allowed."""
    from dateutil.rrule import rrulestr  # noqa: PLC0415  (loads when used)

    ends, count = first + HORIZON, MOST + 1
    if "COUNT" in parts:
        count = min(count, _number("COUNT", parts["COUNT"]))
    else:
        ends = min(ends, _until(parts["UNTIL"], zone))
    text = ";".join(f"{name}={value}" for name, value in parts.items() if name not in ("COUNT", "UNTIL"))
    try:
        endless = rrulestr(text, dtstart=first)
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{text} is no rule of a calendar: {error}") from None
    yield from islice(endless.replace(until=ends), count)


def _number(name: str, text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise ValueError(f"{name}={text}: a number from 1 on is expected")
    return int(text)


def _until(text: str, zone: ZoneInfo) -> datetime:
    """The last local time at which a window may begin; a date means all of its day."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"UNTIL={text}: a date such as 20270131 or a time such as 20270131T120000Z is expected") from None
    if "T" not in text:
        return at + timedelta(days=1, microseconds=-1)
    return at.astimezone(zone).replace(tzinfo=None) if at.tzinfo else at
