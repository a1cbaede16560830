"""How many events of each type the feeds of some repositories hold of a span: a count beside GH Archive, of the same events.

Only a feed that surely reaches back to the begin of the span is counted: it has an older event, or holds fewer than it could. The
others, and repositories that are not there (any more), are counted apart and take part in no comparison.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from oso_dagster.connectors.answers import take, take_list
from oso_dagster.connectors.github.core.feed_state import MOST_EVENTS, REACH
from oso_dagster.connectors.github.core.feeds import ABSENT, PAGE
from oso_dagster.connectors.http.rest import Client, RestError


@dataclass
class FeedCount:
    """Events by type and repository in the feeds that reach back, their ids, and how many others there are."""

    by_type: dict[str, Counter[int]] = field(default_factory=dict)
    repositories: set[int] = field(default_factory=set)
    counted: int = 0
    too_short: int = 0
    absent: int = 0


def count_events(client: Client, api: str, names: Sequence[str], since: datetime, until: datetime, now: datetime) -> FeedCount:
    """The events in [since, until) of the repositories `names` (`owner/name`), at most three requests for each.

    Raises RestError when no feed reaches back, RateLimitedError when a limit ends the round: half a sample is none.
    """
    total = FeedCount()
    with closing(client.each(names, lambda name: _feed(client, api, name, since))) as answers:
        for events in answers:
            if events is None:
                total.absent += 1
                continue
            times = [_time(event) for event in events]
            if (min(times, default=now) >= since and len(events) >= MOST_EVENTS) or since < now - REACH:
                total.too_short += 1
                continue
            total.counted += 1
            inside = {event["id"]: event for event, at in zip(events, times, strict=True) if since <= at < until}.values()
            for event in inside:
                total.by_type.setdefault(str(event["type"]), Counter())[int(take(event, "repo", "id"))] += 1
            total.repositories.update(int(take(event, "repo", "id")) for event in events)
    if not total.counted:
        raise RestError(
            f"{api}: of {len(names):,} feeds {total.absent:,} are not there and {total.too_short:,} do not reach back to "
            f"{since:%Y-%m-%d %H:%M}, so nothing can be compared. Measure a newer day"
        )
    return total


def _feed(client: Client, api: str, name: str, since: datetime) -> list[dict[str, Any]] | None:
    """The feed, back to an event before `since` or to its end; None for a repository that is not there."""
    events: list[dict[str, Any]] = []
    for page in range(1, MOST_EVENTS // PAGE + 1):
        url = f"{api}/repos/{name}/events"
        answer = client.get(url, {"per_page": PAGE, "page": page}, accept=ABSENT)
        if answer.status in ABSENT:
            return None
        with client.trusting(url):
            listed = take_list(answer.document)
            events += listed
            last = len(listed) < PAGE or 'rel="next"' not in answer.headers.get("Link", "")
            if last or any(_time(event) < since for event in listed):
                break
    return events


def _time(event: Any) -> datetime:
    return datetime.fromisoformat(take(event, "created_at")).astimezone(UTC)
