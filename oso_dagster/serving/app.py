"""The application: which address is answered by whom. Made from what is handed in; opens nothing by itself."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from pathlib import Path
from time import monotonic

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from oso_dagster.serving.endpoints.async_sql import AsyncSql
from oso_dagster.serving.endpoints.door import Door
from oso_dagster.serving.endpoints.jobs import Jobs
from oso_dagster.serving.endpoints.openapi import openapi
from oso_dagster.serving.endpoints.sql import Sql
from oso_dagster.serving.graphql.endpoint import GraphQL
from oso_dagster.serving.lineage.filter import Lineage
from oso_dagster.serving.requests import CountedRequests, RequestCounts, openmetrics
from oso_dagster.serving.website.querying import QueryPage
from oso_dagster.serving.website.site import Site

_SWEEP_SECONDS = 5.0
_COUNTERS = "/openmetrics"
_ROBOTS = "User-agent: *\nDisallow: /query?\nDisallow: /lineage\nDisallow: /async-sql\n"
log = logging.getLogger("oso_dagster.serving")


def application(
    door: Door,
    files: Path,
    *,
    address: str = "",
    made_at: Callable[[], datetime | None] = lambda: None,
    upkeep: Callable[[], object] | None = None,
    webserver: str = "",
) -> Starlette:
    """The service. `files` is a folder for answers that wait to be fetched; `address` where clients reach it.

    `made_at` says when the data that is read was copied; `webserver` is the address of Dagster's, which is shown below /lineage.

    `upkeep` is called in a thread every few seconds: it renews what is read and keeps what was counted.
    """
    jobs, counts = Jobs(door, files, monotonic), RequestCounts()
    later = AsyncSql(door, jobs, address)

    async def health(_: Request) -> Response:
        return JSONResponse({"status": "up", "world": door.world, "questions": door.outcomes.total})

    async def counters(_: Request) -> Response:
        content, kind = openmetrics(counts, door.outcomes.total)
        return Response(content, media_type=kind)

    async def robots(request: Request) -> Response:
        base = address.rstrip("/") or str(request.base_url).rstrip("/")
        return PlainTextResponse(_ROBOTS + f"Sitemap: {base}/sitemap.xml\n")

    async def work() -> None:
        while True:
            await asyncio.sleep(_SWEEP_SECONDS)
            jobs.sweep()
            if upkeep is not None:
                try:
                    await asyncio.to_thread(upkeep)
                except Exception:
                    log.exception("upkeep failed; it is tried again in %g s", _SWEEP_SECONDS)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        working = asyncio.create_task(work())
        try:
            yield
        finally:
            working.cancel()
            with suppress(asyncio.CancelledError):
                await working
            await jobs.close()

    routes = [
        Route("/sql", Sql(door), methods=["POST"]),
        Route("/async-sql", later.ask, methods=["POST"]),
        Route("/async-sql", later.follow, methods=["GET"]),
        Route("/async-sql", later.cancel, methods=["DELETE"]),
        Route("/async-sql/{token}", later.fetch, methods=["GET"]),
        Route("/graphql", GraphQL(door).answer, methods=["POST"]),
        Route("/health", health, methods=["GET"]),
        Route(_COUNTERS, counters, methods=["GET"]),
        Route("/openapi.json", openapi, methods=["GET"]),
        Route("/robots.txt", robots, methods=["GET"]),
        Route("/query", QueryPage(door).answer, methods=["GET"]),
        *(Lineage(webserver).routes() if webserver else []),
        *Site(door, made_at, address).routes(),
    ]
    middleware = [
        Middleware(CountedRequests, counts, (_COUNTERS,)),
        Middleware(
            CORSMiddleware,
            allow_origins=["*"],
            allow_methods=["*"],
            allow_headers=["Authorization", "Content-Type"],
            expose_headers=["X-OSO-Provenance", "X-OSO-World"],
        ),
        Middleware(GZipMiddleware, minimum_size=1_000, compresslevel=1),
    ]
    return Starlette(routes=routes, middleware=middleware, lifespan=lifespan)
