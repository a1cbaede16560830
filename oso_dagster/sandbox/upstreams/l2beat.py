"""L2BEAT as the sandbox has it: chains with their activity and the value that they secure, some without any.

Written from l2beat/l2beat at 65e48a8: `getL2ApiEntries.ts` (an entry has no `isUpcoming`), `PublicApiRouter`, `validateRoute.ts`
(activity knows no 7d, another range is 400), `getActivityChart.ts` (nulls behind `syncedUntil`). A project without figures is 200
and `success: false`. Without a slug the chart is the sum over `projectIds` (`PublicApiRouter/index.ts` at 0b3858b; of
`type=projects` only). Faults: all of them are so; the latest figures come in part and are corrected; a project that was archived
is listed no more; one project's series is 500. `former`: the answers of before, with `isUpcoming` and the one `provider`.
Awkward on purpose: a project without figures, one that is archived, values given several times a day, a day that is not over.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp

from oso_dagster.sandbox.protocols import web_api
from oso_dagster.sandbox.protocols.family import Endpoint, Family
from oso_dagster.sandbox.protocols.source_faults import fault_of
from oso_dagster.sandbox.upstreams import growthepie
from oso_dagster.sandbox.world.world import SandboxWorld, stream

UPCOMING = "sbx-tomorrow"
"""A project that has no figures yet."""
_RANGES = {"7d": 7, "30d": 30, "90d": 90, "180d": 180, "1y": 365, "max": 10_000}
_FAILED = {"success": False, "error": "Internal server error"}
_ACTIVITY, _TVS = ["timestamp", "count", "uopsCount"], ["timestamp", "native", "canonical", "external", "ethPrice"]


def write(world: SandboxWorld, folder: Path) -> None:
    """Write all projects with their series."""
    web_api.save(folder, document(world))


def serve(folder: Path) -> ASGIApp:
    """The paths of L2BEAT's API for scaling projects."""
    return web_api.serve(
        folder,
        {
            "/scaling/summary": _summary,
            "/scaling/activity": lambda data, request: _total(data["activity"], _ACTIVITY, request),
            "/scaling/tvs": lambda data, request: _total(data["tvs"], _TVS, request),
            "/scaling/activity/{slug}": lambda data, request: _series(data["activity"], _ACTIVITY, request),
            "/scaling/tvs/{slug}": lambda data, request: _series(data["tvs"], _TVS, request),
        },
        _DAMAGES,
    )


def document(world: SandboxWorld) -> dict[str, Any]:
    """Everything that is served; activity by day, value four times a day."""
    rng, days = stream(world.seed, "l2beat"), web_api.midnights(world)
    projects, activity, tvs = {}, {}, {}
    for slug in (*growthepie.CHAINS, UPCOMING):
        upcoming = slug == UPCOMING
        projects[slug] = {
            "id": slug, "name": slug.title(), "slug": slug, "type": "layer2", "hostChain": "Ethereum",
            "category": rng.choice(("Optimistic Rollup", "ZK Rollup")), "providers": rng.choice((["OP Stack"], [])),
            "purposes": ["Universal"], "isArchived": slug == growthepie.CHAINS[-1], "shortName": None,
            "isUnderReview": False, "stage": rng.choice(("Stage 0", "Stage 1")), "badges": [{"id": "EVM"}],
            **({} if upcoming else {"tvs": {"breakdown": {"total": round(rng.lognormvariate(20, 1), 2)}}}),
        }  # fmt: skip
        if not upcoming:
            activity[slug] = [[int(day.timestamp()), rng.randint(10**5, 10**7), rng.randint(10**5, 10**7)] for day in days]
            hours = [day + timedelta(hours=hour) for day in days for hour in (0, 6, 12, 18)]
            past = [hour for hour in hours if hour <= world.now]
            tvs[slug] = [
                [int(hour.timestamp()), *(round(rng.lognormvariate(18, 1), 2) for _ in range(3)), round(rng.gauss(3000, 50), 2)]
                for hour in past
            ]
    return {"projects": projects, "activity": activity, "tvs": tvs}


def truth(world: SandboxWorld) -> dict[str, list[dict[str, Any]]]:
    """The rows that complete loads hold: whole days of activity, and the value at each midnight."""
    data, today = document(world), int(web_api.midnights(world)[-1].timestamp())
    renamed = {
        "hostChain": "host_chain", "isArchived": "is_archived", "isUnderReview": "is_under_review",
    }  # fmt: skip
    projects = [
        {renamed.get(name, name): value for name, value in project.items()}
        | {"is_upcoming": None, "tvs": project["tvs"]["breakdown"]["total"] if "tvs" in project else None}
        for project in data["projects"].values()
    ]
    activity = [
        {"time": time, "slug": slug, "transactions": count, "user_operations": operations}
        for slug, points in data["activity"].items()
        for time, count, operations in points
        if time < today
    ]
    tvs = [
        {"time": time, "slug": slug, "native": native, "canonical": canonical, "external": external, "eth_price": price}
        for slug, points in data["tvs"].items()
        for time, native, canonical, external, price in points
        if time % 86_400 == 0
    ]
    return {"l2beat.projects": projects, "l2beat.activity": activity, "l2beat.tvs": tvs}


def _summary(data: Any, request: Request) -> Response:
    projects = data["projects"]
    if not projects:
        return JSONResponse(_FAILED)
    if fault_of(request.scope) == "former":
        projects = {
            slug: {name: value for name, value in project.items() if name != "providers"}
            | {"isUpcoming": slug == UPCOMING, "provider": next(iter(project["providers"]), None)}
            for slug, project in projects.items()
        }
    return JSONResponse({"projects": projects, "chart": {"types": [], "data": []}})


def _series(series: dict[str, Any], types: list[str], request: Request) -> Response:
    span = request.query_params.get("range", "30d")
    if span not in _RANGES or (types == _ACTIVITY and span == "7d"):
        return JSONResponse({"success": False, "error": "Invalid request"}, 400)
    points = series.get(request.path_params["slug"])
    if points == []:
        return JSONResponse(_FAILED, 500)
    if points is None:
        return JSONResponse({"success": False, "error": "Project not found or no data"})
    since, synced = points[-1][0] - _RANGES[span] * 86_400, points[-1][0]
    shown = [point for point in points if point[0] > since] + [[synced + 86_400, *[None] * (len(types) - 1)]]
    return JSONResponse({"success": True, "data": {"chart": {"types": types, "data": shown, "syncedUntil": synced}}})


def _total(series: dict[str, Any], types: list[str], request: Request) -> Response:
    """The sum over the projects that are named by id, which is their slug here; the price of ether is no sum."""
    ids = request.query_params.get("projectIds", "").split(",")
    if request.query_params.get("type") != "projects" or not any(ids):
        return JSONResponse({"success": False, "errors": [{"message": 'projectIds is required for "projects" type'}]})
    by_time: dict[int, list[float]] = {}
    for slug in ids:
        for at, *values in series.get(slug, ()):
            before = by_time.setdefault(at, [0] * len(values))
            by_time[at] = [old + new for old, new in zip(before, values, strict=True)]
    return JSONResponse(
        {"success": True, "data": {"chart": {"types": types, "data": [[at, *values] for at, values in sorted(by_time.items())]}}}
    )


def _in_part(data: Any) -> Any:
    """Half of the figures of the newest third of each series."""

    def halved(points: list[Any]) -> list[Any]:
        older = len(points) * 2 // 3
        return points[:older] + [[time, *(type(value)(value / 2) for value in values)] for time, *values in points[older:]]

    return _with_series(data, lambda series: {slug: halved(points) for slug, points in series.items()})


def _with_series(data: Any, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Any:
    return data | {name: change(data[name]) for name in ("activity", "tvs")}


def _without_a_project(data: Any) -> Any:
    left = {slug: project for slug, project in data["projects"].items() if slug != growthepie.CHAINS[-1]}
    return _with_series(data | {"projects": left}, lambda series: {slug: series[slug] for slug in series if slug in left})


_DAMAGES: dict[str, web_api.Damage] = {
    "success_false": lambda data: _with_series(data | {"projects": {}}, lambda _: {}),
    "refill": _in_part,
    "silent_deletion": _without_a_project,
    "one_bad_item": lambda data: _with_series(data, lambda series: series | {growthepie.CHAINS[0]: []}),
}

FAMILY = Family(
    "l2beat",
    (Endpoint("l2beat_url", "/l2beat", "L2BEAT's API"),),
    write,
    serve,
    truth,
    faults=("former", *_DAMAGES),
)
