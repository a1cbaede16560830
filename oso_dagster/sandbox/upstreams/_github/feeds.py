"""The repository-scoped parts of GitHub's REST API as the sandbox has them: the feed of events of a repository.

Written from `@octokit/openapi` 23.0.2 (npm; `GET /repos/{owner}/{repo}/events`, schema `event`) and docs.github.com, REST,
"Events" and "Using pagination": newest first, `per_page` up to 100, 300 events in all and none older than 30 days (90 until
2025-01-30), an ETag with which an unchanged feed costs nothing, `X-Poll-Interval`, 422 behind the last page, 301 for a renamed
repository. The events are those of the sandbox's GH Archive, with the same ids; the window is `REACH`, shorter than GitHub's.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from oso_dagster.sandbox.upstreams import gharchive
from oso_dagster.sandbox.upstreams._github import event_documents
from oso_dagster.sandbox.upstreams._github.paths import Answer, Find, Read, routes_of
from oso_dagster.sandbox.world.forge import Forge, Repository

REACH = timedelta(days=2)
"""How far back the feeds of the sandbox reach: its events are made anew for each server."""
MOST, LARGEST_PAGE, USUAL_PAGE = 300, 100, 30
_HOUR = timedelta(hours=1)


def feed(forge: Forge, repository: Repository) -> list[dict[str, Any]]:
    """The feed of a repository, newest first: events of the last whole hours before the world's now."""
    return _feeds(forge)[repository.id][:MOST]


@lru_cache(maxsize=2)
def _feeds(forge: Forge) -> dict[int, list[dict[str, Any]]]:
    feeds: dict[int, list[dict[str, Any]]] = defaultdict(list)
    end = forge.start + (forge.now - forge.start) // _HOUR * _HOUR
    begin = max(forge.start, end - REACH)
    for hour in range((end - begin) // _HOUR):
        for event in gharchive.events(forge, begin + hour * _HOUR):
            feeds[event["repo"]["id"]].append(event)
    for events in feeds.values():
        events.sort(key=lambda event: (event["created_at"], event["id"]), reverse=True)
    return feeds


def routes(folder: Path, read: Read, find: Find, answer: Answer) -> list[Route]:
    """The routes of the feeds, below the API's own address; `find` is the repository that a request names."""

    def _page(request: Request, forge: Forge, repository: Repository | None) -> Response:
        if repository is None or repository.deleted:
            return answer(folder, request, None, None)
        size = min(int(request.query_params.get("per_page", USUAL_PAGE)), LARGEST_PAGE)
        number = int(request.query_params.get("page", "1"))
        if (number - 1) * size >= MOST:
            return JSONResponse({"message": "In order to keep the API fast for everyone, pagination is limited."}, 422)
        shown = feed(forge, repository)
        page = [event_documents.complete(event) for event in shown[(number - 1) * size : number * size]]
        return answer(folder, request, page, _links(request, shown, size, number))

    return routes_of("events", folder, read, find, _page)


def _links(request: Request, shown: Sequence[Any], size: int, number: int) -> dict[str, str]:
    more = number * size < len(shown)
    link = {"Link": f'<{request.url.include_query_params(page=number + 1)}>; rel="next"'} if more else {}
    return {"X-Poll-Interval": "60"} | link
