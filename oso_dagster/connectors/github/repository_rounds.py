"""A round over the directory's repositories and owners: what a run keeps for the next one, and the rows that it ends with.

What was known of each name and the validators of its answers lie in a file of the cache that counts only for the load that
published it: a failed load, or an emptied cache, costs requests and never a row.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from oso_dagster.connectors.answers import take, take_list
from oso_dagster.connectors.github import rest_api
from oso_dagster.connectors.http.absence import AbsentError
from oso_dagster.connectors.http.rest import Answer, Client, RateLimitedError, RestError
from oso_dagster.connectors.items import Items
from oso_dagster.connectors.rounds import Round
from oso_dagster.connectors.undeclared import Known, carried
from oso_dagster.domain.catalogue.loading import LoadFacts, LoadRecord
from oso_dagster.domain.catalogue.truth import FEWEST_VANISHED, ITEMS_ASKED, Absence, named

_KEPT_FILES = 3
_Row = dict[str, Any]


@dataclass
class Memory:
    """What is known between runs: rows by key, the key and validators of each name, pages of listings, keys by owner.

    `news` are the fields of answers that nobody declared and that stand in no row.
    """

    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    names: dict[str, dict[str, Any]] = field(default_factory=dict)
    pages: dict[str, dict[str, Any]] = field(default_factory=dict)
    owners: dict[str, list[str]] = field(default_factory=dict)
    news: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, folder: Path, previous: LoadRecord | None) -> Memory:
        """What the last published load left; nothing when there was none, or its file is gone."""
        mark = previous.facts.get("memory") if previous else None
        path = folder / f"{mark}.json"
        return cls(**json.loads(path.read_text())) if mark and path.exists() else cls()

    def keep(self, folder: Path) -> str:
        """Write it down; returns the mark under which it is found again."""
        content = json.dumps(asdict(self)).encode()
        mark = sha256(content).hexdigest()[:16]
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{mark}.json").write_bytes(content)
        for old in sorted(folder.glob("*.json"), key=lambda path: path.stat().st_mtime)[:-_KEPT_FILES]:
            old.unlink()
        return mark


@dataclass
class _Fetched:
    """What was found under one name: rows by key, pages of an owner's listing, and what is gone of what was known."""

    answer: Answer | None = None
    pages: Sequence[rest_api.ListingPage] = ()
    elsewhere: list[Any] = field(default_factory=list)
    gone: dict[str, str] = field(default_factory=dict)


class Repositories:
    """One run over the directory's owners and repositories. `rows` are those that changed, by key.

    A row also holds the plain values of fields that are not `known`; `memory.news` are the names of all other such.
    """

    def __init__(self, asking: Client, api: str, memory: Memory, known: Known, now: datetime) -> None:
        self._client, self._api, self._memory, self._known, self._now = asking, api, memory, known, now
        self.rows: dict[str, _Row] = {}
        self.unchanged = 0
        self._answered = 0
        self._of_owner: dict[str, set[str]] = {}
        for key, row in memory.rows.items():
            if row.get("id") is not None and row["status"] != "gone":
                self._of_owner.setdefault(row["name_with_owner"].lower().partition("/")[0], set()).add(key)

    def run(self, this_round: Round, facts: LoadFacts, items: Items) -> None:
        """Ask for each `owner/name`, and for all repositories of each `owner`, until the limit. Raises RestError."""
        try:
            for name, fetched in items.each(this_round.names, self._fetch, self._client.each):
                try:
                    self._note_fetched(name, fetched, items)
                except RestError as error:
                    items.put_aside(name, error)
        except RateLimitedError as error:
            if not items.asked:
                raise
            this_round.cut(facts, error, items.asked)
        if not self._answered and len(items.gone) > FEWEST_VANISHED:
            raise RestError(
                f"{self._api}: none of {items.asked:,} names is there ({named(items.gone)}), which says more of the endpoint "
                "than of them. The old rows stay; check the endpoint, then run again"
            )
        for name in items.gone:
            self._gone(name, self._memory.names.get(name, {}).get("key"))
        items.tell(facts)
        facts[ITEMS_ASKED] += sum(len(keys) for keys in self._memory.owners.values())

    def names_there(self) -> set[str]:
        """The names under which something was there at the last load."""
        known = self._memory
        return {name for name, mark in known.names.items() if known.rows.get(mark["key"], {}).get("status") not in {None, "gone"}}

    def _fetch(self, name: str) -> _Fetched:
        """Only asks; what is known does not change under the other threads. What is gone by name is asked for by its id."""
        known = self._memory.names.get(name, {})
        if "/" not in name:
            return self._fetch_owner(name)
        try:
            answer = rest_api.repository(self._client, f"{self._api}/repos/{name}", known.get("validators"))
        except AbsentError as error:
            if error.absence is not Absence.GONE:
                raise
            by_id = self._by_id(known.get("key"))
            if by_id is None:
                raise
            return _Fetched(by_id)
        fetched = _Fetched(answer)
        if not answer.unchanged and known and _key(answer) not in {known["key"], None}:
            self._follow([known["key"]], fetched)  # the name is another repository's now
        return fetched

    def _fetch_owner(self, owner: str) -> _Fetched:
        """An owner's repositories; those that it no longer lists may have moved, or another one has their name now."""
        fetched = _Fetched(pages=rest_api.listing(self._client, self._api, owner, self._memory.pages))
        with self._client.trusting(f"{self._api}: the repositories of {owner}"):
            listed = {key for page in fetched.pages for key in self._keys(page)}
        if fetched.pages:
            before = {*self._memory.owners.get(owner, ()), *self._of_owner.get(owner, ())}
            self._follow(sorted(before - listed), fetched)
        else:
            self._follow(sorted(self._memory.owners.get(owner, ())), fetched)
        return fetched

    def _follow(self, keys: Iterable[str], fetched: _Fetched) -> None:
        """Ask for repositories by their ids, which they keep when they move or are renamed."""
        for key in keys:
            try:
                answer = self._by_id(key)
            except AbsentError as error:
                if error.absence is not Absence.GONE:
                    raise
                fetched.gone[key] = str(error)
            else:
                if answer is None:
                    fetched.gone[key] = "it has no id"
                else:
                    fetched.elsewhere.append(answer.document)

    def _by_id(self, key: str | None) -> Answer | None:
        number = self._memory.rows.get(key, {}).get("id") if key else None
        return rest_api.repository(self._client, f"{self._api}/repositories/{number}") if number else None

    def _keys(self, page: rest_api.ListingPage) -> list[str]:
        if page.answer.unchanged:
            known: list[str] = self._memory.pages[page.url]["keys"]
            return known
        return [str(take(entry, "id")) for entry in take_list(page.answer.document)]

    def _note_fetched(self, name: str, fetched: _Fetched, items: Items) -> None:
        self._answered += 1
        if fetched.answer is not None:
            self._repository(name, fetched.answer)
        else:
            self._owner(name, fetched.pages)
        with self._client.trusting(f"{self._api}: {name}"):
            for document in fetched.elsewhere:
                self._found(self._row(document))
        for key, reason in fetched.gone.items():
            row = self._memory.rows.get(key, {})
            if key not in self.rows and row.get("status") not in {None, "gone"}:
                items.vanished[row["name_with_owner"]] = reason
                self._gone(row["name_with_owner"].lower(), key)  # a row of its own, also where its name is another's now

    def _repository(self, name: str, answer: Answer) -> None:
        if answer.unchanged:
            self.unchanged += 1
            return
        with self._client.trusting(answer.url):
            self._found(self._row(answer.document, name), name, answer.validators)

    def _owner(self, owner: str, pages: Sequence[rest_api.ListingPage]) -> None:
        """Whatever an owner's listing no longer has was followed by its id already."""
        self._memory.owners[owner] = [key for page in pages for key in self._page(page)]
        if not pages:
            self._answered -= 1
            self._gone(f"{owner}/*", None)

    def _page(self, page: rest_api.ListingPage) -> list[str]:
        if page.answer.unchanged:
            unchanged: list[str] = self._memory.pages[page.url]["keys"]
            self.unchanged += len(unchanged)
            return unchanged
        with self._client.trusting(page.url):
            rows = [self._row(repository) for repository in take_list(page.answer.document)]
        for row in rows:
            self._found(row)
        keys = [row["key"] for row in rows]
        self._memory.pages[page.url] = {"validators": page.answer.validators, "next": page.after, "keys": keys}
        return keys

    def undeclared(self, columns: Collection[str]) -> list[str]:
        """What upstream has and nobody declared, in any row known of: an answer that is as before does not report it again."""
        known = {name for row in self._memory.rows.values() for name in row}
        return sorted({*self._memory.news, *(known - set(columns))})

    def _row(self, document: Any, name: str | None = None) -> _Row:
        row, news = rest_api.repository_row(document, name, self._now), set[str]()
        more = carried(document, self._known, row, news)
        self._memory.news = sorted({*self._memory.news, *news})
        return more | row

    def _found(self, row: dict[str, Any], name: str | None = None, validators: dict[str, str] | None = None) -> None:
        """Note a row under every name that was ever asked for and leads to it."""
        if name is not None:
            self._memory.names[name] = {"key": row["key"], "validators": validators or {}}
        names = {*row["requested_names"], *self._memory.rows.get(row["key"], {}).get("requested_names", ())}
        renamed = any(known != row["name_with_owner"].lower() for known in names)
        self._note(row | {"requested_names": sorted(names), "status": "renamed" if renamed else "found"})

    def _gone(self, name: str, key: str | None) -> None:
        row = rest_api.absent_row(name, self._memory.rows.get(key) if key else None, self._now)
        known = self._memory.names.get(name, {}).get("key")
        if known in {None, key, row["key"]} or self._memory.rows[known]["status"] == "gone":
            self._memory.names[name] = {"key": row["key"], "validators": {}}
        self._note(row)

    def _note(self, row: dict[str, Any]) -> None:
        self.rows[row["key"]] = row
        self._memory.rows[row["key"]] = row


def _key(answer: Answer) -> str | None:
    number = answer.document.get("id") if isinstance(answer.document, Mapping) else None
    return None if number is None else str(number)
