"""Star histories of repositories as the sandbox has them: `GET /repos/{owner}/{repo}/stargazers/history`.

Written from GitHub's changelog of 2026-09-04 (community 206104) and from what public clients of it read in September 2026: weeks,
newest first, as `{"week": seconds, "total": n, "days": [seven counts]}`, 30 on a page, 100 pages at most, `Link` with rel="next";
`@octokit/openapi` 23.0.2 does not have it yet. The counts of a repository add up to its stars today.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from oso_dagster.sandbox.upstreams._github.paths import Answer, Find, Read, routes_of
from oso_dagster.sandbox.world.forge import Forge, Repository
from oso_dagster.sandbox.world.world import stream

LARGEST_PAGE, MOST_PAGES = 30, 100
_SPREAD = 200
"""So many stars are spread over the days; the others came in the first week."""
_WEEK = timedelta(days=7)


def history(forge: Forge, repository: Repository) -> list[dict[str, Any]]:
    """The weeks of a repository, newest first: from its first to the one that the world's now is in."""
    rng = stream(forge.seed, f"stars/{repository.id}")
    first, last = _sunday(repository.created_at), _sunday(forge.now)
    days = (forge.now - first).days
    counts = [0] * (((last - first) // _WEEK + 1) * 7)
    spread = min(repository.stars, _SPREAD)
    for day in rng.choices(range(days), k=spread):
        counts[day] += 1
    counts[0] += repository.stars - spread
    weeks = [counts[begin : begin + 7] for begin in range(0, len(counts), 7)]
    edges = [
        {"week": int((first + number * _WEEK).timestamp()), "total": sum(days), "days": days} for number, days in enumerate(weeks)
    ]
    return edges[::-1]


def route(folder: Path, read: Read, find: Find, answer: Answer) -> list[Route]:
    """The routes of star histories; `find` is the repository that a request names."""

    def _page(request: Request, forge: Forge, repository: Repository | None) -> Response:
        if repository is None or repository.deleted:
            return answer(folder, request, None, None)
        size = min(int(request.query_params.get("per_page", LARGEST_PAGE)), LARGEST_PAGE)
        number = int(request.query_params.get("page", "1"))
        weeks = history(forge, repository)
        more = number * size < len(weeks) and number < MOST_PAGES
        link = {"Link": f'<{request.url.include_query_params(page=number + 1)}>; rel="next"'} if more else None
        return answer(folder, request, weeks[(number - 1) * size : number * size], link)

    return routes_of("stargazers/history", folder, read, find, _page)


def _sunday(when: datetime) -> datetime:
    """The Sunday, in UTC, at whose beginning a week begins."""
    midnight = when.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight - timedelta(days=(midnight.weekday() + 1) % 7)
