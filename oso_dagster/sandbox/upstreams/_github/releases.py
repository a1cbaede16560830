"""Releases of repositories as the sandbox's REST API lists them: `GET /repos/{owner}/{repo}/releases`.

Written from `@octokit/openapi` 23.0.2 (npm), schema `release`: newest first, 100 on a page at most, `Link` with rel="next".
The releases are those that GraphQL has (`things`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from oso_dagster.sandbox.upstreams._github import documents
from oso_dagster.sandbox.upstreams._github import things as github_things
from oso_dagster.sandbox.upstreams._github.paths import Answer, Find, Read, routes_of
from oso_dagster.sandbox.world.forge import Forge, Repository

LARGEST_PAGE, _USUAL_PAGE = 100, 30


def releases(forge: Forge, repository: Repository) -> list[dict[str, Any]]:
    """The releases of a repository, newest first, as REST lists them."""
    return [_release(repository, node) for node in github_things.things(forge, repository.id)["releases"]]


def _release(repository: Repository, node: dict[str, Any]) -> dict[str, Any]:
    address, number, tag = f"{documents.API}/repos/{repository.full_name}", node["databaseId"], node["tagName"]
    author = node["author"] or {"login": "ghost", "databaseId": 10_137}
    return {
        "url": f"{address}/releases/{number}",
        "html_url": f"https://github.com/{repository.full_name}/releases/tag/{tag}",
        "assets_url": f"{address}/releases/{number}/assets",
        "upload_url": f"{address}/releases/{number}/assets{{?name,label}}",
        "tarball_url": f"{address}/tarball/{tag}",
        "zipball_url": f"{address}/zipball/{tag}",
        "id": number,
        "node_id": f"RE_{number}",
        "tag_name": tag,
        "target_commitish": "main",
        "name": node["name"],
        "body": None,
        "draft": False,
        "prerelease": node["isPrerelease"],
        "immutable": False,
        "created_at": node["createdAt"],
        "published_at": node["publishedAt"],
        "updated_at": node["updatedAt"],
        "author": documents.account(author["login"], "User", author["databaseId"]),
        "assets": [],
    }


def route(folder: Path, read: Read, find: Find, answer: Answer) -> list[Route]:
    """The routes of lists of releases; `find` is the repository that a request names."""

    def _page(request: Request, forge: Forge, repository: Repository | None) -> Response:
        if repository is None or repository.deleted:
            return answer(folder, request, None, None)
        size = min(int(request.query_params.get("per_page", _USUAL_PAGE)), LARGEST_PAGE)
        number = int(request.query_params.get("page", "1"))
        listed = releases(forge, repository)
        more = number * size < len(listed)
        link = {"Link": f'<{request.url.include_query_params(page=number + 1)}>; rel="next"'} if more else None
        return answer(folder, request, listed[(number - 1) * size : number * size], link)

    return routes_of("releases", folder, read, find, _page)
