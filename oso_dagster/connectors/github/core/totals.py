"""How many stars and forks repositories have in all, by GraphQL: two numbers of each, no thing is listed.

`stargazerCount` and `forkCount` of `Repository` (`@octokit/graphql-schema` 15.26.1, npm): neither the star histories nor the REST
answer about a repository, from which our rows come.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from oso_dagster.connectors.answers import take
from oso_dagster.connectors.github.core.graph_answers import ask
from oso_dagster.connectors.http.absence import AbsentError
from oso_dagster.connectors.http.rest import Client, RestError

_TOGETHER = 25


@dataclass(frozen=True)
class RepositoryTotals:
    """GitHub's id of a repository, and how many stars and forks it has."""

    repo_id: int
    stars: int
    forks: int


def totals_of(client: Client, api: str, names: Sequence[str]) -> dict[str, RepositoryTotals]:
    """By the name that was asked (`owner/name`); one that is gone, or hidden, takes no part.

    Raises RestError when none is there, RateLimitedError when a limit ends the round: half a sample is none.
    """
    url, totals = f"{api}/graphql", dict[str, RepositoryTotals]()
    for first in range(0, len(names), _TOGETHER):
        some = names[first : first + _TOGETHER]
        aliases = [f"r{number}" for number in range(len(some))]
        answer = ask(client, url, totals_query(some), {}, aliases)
        for alias, name in zip(aliases, some, strict=True):
            error = answer.errors.get(alias)
            if error is None:
                with client.trusting(url):
                    known = answer.repositories[alias]
                    counts = (int(take(known, key)) for key in ("databaseId", "stargazerCount", "forkCount"))
                    totals[name] = RepositoryTotals(*counts)
            elif not isinstance(error, AbsentError):
                raise RestError(f"{url}: {name}: {error}")
    if not totals:
        raise RestError(f"{url}: none of {len(names):,} repositories is there, so nothing can be compared")
    return totals


def totals_query(names: Sequence[str]) -> str:
    """One query, of a point, for the totals of some repositories (`r0`, `r1` …)."""
    asked = ["rateLimit { cost remaining resetAt }"]
    for number, name in enumerate(names):
        owner, repository = name.split("/")
        asked.append(f'r{number}: repository(owner: "{owner}", name: "{repository}") {{ databaseId stargazerCount forkCount }}')
    return f"query {{ {' '.join(asked)} }}"
