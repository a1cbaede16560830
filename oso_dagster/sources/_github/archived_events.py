"""The table `github.events`: GH Archive by day, with the regimes of its feed and the days that it has lost itself."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from oso_dagster.domain.catalogue.loading import Extract, ExtractRequest, RefusedError
from oso_dagster.domain.catalogue.partitions import PartitionKind, Partitions
from oso_dagster.domain.catalogue.source import (
    Column,
    ColumnType,
    Cost,
    Disposition,
    Regime,
    Retries,
    Schedule,
    SchemaContract,
    Setting,
    SettingKind,
    Table,
)
from oso_dagster.domain.catalogue.truth import regime_of
from oso_dagster.sources._github.columns import number, text, time
from oso_dagster.sources._second_counts.github import EVENTS

ARCHIVE = "https://data.gharchive.org"

REGIMES = (
    Regime(
        "by_time_of_event",
        date(2015, 1, 1),
        "A file holds the events of its hour; a push lists its commits, at most 20",
        "gharchive.org",
    ),
    Regime(
        "by_time_of_crawl",
        date(2025, 5, 24),
        "A file holds what was crawled in its hour: events come up to 6 hours late, in the files behind",
        "igrigorik/gharchive.org, commit f1f4200",
    ),
    Regime(
        "stubs",
        date(2025, 10, 7),
        "Pushes list no commits, pull requests hardly more than their number",
        "GitHub's changelog of 2025-08-08; igrigorik/gharchive.org 312",
    ),
    Regime(
        "hollow",
        date(2026, 4, 1),
        "All but pushes vanish from the feed: in August 95 of 100 events are pushes, 1 is a pull request",
        "pingcap/ossinsight 3110, 3120; igrigorik/gharchive.org 310, 320; ClickHouse/github-explorer 22",
    ),
)
"""How the feed behaved, by when. Ids are unique within a day; since August 2026 they repeat those of 2020 (ossinsight 3120)."""

SHORT_DAYS = "2025-10-09 2025-10-10 2025-10-11 2025-10-12 2025-10-13 2025-10-14 2026-09-01 2026-09-02"
"""Days of which the archive itself has hardly anything (its issue 312 and others; pingcap/ossinsight 3120)."""

SETTINGS = (
    Setting("archive_url", SettingKind.URL, "Where GH Archive's hourly files are", default=ARCHIVE, endpoint=True),
    Setting(
        "least_events_per_day",
        SettingKind.NUMBER,
        "Events that a day of GH Archive has at least; three to five million were usual until 2025",
        default="1000000",
        sandbox="1",
    ),
    Setting("late_hours", SettingKind.NUMBER, "Files of the next day that are read for events of a day", default="6"),
    Setting(
        "short_days", SettingKind.TEXT, "Days of which GH Archive itself has hardly anything, as 2025-10-14", default=SHORT_DAYS
    ),
    Setting("short_tries", SettingKind.NUMBER, "After so many days of loading a short day is taken as all there is", default="3"),
)


COLUMNS = (
    text("id", "Id of the event, unique on GitHub", nullable=False),
    text("type", "Type of the event, as GitHub names it: PushEvent, IssuesEvent …", nullable=False),
    number("actor_id", "Id of the account that did it", nullable=False),
    text("actor_login", "Its name then", nullable=False),
    number("repo_id", "Id of the repository", nullable=False),
    text("repo_name", "Its owner/name then", nullable=False),
    number("org_id", "Id of the organisation that owns the repository, if one does"),
    text("org_login", "Its name then"),
    time("created_at", "When it happened", nullable=False),
    text("action", "What was done: opened, closed, reopened, merged, created, published, started …"),
    number("number", "Number of the issue or pull request in its repository"),
    text("ref", "Branch or tag that was pushed, created or deleted"),
    text("ref_type", "What was created or deleted: branch, tag, repository"),
    number("push_id", "Id of the push"),
    text("push_head", "Commit that the branch points at after the push"),
    text("push_before", "Commit that it pointed at before"),
    number("push_size", "Commits of the push; null since 2025-10-07"),
    number("push_distinct_size", "Commits of the push that are new to the repository; null since 2025-10-07"),
    text("push_regime", "with_commits: the push says how many; head_only (since 2025-10-07): it counts as one commit"),
    number("issue_id", "Id of the issue, or of the issue side of a pull request that is commented on"),
    time("issue_created_at", "When the issue was opened"),
    time("issue_closed_at", "When the issue was closed"),
    text("issue_author_login", "Who opened the issue"),
    Column("issue_is_pull_request", ColumnType.BOOLEAN, "Whether the issue is the issue side of a pull request"),
    number("pull_request_id", "Id of the pull request"),
    time("pull_request_created_at", "When the pull request was opened; null since 2025-10-07"),
    time("pull_request_closed_at", "When it was closed; null since 2025-10-07"),
    time("pull_request_merged_at", "When it was merged; null since 2025-10-07"),
    text("pull_request_author_login", "Who opened it; null since 2025-10-07"),
    Column("pull_request_is_merged", ColumnType.BOOLEAN, "Whether it is merged; null where the event does not say"),
    number("comment_id", "Id of the comment"),
    number("review_id", "Id of the review"),
    text("review_state", "Verdict of the review: approved, changes_requested, commented …"),
    number("release_id", "Id of the release"),
    text("release_tag_name", "Tag of the release"),
    number("forkee_id", "Id of the repository that the fork made"),
    text("forkee_full_name", "Its owner/name"),
)


def _extract(request: ExtractRequest) -> Extract:
    """One day of events. Nothing is fetched before the rows are drawn; raises ArchiveError then."""
    from oso_dagster.connectors.github import archive, archive_files, archive_gaps  # noqa: PLC0415  (Arrow loads when used)

    if request.window is None or request.window.start is None:
        raise RefusedError(f"{request.where}: a day is needed; start the load with a partition")
    settings, start, key = request.settings, request.window.start, request.window.key
    day = archive_files.Day(settings["archive_url"], start, int(float(settings["late_hours"])), request.notes)
    floors = archive_gaps.Floors(
        least_events=int(float(settings["least_events_per_day"])),
        known_short=frozenset(map(date.fromisoformat, settings["short_days"].split())),
        tries=int(float(settings["short_tries"])),
    )
    tries = archive_gaps.Tries(request.cache / "gharchive-short" / f"{key}.json", request.now.date())
    regime = regime_of(REGIMES, start.date())
    facts: dict[str, Any] = {"regime": regime.name} if regime else {}
    rows = archive.read(day, COLUMNS, request.cache / "gharchive" / key, facts, floors, tries)
    return Extract(f"gharchive/{key}", {request.table: rows}, facts)


TABLE = Table(
    name="events",
    description="One row per public event of GitHub: pushes, issues, pull requests, stars, forks, releases.",
    columns=COLUMNS,
    primary_key=("id",),
    disposition=Disposition.REPLACE_PARTITION,
    extract=_extract,
    schedule=Schedule("30 7 * * *"),
    cost=Cost(calls=30, bytes=2_750_000_000, duration=timedelta(minutes=35)),
    event_time="created_at",
    resumable=True,
    item_column="id",
    set_aside_share=0.001,
    regimes=REGIMES,
    mix_by=("type",),
    second_count=EVENTS,
    identity="`repo_id` of the event; a name is the one that the repository had then",
    why_not={"look_again": "Files do not change once they are written; a day reads the six hours behind it too"},
    events_within=timedelta(hours=48),
    partitions=Partitions(
        PartitionKind.DAILY,
        datetime(2025, 1, 1, tzinfo=UTC),
        available_after=timedelta(hours=7),
        due_after=timedelta(hours=12),
    ),
    range_in_one_run=True,
    retries=Retries(limit=3, delay=timedelta(minutes=5)),
    contract=SchemaContract.REPORT,  # only what models need is read
)
