"""deps.dev as the sandbox has it: the packages that projects of the directory name, and those that bills of materials name.

Awkward on purpose: packages that are not known, without a source repository, without a default version, of unknown date.
A batch echoes requests that fold into one as the first of them was spelt (google/deps.dev, its protos and issues). Faults: a
package that is known is not found (its issues 103, 299); one cannot be read, an error of the server, which is invented; `former`
is `v3` as it was before 2026-06-09 (554c781 of google/deps.dev, api/v3/api.proto): no version says whether it is deprecated, none
of PyPI what the status of its project is.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import unquote, urlsplit

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from oso_dagster.sandbox.protocols import web_api
from oso_dagster.sandbox.protocols.family import Endpoint, Family
from oso_dagster.sandbox.protocols.source_faults import fault_of
from oso_dagster.sandbox.upstreams import github_api
from oso_dagster.sandbox.upstreams.npm import UNPUBLISHED
from oso_dagster.sandbox.world import forge
from oso_dagster.sandbox.world.world import SandboxWorld, stream

SYSTEMS = {"npm": "NPM", "cargo": "CARGO", "pypi": "PYPI", "golang": "GO", "maven": "MAVEN", "nuget": "NUGET", "gem": "RUBYGEMS"}
PAGE = 25
"""Answers on a page of a batch: few, so that batches have pages."""
_LINKS = {"npm": "npm", "crates": "cargo", "pypi": "pypi", "go": "golang"}
_UNKNOWN_SHARE, _SOURCELESS_SHARE = 0.08, 0.12


def write(world: SandboxWorld, folder: Path) -> None:
    """Write all packages that are known."""
    web_api.save(folder, document(world))


def serve(folder: Path) -> ASGIApp:
    """One package, or a batch of versions."""

    async def package(request: Request) -> Response:
        parameters = request.path_params
        data = web_api.damaged(folder, fault_of(request.scope), _DAMAGES)
        entry = data.get(f"{parameters['system'].upper()}/{parameters['name']}")
        if entry == {}:
            return JSONResponse({"code": 13, "message": "internal error"}, 500)
        return JSONResponse(entry["package"]) if entry else JSONResponse({"code": 5, "message": "package not found"}, 404)

    async def batch(request: Request) -> Response:
        kind = fault_of(request.scope)  # a package that is gone or bad is not asked for here
        body, data = await request.json(), web_api.damaged(folder, kind if kind == "former" else None, _DAMAGES)
        begin = int(body.get("pageToken") or 0)
        spellings: dict[tuple[str, ...], Any] = {}
        echoed = [spellings.setdefault(_folded(wanted["versionKey"]), wanted) for wanted in body["requests"]]
        pairs = list(zip(body["requests"], echoed, strict=True))[begin : begin + PAGE]
        answers = [_answer(data, wanted) | {"request": first} for wanted, first in pairs]
        more = begin + PAGE < len(body["requests"])
        return JSONResponse({"responses": answers, "nextPageToken": str(begin + PAGE) if more else ""})

    return Starlette(
        routes=[
            Route("/v3/systems/{system}/packages/{name:path}", package),
            Route("/v3alpha/versionbatch", batch, methods=["POST"]),
        ]
    )


def purls(world: SandboxWorld) -> list[str]:
    """The package addresses that all bills of materials hold."""
    return list(_purls(forge.forge_of(world)))


@lru_cache(maxsize=4)
def _purls(github: forge.Forge) -> tuple[str, ...]:
    bills = [github_api.sbom(github, repository) for repository in github.repositories if not repository.deleted]
    listed = [package for bill in bills if bill for package in bill["sbom"]["packages"]]
    return tuple(sorted({reference["referenceLocator"] for package in listed for reference in package["externalRefs"]}))


def named(world: SandboxWorld) -> list[str]:
    """All packages that somebody names, as `SYSTEM/name`."""
    links = [(kind, url) for project in world.projects for kind in _LINKS for url in project.links.get(kind, ())]
    packages = {f"{SYSTEMS[_LINKS[kind]]}/{_name_of(kind, url)}" for kind, url in links}
    for purl in purls(world):
        kind, path = purl.removeprefix("pkg:").split("/", 1)
        if kind in SYSTEMS:
            packages.add(f"{SYSTEMS[kind]}/{unquote(path.rsplit('@', 1)[0])}")
    return sorted(packages)


def document(world: SandboxWorld) -> dict[str, Any]:
    """What is known of each package: its answer, and that of its default version."""
    return dict(_packages(world))


def truth(world: SandboxWorld) -> dict[str, list[dict[str, Any]]]:
    """The rows that a complete load holds, by table."""
    known, packages, versions = document(world), [], []
    for key in named(world):
        system, name = key.split("/", 1)
        entry = known.get(key, {"package": {"versions": []}, "version": None})
        listed, default = entry["package"]["versions"], entry["version"] or {}
        links = [link["url"] for link in default.get("links", ()) if link["label"] == "SOURCE_REPO"]
        packages.append({
            "system": system, "name": name, "status": "found" if key in known else "unknown", "version_count": len(listed),
            "default_version": default.get("versionKey", {}).get("version"), "licenses": default.get("licenses"),
            "source_repository": next((related["projectKey"]["id"] for related in default.get("relatedProjects", ())), None),
            "source_url": next(iter(links), None),
        })  # fmt: skip
        versions += [
            {"system": system, "name": name, "version": version["versionKey"]["version"],
             "published_at": version.get("publishedAt"), "is_default": version["isDefault"]}
            for version in listed
        ]  # fmt: skip
    return {"deps_dev.packages": packages, "deps_dev.packages__versions": versions}


def _packages(world: SandboxWorld) -> Iterator[tuple[str, dict[str, Any]]]:
    rng = stream(world.seed, "deps_dev")
    repositories = [repository.full_name for repository in forge.forge_of(world).repositories if not repository.deleted]
    for key in named(world):
        system, name = key.split("/", 1)
        unknown = rng.random() < _UNKNOWN_SHARE or name == UNPUBLISHED
        source = None if rng.random() < _SOURCELESS_SHARE else _home(name, rng.choice(repositories), repositories)
        versions = _versions(world, rng, system, name)
        if not unknown:
            default = next((version for version in versions if version["isDefault"]), None)
            package = {"packageKey": {"system": system, "name": name}, "versions": versions}
            yield key, {"package": package, "version": _version(rng, default, source) if default else None}


def _versions(world: SandboxWorld, rng: Random, system: str, name: str) -> list[dict[str, Any]]:
    count, bare = rng.randint(1, 6), rng.random() < 0.05  # noqa: PLR2004  (some have no default)
    at = world.now - timedelta(days=rng.uniform(100, 900))
    made = []
    for number in range(count):
        at += timedelta(days=rng.uniform(0, 100 / count))
        version = f"{'v' if system == 'GO' else ''}{number // 3}.{number}.0"
        dated = {"publishedAt": at.strftime("%Y-%m-%dT%H:%M:%SZ")} if rng.random() > 0.05 else {}  # noqa: PLR2004  (of most it is known)
        key = {"system": system, "name": name, "version": version}
        deprecated = number == 0 and count > 1
        deprecation = {"isDeprecated": deprecated, "deprecatedReason": "Use a later version" if deprecated else ""}
        made.append({"versionKey": key, "isDefault": number == count - 1 and not bare} | deprecation | dated)
    return made


def _version(rng: Random, listed: dict[str, Any], source: str | None) -> dict[str, Any]:
    related, links = [], [{"label": "HOMEPAGE", "url": "https://example.org"}]
    if source:
        project = {"projectKey": {"id": f"github.com/{source}"}, "relationType": "SOURCE_REPO"}
        related = [project | {"relationProvenance": "UNVERIFIED_METADATA"}]
        links.append({"label": "SOURCE_REPO", "url": f"git+https://github.com/{source}.git"})
    if listed["versionKey"]["system"] == "PYPI":
        listed = listed | {"projectStatus": {"status": "active", "reason": ""}}
    return listed | {"licenses": rng.choice((["MIT"], ["Apache-2.0", "MIT"], [])), "links": links, "relatedProjects": related}


def _answer(data: Any, wanted: Any) -> dict[str, Any]:
    key = wanted["versionKey"]
    version = (data.get(f"{key['system']}/{key['name']}") or {}).get("version")
    fits = version is not None and version["versionKey"]["version"] == key["version"]
    return {"request": wanted} | ({"version": version} if fits else {})


def _folded(key: dict[str, str]) -> tuple[str, str, str]:
    """The one package that several spellings are; names of npm, Go and Maven have one alone."""
    exact = key["system"] in {"NPM", "GO", "MAVEN"}
    return key["system"], key["name"] if exact else key["name"].lower().replace("_", "-"), key["version"]


def _home(name: str, other: str, repositories: list[str]) -> str:
    """The repository of the project that a package is named after, where there is one."""
    words = name.removeprefix("@").split("/")[0]
    return next((repository for repository in repositories if repository.startswith(f"{words}/")), other)


def _name_of(kind: str, url: str) -> str:
    parts = urlsplit(url)
    if kind == "go":
        return f"{parts.netloc}{parts.path}"
    name = parts.path.strip("/").split("/", 1)[1]
    return name if kind == "npm" else name.lower()  # npm's names differ by their capitals


def _former(value: Any) -> Any:
    """An answer without what answers say since 2026-06-09."""
    if isinstance(value, list):
        return [_former(entry) for entry in value]
    if isinstance(value, dict):
        return {name: _former(entry) for name, entry in value.items() if name not in _SINCE_2026}
    return value


_SINCE_2026 = frozenset({"isDeprecated", "deprecatedReason", "projectStatus"})
_DAMAGES: dict[str, web_api.Damage] = {
    "silent_deletion": lambda data: {key: entry for key, entry in data.items() if key != sorted(data)[1]},
    "one_bad_item": lambda data: data | {min(data): {}},
    "former": lambda data: {key: _former(entry) for key, entry in data.items()},
}

FAMILY = Family(
    "deps-dev",
    (Endpoint("deps_dev_url", "/deps-dev", "deps.dev's API"),),
    write,
    serve,
    truth,
    faults=("bare_429", *_DAMAGES),
)
