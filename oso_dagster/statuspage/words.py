"""How the page says a time, a length, an address and a state. Pure; what is said is in `domain.status.page`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from oso_dagster.domain.catalogue.partitions import PartitionKind
from oso_dagster.domain.objectives.over_time.history import DayHistory
from oso_dagster.domain.status.data_sets import DataSet

VERDICTS = {"compliant": "Compliant", "at_risk": "At risk", "breached": "Breached", "no_data": "No data"}
FRESHNESS = {"fresh": "Fresh", "stale": "Stale", "not_due": "Not due yet"}
STATES = FRESHNESS | {"no_promise": "No promise", "no_data": "Never loaded"}
PHASES = {"open": "Being fixed", "watched": "Met again, being watched", "over": "Resolved"}
WORKS = {"planned": "Planned", "running": "Under way", "done": "Done"}
_PARTITION = {
    PartitionKind.HOURLY: "hour",
    PartitionKind.DAILY: "day",
    PartitionKind.WEEKLY: "week",
    PartitionKind.MONTHLY: "month",
}
LABELS = {"core": "core", "unstable": "unstable", "sqlmesh": "derived"}


def span(length: timedelta) -> str:
    """A promised length in the largest unit that expresses it exactly.

    >>> span(timedelta(hours=36)), span(timedelta(days=7)), span(timedelta(minutes=90))
    ('36 hours', '7 days', '90 minutes')
    """
    for unit, name in ((timedelta(days=1), "day"), (timedelta(hours=1), "hour")):
        if length >= unit and length % unit == timedelta(0):
            return _count(length // unit, name)
    return _count(length // timedelta(minutes=1), "minute")


def promised(data_set: DataSet) -> str:
    """What is promised of a data set, for people; empty when nothing is."""
    if data_set.fresh_within is None:
        return ""
    if data_set.partitions is PartitionKind.STATIC:
        return "every partition is there"
    if data_set.partitions is not None and data_set.due_after is not None:
        return f"each {_PARTITION[data_set.partitions]} within {span(data_set.due_after)} of its end"
    return f"not older than {span(data_set.fresh_within)}"


def age(moment: datetime, now: datetime) -> str:
    """How long before `now` something was, cut off to one unit.

    >>> age(datetime(2025, 1, 1, tzinfo=UTC), datetime(2025, 1, 2, 23, tzinfo=UTC))
    '47 hours ago'
    """
    elapsed = now - moment
    if elapsed < timedelta(0):
        return "in the future"
    if elapsed < timedelta(minutes=1):
        return "just now"
    if elapsed < timedelta(hours=2):
        return _count(elapsed // timedelta(minutes=1), "minute") + " ago"
    if elapsed < timedelta(days=2):
        return _count(elapsed // timedelta(hours=1), "hour") + " ago"
    return _count(elapsed // timedelta(days=1), "day") + " ago"


def until(moment: datetime, now: datetime) -> str:
    """How long after `now` something will be, cut off to one unit.

    >>> until(datetime(2025, 1, 4, tzinfo=UTC), datetime(2025, 1, 1, tzinfo=UTC))
    'in 3 days'
    """
    return f"in {lasted(moment - now)}" if moment > now else age(moment, now)


def exactly(length: timedelta) -> str:
    """A length in its two largest units, cut off.

    >>> exactly(timedelta(days=29, hours=11, minutes=3)), exactly(timedelta(minutes=5))
    ('29 days 11 hours', '5 minutes')
    """
    minutes = length // timedelta(minutes=1)
    parts = [(minutes // 1440, "day"), (minutes // 60 % 24, "hour"), (minutes % 60, "minute")]
    counted = [_count(number, unit) for number, unit in parts if number]
    return " ".join(counted[:2]) or _count(0, "minute")


def minutes(number: int) -> str:
    """Minutes of total outage that are left of a budget.

    >>> minutes(312), minutes(-5)
    ('312 minutes of outage', '5 minutes of outage too many')
    """
    return f"{_count(number, 'minute')} of outage" if number >= 0 else f"{_count(-number, 'minute')} of outage too many"


def capital(text: str) -> str:
    """The sentence with its first letter as a capital."""
    return text[:1].upper() + text[1:]


def date_text(moment: datetime) -> str:
    """A date for people, in UTC.

    >>> date_text(datetime(2025, 1, 2, 3, tzinfo=UTC))
    '2 Jan'
    """
    return f"{moment.astimezone(UTC):%-d %b}"


def month_text(moment: datetime) -> str:
    """A month for people, in UTC.

    >>> month_text(datetime(2025, 1, 2, 3, tzinfo=UTC))
    'January 2025'
    """
    return f"{moment.astimezone(UTC):%B %Y}"


def lasted(length: timedelta) -> str:
    """How long something took, cut off to one unit.

    >>> lasted(timedelta(minutes=95)), lasted(timedelta(hours=30)), lasted(timedelta(days=9, hours=3))
    ('95 minutes', '30 hours', '9 days')
    """
    if length < timedelta(hours=2):
        return _count(length // timedelta(minutes=1), "minute")
    return _count(length // timedelta(hours=1), "hour") if length < timedelta(days=2) else _count(length.days, "day")


def day_text(day: DayHistory) -> str:
    """A day of a bar in words: when, how it was, and the numbers of its last evaluation.

    >>> from oso_dagster.domain.objectives.slo import Verdict
    >>> day = datetime(2025, 1, 2, tzinfo=UTC).date()
    >>> day_text(DayHistory(day, Verdict.COMPLIANT, 719, 720, 96)), day_text(DayHistory(day))
    ('2 Jan: Compliant, 719 of 720', '2 Jan: No data')
    """
    numbers = f", {day.good:,} of {day.valid:,}" if day.valid else ""
    return f"{day.day:%-d %b}: {VERDICTS[day.verdict]}{numbers}"


def stamp(moment: datetime) -> str:
    """A moment for people, in UTC.

    >>> stamp(datetime(2025, 1, 2, 3, 4, 5, tzinfo=UTC))
    '2 Jan 2025, 03:04 UTC'
    """
    return f"{moment.astimezone(UTC):%-d %b %Y, %H:%M} UTC"


def instant(moment: datetime) -> str:
    """A moment for machines, in UTC, to the second."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def web_address(text: str) -> str:
    """The address itself when it is plainly one of the web; empty for anything else, which is then not made a link.

    >>> web_address("https://example.org/a?b"), web_address("javascript:alert(1)")
    ('https://example.org/a?b', '')
    """
    if any(character <= " " or character in "\\\x7f" for character in text):
        return ""
    try:
        parts = urlsplit(text)
    except ValueError:
        return ""
    return text if parts.scheme in {"http", "https"} and parts.hostname and not parts.username else ""


def _count(number: int, unit: str) -> str:
    return f"{number:,} {unit}" + ("" if number == 1 else "s")
