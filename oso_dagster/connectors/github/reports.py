"""One repository's bill of materials, as GitHub gives it: a report that is ordered, then fetched; the old call as a fallback.

Ordering answers 201 with the address of a report; that address answers 202 (GitHub's announcement says 201) until it is made,
then redirects to a storage host, which must not see the token (`http.redirects`). A report is kept for about a week. The old
call, one document within 10 seconds or a 500, was due for removal on 2026-11-13: it is asked where ordering says that there is
nothing, for as long as it answers. Read in @octokit/openapi 23.0.2 and GitHub's changelog of 2026-04-14 and 2026-05-12.
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus

from oso_dagster.connectors.answers import take
from oso_dagster.connectors.github import rest_api
from oso_dagster.connectors.http.absence import AbsentError
from oso_dagster.connectors.http.rest import Answer, Client, RestError
from oso_dagster.domain.catalogue.truth import Absence

_NOT_READY = frozenset({HTTPStatus.CREATED, HTTPStatus.ACCEPTED})


@dataclass(frozen=True)
class Pending:
    """A report that was ordered and is not ready; `url` is where it will be."""

    url: str


@dataclass
class Reports:
    """Asks for bills of materials. `old_call` is whether the old call is still asked: no more after a 410."""

    asking: Client
    api: str
    old_call: bool = True

    def order(self, name: str) -> Answer | Pending:
        """The document, or its report that is not ready yet. Raises AbsentError, RestError."""
        begin = f"{self.api}/repos/{name}/dependency-graph/sbom"
        url = f"{begin}/generate-report"
        answer = self.asking.get(url, accept=rest_api.ABSENT)
        if answer.status in rest_api.ABSENT:
            return self._otherwise(begin, rest_api.absent(answer))
        with self.asking.trusting(url):
            report = str(take(answer.document, "sbom_url"))
        if not report.startswith(f"{self.api.rstrip('/')}/"):
            raise RestError(f"{url}: the report is at another address than GitHub's API. Check the endpoint")
        return self.fetch(Pending(report))

    def fetch(self, report: Pending) -> Answer | Pending:
        """The document of a report that was ordered, or the report, which is not ready yet. Raises RestError."""
        answer = self.asking.get(report.url, accept=_NOT_READY)
        return report if answer.status in _NOT_READY else answer

    def _otherwise(self, url: str, error: AbsentError) -> Answer:
        """What the old call says where no report can be ordered."""
        if error.absence is not Absence.GONE or not self.old_call:
            raise error
        answer = self.asking.get(url, accept=rest_api.ABSENT)
        if answer.status not in rest_api.ABSENT:
            return answer
        self.old_call = answer.status != HTTPStatus.GONE
        raise error
