"""GitHub's GraphQL API as the sandbox has it: issues, pull requests, commits and releases of repositories.

Written from `@octokit/graphql-schema` 15.26.1 (npm), of which `SCHEMA` is the cut that is used, and docs.github.com, "Rate limits
and query limits for the GraphQL API": a query costs a point for every hundred connections, at least one; 5,000 points an hour, of
which `X-RateLimit-*` and `rateLimit` state; a spent limit is 200 with an error RATE_LIMITED; a repository that is not there is
null with an error NOT_FOUND at its alias, one that a policy hides with FORBIDDEN; `first` is 1 to 100. A query that takes too
long is 502. `spent(folder)` spends the points of this hour.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from oso_dagster.sandbox.protocols.graphql_api import CheckedSchema
from oso_dagster.sandbox.protocols.source_faults import fault_of
from oso_dagster.sandbox.upstreams._github import search
from oso_dagster.sandbox.upstreams._github import things as github_things
from oso_dagster.sandbox.upstreams._github.behaviour import POLICY, is_first
from oso_dagster.sandbox.upstreams._github.things import Node, text
from oso_dagster.sandbox.world.forge import Forge, Repository

POINTS = 5_000
"""Points of an hour."""
LARGEST_PAGE = 100
_HOUR = 3600
_POINTS_FILE = "points.json"

SCHEMA = """
scalar DateTime
scalar GitTimestamp
scalar GitObjectID
scalar BigInt
enum OrderDirection { ASC DESC }
enum IssueOrderField { COMMENTS CREATED_AT UPDATED_AT }
enum ReleaseOrderField { CREATED_AT NAME }
enum IssueState { CLOSED OPEN }
enum IssueStateReason { COMPLETED DUPLICATE NOT_PLANNED REOPENED }
enum PullRequestState { CLOSED MERGED OPEN }
input IssueOrder { field: IssueOrderField!, direction: OrderDirection! }
input ReleaseOrder { field: ReleaseOrderField!, direction: OrderDirection! }
input IssueFilters { since: DateTime }
interface Actor { login: String! }
type User implements Actor { login: String!, databaseId: Int }
type Bot implements Actor { login: String!, databaseId: Int }
type PageInfo { endCursor: String, hasNextPage: Boolean! }
type Issue {
  fullDatabaseId: BigInt, number: Int!, state: IssueState!, stateReason(enableDuplicate: Boolean = false): IssueStateReason
  author: Actor, createdAt: DateTime!, updatedAt: DateTime!, closedAt: DateTime
}
type IssueConnection { nodes: [Issue], pageInfo: PageInfo!, totalCount: Int! }
type PullRequest {
  fullDatabaseId: BigInt, number: Int!, state: PullRequestState!, isDraft: Boolean!, baseRefName: String!, author: Actor
  createdAt: DateTime!, updatedAt: DateTime!, closedAt: DateTime, mergedAt: DateTime, mergedBy: Actor, mergeCommit: Commit
}
type PullRequestConnection { nodes: [PullRequest], pageInfo: PageInfo!, totalCount: Int! }
type Release {
  databaseId: Int, tagName: String!, name: String, isPrerelease: Boolean!, author: User
  createdAt: DateTime!, publishedAt: DateTime, updatedAt: DateTime!
}
type ReleaseConnection { nodes: [Release], pageInfo: PageInfo!, totalCount: Int! }
type GitActor { user: User, date: GitTimestamp }
interface GitObject { oid: GitObjectID! }
type Commit implements GitObject {
  oid: GitObjectID!, committedDate: DateTime!, authoredDate: DateTime!, author: GitActor
  history(after: String, first: Int, since: GitTimestamp, until: GitTimestamp): CommitHistoryConnection!
}
type CommitHistoryConnection { nodes: [Commit], pageInfo: PageInfo!, totalCount: Int! }
type Ref { name: String!, target: GitObject }
type Repository {
  databaseId: Int, nameWithOwner: String!, defaultBranchRef: Ref, stargazerCount: Int!, forkCount: Int!
  issues(after: String, first: Int, orderBy: IssueOrder, filterBy: IssueFilters): IssueConnection!
  pullRequests(after: String, first: Int, orderBy: IssueOrder): PullRequestConnection!
  releases(after: String, first: Int, orderBy: ReleaseOrder): ReleaseConnection!
}
type RateLimit { cost: Int!, limit: Int!, remaining: Int!, resetAt: DateTime! }
type Query {
  repository(owner: String!, name: String!, followRenames: Boolean = true): Repository
  rateLimit(dryRun: Boolean = false): RateLimit
  search(query: String!, type: SearchType!, first: Int): SearchResultItemConnection!
}
enum SearchType { DISCUSSION ISSUE REPOSITORY USER }
type SearchResultItemConnection { issueCount: Int! }
"""


def spent(folder: Path, left: int = 0, *, seconds: int = _HOUR) -> None:
    """From now on, and for `seconds`, `left` more points; then the limit is as usual again."""
    (folder / _POINTS_FILE).write_text(json.dumps({"left": left, "until": time.time() + seconds}))


def route(folder: Path, read: Callable[[Path], Forge]) -> Route:
    """The endpoint, at `/graphql` below the API's own address."""
    from graphql import build_schema  # noqa: PLC0415  (the server alone needs it)

    schema = CheckedSchema(build_schema(SCHEMA))
    refused: set[str] = set()

    async def answer(request: Request) -> Response:
        body = await request.json()
        cost = max(1, round(body["query"].count("repository(") / 100))
        left, until = _points(folder, cost)
        headers = {
            "X-RateLimit-Limit": str(POINTS),
            "X-RateLimit-Remaining": str(max(0, left)),
            "X-RateLimit-Resource": "graphql",
        }
        headers |= {"X-RateLimit-Reset": str(int(until) + 1)}
        if left < 0:
            error = {"type": "RATE_LIMITED", "message": "API rate limit exceeded for user ID 1."}
            return JSONResponse({"errors": [error]}, headers=headers)
        missing: list[Any] = []
        limit = {"cost": cost, "limit": POINTS, "remaining": left, "resetAt": text(datetime.fromtimestamp(until, UTC))}
        kind = fault_of(request.scope)
        forge, bad = read(folder), partial(is_first, kind, refused=refused)
        root = {"repository": _resolver(forge, missing, bad), "rateLimit": lambda _info, **_: limit}
        root["search"] = lambda _info, **asked: {"issueCount": search.count(forge, asked["query"])}
        result = schema.answer(body["query"], root, body.get("variables"))
        if kind == "one_bad_item" and any(error["type"] == "FORBIDDEN" for error in missing):
            return JSONResponse({"message": "Something went wrong while executing your query."}, 502, headers)
        errors = [*missing, *(error.formatted for error in result.errors or ())]
        return JSONResponse({"data": result.data} | ({"errors": errors} if errors else {}), headers=headers)

    return Route("/graphql", answer, methods=["POST"])


def _points(folder: Path, cost: int) -> tuple[int, float]:
    """The points that are left after a query of this cost, below 0 where there are none, and until when."""
    path, now = folder / _POINTS_FILE, time.time()
    limit = json.loads(path.read_text()) if path.exists() else {"left": POINTS, "until": 0}
    if limit["until"] <= now:
        limit = {"left": POINTS, "until": now + _HOUR}
    left = limit["left"] - cost
    if left >= 0:
        path.write_text(json.dumps(limit | {"left": left}))
    return left, limit["until"]


def _resolver(forge: Forge, missing: list[Any], is_hidden: Callable[[str], bool]) -> Callable[..., Any]:
    living = {}
    for repository in forge.repositories:
        if not repository.deleted:
            living[repository.full_name.lower()] = repository
            if repository.former_name:
                living.setdefault(f"{repository.owner}/{repository.former_name}".lower(), repository)

    def resolve(info: Any, owner: str, name: str, **_: Any) -> Any:
        repository = living.get(f"{owner}/{name}".lower())
        if is_hidden(f"{owner}/{name}"):
            missing.append({"type": "FORBIDDEN", "path": list(info.path.as_list()), "message": POLICY})
            return None
        if repository is None:
            words = f"Could not resolve to a Repository with the name '{owner}/{name}'."
            missing.append({"type": "NOT_FOUND", "path": list(info.path.as_list()), "message": words})
            return None
        return _repository(forge, repository)

    return resolve


def _repository(forge: Forge, repository: Repository) -> Node:
    held = github_things.things(forge, repository.id)

    def pages(kind: str, time_key: str) -> Callable[..., Any]:
        def connection(_info: Any, **asked: Any) -> Node:
            since = asked.get("since") or (asked.get("filterBy") or {}).get("since")
            nodes = [node for node in held[kind] if since is None or node[time_key] >= text(datetime.fromisoformat(since))]
            until = asked.get("until")
            nodes = [node for node in nodes if until is None or node[time_key] <= text(datetime.fromisoformat(until))]
            return _connection(nodes, asked)

        return connection

    head = {"__typename": "Commit", "oid": held["commits"][0]["oid"]} if held["commits"] else None
    branch = {"name": "main", "target": head | {"history": pages("commits", "committedDate")}} if head else None
    return {
        "databaseId": repository.id,
        "nameWithOwner": repository.full_name,
        "stargazerCount": repository.stars,
        "forkCount": repository.forks,
        "defaultBranchRef": branch,
        "issues": pages("issues", "updatedAt"),
        "pullRequests": pages("pull_requests", "updatedAt"),
        "releases": pages("releases", "createdAt"),
    }


def _connection(nodes: list[Node], asked: Mapping[str, Any]) -> Node:
    size = asked.get("first") or 0
    if not 1 <= size <= LARGEST_PAGE:
        raise ValueError("`first` must be within 1-100")
    begin = int(asked["after"]) if asked.get("after") else 0
    end = begin + size
    more = end < len(nodes)
    return {
        "nodes": nodes[begin:end],
        "totalCount": len(nodes),
        "pageInfo": {"hasNextPage": more, "endCursor": str(min(end, len(nodes)))},
    }
