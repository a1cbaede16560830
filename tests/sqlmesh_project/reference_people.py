"""Metrics of how people take part, in plain Python; part of `reference_metrics`."""

from __future__ import annotations

from calendar import monthrange
from collections import defaultdict
from collections.abc import Iterator
from datetime import date, timedelta

from tests.sqlmesh_project.reference import Event, periods

CONTRIBUTIONS = {"COMMIT_CODE", "ISSUE_OPENED", "PULL_REQUEST_OPENED", "PULL_REQUEST_MERGED"}
BEFORE = {"weekly": 1, "monthly": 1, "quarterly": 3, "biannually": 6, "yearly": 12}
"""Periods of which the one before counts: its length in months, of a week in weeks."""
BUS_FACTORS = {"bus_factor": 0.5, "bus_factor_80": 0.8}
Sample = tuple[str, date, bool]


def metrics_of_people(events: list[Event], today: date, first: date) -> Iterator[tuple[str, Sample, int]]:
    """Metric, sample and value of one entity, from its events."""
    commits: dict[str, dict[date, float]] = defaultdict(lambda: defaultdict(float))
    days: dict[str, dict[date, float]] = defaultdict(lambda: defaultdict(float))
    for event in events:
        if event.person and not event.is_bot and event.type in CONTRIBUTIONS:
            days[event.person][event.day] += event.amount
            if event.type == "COMMIT_CODE":
                commits[event.person][event.day] += event.amount
    samples: dict[Sample, dict[str, set[date]]] = defaultdict(lambda: defaultdict(set))
    for person, active in days.items():
        for day in active:
            for suffix, sample, latest in periods(day, today, first):
                samples[suffix, sample, latest][person].add(day)
    for key, people in samples.items():
        developers = {person: {day for day in active if day in commits.get(person, {})} for person, active in people.items()}
        developers = {person: active for person, active in developers.items() if active}
        made = {person: sum(commits[person][day] for day in active) for person, active in developers.items()}
        yield from _by_days(key, developers)
        yield from _by_history(key, developers, people, commits, days)
        yield from _by_share(key, made)
    yield from _by_absence(commits, today)


def retention(events: list[Event], today: date) -> dict[tuple[date, date], tuple[int, int]]:
    """Size and returned people of one entity, by the month of the cohort and the month, of months that are over."""
    months: dict[str, set[date]] = defaultdict(set)
    for event in events:
        if event.type == "COMMIT_CODE" and event.person and not event.is_bot and event.day < today.replace(day=1):
            months[event.person].add(event.day.replace(day=1))
    cohorts: dict[date, list[str]] = defaultdict(list)
    for person, active in months.items():
        cohorts[min(active)].append(person)
    return {
        (cohort, month): (len(people), sum(month in months[person] for person in people))
        for cohort, people in cohorts.items()
        for month in {month for person in people for month in months[person]}
    }


def _by_days(key: Sample, developers: dict[str, set[date]]) -> Iterator[tuple[str, Sample, int]]:
    if key[0] in ("monthly", "over_28_day_window"):
        full = sum(len(active) >= 10 for active in developers.values())
        yield "full_time_developers", key, full
        yield "part_time_developers", key, len(developers) - full


def _by_history(key: Sample, developers, people, commits, days) -> Iterator[tuple[str, Sample, int]]:
    suffix, start, _ = key
    if suffix not in BEFORE:
        return
    before = start - timedelta(days=7) if suffix == "weekly" else _months_before(start, BEFORE[suffix])
    yield "new_developers", key, sum(min(commits[person]) >= start for person in developers)
    yield "new_contributors", key, sum(min(days[person]) >= start for person in people)
    earlier = {person: [day for day in commits[person] if day < start] for person in developers}
    yield "resurrected_developers", key, sum(bool(known) and max(known) < before for known in earlier.values())
    quiet = _months_before(date(start.year, start.month, 1), 3)
    quiet = quiet.replace(day=min(start.day, monthrange(quiet.year, quiet.month)[1]))
    contributed = [{day: times for day, times in days[person].items() if day < start} for person in people]
    yield "episodic_contributors", key, sum(bool(c) and max(c) < quiet and sum(c.values()) <= 12 for c in contributed)


def _by_absence(commits: dict[str, dict[date, float]], today: date) -> Iterator[tuple[str, Sample, int]]:
    """Of each period that is over: who committed in the one before only, and who only earlier."""
    for suffix, months in BEFORE.items():
        first = min((day for active in commits.values() for day in active), default=today)
        start = _months_before(date(first.year, (first.month - 1) // months * months + 1, 1), 0)
        while suffix != "weekly" and (end := _months_before(start, -months)) <= today:
            before = _months_before(start, months)
            away = [max(day for day in active if day < start) for active in commits.values() if min(active) < start]
            here = sum(any(start <= day < end for day in active) and min(active) < start for active in commits.values())
            churned = sum(
                any(before <= day < start for day in active) and not any(start <= day < end for day in active)
                for active in commits.values()
            )
            yield "churned_developers", (suffix, start, False), churned
            yield "dormant_developers", (suffix, start, False), len(away) - here - churned
            start = end


def _by_share(key: Sample, made: dict[str, float]) -> Iterator[tuple[str, Sample, int]]:
    if key[0] in ("daily", "weekly"):
        return
    for metric, share in BUS_FACTORS.items():
        count, held, whole = 0, 0.0, sum(made.values())
        for amount in sorted(made.values(), reverse=True):
            if amount <= 0 or held >= share * whole:
                break
            count, held = count + 1, held + amount
        yield metric, key, count


def _months_before(first: date, months: int) -> date:
    whole = first.year * 12 + first.month - 1 - months
    return date(whole // 12, whole % 12 + 1, 1)
