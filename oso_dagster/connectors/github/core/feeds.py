"""The repository-scoped feeds of events: asked conditionally, the busiest first, until a budget or a limit ends the run.

`GET /repos/{owner}/{repo}/events`, 100 events a page, 300 at most, newest first; a 304 costs nothing of the hourly limit.
Events are those of GH Archive, with the same ids; what is in one is `archive_events`'.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

import msgspec
import pyarrow as pa

from oso_dagster.connectors.answers import AnswerError, take_list
from oso_dagster.connectors.arrow import schema_of
from oso_dagster.connectors.github import archive_events
from oso_dagster.connectors.github.absence_rules import GITHUB_RULES
from oso_dagster.connectors.github.core.feed_state import MOST_EVENTS, FeedState, due_feeds, gap_since
from oso_dagster.connectors.http.rest import Client, RateLimitedError, RestError
from oso_dagster.connectors.items import Items
from oso_dagster.connectors.kept_state import MARK, KeptState
from oso_dagster.domain.catalogue.loading import CUT_SHORT, GAPS, LoadFacts
from oso_dagster.domain.catalogue.source import Column

ABSENT = frozenset({403, 404, 410, 451})
PAGE = 100
_BATCH = 5_000
_ALIKE = 50
"""So many feeds without a single event are no accident: the endpoint answers nothing."""


@dataclass
class FetchedFeed:
    """What one feed answered: its events, newest first, and their rows; none where nothing is new.

    `reached`: an event came that is as old as the newest known one. `full`: it has as many events as it can hold.
    """

    validators: dict[str, str] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)
    table: pa.Table | None = None
    unchanged: bool = False
    reached: bool = True
    full: bool = False
    requests: int = 0


class Feeds:
    """One run over the feeds of repositories. `state` is changed as answers come, and kept by the caller's load."""

    def __init__(self, client: Client, api: str, state: KeptState, now: datetime, most_requests: int) -> None:
        self._client, self._api, self._state, self._now, self._most = client, api, state, now, most_requests
        self._requests = self._unchanged = self._bare = self._events = 0
        self._seen: set[str] = set()

    def run(self, names: Sequence[str], columns: Sequence[Column], items: Items, facts: LoadFacts) -> Iterator[pa.Table]:
        """The new events of all feeds that are due, some thousand at a time. Raises RestError.

        `columns` are those of an event, then `gap_since` and `checked_at`. The facts say what was asked, what is left, which
        feeds had a gap, and whether the run was cut short.
        """
        due = [feed.name for feed in due_feeds(names, self._state.by_name, self._now)]
        items.total, done = len(due), 0
        gaps: dict[str, str] = {}
        rows: list[pa.Table] = []
        work = partial(self._fetch, columns[:-2])
        try:
            for name, fetched in items.each(self._within_budget(due), work, self._client.each):
                rows += self._rows(name, fetched, gaps)
                done += 1
                if sum(table.num_rows for table in rows) >= _BATCH:
                    yield pa.concat_tables(rows)
                    rows = []
        except RateLimitedError as error:
            if not done:
                raise
            facts[CUT_SHORT] = f"the limit came after {items.asked:,} of {len(due):,} feeds; the next run continues. {error}"
        if CUT_SHORT not in facts and items.asked < len(due):
            left = len(due) - items.asked
            facts[CUT_SHORT] = f"{self._most:,} requests were spent on {items.asked:,} feeds; {left:,} are left to the next run"
        for name in items.gone:
            self._state.by_name[name] = self._known(name).absent(self._now).plain()
        self._refuse_silence(done)
        yield pa.concat_tables([schema_of(columns).empty_table(), *rows])
        items.tell(facts)
        facts |= {"feeds_due": len(due), "feeds_unchanged": self._unchanged, "requests": self._requests, GAPS: gaps}
        facts[MARK] = self._state.keep()

    def _within_budget(self, due: Sequence[str]) -> list[str]:
        """As many of the feeds as the budget surely allows: those that were never asked may take three pages each."""
        left, chosen = float(self._most), []
        for name in due:
            left -= 1 if name in self._state.by_name else 1 + (MOST_EVENTS / PAGE - 1) / 2
            if left < 0:
                break
            chosen.append(name)
        return chosen

    def _known(self, name: str) -> FeedState:
        state = self._state.by_name.get(name)
        return FeedState(**state) if state is not None else FeedState(self._now.isoformat())

    def _fetch(self, columns: Sequence[Column], name: str) -> FetchedFeed:
        """Only asks; what is known does not change under the other threads. Raises AbsentError and what `Client.get` raises."""
        before = self._known(name)
        fetched, since, ids = FetchedFeed(), before.since(), set[str]()
        newest = datetime.fromisoformat(before.newest) if before.newest else None
        for page in range(1, MOST_EVENTS // PAGE + 1):
            url = f"{self._api}/repos/{name}/events"
            validators = before.validators if page == 1 else None
            answer = self._client.get(url, {"per_page": PAGE, "page": page}, validators=validators, accept=ABSENT)
            if answer.unchanged:
                return replace(fetched, unchanged=True, requests=0)
            fetched.requests += 1
            if answer.status in ABSENT:
                raise answer.absent(GITHUB_RULES)
            if page == 1:
                fetched.validators = answer.validators
            listed = take_list(answer.document)
            new = [event for event in listed if _id(event) not in ids]
            if listed and not new:
                raise AnswerError(
                    f"page {page} of {name} is a duplicate of an earlier page; the paging of the endpoint is broken"
                )
            ids.update(map(_id, new))
            fetched.events += new
            fetched.full = page == MOST_EVENTS // PAGE and len(listed) == PAGE
            if 'rel="next"' not in answer.headers.get("Link", "") or (since and any(_time(event) <= since for event in new)):
                break
        fetched.reached = newest is None or any(_time(event) <= newest for event in fetched.events)
        fetched.table = self._table(name, fetched.events, columns)
        return fetched

    def _rows(self, name: str, fetched: FetchedFeed, gaps: dict[str, str]) -> list[pa.Table]:
        """The rows of one feed, and its new state."""
        before = self._state.by_name.get(name)
        known = FeedState(**before) if before is not None else None
        self._requests += fetched.requests
        if fetched.unchanged:
            self._unchanged += 1
            self._state.by_name[name] = self._known(name).unchanged(self._now).plain()
            return []
        lost = self._state.lost_since if known is None else None
        times = [_time(event) for event in fetched.events]
        self._bare += not times
        self._events += len(times)
        newest = max([*times, *([datetime.fromisoformat(known.newest)] if known and known.newest else [])], default=None)
        first_page = times[:PAGE]
        self._state.by_name[name] = FeedState(
            self._now.isoformat(),
            newest.isoformat() if newest else None,
            min(first_page).isoformat() if first_page else None,
            len(first_page),
            validators=fetched.validators,
        ).plain()
        table = fetched.table
        if table is None or not times:
            return []
        gap = gap_since(known, reached=fetched.reached, full=fetched.full, now=self._now, lost_since=lost)
        if gap is not None:
            gaps[name] = f"{gap} to {min(times).isoformat()}"
        oldest = min(range(len(times)), key=lambda place: times[place])
        since = [gap if place == oldest and gap else None for place in range(len(times))]
        instants = pa.timestamp("us", tz="UTC")
        table = table.append_column("gap_since", pa.array([datetime.fromisoformat(t) if t else None for t in since], instants))
        table = table.append_column("checked_at", pa.array([self._now] * len(times), instants))
        return [self._not_seen(table, fetched.events)]

    def _not_seen(self, table: pa.Table, events: Sequence[dict[str, Any]]) -> pa.Table:
        """Leave out what another feed of this run had: a renamed repository answers under both of its names."""
        new = [_id(event) not in self._seen for event in events]
        self._seen.update(map(_id, events))
        return table if all(new) else table.filter(pa.array(new))

    def _table(self, name: str, events: Sequence[dict[str, Any]], columns: Sequence[Column]) -> pa.Table:
        try:
            return archive_events.table_of(archive_events.decode(b"\n".join(json.dumps(e).encode() for e in events)), columns)
        except (msgspec.MsgspecError, pa.ArrowInvalid) as error:
            raise RestError(
                f"{self._api}/repos/{name}/events: an event is not as declared: {error}. Change the source to match"
            ) from None

    def _refuse_silence(self, done: int) -> None:
        if self._bare >= _ALIKE and not self._events and self._bare + self._unchanged == done:
            raise RestError(
                f"{self._api}: the feeds of {self._bare:,} repositories were empty and none had an event. "
                "The old rows stay; check the endpoint, then run again"
            )


def _id(event: Any) -> str:
    if not isinstance(event, dict) or not isinstance(event.get("id"), str):
        raise AnswerError("an event is not as declared: its id is missing")
    return str(event["id"])


def _time(event: dict[str, Any]) -> datetime:
    try:
        return datetime.fromisoformat(event["created_at"]).astimezone(UTC)
    except (KeyError, TypeError, ValueError):
        raise AnswerError(
            f"an event is not as declared: created_at of {event.get('id')} is {event.get('created_at')!r}"
        ) from None
