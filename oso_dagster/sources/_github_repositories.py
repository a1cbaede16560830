"""Tables of GitHub by repository, for those that OSS Directory and OP Atlas name: what GH Archive no longer has whole.

Part of the source `github` (`github.py`), whose settings they share. How much they cost of the two limits of one token, 5,000
requests and 5,000 points an hour, is in docs/decisions/0042; `oso sources plan github` shows what is asked next.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Any

from oso_dagster.connectors.http.rest import Client
from oso_dagster.domain.catalogue.loading import Extract, ExtractRequest
from oso_dagster.domain.catalogue.source import Column, ColumnType, Cost, Disposition, Retries, Schedule, SchemaContract, Table

_KNOWN, _ATLAS = "github.repositories.name_with_owner", "op_atlas.project_repository.url"
_MOST_REQUESTS = 2_500
"""Requests of one hourly run, half of the hourly limit: the other tables ask with the same token."""


def names_of(request: ExtractRequest) -> list[str]:
    """`owner/name`, lower case, of what OSS Directory names, itself or by owners, and of what OP Atlas names."""
    from oso_dagster.connectors.github import rest_api  # noqa: PLC0415  (Arrow loads when used)

    known = {name.lower() for name in request.inputs[_KNOWN] if not name.endswith("/*")}
    return sorted(known | set(rest_api.addresses(request.inputs.get(_ATLAS, ())).repositories))


def _client(request: ExtractRequest) -> Client:
    from oso_dagster.connectors.github import rest_api  # noqa: PLC0415  (Arrow loads when used)

    settings = request.settings
    return rest_api.client(settings.get("token"), float(settings["requests_per_second"]))


def _repository_events(columns: Sequence[Column], request: ExtractRequest) -> Extract:
    """What is new in the feeds that are due. Nothing is asked before the rows are drawn; raises RestError then."""
    from oso_dagster.connectors.github.core import feeds  # noqa: PLC0415  (Arrow loads when used)
    from oso_dagster.connectors.github.core.kept_state import KeptState  # noqa: PLC0415
    from oso_dagster.connectors.items import Items  # noqa: PLC0415

    state = KeptState.of(request)
    facts: dict[str, Any] = {}
    run = feeds.Feeds(_client(request), request.settings["api_url"], state, request.now, _MOST_REQUESTS)
    there = {name for name, known in state.by_name.items() if not known["gone"]}
    rows = run.run(names_of(request), columns, Items.of(request, 0, there), facts)
    return Extract(f"{request.now:%Y-%m-%dT%H:%M}", {request.table: rows}, facts)


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
            extract=partial(_repository_events, feed_columns),
            schedule=Schedule("40 * * * *"),
            cost=Cost(calls=2_500, bytes=250_000_000, duration=timedelta(minutes=15)),
            fresh_within=timedelta(hours=6),
            event_time="created_at",
            events_within=timedelta(hours=48),
            mix_by=("type",),
            resumable=True,
            may_be_empty=True,  # nothing may be new since an hour ago; feeds that are all empty are refused
            needs=(_KNOWN,),
            needs_if_loaded=(_ATLAS,),
            item_column="repo_name",
            set_aside_share=0.05,
            vanish_share=0.05,
            gap_since="gap_since",
            not_compared=("checked_at",),
            retries=Retries(limit=2, delay=timedelta(minutes=1)),
            contract=SchemaContract.REPORT,
        ),
    )
