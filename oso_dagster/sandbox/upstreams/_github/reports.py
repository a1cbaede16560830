"""Bills of materials as reports that are ordered and fetched, and by the old call, as GitHub had it until 2026-11-13.

Written from @octokit/openapi 23.0.2 (`dependency-graph/generate-sbom-report`, `fetch-sbom-report`, `export-sbom`) and GitHub's
changelog of 2026-04-14 and 2026-05-12; the fault `former` is GitHub before: the old call answers, no report can be ordered. The
storage host is the same server under another name; like a blob store it refuses a request that carries somebody's token.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from oso_dagster.sandbox.protocols.source_faults import fault_of
from oso_dagster.sandbox.upstreams._github.behaviour import behaviour_of, first_of, forge_now, refusal
from oso_dagster.sandbox.world.forge import Forge, Repository

_ANNOUNCED = {"Sunset": "Fri, 13 Nov 2026 00:00:00 GMT", "Deprecation": "@1776124800"}
"""What the old call says of itself."""
_REFUSALS = {500: "Request timed out", 410: "This endpoint has been removed"}
_OK = 200

Find = Callable[[Forge, Request], Repository | None]
Bill = Callable[[Forge, Repository], Any]
Answers = Callable[..., Response]
Counted = Callable[[Path, Response], Response]


def _base(request: Request) -> str:
    """The address of the family, below which its paths are."""
    return f"{request.url.scheme}://{request.url.netloc}{request.scope['root_path']}"


def routes(folder: Path, find: Find, bill_of: Bill, answer: Answers, counted: Counted) -> list[Route]:
    """The endpoints of bills of materials, below those of a repository."""
    polls: Counter[int] = Counter()
    hidden: set[str] = set()

    async def old_call(request: Request) -> Response:
        former = fault_of(request.scope) == "former"
        status = _OK if former else behaviour_of(folder).old_call
        if status != _OK:
            return counted(folder, JSONResponse({"message": _REFUSALS.get(status, "Not Found")}, status, _ANNOUNCED))
        forge = forge_now(folder)
        repository = find(forge, request)
        return answer(folder, request, bill_of(forge, repository) if repository else None, {} if former else _ANNOUNCED)

    async def order(request: Request) -> Response:
        if (refused := refusal(folder, request) or first_of(request, hidden)) is not None:
            return refused
        forge = forge_now(folder)
        repository = find(forge, request)
        reports = behaviour_of(folder).reports and fault_of(request.scope) != "former"
        if not reports or repository is None or bill_of(forge, repository) is None:
            return answer(folder, request, None)
        url = f"{_base(request)}/repos/{repository.full_name}/dependency-graph/sbom/fetch-report/{repository.id}"
        return counted(folder, JSONResponse({"sbom_url": url}, 201))

    async def report(request: Request) -> Response:
        number, behaviour = request.path_params["id"], behaviour_of(folder)
        polls[number] += 1
        if polls[number] <= behaviour.polls:
            return counted(folder, Response(status_code=behaviour.not_ready))
        storage = _base(request).replace("127.0.0.1", "localhost")
        return counted(folder, RedirectResponse(f"{storage}/storage/{number}?sig=signed", 302))

    async def storage(request: Request) -> Response:
        if "authorization" in request.headers:
            return PlainTextResponse("InvalidAuthenticationInfo", 401)
        forge = forge_now(folder)
        repository = next(r for r in forge.repositories if r.id == request.path_params["id"])
        document = bill_of(forge, repository)
        return JSONResponse(document if behaviour_of(folder).wrapped else document["sbom"])

    return [
        Route("/repos/{owner}/{name}/dependency-graph/sbom", old_call),
        Route("/repos/{owner}/{name}/dependency-graph/sbom/generate-report", order),
        Route("/repos/{owner}/{name}/dependency-graph/sbom/fetch-report/{id:int}", report),
        Route("/storage/{id:int}", storage),
    ]
