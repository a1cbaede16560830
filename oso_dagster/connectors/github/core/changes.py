"""What is asked of GitHub's GraphQL API about a repository: one kind a table, as data. Pure: queries and rows, no request.

Fields and arguments are those of `@octokit/graphql-schema` 15.26.1 (npm). No connection stands inside another, so that a query
costs a point for every hundred repositories (docs.github.com, "Rate limits and query limits").
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from oso_dagster.connectors.answers import take, take_list

Row = dict[str, Any]

_ACTOR = "{ __typename login ... on User { databaseId } ... on Bot { databaseId } }"


@dataclass(frozen=True)
class ThingKind:
    """One kind of thing a repository has.

    `connection` is asked below a repository, with `$AFTER`, `$FIRST` and `$SINCE` in the place of values; `path` leads from the
    repository to its pages. Things come newest first by `time`; `look_back` is read again behind what is known, because a thing
    may appear, or change, behind the newest one.
    """

    name: str
    connection: str
    fragment: str
    path: tuple[str, ...]
    time: str
    look_back: timedelta
    row: Callable[[Mapping[str, Any]], Row]

    def when(self, node: Mapping[str, Any]) -> datetime:
        """The time of a thing. Raises AnswerError."""
        return datetime.fromisoformat(str(take(node, self.time))).astimezone(UTC)

    def page(self, repository: Mapping[str, Any]) -> tuple[list[Any], str | None]:
        """The things on a page, and the cursor of the next one; none of a repository without a branch. Raises AnswerError."""
        value: Any = repository
        for key in self.path:
            value = take(value, key)
            if value is None:
                return [], None
        more = take(value, "pageInfo", "hasNextPage")
        return take_list(value, "nodes"), str(take(value, "pageInfo", "endCursor")) if more else None


@dataclass(frozen=True)
class WantedPage:
    """One page that is wanted of a repository: of things since a time, behind a cursor."""

    name: str
    since: datetime
    after: str | None = None


def query_of(kind: ThingKind, pages: list[WantedPage], size: int) -> tuple[str, dict[str, Any]]:
    """One query for pages of many repositories (`r0`, `r1` …), and its variables."""
    declared, asked, values = [], [], dict[str, Any]()
    for number, page in enumerate(pages):
        owner, name = page.name.split("/")
        values |= {f"o{number}": owner, f"n{number}": name, f"a{number}": page.after}
        declared.append(f"$o{number}: String!, $n{number}: String!, $a{number}: String")
        if "$SINCE" in kind.connection:
            values[f"s{number}"] = page.since.isoformat()
            declared.append(f"$s{number}: {'GitTimestamp' if kind.name == 'commits' else 'DateTime'}!")
        connection = kind.connection.replace("$AFTER", f"$a{number}").replace("$SINCE", f"$s{number}")
        below = connection.replace("$FIRST", str(size))
        asked.append(f"r{number}: repository(owner: $o{number}, name: $n{number}) {{ databaseId nameWithOwner {below} }}")
    body = "\n  ".join(["rateLimit { cost remaining resetAt }", *asked])
    return f"query ({', '.join(declared)}) {{\n  {body}\n}}\n{kind.fragment}", values


def _login(node: Mapping[str, Any], key: str) -> str | None:
    actor = take(node, key)
    return None if actor is None else str(take(actor, "login"))


def _actor(node: Mapping[str, Any]) -> Row:
    actor = take(node, "author")
    if actor is None:
        return {"author_id": None, "author_login": None, "author_type": None}
    return {"author_id": actor.get("databaseId"), "author_login": take(actor, "login"), "author_type": take(actor, "__typename")}


def _issue(node: Mapping[str, Any]) -> Row:
    return {
        "id": int(take(node, "fullDatabaseId")),
        "number": take(node, "number"),
        "state": str(take(node, "state")).lower(),
        "state_reason": (str(take(node, "stateReason")).lower() if take(node, "stateReason") else None),
        **_actor(node),
        "created_at": take(node, "createdAt"),
        "updated_at": take(node, "updatedAt"),
        "closed_at": take(node, "closedAt"),
    }


def _pull_request(node: Mapping[str, Any]) -> Row:
    return {
        "id": int(take(node, "fullDatabaseId")),
        "number": take(node, "number"),
        "state": str(take(node, "state")).lower(),
        "is_draft": take(node, "isDraft"),
        "base_ref": take(node, "baseRefName"),
        **_actor(node),
        "merged_by_login": _login(node, "mergedBy"),
        "merge_commit": (take(node, "mergeCommit") or {}).get("oid"),
        "created_at": take(node, "createdAt"),
        "updated_at": take(node, "updatedAt"),
        "closed_at": take(node, "closedAt"),
        "merged_at": take(node, "mergedAt"),
    }


def _commit(node: Mapping[str, Any]) -> Row:
    user = (take(node, "author") or {}).get("user") or {}
    return {
        "sha": take(node, "oid"),
        "author_id": user.get("databaseId"),
        "author_login": user.get("login"),
        "authored_at": take(node, "authoredDate"),
        "committed_at": take(node, "committedDate"),
    }


def _release(node: Mapping[str, Any]) -> Row:
    return {
        "id": take(node, "databaseId"),
        "tag_name": take(node, "tagName"),
        "name": take(node, "name"),
        "is_prerelease": take(node, "isPrerelease"),
        "author_login": _login(node, "author"),
        "created_at": take(node, "createdAt"),
        "published_at": take(node, "publishedAt"),
        "updated_at": take(node, "updatedAt"),
    }


_PAGES = "pageInfo { endCursor hasNextPage } nodes { ...thing }"

ISSUES = ThingKind(
    "issues",
    "issues(first: $FIRST, after: $AFTER, orderBy: {field: UPDATED_AT, direction: DESC}, filterBy: {since: $SINCE})"
    f" {{ {_PAGES} }}",
    f"fragment thing on Issue {{ fullDatabaseId number state stateReason createdAt updatedAt closedAt author {_ACTOR} }}",
    ("issues",),
    "updatedAt",
    timedelta(hours=1),
    _issue,
)
PULL_REQUESTS = ThingKind(
    "pull_requests",
    f"pullRequests(first: $FIRST, after: $AFTER, orderBy: {{field: UPDATED_AT, direction: DESC}}) {{ {_PAGES} }}",
    "fragment thing on PullRequest { fullDatabaseId number state isDraft baseRefName createdAt updatedAt closedAt mergedAt"
    f" mergedBy {{ login }} mergeCommit {{ oid }} author {_ACTOR} }}",
    ("pullRequests",),
    "updatedAt",
    timedelta(hours=1),
    _pull_request,
)
COMMITS = ThingKind(
    "commits",
    "defaultBranchRef { target { ... on Commit {"
    f" history(first: $FIRST, after: $AFTER, since: $SINCE) {{ {_PAGES} }} }} }} }}",
    "fragment thing on Commit { oid authoredDate committedDate author { user { databaseId login } } }",
    ("defaultBranchRef", "target", "history"),
    "committedDate",
    timedelta(days=14),
    _commit,
)
RELEASES = ThingKind(
    "releases",
    f"releases(first: $FIRST, after: $AFTER, orderBy: {{field: CREATED_AT, direction: DESC}}) {{ {_PAGES} }}",
    "fragment thing on Release { databaseId tagName name isPrerelease createdAt publishedAt updatedAt author { login } }",
    ("releases",),
    "createdAt",
    timedelta(days=30),
    _release,
)
KINDS = {kind.name: kind for kind in (ISSUES, PULL_REQUESTS, COMMITS, RELEASES)}
"""The kinds, by the name of their table."""
