"""What repositories of the sandbox have: issues, pull requests, commits and releases, as GitHub's GraphQL API names their fields.

The same for a seed; the fields are those of `graph.SCHEMA`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from random import Random
from typing import Any

from oso_dagster.sandbox.world.forge import HISTORY, Forge
from oso_dagster.sandbox.world.world import stream

Node = dict[str, Any]
Things = Mapping[str, list[Node]]


@lru_cache(maxsize=4096)
def things(forge: Forge, repository_id: int) -> Things:
    """What a repository has, by kind (issues, pull_requests, commits, releases), each newest first by the time it is asked by."""
    rng = stream(forge.seed, f"graph/{repository_id}")
    end = forge.start + (forge.now - forge.start) // timedelta(hours=1) * timedelta(hours=1)
    base = repository_id % 1_000_000 * 10_000

    def times(most: int) -> list[datetime]:
        hours = int(HISTORY / timedelta(hours=1)) - 24
        return sorted(
            end - timedelta(hours=rng.randrange(1, hours), minutes=rng.randrange(60)) for _ in range(rng.randint(0, most))
        )

    commits = [_commit(rng, forge, when) for when in times(14)]
    return {
        "issues": _newest([_issue(rng, forge, base + n, n, when, end) for n, when in enumerate(times(9), 1)], "updatedAt"),
        "pull_requests": _newest(
            [_pull(rng, forge, base + n, n, when, end) for n, when in enumerate(times(7), 100)], "updatedAt"
        ),
        "commits": _newest(commits, "committedDate"),
        "releases": _newest([_release(rng, forge, base + n, n, when) for n, when in enumerate(times(2), 1)], "createdAt"),
    }


def _newest(nodes: list[Node], key: str) -> list[Node]:
    return sorted(nodes, key=lambda node: str(node[key]), reverse=True)


def _person(rng: Random, forge: Forge) -> Node | None:
    """Who did it; an account that is deleted is null."""
    if rng.randrange(25) == 0:
        return None
    person = rng.choice(forge.people)
    kind = "Bot" if person.login.endswith("[bot]") else "User"
    return {"__typename": kind, "login": person.login, "databaseId": person.id}


def _user(rng: Random, forge: Forge) -> Node | None:
    person = _person(rng, forge)
    return person if person and person["__typename"] == "User" else None


def _issue(rng: Random, forge: Forge, number: int, local: int, created: datetime, end: datetime) -> Node:
    closed = _later(rng, created, end) if rng.randrange(2) else None
    return {
        "fullDatabaseId": str(4_000_000_000_000 + number),
        "number": local,
        "state": "CLOSED" if closed else "OPEN",
        "stateReason": rng.choice(("COMPLETED", "NOT_PLANNED")) if closed else None,
        "author": _person(rng, forge),
        "createdAt": text(created),
        "updatedAt": text(closed or _later(rng, created, end)),
        "closedAt": text(closed) if closed else None,
    }


def _pull(rng: Random, forge: Forge, number: int, local: int, created: datetime, end: datetime) -> Node:
    state = rng.choice(("OPEN", "MERGED", "MERGED", "CLOSED"))
    ended = _later(rng, created, end) if state != "OPEN" else None
    merged = state == "MERGED"
    return {
        "fullDatabaseId": str(5_000_000_000_000 + number),
        "number": local,
        "state": state,
        "isDraft": state == "OPEN" and rng.randrange(4) == 0,
        "baseRefName": "main",
        "author": _person(rng, forge),
        "createdAt": text(created),
        "updatedAt": text(ended or _later(rng, created, end)),
        "closedAt": text(ended) if ended else None,
        "mergedAt": text(ended) if ended and merged else None,
        "mergedBy": _person(rng, forge) if merged else None,
        "mergeCommit": {"oid": _sha(rng)} if merged else None,
    }


def _commit(rng: Random, forge: Forge, when: datetime) -> Node:
    written = when - timedelta(minutes=rng.randrange(600))
    return {
        "oid": _sha(rng),
        "authoredDate": text(written),
        "committedDate": text(when),
        "author": {"user": _user(rng, forge), "date": text(written)},
    }


def _release(rng: Random, forge: Forge, number: int, local: int, created: datetime) -> Node:
    published = created + timedelta(minutes=rng.randrange(90))
    return {
        "databaseId": 200_000_000 + number % 1_000_000_000,
        "tagName": f"v1.{local}.0",
        "name": rng.choice((None, f"Release {local}")),
        "isPrerelease": rng.randrange(5) == 0,
        "author": _user(rng, forge),
        "createdAt": text(created),
        "publishedAt": text(published),
        "updatedAt": text(published),
    }


def _later(rng: Random, created: datetime, end: datetime) -> datetime:
    return created + (end - created) * rng.random()


def _sha(rng: Random) -> str:
    return f"{rng.getrandbits(160):040x}"


def text(when: datetime) -> str:
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")
