"""What is asked of GitHub by repository, and in which order: names, budgets, and the plan of the next load, which asks nothing.

One token has 5,000 requests and 5,000 points an hour; docs/decisions/0046 has the cost for 25,000 repositories.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from oso_dagster.domain.catalogue.loading import ExtractRequest, LoadPlan, PlannedItem

KNOWN, ATLAS = "github.repositories.name_with_owner", "op_atlas.project_repository.url"
BEGIN = datetime(2025, 1, 1, tzinfo=UTC)
"""Since when issues, pull requests, commits and releases are held: as GH Archive is loaded."""
MOST_POINTS = 1_000
"""Points of one run and kind: four kinds spend four fifths of an hour's."""
MOST_HISTORIES = 2_000
"""Requests of one run for star histories, six times a day."""
MOST_REQUESTS = 2_500
"""Requests of one hourly run for feeds, half of the hourly limit: the other tables ask with the same token."""
PER_DAY = 24 * 5_000
"""Requests, and as many points, that one token has a day."""
_DAY = timedelta(days=1)


def names_of(request: ExtractRequest) -> list[str]:
    """`owner/name`, lower case, of what OSS Directory names, itself or by owners, and of what OP Atlas names."""
    from oso_dagster.connectors.github import rest_api  # noqa: PLC0415  (Arrow loads when used)

    known = {name.lower() for name in request.inputs[KNOWN] if not name.endswith("/*")}
    return sorted(known | set(rest_api.addresses(request.inputs.get(ATLAS, ())).repositories))


def plan_of_feeds(request: ExtractRequest) -> LoadPlan:
    """The feeds that are due, those that run over first. An unchanged one costs nothing."""
    from oso_dagster.connectors.github.core.feed_state import FeedState, due_feeds  # noqa: PLC0415
    from oso_dagster.connectors.kept_state import KeptState  # noqa: PLC0415

    names, states = names_of(request), KeptState.of(request).by_name
    due = due_feeds(names, states, request.now)
    items = [
        PlannedItem(
            feed.name, "never asked" if feed.per_day is None else f"{feed.overdue:.1f} × due, {feed.per_day:,.1f} events a day"
        )
        for feed in due
    ]
    cost = 0.0
    for name in names:
        state = FeedState(**states[name]) if name in states else None
        asked = _DAY / state.interval if state is not None else 1.0
        cost += min(asked, state.per_day) if state is not None and not state.gone else asked
    return LoadPlan(items, len(names), "requests", MOST_REQUESTS, round(cost), PER_DAY, "an unchanged feed costs nothing (304)")


def plan_of_stars(request: ExtractRequest) -> LoadPlan:
    """The star histories that are due: new repositories, then the longest unasked; older pages with what is left."""
    from oso_dagster.connectors.github.core import stars  # noqa: PLC0415  (Arrow loads when used)
    from oso_dagster.connectors.kept_state import KeptState  # noqa: PLC0415

    names, states = names_of(request), KeptState.of(request).by_name
    due = stars.due_histories(names, states, request.now)
    items = [PlannedItem(name, f"asked last {states[name]['asked'][:16]}" if name in states else "never asked") for name in due]
    older = len(stars.older_pages(names, states))
    note = f"{older:,} repositories have older pages to read" if older else "no older pages are left to read"
    return LoadPlan(items, len(names), "requests", MOST_HISTORIES, len(names), PER_DAY, note)


def plan_of_changes(request: ExtractRequest) -> LoadPlan:
    """The repositories that are walked next for one kind of thing: unfinished walks, the longest unasked, new ones."""
    from oso_dagster.connectors.github.core import walks  # noqa: PLC0415  (Arrow loads when used)
    from oso_dagster.connectors.kept_state import KeptState  # noqa: PLC0415

    names, states = names_of(request), KeptState.of(request).by_name
    items = [PlannedItem(name, _why(states.get(name))) for name in walks.due_walks(names, states, request.now)]
    queries = -(-len(names) // walks.TOGETHER)
    note = f"{walks.TOGETHER} repositories a query, a point each; more for longer lists"
    return LoadPlan(items, len(names), "points", MOST_POINTS, queries, PER_DAY, note)


def _why(state: dict[str, str] | None) -> str:
    if state is None:
        return f"never walked; since {BEGIN:%Y-%m-%d}"
    return "its walk goes on" if state["after"] else f"changes since {state['until'][:16]}"
