"""growthepie as the sandbox has it: a file a metric with its values by chain and day, and `master.json`, which lists the metrics.

Written from growthepie/gtp-backend at c0ec9f0, `json_creation.py` (`metrics` of master.json with `fundamental` and `metric_keys`;
`export/<metric>.json`: flat rows, from 2020, whole days only). The file of before 2025-10-30, `fundamentals_full.json`, is gone
(403 with XML, as recorded) or frozen: `FROZEN` serves it as it was. Faults: everything frozen so; values that are filled and rows
that are taken back later, since each file is written whole (the same); one file that is not there; `former`: the one file whole.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp

from oso_dagster.sandbox.protocols import web_api
from oso_dagster.sandbox.protocols.family import Endpoint, Family
from oso_dagster.sandbox.protocols.source_faults import FROZEN as FROZEN_FAULT
from oso_dagster.sandbox.protocols.source_faults import fault_of
from oso_dagster.sandbox.world.world import SandboxWorld, stream

CHAINS = ("optimism", "base", "mode", "zora", "arbitrum", "unichain")
METRICS = ("txcount", "daa", "fees_paid_usd", "tvl", "stables_mcap")
FILES = {"txcount": ["txcount"], "daa": ["daa"], "fees": ["fees_paid_usd"], "tvl": ["tvl"], "stables_mcap": ["stables_mcap"]}
"""The keys of each metric, which has a file."""
FROZEN = "frozen.json"
"""Where the family serves the file of before, as it was when it was written last."""
_DENIED = '<?xml version="1.0" encoding="UTF-8"?><Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>'


def write(world: SandboxWorld, folder: Path) -> None:
    """Write the whole file."""
    web_api.save(folder, rows(world))


def serve(folder: Path) -> ASGIApp:
    """The list of metrics, the file of each, and the two ends that the one file came to."""
    return web_api.serve(
        folder,
        {
            "/v1/master.json": lambda _, __: JSONResponse({"current_version": "v1", "metrics": _metrics()}),
            "/v1/export/{metric}.json": _export,
            "/v1/fundamentals_full.json": _full,
            f"/v1/{FROZEN}": lambda data, _: JSONResponse(_frozen(data)),
        },
        _DAMAGES,
    )


def _metrics() -> dict[str, Any]:
    listed = {name: {"name": name.title(), "fundamental": True, "metric_keys": keys} for name, keys in FILES.items()}
    return listed | {"market_cap": {"name": "Market cap", "fundamental": False, "metric_keys": ["market_cap_usd"]}}


def _export(data: Any, request: Request) -> Response:
    keys = FILES.get(request.path_params["metric"])
    rows = [row for row in data if row["metric_key"] in (keys or ())]
    return JSONResponse(rows) if rows else _denied()


def _full(data: Any, request: Request) -> Response:
    return JSONResponse(data) if fault_of(request.scope) == "former" else _denied()


def _frozen(data: Any) -> list[Any]:
    return [row for row in data if row["date"] < _middle(data)]


def _middle(data: Any) -> str:
    days = sorted({row["date"] for row in data})
    return str(days[len(days) // 2])


def _denied() -> Response:
    return Response(_DENIED, 403, media_type="application/xml")


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


def _in_part(data: Any) -> Any:
    """Half of the values of the newer half of the days."""
    middle = _middle(data)
    return [row | {"value": row["value"] / 2} if row["date"] >= middle else row for row in data]


def _with_rows_taken_back(data: Any) -> Any:
    """The older half of the days of one chain is gone."""
    middle = _middle(data)
    return [row for row in data if row["origin_key"] != CHAINS[-1] or row["date"] >= middle]


def _without_a_file(data: Any) -> Any:
    return [row for row in data if row["metric_key"] != METRICS[0]]


_DAMAGES = {
    FROZEN_FAULT: _frozen,
    "refill": _in_part,
    "silent_deletion": _with_rows_taken_back,
    "one_bad_item": _without_a_file,
}

FAMILY = Family(
    "growthepie",
    (Endpoint("growthepie_url", "/growthepie/v1", "growthepie's files"),),
    write,
    serve,
    truth,
    faults=("former", *_DAMAGES),
)
