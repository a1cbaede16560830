"""How long issues and pull requests wait, in plain Python; part of `reference_metrics`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, datetime
from statistics import median

from tests.sqlmesh_project.reference import Event, periods, utc_day

ANSWERS = {"ISSUE_COMMENT", "PULL_REQUEST_REVIEW", "PULL_REQUEST_REVIEW_COMMENT"}
Sample = tuple[str, date, bool]


def waits_of_items(events: list[Event]) -> Iterator[tuple[str, str, datetime, float]]:
    """Metric, repository, when the wait ended, and its hours."""
    items: dict[tuple[str, int], list[Event]] = defaultdict(list)
    for event in events:
        if event.number is not None:
            items[event.to, event.number].append(event)
    for (repository, _), some in items.items():
        for kind in ("ISSUE_OPENED", "PULL_REQUEST_OPENED"):
            openings = [event for event in some if event.type == kind]
            if not openings:
                continue
            opening = min(openings, key=lambda event: (event.at, event.key))
            if opening.is_bot:
                continue
            later = [event for event in some if event.at >= opening.at]
            merged = [event.at for event in later if event.type == "PULL_REQUEST_MERGED"]
            answers = [e.at for e in later if e.type in ANSWERS and not e.is_bot and e.person and e.person != opening.person]
            if merged and kind == "PULL_REQUEST_OPENED":
                yield "time_to_merge", repository, min(merged), (min(merged) - opening.at).total_seconds() / 3600
            if answers:
                yield "time_to_first_response", repository, min(answers), (min(answers) - opening.at).total_seconds() / 3600


def metrics_of_items(
    events: list[Event], entities: dict[str, list[tuple[str, str]]], today: date
) -> dict[tuple[str, str, str, date, bool], float]:
    """The medians of all entities and periods."""
    waits = list(waits_of_items(events))
    first = min((utc_day(until) for _, _, until, _ in waits), default=today).replace(day=1)
    hours: dict[tuple[str, str, str, date, bool], list[float]] = defaultdict(list)
    for metric, repository, until, wait in waits:
        for suffix, sample, latest in periods(utc_day(until), today, first):
            for kind, entity in entities[repository] if suffix != "daily" else ():
                hours[f"GITHUB_{metric}_{suffix}", kind, entity, sample, latest].append(wait)
    return {key: median(some) for key, some in hours.items()}
