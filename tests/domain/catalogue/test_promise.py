"""A source whose promise its schedule cannot keep is refused by name when it is built."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from oso_dagster.domain.catalogue.partitions import PartitionKind, Partitions
from oso_dagster.domain.catalogue.promise import BEGINNING, TermsOfLoad
from oso_dagster.domain.catalogue.source import Cost, Retries, Schedule, Source
from oso_dagster.sources import catalogue

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
WEDNESDAY, FRIDAY = datetime(2026, 1, 7, tzinfo=UTC), datetime(2026, 1, 9, tzinfo=UTC)
EVERY = [(source, table) for source in catalogue() for table in source.tables]


def terms(**changes: Any) -> TermsOfLoad:
    given: dict[str, Any] = {
        "schedule": Schedule("0 4 * * *"),
        "cost": Cost(1, 1, duration=10 * MINUTE),
        "retries": Retries(3, MINUTE),
        "partitions": None,
    }
    return TermsOfLoad(**(given | changes))


def parts(kind: PartitionKind, available_after: timedelta, start: datetime = WEDNESDAY) -> Partitions:
    return Partitions(kind, start, available_after, due_after=30 * DAY)


def changed(name: str, table: str, **changes: Any) -> Source:
    """A source of the catalogue with one table changed."""
    (source,) = (source for source in catalogue() if source.name == name)
    return replace(source, tables=tuple(replace(other, **changes) if other.name == table else other for other in source.tables))


def test_a_load_takes_at_most_all_its_tries_and_the_longest_pauses_between_them() -> None:
    assert terms().longest_load == BEGINNING + 4 * 10 * MINUTE + (2 + 4 + 8) * MINUTE
    assert terms(ahead=20 * MINUTE).longest_load == terms().longest_load + 20 * MINUTE
    assert terms(retries=Retries(0)).longest_load == BEGINNING + 10 * MINUTE


@pytest.mark.parametrize(
    ("cron", "longest"),
    [
        ("0 4 * * *", DAY),
        ("0 4,16 * * *", 12 * HOUR),
        ("20 4 * * 1", 7 * DAY),
        ("0 4 * * 1-5", 3 * DAY),
        ("0 4 31 * *", 61 * DAY),
    ],
)
def test_a_table_gets_as_old_as_the_longest_gap_of_its_schedule(cron: str, longest: timedelta) -> None:
    assert terms(schedule=Schedule(cron)).longest_wait == longest


def test_a_change_of_the_clock_makes_a_gap_an_hour_longer() -> None:
    assert terms(schedule=Schedule("0 4 * * *", "Europe/Vienna")).longest_wait == 25 * HOUR


@pytest.mark.parametrize(
    ("partitions", "cron", "longest"),
    [
        (parts(PartitionKind.DAILY, 3 * HOUR), "0 4 * * *", 4 * HOUR),
        (parts(PartitionKind.DAILY, 4 * HOUR), "0 4 * * *", 4 * HOUR),
        (parts(PartitionKind.DAILY, 5 * HOUR), "0 4 * * *", 28 * HOUR),
        (parts(PartitionKind.DAILY, 24 * HOUR), "30 2 * * *", timedelta(hours=26.5)),
        (parts(PartitionKind.HOURLY, 5 * MINUTE), "10 * * * *", 10 * MINUTE),
        (parts(PartitionKind.WEEKLY, 6 * HOUR, FRIDAY), "30 4 * * *", timedelta(hours=28.5)),
        (parts(PartitionKind.WEEKLY, 6 * HOUR, FRIDAY), "30 4 * * 1", timedelta(hours=76.5)),
    ],
)
def test_a_partition_waits_for_the_first_tick_at_which_upstream_has_it(
    partitions: Partitions, cron: str, longest: timedelta
) -> None:
    assert terms(partitions=partitions, schedule=Schedule(cron)).longest_wait == longest


@pytest.mark.parametrize(
    ("name", "table", "due_after"),
    [
        ("github", "events", 7 * HOUR),
        ("superchain", "deployments", 24 * HOUR),
        ("eas_optimism", "attestations", 3 * HOUR),
        ("open_collective", "transactions", 6 * HOUR),
        ("npm", "downloads", 30 * HOUR),
    ],
)
def test_what_was_promised_when_it_was_only_available_is_refused_by_name(name: str, table: str, due_after: timedelta) -> None:
    (partitions,) = (entry.partitions for source, entry in EVERY if (source.name, entry.name) == (name, table))
    assert partitions is not None
    with pytest.raises(ValueError, match=f"source '{name}', table '{table}' promises a partition .* Raise due_after to"):
        changed(name, table, partitions=replace(partitions, due_after=due_after))


def test_an_age_or_an_event_that_the_schedule_cannot_keep_is_refused_by_name_with_what_would_do() -> None:
    refusal = (
        r"source 'oss_directory', table 'projects' is promised to be at most 1 d old, .* UTC begins .* fresh_within to 1 d 2 h"
    )
    with pytest.raises(ValueError, match=refusal):
        changed("oss_directory", "projects", fresh_within=DAY)
    with pytest.raises(ValueError, match=r"'events' promises an event that is at most 1 d 6 h old.* events_within to 1 d 12 h"):
        changed("github", "events", events_within=30 * HOUR)


def test_a_schedule_that_never_comes_is_refused() -> None:
    with pytest.raises(ValueError, match="never comes"):
        changed("oss_directory", "projects", schedule=Schedule("0 2 31 2 *"))


@pytest.mark.parametrize(("source", "table"), EVERY, ids=[f"{source.name}.{table.name}" for source, table in EVERY])
def test_every_promise_of_the_catalogue_is_kept_by_its_schedule(source: Source, table: Any) -> None:
    promised = table.partitions.due_after if table.partitions else table.fresh_within
    assert promised is None or promised >= source.terms_of(table).shortest_promise


def test_a_new_table_is_first_due_after_its_next_load_and_its_retries() -> None:
    seen = datetime(2026, 5, 4, 10, tzinfo=UTC)
    assert terms().first_due(seen) == datetime(2026, 5, 5, 4, tzinfo=UTC) + terms().longest_load


@pytest.mark.parametrize("cron", ["0 4 * * *", "15 * * * *", "10 5,17 * * *", "*/20 3-5 * * *"])
@pytest.mark.parametrize("lag", [timedelta(0), timedelta(hours=30), timedelta(days=20)])
@pytest.mark.parametrize("kind", [kind for kind in PartitionKind if kind is not PartitionKind.STATIC])
def test_some_weeks_of_days_that_are_alike_are_as_good_as_a_year(cron: str, lag: timedelta, kind: PartitionKind) -> None:
    """Etc/UTC is the same zone, but nothing is left out of its year."""
    cut = parts(kind, lag, datetime(2026, 1, 1, tzinfo=UTC))
    waits = {terms(schedule=Schedule(cron, zone), partitions=cut).longest_wait for zone in ("UTC", "Etc/UTC")}
    assert len(waits) == 1
    assert len({terms(schedule=Schedule(cron, zone)).longest_wait for zone in ("UTC", "Etc/UTC")}) == 1
