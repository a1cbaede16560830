"""Bills of materials of many repositories, asked for one after the other until the rate limit comes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from http import HTTPStatus
from typing import Any

from oso_dagster.connectors.answers import take
from oso_dagster.connectors.github import rest_api
from oso_dagster.connectors.http.rest import Answer, Client, RateLimitedError, RestError
from oso_dagster.connectors.rounds import Round
from oso_dagster.connectors.undeclared import Known, carried
from oso_dagster.domain.catalogue.loading import LoadFacts

_BATCH = 200
_Row = dict[str, Any]


class Bills:
    """One run over repositories' bills of materials: a row for each repository, and one for each package, in batches.

    A row also holds the plain values of fields that are not known of a `bill` or a `package`; `unknown` names all others.
    """

    def __init__(self, asking: Client, api: str, now: datetime, bill: Known, package: Known) -> None:
        self._client, self._api, self._now, self._bill, self._package = asking, api, now, bill, package
        self.unknown: set[str] = set()
        self._blocked = self._bare = 0
        self.found = 0

    def run(self, this_round: Round, facts: LoadFacts) -> Iterator[tuple[list[_Row], list[_Row]]]:
        """Documents and packages, some hundred repositories at a time, until the limit. Raises RestError."""
        documents: list[_Row] = []
        parts: list[_Row] = []
        done = 0
        try:
            for answer in self._client.each(this_round.names, self._fetch):
                document, listed = self._read(this_round.names[done], answer)
                documents.append(document)
                parts += listed
                done += 1
                if len(documents) == _BATCH:
                    yield documents, parts
                    documents, parts = [], []
        except RateLimitedError as error:
            if not done:
                raise
            this_round.cut(facts, error, done)
        if self._blocked and not self.found:
            raise RestError(
                f"{self._api}: all {self._blocked:,} answers were 403. Renew the token of the source, then run again."
            )
        if self._bare and self._bare == self.found:
            raise RestError(
                f"{self._api}: none of {self.found:,} bills of materials names a package, not even its own repository. "
                "The old rows stay; check the endpoint, then run again."
            )
        yield documents, parts

    def _fetch(self, name: str) -> Answer:
        return self._client.get(f"{self._api}/repos/{name}/dependency-graph/sbom", accept=rest_api.ABSENT)

    def _read(self, name: str, answer: Answer) -> tuple[_Row, list[_Row]]:
        row: _Row = {"repository": name, "status": "absent", "created_at": None, "checked_at": self._now.isoformat()}
        if answer.status in rest_api.ABSENT:
            self._blocked += answer.status == HTTPStatus.FORBIDDEN
            return row | {"package_count": 0}, []
        self.found += 1
        with self._client.trusting(answer.url):
            listed = rest_api.packages(answer.document, name, self._package, self.unknown)
            created = take(answer.document, "sbom", "creationInfo", "created")
            row |= {"status": "found", "created_at": created, "package_count": len(listed)}
            self._bare += not listed
            return carried(take(answer.document, "sbom"), self._bill, row, self.unknown) | row, listed
