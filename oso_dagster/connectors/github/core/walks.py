"""What changed in many repositories, by GraphQL: each walked newest first down to what is known, many in one query.

A walk that a limit ends goes on behind its cursor at the next run; what changed meanwhile stands before its begin and is the next
walk's. Rows are kept as they come: a run cut short has what it has.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa

from oso_dagster.connectors.answers import AnswerError
from oso_dagster.connectors.arrow import schema_of
from oso_dagster.connectors.github.core.changes import ThingKind, WantedPage, query_of
from oso_dagster.connectors.github.core.deprecations import note_deprecated
from oso_dagster.connectors.github.core.graph_answers import GraphAnswer, TooMuchError, ask
from oso_dagster.connectors.http.absence import AbsentError
from oso_dagster.connectors.http.rest import Client, RateLimitedError, RestError
from oso_dagster.connectors.items import Items
from oso_dagster.connectors.kept_state import MARK, KeptState
from oso_dagster.connectors.records import table_of_records
from oso_dagster.domain.catalogue.loading import CUT_SHORT, DATED_AHEAD, LoadFacts
from oso_dagster.domain.catalogue.source import Column

SIZE = 100
"""Things on a page: the most that GitHub gives."""
TOGETHER = 50
"""Repositories in one query."""
_BATCH = 5_000
_AHEAD = timedelta(minutes=5)
"""How far GitHub's clock may run ahead of ours."""
LISTED_UNTIL = "listed_until"
"""The column, where a table has it, of when a walk began that ended with the row: its repository is listed up to then."""
_ALIKE = 50
"""So many repositories that were never asked before and have nothing at all are no accident."""


@dataclass(frozen=True)
class Walk:
    """How far a repository is known: everything up to `until` is held.

    An unfinished walk goes on behind `after`; when it is done, everything up to `top`, its first thing, is held. `round` is the
    last one it was finished in. `gone`: there was no such repository then. `begun` is when an unfinished walk asked first.
    """

    until: str
    round: str | None = None
    after: str | None = None
    top: str | None = None
    gone: bool = False
    begun: str | None = None


def due_walks(names: Iterable[str], states: Mapping[str, Mapping[str, Any]], now: datetime) -> list[str]:
    """The repositories whose round of today is not done: unfinished walks first, then the longest unasked, then new ones."""
    known = {name: Walk(**states[name]) if name in states else Walk("") for name in set(names)}
    waiting = [name for name, walk in known.items() if walk.round != round_of(now)]
    return sorted(waiting, key=lambda name: (known[name].after is None, known[name].round or "~", name))


def round_of(now: datetime) -> str:
    """The round of a moment: its day."""
    return f"{now:%Y-%m-%d}"


class Walks:
    """One run over repositories for one kind of thing. `state` is changed as answers come."""

    def __init__(
        self,
        client: Client,
        api: str,
        kind: ThingKind,
        columns: Sequence[Column],
        state: KeptState,
        now: datetime,
        begin: datetime,
    ) -> None:
        self._client, self._url, self._kind, self._state, self._now = client, f"{api}/graphql", kind, state, now
        self._columns, self._begin, self._round = columns, begin, round_of(now)
        self._together = TOGETHER
        self._name_of: dict[int, str] = {}
        self._ahead: dict[str, int] = {}
        self._before = dict(state.by_name)
        self.points = self._empty = self._filled = 0

    def run(self, names: Sequence[str], items: Items, facts: LoadFacts, points: int) -> Iterator[pa.Table]:
        """Rows of what changed, some thousand at a time, until `points` are spent or the limit comes. Raises RestError."""
        due = due_walks(names, self._state.by_name, self._now)
        items.total = len(due)
        waiting, done, rows = [self._page(name) for name in due], 0, list[pa.Table]()
        try:
            while waiting and self.points < points:
                pages, waiting = waiting[: self._together], waiting[self._together :]
                more, came = self._some(pages, items)
                waiting = more + waiting
                rows += came
                done += len(pages) - len(more)
                if sum(table.num_rows for table in rows) >= _BATCH:
                    yield pa.concat_tables(rows)
                    rows = []
        except RateLimitedError as error:
            if not self.points:
                raise
            facts[CUT_SHORT] = f"the limit came after {done:,} of {len(due):,} repositories; the next run continues. {error}"
        if waiting and CUT_SHORT not in facts:
            facts[CUT_SHORT] = f"{self.points:,} points were spent; {len(waiting):,} repositories are left to the next run"
        self._refuse_silence()
        if self.points and CUT_SHORT not in facts:
            note_deprecated(self._client, self._url, self._kind, facts)
        yield pa.concat_tables([schema_of(self._columns).empty_table(), *rows])
        items.asked = max(items.asked, done)
        items.tell(facts)
        facts |= {DATED_AHEAD: dict(self._ahead)} if self._ahead else {}
        facts |= {"round": self._round, "repositories_due": len(due), "points": self.points, MARK: self._state.keep()}

    def _some(self, pages: list[WantedPage], items: Items) -> tuple[list[WantedPage], list[pa.Table]]:
        """Ask for some pages: those that follow, and the rows that came. Asks for fewer at once where it was too much."""
        query, values = query_of(self._kind, pages, SIZE)
        aliases = [f"r{number}" for number in range(len(pages))]
        try:
            answer = ask(self._client, self._url, query, values, aliases)
        except TooMuchError as error:
            if len(pages) == 1:
                items.asked += 1
                self._put_aside(pages[0].name, f"{error}", items)
                return [], []
            self._together = max(1, len(pages) // 2)
            return pages, []
        self.points += answer.cost
        more: list[WantedPage] = []
        rows: list[pa.Table] = []
        for alias, page in zip(aliases, pages, strict=True):
            items.asked += page.after is None
            follows = self._one(answer, alias, page, items, rows)
            more += [follows] if follows else []
        return more, rows

    def _one(self, answer: GraphAnswer, alias: str, page: WantedPage, items: Items, rows: list[pa.Table]) -> WantedPage | None:
        """Take what came of one repository; the page that follows, if one does."""
        error = answer.errors.get(alias)
        try:
            if error is not None:
                raise error
            return self._read(answer.repositories[alias], page, rows)
        except AbsentError as absent:
            self._begin_again(page.name)
            items.absent(page.name, absent)
            if page.name in items.gone:
                self._finish(page.name, self._walk(page.name).until, gone=True)
        except (AnswerError, RestError, ValueError, TypeError) as fault:
            words = f"{fault}. Check the endpoint; change the source if the endpoint has changed"
            self._put_aside(page.name, f"{page.name}: {words}", items)
        return None

    def _put_aside(self, name: str, words: str, items: Items) -> None:
        """Set a repository aside, also what came of it in this run: the next walk begins where this one did."""
        self._begin_again(name)
        items.put_aside(name, RestError(f"{self._url}: {words}"))

    def _begin_again(self, name: str) -> None:
        if name in self._before:
            self._state.by_name[name] = self._before[name]
        else:
            self._state.by_name.pop(name, None)

    def _read(self, repository: Any, page: WantedPage, rows: list[pa.Table]) -> WantedPage | None:
        nodes, after = self._kind.page(repository)
        about = {"repo_id": repository["databaseId"], "repo_name": repository["nameWithOwner"]}
        if self._name_of.setdefault(about["repo_id"], page.name) != page.name:  # renamed: it answers under both of its names
            self._finish(page.name, self._walk(page.name).until)
            return None
        read = [(self._kind.when(node), about | self._kind.row(node) | {"checked_at": self._now.isoformat()}) for node in nodes]
        came = [(when, row) for when, row in read if when <= self._now + _AHEAD]
        if len(came) < len(read):  # the time of a commit is that of a clock of whoever made it
            self._ahead[page.name] = self._ahead.get(page.name, 0) + len(read) - len(came)
        walk = self._walk(page.name)
        begun = walk.begun or self._now.isoformat()
        ended = after is None or any(when < page.since for when, _ in came)
        known = {LISTED_UNTIL: begun if ended else None}
        rows.append(table_of_records(self._columns, (row | known for when, row in came if when >= page.since)))
        self._filled += bool(came)
        self._empty += not came and page.name not in self._state.by_name
        top = walk.top or (max(when for when, _ in came).isoformat() if came else None)
        if ended:
            self._finish(page.name, max(top or walk.until, walk.until))
            return None
        if after == page.after:
            raise AnswerError(f"the cursor {after} came a second time: the pages loop")
        self._state.by_name[page.name] = asdict(Walk(walk.until, walk.round, after, top, begun=begun))
        return WantedPage(page.name, page.since, after)

    def _refuse_silence(self) -> None:
        if self._empty >= _ALIKE and not self._filled:
            raise RestError(
                f"{self._url}: {self._kind.name} of {self._empty:,} repositories that were never asked before are all empty. "
                "The old rows stay; check the endpoint, then run again"
            )

    def _finish(self, name: str, until: str, *, gone: bool = False) -> None:
        self._state.by_name[name] = asdict(Walk(until, self._round, gone=gone))

    def _walk(self, name: str) -> Walk:
        known = self._state.by_name.get(name)
        return Walk(**known) if known else Walk(self._begin.isoformat())

    def _page(self, name: str) -> WantedPage:
        walk = self._walk(name)
        since = max(datetime.fromisoformat(walk.until) - self._kind.look_back, self._begin)
        return WantedPage(name, since, walk.after)
