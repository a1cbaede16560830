"""A round over the directory's repositories and owners: what a run keeps for the next one, and the rows that it ends with.

What was known of each name and the validators of its answers lie in a file of the cache that counts only for the load that
published it: a failed load, or an emptied cache, costs requests and never a row.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from hashlib import sha256
from http import HTTPStatus
from pathlib import Path
from typing import Any

from oso_dagster.connectors.answers import take_list
from oso_dagster.connectors.github import rest_api
from oso_dagster.connectors.http.rest import Answer, Client, RateLimitedError, RestError
from oso_dagster.connectors.rounds import Round
from oso_dagster.connectors.undeclared import Known, carried
from oso_dagster.domain.catalogue.loading import LoadFacts, LoadRecord

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


class Repositories:
    """One run over the directory's owners and repositories. `rows` are those that changed, by key.

    A row also holds the plain values of fields that are not `known`; `memory.news` are the names of all other such.
    """

    def __init__(self, asking: Client, api: str, memory: Memory, known: Known, now: datetime) -> None:
        self._client, self._api, self._memory, self._known, self._now = asking, api, memory, known, now
        self.rows: dict[str, _Row] = {}
        self.unchanged = 0
        self._blocked, self._answered = 0, 0

    def run(self, this_round: Round, facts: LoadFacts) -> None:
        """Ask for each `owner/name`, and for all repositories of each `owner`, until the limit. Raises RestError."""
        done = 0
        try:
            for fetched in self._client.each(this_round.names, self._fetch):
                if isinstance(fetched, Answer):
                    self._repository(this_round.names[done], fetched)
                else:
                    self._owner(this_round.names[done], fetched)
                done += 1
        except RateLimitedError as error:
            if not done:
                raise
            this_round.cut(facts, error, done)
        if self._blocked and not self._answered:
            raise RestError(
                f"{self._api}: all {self._blocked:,} answers were 403. Renew the token of the source, then run again."
            )

    def _fetch(self, name: str) -> Answer | list[rest_api.ListingPage]:
        """Only asks; what is known does not change under the other threads."""
        if "/" not in name:
            return rest_api.listing(self._client, self._api, name, self._memory.pages)
        validators = self._memory.names.get(name, {}).get("validators")
        return self._client.get(f"{self._api}/repos/{name}", validators=validators, accept=rest_api.ABSENT)

    def _repository(self, name: str, answer: Answer) -> None:
        if answer.status in rest_api.ABSENT:
            self._blocked += answer.status == HTTPStatus.FORBIDDEN
            self._gone(name, self._memory.names.get(name, {}).get("key"))
            return
        self._answered += 1
        if answer.unchanged:
            self.unchanged += 1
            return
        with self._client.trusting(answer.url):
            self._found(self._row(answer.document, name), name, answer.validators)

    def _owner(self, owner: str, pages: Sequence[rest_api.ListingPage]) -> None:
        """Whatever an owner's listing no longer has is gone; a repository that moved is found under its new name."""
        keys: list[str] = []
        for page in pages:
            self._answered += 1
            keys += self._page(page)
        for key in set(self._memory.owners.get(owner, ())) - set(keys) - self.rows.keys():
            self._gone(self._memory.rows[key]["name_with_owner"].lower(), key)
        self._memory.owners[owner] = keys
        if not pages:
            self._gone(f"{owner}/*", None)

    def _page(self, page: rest_api.ListingPage) -> list[str]:
        if page.answer.unchanged:
            known: list[str] = self._memory.pages[page.url]["keys"]
            self.unchanged += len(known)
            return known
        with self._client.trusting(page.url):
            rows = [self._row(repository) for repository in take_list(page.answer.document)]
        for row in rows:
            self._found(row)
        keys = [row["key"] for row in rows]
        self._memory.pages[page.url] = {"validators": page.answer.validators, "next": page.after, "keys": keys}
        return keys

    def undeclared(self, columns: Collection[str]) -> list[str]:
        """What upstream has and nobody declared, in any row known of: an answer that is as before does not tell it again."""
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
        self._memory.names[name] = {"key": row["key"], "validators": {}}
        self._note(row)

    def _note(self, row: dict[str, Any]) -> None:
        self.rows[row["key"]] = row
        self._memory.rows[row["key"]] = row
