"""Stars by day: what is left of the stars that a repository was given on each day, as GitHub counts them.

`GET /repos/{owner}/{repo}/stargazers/history` (GitHub changelog, 2026-09-04): weeks, newest first, 30 on a page and 100 pages at
most, each with `week` (seconds since 1970), `total` and seven `days`; one request of the hourly limit a page. A star that is
taken back is taken from its day. Days are GitHub's, which need not be those of UTC. Only the newest page is read anew.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from oso_dagster.connectors.answers import AnswerError, take, take_list
from oso_dagster.connectors.github.absence_rules import GITHUB_RULES
from oso_dagster.connectors.github.core.present_names import PresentNames, follow
from oso_dagster.connectors.http.rest import Client, RateLimitedError, RestError
from oso_dagster.connectors.items import Items
from oso_dagster.connectors.kept_state import MARK, KeptState
from oso_dagster.domain.catalogue.loading import CUT_SHORT, LoadFacts
from oso_dagster.domain.catalogue.truth import RENAMED

ABSENT = frozenset({403, 404, 410, 451})
WEEKS, MOST_PAGES = 30, 100
_DAYS = 7
_AGAIN = timedelta(hours=20)
_GONE_AGAIN = timedelta(days=7)
_BATCH = 20_000
_ALIKE = 50
"""So many empty histories without a single star are no accident."""
Row = dict[str, Any]


@dataclass(frozen=True)
class StarState:
    """What is known of one history: when its newest page was asked, its weeks with stars, the older page to read next, if any.

    `repo_id` is GitHub's id of the repository, which it keeps under another name.
    """

    asked: str
    weeks: tuple[int, ...] = ()
    older: int | None = None
    gone: bool = False
    validators: dict[str, str] = field(default_factory=dict)
    repo_id: int | None = None

    def due(self, now: datetime) -> bool:
        """Whether the newest page is to be asked again."""
        return now - datetime.fromisoformat(self.asked) >= (_GONE_AGAIN if self.gone else _AGAIN)


@dataclass
class FetchedStars:
    """One page of a history: the weeks by their begin, and whether there are older ones. None when nothing is new."""

    weeks: dict[int, list[int]] | None = None
    validators: dict[str, str] = field(default_factory=dict)
    more: bool = False


def due_histories(names: Sequence[str], states: Mapping[str, Mapping[str, Any]], now: datetime) -> list[str]:
    """The repositories whose newest page is due: never asked ones first, then the longest unasked."""
    waiting = [name for name in set(names) if name not in states or StarState(**states[name]).due(now)]
    return sorted(waiting, key=lambda name: (states[name]["asked"] if name in states else "", name))


def older_pages(names: Sequence[str], states: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The repositories of which an older page is to be read, the nearest to now first."""
    waiting = [name for name in set(names) if states.get(name, {}).get("older")]
    return sorted(waiting, key=lambda name: (states[name]["older"], name))


def whole_histories(states: Mapping[str, Mapping[str, Any]]) -> set[str]:
    """The repositories whose history is read to its end: what their days add up to is all their stars."""
    return {name for name, state in states.items() if not state["gone"] and not state.get("older")}


class Stars:
    """One run over star histories: newest pages first, older ones with what the budget leaves."""

    def __init__(self, client: Client, api: str, state: KeptState, now: datetime, most_requests: int) -> None:
        self._client, self._api, self._state, self._now, self._most = client, api, state, now, most_requests
        self.requests = self._empty = self._filled = 0
        self._looping: set[str] = set()
        self._before = dict(state.by_name)

    def run(self, names: Sequence[str], items: Items, facts: LoadFacts) -> Iterator[list[Row]]:
        """Rows of days, some thousand at a time, until the budget is spent or the limit comes. Raises RestError.

        A history whose repository is called otherwise now moves there with its rows (`RENAMED`).
        """
        present = self._present(names)
        names = present.names
        due = due_histories(names, self._state.by_name, self._now)
        items.total = len(due)
        rows: list[Row] = []
        try:
            for name, fetched in items.each(due[: self._most], self._newest, self._client.each):
                rows += self._took_newest(name, fetched)
                if len(rows) >= _BATCH:
                    yield rows
                    rows = []
            self._refuse_silence()
            while (left := self._most - self.requests) > 0 and (deeper := self._deeper(names)[:left]):
                with closing(self._client.each(deeper, self._older)) as pages:
                    for name, fetched in zip(deeper, pages, strict=True):
                        rows += self._took_older(name, fetched, items)
                        if len(rows) >= _BATCH:
                            yield rows
                            rows = []
        except RateLimitedError as error:
            if not items.asked:
                raise
            facts[CUT_SHORT] = (
                f"the limit came after {items.asked:,} of {len(due):,} repositories; the next run continues. {error}"
            )
        for name in items.gone:
            self._state.by_name[name] = asdict(StarState(self._now.isoformat(), gone=True))
        if items.asked < len(due) and CUT_SHORT not in facts:
            facts[CUT_SHORT] = (
                f"{self._most:,} requests were spent; {len(due) - items.asked:,} repositories are left to the next run"
            )
        yield rows
        items.tell(facts)
        facts |= {"repositories_due": len(due), "older_pages_left": len(older_pages(names, self._state.by_name))}
        facts |= {"requests": self.requests, **self._kept(present)}

    def _present(self, names: Sequence[str]) -> PresentNames:
        states = self._state.by_name
        held = {name: state.get("repo_id") for name, state in states.items() if not state["gone"]}
        present = follow(self._client, self._api, names, held)
        for before, now in present.renamed.items():
            moved = states.pop(before)
            states.setdefault(now, moved)
        self._before = dict(states)
        return present

    def _kept(self, present: PresentNames) -> LoadFacts:
        for name in present.ids.keys() & self._state.by_name.keys():
            self._state.by_name[name]["repo_id"] = present.ids[name]
        return ({RENAMED: present.renamed} if present.renamed else {}) | {MARK: self._state.keep()}

    def _known(self, name: str) -> StarState | None:
        known = self._state.by_name.get(name)
        return StarState(**known) if known else None

    def _newest(self, name: str) -> FetchedStars:
        known = self._known(name)
        return self._page(name, 1, known.validators if known else {})

    def _older(self, name: str) -> FetchedStars:
        known = self._known(name)
        return self._page(name, known.older if known and known.older else MOST_PAGES, {})

    def _page(self, name: str, page: int, validators: Mapping[str, str]) -> FetchedStars:
        url = f"{self._api}/repos/{name}/stargazers/history"
        parameters = {"per_page": WEEKS, "page": page}
        answer = self._client.get(url, parameters, validators=validators, accept=ABSENT)
        if answer.unchanged:
            return FetchedStars()
        if answer.status in ABSENT:
            raise answer.absent(GITHUB_RULES)
        weeks = {_week(entry): _days(entry) for entry in take_list(answer.document)}
        return FetchedStars(weeks, answer.validators, 'rel="next"' in answer.headers.get("Link", "") and page < MOST_PAGES)

    def _took_newest(self, name: str, fetched: FetchedStars) -> list[Row]:
        known, asked = self._known(name), self._now.isoformat()
        if fetched.weeks is None:
            if known is not None:
                self._state.by_name[name] = asdict(known) | {"asked": asked, "gone": False}
            return []
        self.requests += 1
        starred = tuple(sorted(week for week, days in fetched.weeks.items() if any(days)))
        self._empty += not starred
        self._filled += bool(starred)
        fresh = known is None or known.gone
        older = (2 if fetched.more else None) if fresh else known.older if known else None
        self._state.by_name[name] = asdict(StarState(asked, starred, older, validators=fetched.validators))
        before = set(known.weeks) if known else set()
        return self._rows(name, {week: days for week, days in fetched.weeks.items() if any(days) or week in before})

    def _deeper(self, names: Sequence[str]) -> list[str]:
        return [name for name in older_pages(names, self._state.by_name) if name not in self._looping]

    def _took_older(self, name: str, fetched: FetchedStars, items: Items) -> list[Row]:
        known = self._known(name)
        if known is None or fetched.weeks is None:
            return []
        self.requests += 1
        starred = {week for week, days in fetched.weeks.items() if any(days)}
        if len(starred & set(known.weeks)) > 1:  # one week may have slid from page to page since the newest one was read
            self._looping.add(name)
            self._begin_again(name)
            again = (
                f"{self._api}/repos/{name}/stargazers/history: page {known.older} has weeks of the newest page: the pages loop"
            )
            items.put_aside(name, RestError(f"{again}. Check the endpoint; change the source if the endpoint has changed"))
            return []
        page = (known.older or 1) + 1
        self._state.by_name[name] = asdict(known) | {"older": page if fetched.more else None}
        return self._rows(name, {week: days for week, days in fetched.weeks.items() if any(days)})

    def _begin_again(self, name: str) -> None:
        """Of what is set aside no row is published, also none of its newest page: it is asked for anew."""
        if name in self._before:
            self._state.by_name[name] = self._before[name]
        else:
            self._state.by_name.pop(name, None)

    def _rows(self, name: str, weeks: Mapping[int, Sequence[int]]) -> list[Row]:
        asked = self._now.isoformat()
        counted = [(_day(week, number), stars) for week, days in weeks.items() for number, stars in enumerate(days)]
        today = self._now.astimezone(UTC).date()
        return [
            {"repository": name, "day": day.isoformat(), "stars": stars, "checked_at": asked}
            for day, stars in counted
            if day <= today
        ]

    def _refuse_silence(self) -> None:
        if self._empty >= _ALIKE and not self._filled:
            raise RestError(
                f"{self._api}: the star histories of {self._empty:,} repositories are all empty. "
                "The old rows stay; check the endpoint, then run again"
            )


def _day(week: int, number: int) -> date:
    return (datetime.fromtimestamp(week, UTC) + timedelta(days=number)).date()


def _week(entry: Any) -> int:
    week = take(entry, "week")
    if not isinstance(week, int) or isinstance(week, bool):
        raise AnswerError(f"week is {week!r}, which is no time in seconds; its type has changed")
    return week


def _days(entry: Any) -> list[int]:
    days = take_list(entry, "days")
    if len(days) != _DAYS or any(not isinstance(stars, int) or isinstance(stars, bool) or stars < 0 for stars in days):
        raise AnswerError(f"days of the week {take(entry, 'week')} are {str(days)[:60]}, not seven counts; its type has changed")
    total = entry.get("total")
    if total is not None and total != sum(days):
        raise AnswerError(f"the week {take(entry, 'week')} has {total} stars where its days have {sum(days)}")
    return [int(stars) for stars in days]
