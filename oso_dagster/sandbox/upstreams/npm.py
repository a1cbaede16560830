"""npm's download counts as the sandbox has them, for the packages that projects of the directory name.

Written from npm/registry, docs/download-counts.md at ae49abf (bulk: 128 names, 365 days, none with a scope; else 18 months; a day
that is not counted is 0) and npm/download-counts 31 (the error of too long a span). Names differ by their capitals, as
`JSONStream` and `jsonstream` do. Faults: a day that is not counted yet, and days that are filled later (npm/download-counts 43,
45); the limiter of November 2025 (nice-registry/download-counts 8, 9) is `bare_429` after 40 answers; one bad package is
invented.
"""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp

from oso_dagster.sandbox.protocols import web_api
from oso_dagster.sandbox.protocols.family import Endpoint, Family
from oso_dagster.sandbox.protocols.source_faults import fault_of
from oso_dagster.sandbox.world.world import SandboxWorld, stream

_MOST, _LONGEST, _LONGEST_OF_A_PACKAGE = 128, 365, 548

UNPUBLISHED = "sbx-sail"
"""A package that a project names and npm does not know."""


def write(world: SandboxWorld, folder: Path) -> None:
    """Write all counts."""
    web_api.save(folder, downloads(world))


def serve(folder: Path) -> ASGIApp:
    """`/downloads/range/{start}:{end}/{package}`, and `point` for the total of the span."""
    return web_api.serve(
        folder,
        {"/downloads/range/{start}:{end}/{package:path}": _range, "/downloads/point/{start}:{end}/{package:path}": _point},
        _DAMAGES,
    )


def packages(world: SandboxWorld) -> list[str]:
    """The packages that the directory names."""
    urls = [url for project in world.projects for url in project.links.get("npm", ())]
    return sorted({urlsplit(url).path.removeprefix("/package/").strip("/") for url in urls})


def downloads(world: SandboxWorld) -> dict[str, dict[str, int]]:
    """Downloads by package and day."""
    rng, days = stream(world.seed, "npm"), web_api.midnights(world)[:-1]
    known = [package for package in packages(world) if package != UNPUBLISHED]
    return {package: {day.date().isoformat(): int(rng.lognormvariate(6, 1)) for day in days} for package in known}


def truth(world: SandboxWorld) -> dict[str, list[dict[str, Any]]]:
    """The rows that a complete load holds, by table."""
    counts = downloads(world)
    rows = [{"package": package, "day": day, "downloads": count} for package in counts for day, count in counts[package].items()]
    return {"npm.downloads": rows}


def _range(data: Any, request: Request) -> Response:
    parameters = request.path_params
    first, last = date.fromisoformat(parameters["start"]), date.fromisoformat(parameters["end"])
    names = parameters["package"].split(",")
    if fault_of(request.scope) == "zero_day":
        data = {name: counts | {last.isoformat(): 0} for name, counts in data.items()}
    many = len(names) > 1
    if (last - first).days >= (_LONGEST if many else _LONGEST_OF_A_PACKAGE):
        return JSONResponse({"error": f"exceeded max days of {_LONGEST}"}, 400)
    if not many:
        answer = _package(data, names[0], first, last)
        return JSONResponse(answer or {"error": f"package {names[0]} not found"}, 200 if answer else 404)
    if len(names) > _MOST or any(name.startswith("@") for name in names):
        return JSONResponse({"error": "scoped packages are not yet supported in bulk lookups, nor more than 128"}, 400)
    return JSONResponse({name: _package(data, name, first, last) for name in names})


def _point(data: Any, request: Request) -> Response:
    """The same spans and names, one number each."""
    parameters = request.path_params
    first, last = date.fromisoformat(parameters["start"]), date.fromisoformat(parameters["end"])
    names = parameters["package"].split(",")
    if len(names) > _MOST or (len(names) > 1 and any(name.startswith("@") for name in names)):
        return JSONResponse({"error": "scoped packages are not yet supported in bulk lookups, nor more than 128"}, 400)
    totals = {name: _total(_package(data, name, first, last)) for name in names}
    if len(names) > 1:
        return JSONResponse(totals)
    return JSONResponse(totals[names[0]] or {"error": f"package {names[0]} not found"}, 200 if totals[names[0]] else 404)


def _total(package: dict[str, Any] | None) -> dict[str, Any] | None:
    return package | {"downloads": sum(day["downloads"] for day in package["downloads"])} if package else None


def _package(data: Any, name: str, first: date, last: date) -> dict[str, Any] | None:
    counts = data.get(name)
    if counts is None:
        return None
    days = [(first + timedelta(days=number)).isoformat() for number in range((last - first).days + 1)]
    rows = [{"downloads": counts.get(day, 0), "day": day} for day in days]
    return {"start": first.isoformat(), "end": last.isoformat(), "package": name, "downloads": rows}


def _in_part(data: Any) -> Any:
    """Half of the counts of the newest month."""
    days = sorted(next(iter(data.values())))[-30:]
    return {name: counts | {day: counts[day] // 2 for day in days} for name, counts in data.items()}


def _with_a_bad_package(data: Any) -> Any:
    """The first package has words for numbers."""
    first = min(data)
    return data | {first: dict.fromkeys(data[first], "many")}


_DAMAGES = {"refill": _in_part, "one_bad_item": _with_a_bad_package}

FAMILY = Family(
    "npm",
    (Endpoint("npm_url", "/npm", "npm's download counts"),),
    write,
    serve,
    truth,
    faults=("zero_day", "bare_429", *_DAMAGES),
)
