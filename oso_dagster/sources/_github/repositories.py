"""Tables of GitHub by repository, for those that OSS Directory and OP Atlas name: what GH Archive no longer has whole.

Part of the source `github` (`github.py`), whose settings they share. How much they cost of the two limits of one token, 5,000
requests and 5,000 points an hour, is in docs/decisions/0046; `oso sources plan github` shows what is asked next.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Any

from oso_dagster.connectors.http.rest import Client
from oso_dagster.domain.catalogue.loading import Extract, ExtractRequest
from oso_dagster.domain.catalogue.source import Column, ColumnType, Cost, Disposition, Retries, Schedule, SchemaContract, Table
from oso_dagster.sources._github.changes import CHANGES, STARS
from oso_dagster.sources._github.plans import (
    ATLAS,
    BEGIN,
    KNOWN,
    MOST_HISTORIES,
    MOST_POINTS,
    MOST_REQUESTS,
    names_of,
    plan_of_changes,
    plan_of_feeds,
    plan_of_stars,
)
from oso_dagster.sources._second_counts.github import RELEASES, THINGS
from oso_dagster.sources._second_counts.github import STARS as ALL_STARS


def _client(request: ExtractRequest) -> Client:
    from oso_dagster.connectors.github import rest_api  # noqa: PLC0415  (Arrow loads when used)

    settings = request.settings
    return rest_api.client(settings.get("token"), float(settings["requests_per_second"]), request.notes)


def _repository_events(columns: Sequence[Column], request: ExtractRequest) -> Extract:
    """What is new in the feeds that are due. Nothing is asked before the rows are drawn; raises RestError then."""
    from oso_dagster.connectors.github.core import feeds  # noqa: PLC0415  (Arrow loads when used)
    from oso_dagster.connectors.items import Items  # noqa: PLC0415
    from oso_dagster.connectors.kept_state import KeptState  # noqa: PLC0415

    state = KeptState.of(request)
    facts: dict[str, Any] = {}
    run = feeds.Feeds(_client(request), request.settings["api_url"], state, request.now, MOST_REQUESTS)
    there = {name for name, known in state.by_name.items() if not known["gone"]}
    rows = run.run(names_of(request), columns, Items.of(request, 0, there), facts)
    return Extract(f"{request.now:%Y-%m-%dT%H:%M}", {request.table: rows}, facts)


def _stars_by_day(request: ExtractRequest) -> Extract:
    """The newest page of the star histories that are due, then older ones. Raises RestError."""
    from oso_dagster.connectors import records  # noqa: PLC0415  (Arrow loads when used)
    from oso_dagster.connectors.github.core import stars  # noqa: PLC0415
    from oso_dagster.connectors.items import Items  # noqa: PLC0415
    from oso_dagster.connectors.kept_state import KeptState  # noqa: PLC0415

    state = KeptState.of(request)
    facts: dict[str, Any] = {}
    run = stars.Stars(_client(request), request.settings["api_url"], state, request.now, MOST_HISTORIES)
    there = {name for name, known in state.by_name.items() if not known["gone"]}
    rows = run.run(names_of(request), Items.of(request, 0, there), facts)
    tables = (records.table_of_records(STARS, some) for some in rows)
    return Extract(f"{request.now:%Y-%m-%dT%H:%M}", {request.table: tables}, facts)


def _changes(columns: Sequence[Column], request: ExtractRequest) -> Extract:
    """What changed in the repositories since they were walked last; the table's name is the kind. Raises RestError."""
    from oso_dagster.connectors.github.core import changes, walks  # noqa: PLC0415  (Arrow loads when used)
    from oso_dagster.connectors.items import Items  # noqa: PLC0415
    from oso_dagster.connectors.kept_state import KeptState  # noqa: PLC0415

    state = KeptState.of(request)
    facts: dict[str, Any] = {}
    kind = changes.KINDS[request.table]
    run = walks.Walks(_client(request), request.settings["api_url"], kind, columns, state, request.now, BEGIN)
    there = {name for name, known in state.by_name.items() if not known["gone"]}
    rows = run.run(names_of(request), Items.of(request, 0, there), facts, MOST_POINTS)
    return Extract(f"{request.now:%Y-%m-%dT%H:%M}", {request.table: rows}, facts)


def _table_of_changes(
    name: str, description: str, key: str, event_time: str, columns: tuple[Column, ...], why_deletions_stay: str
) -> Table:
    about = (
        Column("repo_id", ColumnType.BIGINT, "GitHub's id of the repository, which it keeps when it is renamed", nullable=False),
        Column("repo_name", ColumnType.VARCHAR, "Its owner/name when it was asked", nullable=False),
    )
    asked = Column("checked_at", ColumnType.TIMESTAMP, "When GitHub was asked that had it last", nullable=False)
    whole = (*about, *columns, asked)
    return Table(
        name=name,
        description=description,
        columns=whole,
        primary_key=("repo_id", key) if name == "commits" else (key,),
        disposition=Disposition.MERGE,
        keeps_deleted=why_deletions_stay,
        identity="`repo_id`, GitHub's id of the repository",
        why_not={"bands": "A load brings what changed: as much as people did that day"},
        extract=partial(_changes, whole),
        plan=plan_of_changes,
        leaves_out_ahead=True,
        second_count=THINGS.get(name, RELEASES),
        schedule=Schedule("50 5 * * *"),
        cost=Cost(calls=600, bytes=100_000_000, duration=timedelta(minutes=20)),
        fresh_within=timedelta(hours=36),
        event_time=event_time,
        events_within=timedelta(days=7),
        resumable=True,
        may_be_empty=True,  # nothing may have changed since an hour ago, when a run is started by hand
        needs=(KNOWN,),
        needs_if_loaded=(ATLAS,),
        item_column="repo_name",
        set_aside_share=0.05,
        vanish_share=0.05,
        not_compared=("checked_at", *(column.name for column in columns if column.name == "listed_until")),
        retries=Retries(limit=2, delay=timedelta(minutes=1)),
    )


def repository_tables(events: tuple[Column, ...]) -> tuple[Table, ...]:
    """The tables; `events` are the columns of an event, which are GH Archive's."""
    feed_columns = (
        *events,
        Column("gap_since", ColumnType.TIMESTAMP, "Since when events just before this one may be missing; null where none are"),
        Column("checked_at", ColumnType.TIMESTAMP, "When the feed was asked that had it first", nullable=False),
    )
    return (
        Table(
            name="repository_events",
            description="One row per public event in a repository that OSS Directory or OP Atlas names, from its own feed.",
            columns=feed_columns,
            primary_key=("id",),
            disposition=Disposition.APPEND,
            identity="`repo_id` of the event; a name is the one that the repository had then",
            why_not={
                "deletions": "An event that GitHub shows no longer, after 30 days, has happened all the same",
                "second_count": "It is the second count of GH Archive; the feed's own window shows in `gap_since`",
            },
            extract=partial(_repository_events, feed_columns),
            plan=plan_of_feeds,
            schedule=Schedule("40 * * * *"),
            cost=Cost(calls=2_500, bytes=250_000_000, duration=timedelta(minutes=15)),
            fresh_within=timedelta(hours=6),
            event_time="created_at",
            events_within=timedelta(hours=48),
            mix_by=("type",),
            resumable=True,
            may_be_empty=True,  # nothing may be new since an hour ago; feeds that are all empty are refused
            needs=(KNOWN,),
            needs_if_loaded=(ATLAS,),
            item_column="repo_name",
            set_aside_share=0.05,
            vanish_share=0.05,
            gap_since="gap_since",
            not_compared=("checked_at",),
            retries=Retries(limit=2, delay=timedelta(minutes=1)),
            contract=SchemaContract.REPORT,
        ),
        Table(
            name="stars_by_day",
            description="One row per day on which a repository was given stars that are still there, as GitHub counts them.",
            columns=STARS,
            primary_key=("repository", "day"),
            disposition=Disposition.MERGE,
            identity="GitHub's id of the repository, asked once of each name; its history moves to the name of now",
            follows_renames=True,
            why_not={"bands": "A load brings the repositories that were due"},
            second_count=ALL_STARS,
            keeps_deleted="A day whose stars were all taken back becomes 0",
            extract=_stars_by_day,
            plan=plan_of_stars,
            schedule=Schedule("55 */4 * * *"),
            cost=Cost(calls=2_000, bytes=10_000_000, duration=timedelta(minutes=10)),
            fresh_within=timedelta(hours=12),
            event_time="day",
            events_within=timedelta(days=7),
            resumable=True,
            may_be_empty=True,  # nothing may be due; histories that are all empty are refused
            needs=(KNOWN,),
            needs_if_loaded=(ATLAS,),
            item_column="repository",
            set_aside_share=0.05,
            vanish_share=0.05,
            not_compared=("checked_at",),
            retries=Retries(limit=2, delay=timedelta(minutes=1)),
        ),
        *(_table_of_changes(*described) for described in CHANGES),
    )
