"""Each definition of others beside ours: as published, and on the same inputs with the named difference taken out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import fmean, median_low

from tests.other_definitions.activity import HISTORY_BEGINS, Item, items_of
from tests.other_definitions.augur import Augur
from tests.other_definitions.devstats import DevStats
from tests.sqlmesh_project.reference import Event, utc_day
from tests.sqlmesh_project.reference_metrics import Key
from tests.sqlmesh_project.reference_people import metrics_of_people

THIRTY_SECONDS = timedelta(seconds=30)


@dataclass(frozen=True)
class Case:
    """One value: theirs on all events beside the published one, and theirs on the same inputs beside ours by their rule."""

    definition: str
    entity: str
    since: date
    theirs: object
    published: object
    theirs_of_same: object
    as_theirs: object


def _spans(events: Iterable[Event], today: date) -> Iterator[tuple[str, date, date]]:
    """Weeks and months that are over, since the first event: how the metric's name ends, first day, first day after."""
    first = min((event.day for event in events if event.person), default=today)
    monday = first - timedelta(days=first.weekday())
    while (end := monday + timedelta(days=7)) <= today:
        yield "weekly", monday, end
        monday = end
    month = first.replace(day=1)
    while (end := (month + timedelta(days=32)).replace(day=1)) <= today:
        yield "monthly", month, end
        month = end


def _hours(item: Item) -> float:
    assert item.merged_at is not None
    return (item.merged_at - item.at).total_seconds() / 3600


def _openings(items: Iterable[Item]) -> list[Event]:
    """The openings of pull requests, as events."""
    return [Event(utc_day(item.at), "PULL_REQUEST_OPENED", "", item.by, item.is_bot) for item in items if item.is_pull_request]


def with_devstats(
    devstats: DevStats, entity: str, events: list[Event], published: dict[Key, float], today: date
) -> Iterator[Case]:
    """All comparisons of a project."""
    items = list(items_of(events))
    people = [item for item in items if not item.is_bot]
    openings = _openings(people)
    ours = {(metric, *sample[:2]): value for metric, sample, value in metrics_of_people(openings, today, today)}
    spans = list(_spans(events, today))
    devstats.fill(items, events)
    theirs = {
        (metric, *span): devstats.count(metric, *span[1:])
        for span in spans
        for metric in ("new_contributors", "episodic_contributors")
    }
    factors = {span: devstats.bus_factor(*span[1:]) for span in spans if span[0] == "monthly"}
    everything = (HISTORY_BEGINS, today)
    medians = {metric: devstats.median_hours(metric, *everything) for metric in ("opened_to_merged", "first_non_author_activity")}
    devstats.fill(people, events)
    for suffix, since, until in spans:
        new = devstats.count("new_contributors", since, until)
        returned = devstats.count("episodic_contributors", since, until) - new
        for metric, same in (("new_contributors", new), ("episodic_contributors", returned)):
            known = published.get((f"GITHUB_{metric}_{suffix}", "project", entity, since, False), 0.0)
            all_of_theirs = theirs[metric, suffix, since, until]
            yield Case(f"DevStats {metric}", entity, since, all_of_theirs, known, same, ours.get((metric, suffix, since), 0))
    for span, factor in factors.items():
        made = _commits_by_person(events, *span[1:])
        known = published.get(("GITHUB_bus_factor_monthly", "project", entity, span[1], False), 0.0)
        yield Case("DevStats bus_factor", entity, span[1], factor, known, factor, _fewest_with_more_than_half(made))
    for metric, name, waits in (
        ("opened_to_merged", "time_to_merge", [_hours(item) for item in people if item.is_pull_request and item.merged_at]),
        ("first_non_author_activity", "time_to_first_response", list(_first_activities(people))),
    ):
        known = published.get((f"GITHUB_{name}_over_all_time", "project", entity, today - timedelta(days=1), False))
        same = devstats.median_hours(metric, *everything)
        yield Case(
            f"DevStats {metric}", entity, HISTORY_BEGINS, _rounded(medians[metric]), _rounded(known), _rounded(same),
            _rounded(median_low(waits) if waits else None),
        )  # fmt: skip


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)


def _commits_by_person(events: Iterable[Event], since: date, until: date) -> dict[str, float]:
    made: dict[str, float] = defaultdict(float)
    for event in events:
        if event.type == "COMMIT_CODE" and event.person and not event.is_bot and since <= event.day < until:
            made[event.person] += event.amount
    return made


def _fewest_with_more_than_half(made: dict[str, float]) -> int:
    """DevStats wants more than a half, CHAOSS and we a half."""
    held, whole = 0.0, sum(made.values())
    for place, amount in enumerate(sorted(made.values(), reverse=True), start=1):
        held += amount
        if 2 * held > whole:
            return place
    return 0


def _first_activities(items: Iterable[Item]) -> Iterator[float]:
    """DevStats: pull requests alone; what comes within 30 seconds is nobody's answer; comments and reviews are two answers."""
    for item in items:
        if item.is_pull_request:
            late = [a for a in item.answers if not a.is_bot and a.by != item.by and a.at > item.at + THIRTY_SECONDS]
            comments = {a.at for a in late if a.kind == "ISSUE_COMMENT"}
            reviews = {a.at for a in late if a.kind != "ISSUE_COMMENT"}
            for first in {min(some) for some in (comments, reviews) if some}:
                yield (first - item.at).total_seconds() / 3600


def with_augur(augur: Augur, entity: str, events: list[Event], published: dict[Key, float], today: date) -> Iterator[Case]:
    """All comparisons of a repository."""
    items = list(items_of(events))
    augur.fill(items, events)
    committed = [
        (event.person, event.day) for event in events if event.type == "COMMIT_CODE" and event.person and event.amount >= 1
    ]
    issues = [item for item in items if not item.is_pull_request]
    opened = [(item.by, utc_day(item.at)) for item in issues]
    commented = [(answer.by, utc_day(item.at)) for item in issues for answer in item.answers]
    keys = {(event.to, event.number) for event in events if event.type == "ISSUE_OPENED" and event.person}
    closed = [(e.person, e.day) for e in events if e.type == "ISSUE_CLOSED" and e.person and (e.to, e.number) in keys]
    first, first_commit = _firsts(committed + opened + closed), _firsts(committed)
    newcomers = {period: augur.new_contributors(period, today) for period in ("week", "month")}
    committers = {period: augur.new_committers(period, today) for period in ("week", "month")}
    for suffix, since, until in _spans(events, today):
        known = {
            metric: published.get((f"GITHUB_{metric}_{suffix}", "artifact", entity, since, False), 0.0)
            for metric in ("contributors", "new_contributors", "new_developers")
        }
        theirs = augur.contributors(since, until)
        expected = {person for person, day in committed + opened + commented if since <= day < until}
        yield Case("Augur contributors", entity, since, float(len(theirs)), known["contributors"], theirs, expected)
        period = "week" if suffix == "weekly" else "month"
        for name, table, days, metric in (
            ("contributors_new", newcomers, first, "new_contributors"),
            ("pull_requests_merge_contributor_new", committers, first_commit, "new_developers"),
        ):
            count = table[period].get(since, 0)
            yield Case(
                f"Augur {name}", entity, since, count, known[metric], count, sum(since <= day < until for day in days.values())
            )
    yield from _means(augur, entity, items, published, today)


def _firsts(days: Iterable[tuple[str | None, date]]) -> dict[str, date]:
    firsts: dict[str, date] = {}
    for person, day in days:
        if person:
            firsts[person] = min(day, firsts.get(person, day))
    return firsts


def _means(augur: Augur, entity: str, items: list[Item], published: dict[Key, float], today: date) -> Iterator[Case]:
    """Augur: means, not medians, of merged pull requests that were answered, by anybody; by month of the close."""
    grouped: dict[tuple[int, int], list[tuple[float, float]]] = defaultdict(list)
    for item in items:
        if item.is_pull_request and item.merged_at and item.answers:
            first = min(answer.at for answer in item.answers)
            grouped[item.merged_at.year, item.merged_at.month].append(((first - item.at).total_seconds() / 3600, _hours(item)))
    means = augur.hours(today)
    for (year, month), waits in grouped.items():
        since = date(year, month, 1)
        theirs = means.get((year, month), (None, None))
        for place, (name, metric) in enumerate(
            (("time to first response", "time_to_first_response"), ("time to close", "time_to_merge"))
        ):
            known = published.get((f"GITHUB_{metric}_monthly", "artifact", entity, since, False))
            mean = _rounded(fmean(wait[place] for wait in waits))
            yield Case(f"Augur {name}", entity, since, _rounded(theirs[place]), _rounded(known), _rounded(theirs[place]), mean)
