"""GitHub's REST API as the sandbox has it: repositories and bills of materials of the forge, with ETags and a rate limit.

Written from @octokit/openapi 23.0.2 and "Renaming a repository" of GitHub's documentation. A renamed repository is sent on (301),
a deleted one is not there (404). The limit counts every answer but 304, and starts again each hour; `limited(folder, calls)`
lowers it for a while. What has changed upstream, or differs by repository, `_github.behaviour` switches.
"""

from __future__ import annotations

import json
import time
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from oso_dagster.sandbox.protocols.family import Endpoint, Family
from oso_dagster.sandbox.protocols.source_faults import FROZEN, fault_of
from oso_dagster.sandbox.upstreams._github import documents
from oso_dagster.sandbox.upstreams._github import feeds as github_feeds
from oso_dagster.sandbox.upstreams._github import graph as github_graph
from oso_dagster.sandbox.upstreams._github import releases as github_releases
from oso_dagster.sandbox.upstreams._github import reports as github_reports
from oso_dagster.sandbox.upstreams._github import stars as github_stars
from oso_dagster.sandbox.upstreams._github.behaviour import first_of, forge_now, refusal, refusal_of
from oso_dagster.sandbox.upstreams._github.paths import moved
from oso_dagster.sandbox.world import forge
from oso_dagster.sandbox.world.forge import Forge, Repository
from oso_dagster.sandbox.world.world import stream

LIMIT = 15_000
"""Requests an hour: what an app gets in an organisation of GitHub Enterprise Cloud (docs.github.com, "Rate limits for the REST
API"), as the sandbox loads within minutes what a real installation takes a first day for. A person's token has 5,000."""
PAGE = 3
"""Repositories on a page of a listing: few, so that listings have pages."""
_HOUR = 3600
_LIMIT_FILE = "limit.json"
_STEP = 50
_ECOSYSTEMS = ("npm", "cargo", "pypi", "golang")
PARTS = 24
"""How many packages each ecosystem has that bills of materials name."""


def limited(folder: Path, calls: int, *, seconds: int = _HOUR) -> None:
    """From now on, and for `seconds`, `calls` more answers; then the limit is as usual again."""
    (folder / _LIMIT_FILE).write_text(json.dumps({"left": calls, "until": time.time() + seconds}))


def sbom(forge: Forge, repository: Repository) -> dict[str, Any] | None:
    """The bill of materials of a repository; about one in ten has none."""
    rng = stream(forge.seed, f"sbom/{repository.id}")
    if rng.randrange(10) == 0:
        return None
    own = f"pkg:github/{repository.full_name}@main"
    listed = [_package(repository.full_name, "", own), *(_dependency(rng) for _ in range(rng.randint(1, 12)))]
    numbered = [package | {"SPDXID": f"SPDXRef-{number}"} for number, package in enumerate(listed)]
    created = forge.start.strftime("%Y-%m-%dT%H:%M:%SZ")
    relations = [
        {"relationshipType": "DEPENDS_ON", "spdxElementId": "SPDXRef-0", "relatedSpdxElement": package["SPDXID"]}
        for package in numbered[1:]
    ]
    return {"sbom": {
        "SPDXID": "SPDXRef-DOCUMENT", "spdxVersion": "SPDX-2.3", "name": f"com.github.{repository.full_name}",
        "dataLicense": "CC0-1.0", "documentNamespace": f"https://spdx.sbx.example/{repository.id}",
        "creationInfo": {"created": created, "creators": ["Tool: GitHub.com-Dependency-Graph"]}, "packages": numbered,
        "relationships": relations,
    }}  # fmt: skip


def _bill(forge: Forge, repository: Repository) -> dict[str, Any] | None:
    return sbom(forge, repository)


def serve(folder: Path) -> Starlette:
    """Serve the forge of the world in `folder`. One request after the other, so that the limit is counted right."""
    hidden: set[str] = set()

    async def repository(request: Request) -> Response:
        if (refused := refusal(folder, request) or first_of(request, hidden)) is not None:
            return refused
        forge = forge_now(folder)
        repository = _find(forge, request)
        elsewhere = fault_of(request.scope) == "moved" or _is_former(repository, request)
        if repository is not None and elsewhere:
            return _counted(folder, moved(request, f"/repositories/{repository.id}"))
        return _answer(folder, request, documents.repository(forge, repository) if repository else None)

    async def by_id(request: Request) -> Response:
        forge = forge_now(folder)
        repository = next((r for r in forge.repositories if r.id == request.path_params["id"] and not r.deleted), None)
        if repository is not None and (refused := refusal_of(folder, repository.full_name)) is not None:
            return refused
        return _answer(folder, request, documents.repository(forge, repository) if repository else None)

    async def owner(request: Request) -> Response:
        forge, kind, name = forge_now(folder), request.path_params["kind"], request.path_params["owner"].lower()
        listed = _listed(forge, request)
        return _answer(folder, request, None if listed is None else documents.owner(forge, name, kind, listed))

    async def repositories(request: Request) -> Response:
        forge = forge_now(folder)
        listed = _listed(forge, request)
        if listed is None:
            return _answer(folder, request, None)
        page = int(request.query_params.get("page", "1"))
        more = len(listed) > page * PAGE
        link = {"Link": f'<{request.url.include_query_params(page=page + 1)}>; rel="next"'} if more else {}
        shown = [documents.listed(forge, repository) for repository in listed[(page - 1) * PAGE : page * PAGE]]
        return _answer(folder, request, shown, link)

    return Starlette(
        routes=[
            Route("/repos/{owner}/{name}", repository),
            *github_reports.routes(folder, _find, _bill, _answer, _counted),
            Route("/repositories/{id:int}", by_id),
            *github_feeds.routes(folder, forge_now, _find, _answer),
            *github_stars.route(folder, forge_now, _find, _answer),
            *github_releases.route(folder, forge_now, _find, _answer),
            github_graph.route(folder, forge_now),
            Route("/{kind}/{owner}/repos", repositories),
            Route("/{kind}/{owner}", owner),
        ]
    )


def _is_former(repository: Repository | None, request: Request) -> bool:
    return repository is not None and repository.former_name == request.path_params["name"].lower()


def _listed(forge: Forge, request: Request) -> tuple[Repository, ...] | None:
    """The repositories of an owner of the asked kind; None when there is no such owner. A user is no organisation."""
    name = request.path_params["owner"].lower()
    known = name in {repository.owner for repository in forge.repositories}
    return forge.of_owner(name) if known and (request.path_params["kind"] == "users" or name not in forge.users) else None


def _find(forge: Forge, request: Request) -> Repository | None:
    owner, name = request.path_params["owner"].lower(), request.path_params["name"].lower()
    named = (r for r in forge.repositories if r.owner == owner and name in {r.name, r.former_name} and not r.deleted)
    return next(named, None)


def _answer(folder: Path, request: Request, value: Any, headers: dict[str, str] | None = None) -> Response:
    if value is None:
        return _counted(folder, JSONResponse({"message": "Not Found"}, 404))
    body = JSONResponse(value, headers=headers)
    tag = f'W/"{sha256(bytes(body.body)).hexdigest()[:32]}"'
    asked = request.headers.get("If-None-Match")
    if asked == tag or (asked is not None and fault_of(request.scope) == FROZEN):
        return Response(status_code=304, headers={"ETag": tag})
    body.headers["ETag"] = tag
    return _counted(folder, body)


_counts: dict[Path, tuple[tuple[int, int] | None, dict[str, Any]]] = {}
"""What is left, by folder, and which version of its file that continues. The file follows in steps: writing it took longer than
many an answer."""


def _limit_now(folder: Path) -> dict[str, Any]:
    path = folder / _LIMIT_FILE
    mark = _mark(path)
    if folder not in _counts or _counts[folder][0] != mark:
        _counts[folder] = (mark, json.loads(path.read_text()) if mark else {"left": LIMIT, "until": 0})
    return _counts[folder][1]


def _keep(folder: Path, limit: dict[str, Any]) -> None:
    path = folder / _LIMIT_FILE
    if limit["left"] % _STEP == 0:
        path.write_text(json.dumps(limit))
    _counts[folder] = (_mark(path), limit)


def _mark(path: Path) -> tuple[int, int] | None:
    try:
        state = path.stat()
    except FileNotFoundError:
        return None
    return state.st_mtime_ns, state.st_ino


def _counted(folder: Path, answer: Response) -> Response:
    """The answer, if the limit still allows it."""
    now, limit = time.time(), _limit_now(folder)
    if limit["until"] <= now:
        limit = {"left": LIMIT, "until": now + _HOUR}
    headers = {"X-RateLimit-Limit": str(LIMIT), "X-RateLimit-Reset": str(int(limit["until"]) + 1)}
    if limit["left"] <= 0:
        refusal = JSONResponse({"message": "API rate limit exceeded"}, 403)
        refusal.headers.update(headers | {"X-RateLimit-Remaining": "0"})
        return refusal
    limit["left"] -= 1
    _keep(folder, limit)
    answer.headers.update(headers | {"X-RateLimit-Remaining": str(limit["left"])})
    return answer


def _dependency(rng: Random) -> dict[str, Any]:
    system, number, version = rng.choice(_ECOSYSTEMS), rng.randrange(PARTS), f"{rng.randrange(9)}.{rng.randrange(20)}.0"
    name = f"@sbx-scope/part-{number}" if system == "npm" and number % 3 == 0 else f"sbx-part-{number}"
    path = name.replace("@", "%40")
    return _package(name, version, f"pkg:{system}/{path}@{version}")


def _package(name: str, version: str, purl: str) -> dict[str, Any]:
    reference = {"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": purl}
    about = {"downloadLocation": "NOASSERTION", "filesAnalyzed": False, "licenseConcluded": "MIT"}
    return {"name": name, "versionInfo": version, "externalRefs": [reference]} | about


FAMILY = Family(
    "github-api",
    (Endpoint("github_api_url", "/github-api", "GitHub's REST API: repositories, owners, bills of materials"),),
    forge.write,
    serve,
    faults=("policy_403", "moved", "one_bad_item", "bare_429", "frozen_304", "former"),
)
