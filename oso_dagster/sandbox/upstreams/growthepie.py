"""growthepie as the sandbox has it: one file of metrics by chain and day."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from starlette.responses import JSONResponse
from starlette.types import ASGIApp

from oso_dagster.sandbox.protocols import web_api
from oso_dagster.sandbox.protocols.family import Endpoint, Family
from oso_dagster.sandbox.world.world import SandboxWorld, stream

CHAINS = ("optimism", "base", "mode", "zora", "arbitrum", "unichain")
METRICS = ("txcount", "daa", "fees_paid_usd", "tvl", "stables_mcap")


def write(world: SandboxWorld, folder: Path) -> None:
    """Write the whole file."""
    web_api.save(folder, rows(world))


def serve(folder: Path) -> ASGIApp:
    """The one file."""
    return web_api.serve(folder, {"/v1/fundamentals_full.json": lambda data, _: JSONResponse(data)})


def rows(world: SandboxWorld) -> list[dict[str, Any]]:
    """Every value: whole days only."""
    rng = stream(world.seed, "growthepie")
    return [
        {"metric_key": metric, "origin_key": chain, "date": day.date().isoformat(), "value": round(rng.lognormvariate(10, 2), 3)}
        for chain in CHAINS
        for metric in METRICS
        for day in web_api.midnights(world)[:-1]
    ]


def truth(world: SandboxWorld) -> dict[str, list[dict[str, Any]]]:
    """The rows that a complete load holds, by table."""
    return {"growthepie.fundamentals": rows(world)}


FAMILY = Family(
    "growthepie",
    (Endpoint("growthepie_url", "/growthepie/v1/fundamentals_full.json", "growthepie, one file"),),
    write,
    serve,
    truth,
)
