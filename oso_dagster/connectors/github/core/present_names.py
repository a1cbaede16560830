"""What repositories are called now, by GitHub's id, which stays: so that what is kept by name follows its repository.

GraphQL answers for a repository under each of its names with its id and the name of now (docs.github.com, "Renaming a
repository"; `followRenames` in `@octokit/graphql-schema` 15.26.1): a point for fifty names, asked once of each.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from oso_dagster.connectors.answers import take
from oso_dagster.connectors.github.core.graph_answers import TooMuchError, ask
from oso_dagster.connectors.http.rest import Client, RateLimitedError

_TOGETHER = 50
_MOST_QUERIES = 200
"""Queries of a run, of a point each: names behind that are asked about by the next one."""


@dataclass
class PresentNames:
    """`names` to ask by, one for each repository; `renamed` are names of now by those that rows are held under; `ids` by name."""

    names: list[str] = field(default_factory=list)
    renamed: dict[str, str] = field(default_factory=dict)
    ids: dict[str, int] = field(default_factory=dict)


def follow(client: Client, api: str, asked: Iterable[str], held: Mapping[str, int | None]) -> PresentNames:
    """The names of now of what is `asked` for, and of what rows are `held` of, by name with its id where that is known.

    Names are `owner/name` in lower case. What GitHub does not answer for keeps its name: whoever asks for it hears why. Raises
    what `Client.post` raises but RateLimitedError, which leaves the other names to the next run.
    """
    wanted, ids = list(asked), {name: id_ for name, id_ in held.items() if id_ is not None}
    now_by_id: dict[int, str] = {}
    for name, (id_, now) in _answers(client, f"{api}/graphql", sorted({*wanted, *held} - ids.keys())).items():
        ids[name] = id_
        now_by_id[id_] = now
    present = PresentNames(sorted({now_by_id.get(ids.get(name, 0), name) for name in wanted}))
    for name in held:
        now = now_by_id.get(ids.get(name, 0), name)
        if now != name:
            present.renamed[name] = now
    present.ids = {name: id_ for name, id_ in ids.items() if name not in present.renamed}
    present.ids |= {now: id_ for id_, now in now_by_id.items()}
    return present


def _answers(client: Client, url: str, names: list[str]) -> dict[str, tuple[int, str]]:
    """Id and name of now by name, of those that GitHub answers for."""
    answers: dict[str, tuple[int, str]] = {}
    waiting = [names[first : first + _TOGETHER] for first in range(0, min(len(names), _TOGETHER * _MOST_QUERIES), _TOGETHER)]
    while waiting:
        some = waiting.pop(0)
        aliases = [f"r{number}" for number in range(len(some))]
        try:
            answer = ask(client, url, query_of(some), {}, aliases)
        except TooMuchError:
            if len(some) > 1:
                waiting[:0] = [some[: len(some) // 2], some[len(some) // 2 :]]
            continue
        except RateLimitedError:
            break
        for alias, repository in answer.repositories.items():
            with client.trusting(url):
                id_, now = int(take(repository, "databaseId")), str(take(repository, "nameWithOwner")).lower()
            answers[some[int(alias[1:])]] = (id_, now)
    return answers


def query_of(names: list[str]) -> str:
    """One query, of a point, for the ids and names of now of some repositories (`r0`, `r1` …)."""
    asked = ["rateLimit { cost remaining resetAt }"]
    for number, name in enumerate(names):
        owner, repository = name.split("/")
        asked.append(f'r{number}: repository(owner: "{owner}", name: "{repository}") {{ databaseId nameWithOwner }}')
    return f"query {{ {' '.join(asked)} }}"
