"""How much happened in some repositories on a day, by GitHub's own counts: no thing is fetched, only how many there are.

Issues and pull requests opened on a day by the search (`search(type: ISSUE) { issueCount }`), commits on the default branch by
`history(since, until) { totalCount }`; fields of `@octokit/graphql-schema` 15.26.1 (npm). A walk asks neither.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from oso_dagster.connectors.answers import take
from oso_dagster.connectors.github.core.graph_answers import read
from oso_dagster.connectors.http.absence import AbsentError
from oso_dagster.connectors.http.rest import Client, RestError

_TOGETHER = 25
_SECOND = timedelta(seconds=1)
_SEARCHED = {"issues": "is:issue", "pull_requests": "is:pr"}


def count_day(client: Client, api: str, kind: str, names: Sequence[str], day: datetime) -> dict[int, int]:
    """How many things of a kind (a name of `changes.KINDS`) each repository that is there has of the UTC day, by repository id.

    One that is gone, or that GitHub does not search, takes no part.
    Raises RestError when none is there, RateLimitedError when a limit ends the round: half a sample is none.
    """
    url, counts = f"{api}/graphql", dict[int, int]()
    for first in range(0, len(names), _TOGETHER):
        some = names[first : first + _TOGETHER]
        answer = client.post(url, {"query": _query(kind, some, day)})
        with client.trusting(url):
            unsearched, document = _without_searches(answer.document)
            repositories = read(document, [f"r{number}" for number in range(len(some))])
            for alias, error in repositories.errors.items():
                if not isinstance(error, AbsentError):
                    raise RestError(f"{url}: {some[int(alias[1:])]}: {error}")
            for alias, repository in repositories.repositories.items():
                if f"s{alias[1:]}" in unsearched:
                    continue
                counted = (
                    take(answer.document, "data", f"s{alias[1:]}", "issueCount")
                    if kind in _SEARCHED
                    else take(repository, "defaultBranchRef")
                )
                if kind not in _SEARCHED:
                    counted = 0 if counted is None else take(counted, "target", "history", "totalCount")
                counts[int(take(repository, "databaseId"))] = int(counted)
    if not counts:
        raise RestError(f"{url}: none of {len(names):,} repositories is there, so nothing can be compared")
    return counts


def _without_searches(document: Any) -> tuple[set[str], Any]:
    """The searches that GitHub refused (what they name may be gone), and the answer without their errors."""
    errors = document.get("errors") or [] if isinstance(document, Mapping) else []
    of_searches = [error for error in errors if re.fullmatch(r"s\d+", str((error.get("path") or [""])[0]))]
    refused = {str(error["path"][0]) for error in of_searches}
    return refused, {**document, "errors": [error for error in errors if error not in of_searches]} if refused else document


def _query(kind: str, names: Sequence[str], day: datetime) -> str:
    until = day + timedelta(days=1) - _SECOND
    asked = ["rateLimit { cost }"]
    for number, name in enumerate(names):
        owner, repository = name.split("/")
        below = "databaseId"
        if kind in _SEARCHED:
            words = f"repo:{name} {_SEARCHED[kind]} created:{day:%Y-%m-%d}"
            asked.append(f's{number}: search(type: ISSUE, first: 1, query: "{words}") {{ issueCount }}')
        else:
            span = f'since: "{day.isoformat()}", until: "{until.isoformat()}"'
            below += f" defaultBranchRef {{ target {{ ... on Commit {{ history(first: 1, {span}) {{ totalCount }} }} }} }}"
        asked.append(f'r{number}: repository(owner: "{owner}", name: "{repository}") {{ {below} }}')
    return f"query {{ {' '.join(asked)} }}"
