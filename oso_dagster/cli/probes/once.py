"""One look of the demo at what it made: its public door with a canary query, and its status page, recorded as it was.

Each is served on a free port of loopback for the look alone. A check is a slice of its own that ends when it was made, and a
single failure is bad: nothing is said of the time before or after. The slices are not missed when they become old.
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from threading import Thread
from typing import TYPE_CHECKING

from oso_dagster.cli.session.page_server import server
from oso_dagster.domain.objectives.budget import Count
from oso_dagster.domain.objectives.over_time.silence import LOOKED_ONCE
from oso_dagster.domain.objectives.sample import Sample
from oso_dagster.domain.probes.declaration import HttpProbe
from oso_dagster.settings import Settings
from oso_dagster.sources import catalogue

if TYPE_CHECKING:
    from starlette.types import ASGIApp

DOOR, PAGE = f"{LOOKED_ONCE}door", f"{LOOKED_ONCE}status_page"
_APPLICATIONS, _REQUESTS = ("public_applications.availability", "public_applications.requests")
_SQL = "consumer_trino.availability"
_CANARY = json.dumps({"query": "SELECT count(*) AS projects FROM marts.projects_v1"})
_START_SECONDS = 10


def look_at_door(settings: Settings) -> None:
    """Serve the door, probe it and ask it the canary: samples of the applications and of the SQL endpoint."""
    from oso_dagster.orchestration.public_door.service import service_of  # noqa: PLC0415  (dagster loads when used)
    from oso_dagster.serving.app import application  # noqa: PLC0415
    from oso_dagster.serving.requests import CountedRequests  # noqa: PLC0415

    service = service_of(settings, settings.in_world(catalogue()), slice_=DOOR)
    try:
        app = CountedRequests(application(service.door, service.files, made_at=lambda: service.snapshots.made_at))
        asyncio.run(_look_at_door(settings, app))
        name, _, objective = _REQUESTS.partition(".")
        good, valid = app.counts.good, app.counts.valid
        failed = f"{valid - good:,} of {valid:,} failed" if good < valid else ""
        _record(settings, [Sample(name, objective, Count(datetime.now(UTC), good, valid), DOOR, failed)])
    finally:
        service.close()  # records how the canary ended


def look_at_page(settings: Settings) -> None:
    """Serve the status page and probe it: availability of the applications."""
    with server(settings.status_dir, 0) as listening:
        Thread(target=listening.serve_forever, daemon=True).start()
        try:
            url = f"http://127.0.0.1:{listening.server_port}/"
            asyncio.run(_look(settings, [_probe(PAGE, _APPLICATIONS, url, "Sandbox world")]))
        finally:
            listening.shutdown()


async def _look_at_door(settings: Settings, app: ASGIApp) -> None:
    async with _serving(app) as base:
        await _look(
            settings,
            [
                _probe(DOOR, _APPLICATIONS, f"{base}/health", '"up"'),
                _probe(f"{DOOR}_sql", _SQL, f"{base}/sql", "projects", post=_CANARY),
            ],
        )


def _probe(name: str, objective: str, url: str, body: str, *, post: str = "") -> HttpProbe:
    slice_ = DOOR if name.startswith(DOOR) else name
    return HttpProbe(name=name, objective=objective, slice=slice_, url=url, body=body, failures=1, post=post)


async def _look(settings: Settings, probes: Sequence[HttpProbe]) -> None:
    """One check of each probe, judged as the standing process judges a slice, and recorded."""
    from oso_dagster.domain.probes.slices import judge  # noqa: PLC0415
    from oso_dagster.probes.catalogue import checker  # noqa: PLC0415  (aiohttp loads when used)

    samples = []
    for probe in probes:
        check = await checker(probe).check(datetime.now(UTC))
        judged = judge(probe, datetime.now(UTC), [check])
        samples += [judged.sample] if judged.sample is not None else []
    _record(settings, samples)


def _record(settings: Settings, samples: Sequence[Sample]) -> None:
    from oso_dagster.reliability.store import Store  # noqa: PLC0415  (SQLAlchemy loads when used)

    with Store.open(settings.reliability_store_url, settings.world.value) as store:
        store.samples.record(samples)


@asynccontextmanager
async def _serving(app: ASGIApp) -> AsyncIterator[str]:
    """Serve `app` on a free port of loopback for the block; its address. Raises TimeoutError when it does not start."""
    import uvicorn  # noqa: PLC0415  (loads when used)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        served = uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1, server_header=False))
        task = asyncio.create_task(served.serve(sockets=[listening]))
        try:
            async with asyncio.timeout(_START_SECONDS):
                while not served.started and not task.done():  # noqa: ASYNC110  (uvicorn has no event for it)
                    await asyncio.sleep(0.01)
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            served.should_exit = True
            await task
