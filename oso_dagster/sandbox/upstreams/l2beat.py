"""L2BEAT as the sandbox has it: chains with their activity and the value that they secure, some without any.

Written from l2beat/l2beat at 65e48a8: `getL2ApiEntries.ts` (an entry has no `isUpcoming`), `PublicApiRouter`, `validateRoute.ts`
(activity knows no 7d, another range is 400), `getActivityChart.ts` (nulls behind `syncedUntil`). A project without figures is 200
and `success: false`. The answers of before, with `isUpcoming`, are what a test adds.
Awkward on purpose: a project without figures, one that is archived, values given several times a day, a day that is not over.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp

from oso_dagster.sandbox.protocols import web_api
from oso_dagster.sandbox.protocols.family import Endpoint, Family
from oso_dagster.sandbox.upstreams import growthepie
from oso_dagster.sandbox.world.world import SandboxWorld, stream

UPCOMING = "sbx-tomorrow"
"""A project that has no figures yet."""
_RANGES = {"7d": 7, "30d": 30, "90d": 90, "180d": 180, "1y": 365, "max": 10_000}
_ACTIVITY, _TVS = ["timestamp", "count", "uopsCount"], ["timestamp", "native", "canonical", "external", "ethPrice"]


def write(world: SandboxWorld, folder: Path) -> None:
    """Write all projects with their series."""
    web_api.save(folder, document(world))


def serve(folder: Path) -> ASGIApp:
    """The paths of L2BEAT's API for scaling projects."""
    return web_api.serve(
        folder,
        {
            "/scaling/summary": lambda data, _: JSONResponse({"projects": data["projects"], "chart": {"types": [], "data": []}}),
            "/scaling/activity/{slug}": lambda data, request: _series(data["activity"], _ACTIVITY, request),
            "/scaling/tvs/{slug}": lambda data, request: _series(data["tvs"], _TVS, request),
        },
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


def _series(series: dict[str, Any], types: list[str], request: Request) -> Response:
    span = request.query_params.get("range", "30d")
    if span not in _RANGES or (types == _ACTIVITY and span == "7d"):
        return JSONResponse({"success": False, "error": "Invalid request"}, 400)
    points = series.get(request.path_params["slug"])
    if points is None:
        return JSONResponse({"success": False, "error": "Project not found or no data"})
    since, synced = points[-1][0] - _RANGES[span] * 86_400, points[-1][0]
    shown = [point for point in points if point[0] > since] + [[synced + 86_400, *[None] * (len(types) - 1)]]
    return JSONResponse({"success": True, "data": {"chart": {"types": types, "data": shown, "syncedUntil": synced}}})


FAMILY = Family("l2beat", (Endpoint("l2beat_url", "/l2beat", "L2BEAT's API"),), write, serve, truth)
