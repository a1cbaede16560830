"""How the sandbox's GitHub is asked for a part of a repository: by name, by id, by a former name, which redirects to the id."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from oso_dagster.sandbox.upstreams._github.behaviour import first_of
from oso_dagster.sandbox.world.forge import Forge, Repository

Answer = Callable[[Path, Request, Any, dict[str, str] | None], Response]
"""How the API answers with a value (none: 404): with an ETag, counted against the limit."""
Read = Callable[[Path], Forge]
Find = Callable[[Forge, Request], Repository | None]
Page = Callable[[Request, Forge, Repository | None], Response]


def moved(request: Request, path: str) -> Response:
    """Where what was asked for is now: below the API's own address."""
    address = f"{request.scope['root_path']}{path}"
    return JSONResponse({"message": "Moved Permanently", "url": address}, 301, {"Location": address})


def routes_of(part: str, folder: Path, read: Read, find: Find, page: Page) -> list[Route]:
    """The routes of a part (`events`); `find` is the repository that a request names, `page` answers for it."""
    refused: set[str] = set()

    async def by_name(request: Request) -> Response:
        if (refusal := first_of(request, refused)) is not None:
            return refusal
        forge = read(folder)
        repository = find(forge, request)
        if repository is not None and repository.former_name == request.path_params["name"].lower():
            return moved(request, f"/repositories/{repository.id}/{part}?{request.url.query}")
        return page(request, forge, repository)

    async def by_id(request: Request) -> Response:
        forge = read(folder)
        return page(request, forge, next((r for r in forge.repositories if r.id == request.path_params["id"]), None))

    return [Route(f"/repos/{{owner}}/{{name}}/{part}", by_name), Route(f"/repositories/{{id:int}}/{part}", by_id)]
