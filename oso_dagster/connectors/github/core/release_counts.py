"""How many releases repositories published in a span, by REST: `GET /repos/{owner}/{repo}/releases`, one request for each.

The walk of releases asks GraphQL. What both APIs say alike is `published_at`: `created_at` is the date of the tagged commit in
REST (docs.github.com, REST, "Get the latest release"), and when the release was made in GraphQL.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime

from oso_dagster.connectors.answers import take, take_list
from oso_dagster.connectors.github import rest_api
from oso_dagster.connectors.http.absence import AbsentError
from oso_dagster.connectors.http.rest import Client, RestError

PAGE = 100


def count_releases(client: Client, api: str, names: Sequence[str], since: datetime, until: datetime) -> dict[str, int]:
    """How many releases each repository that is there published in [since, until), by the name that was asked.

    One of which a page does not reach back to `since`, and one that is gone or hidden, takes no part. Raises RestError when none
    is left, RateLimitedError when a limit ends the round: half a sample is none.
    """
    with closing(client.each(names, lambda name: _published(client, api, name))) as answers:
        published = dict(zip(names, answers, strict=True))
    counts = {
        name: sum(since <= at < until for at in times)
        for name, times in published.items()
        if times is not None and (len(times) < PAGE or min(times) < since)
    }
    if not counts:
        raise RestError(f"{api}: of {len(names):,} repositories none lists its releases, so nothing can be compared")
    return counts


def _published(client: Client, api: str, name: str) -> list[datetime] | None:
    """When the newest releases were published; None of a repository that is not there. A draft is in no list of ours."""
    url = f"{api}/repos/{name}/releases"
    answer = client.get(url, {"per_page": PAGE}, accept=rest_api.ABSENT)
    if answer.status in rest_api.ABSENT:
        try:
            raise rest_api.absent(answer)
        except AbsentError:
            return None
    with client.trusting(url):
        times = [take(release, "published_at") for release in take_list(answer.document)]
        return [datetime.fromisoformat(time).astimezone(UTC) for time in times if time is not None]
