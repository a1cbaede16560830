"""DefiLlama as the sandbox has it: the protocols that projects of the directory name, and some that nobody names.

Written from defillama-server, `craftParentProtocol.ts` and `craftProtocolV2.ts` (`tokensInUsd` of a very large protocol is null
unless `restrictResponseSize=false` is sent), `routes/dimensions.ts` (a day without chains is null, a summary that is not there
`{}`; all name the protocol's `id`, which stays when its slug changes; `totalDataChart` is the total of each day beside its
parts, at 00b3a04), and DefiLlama/dimension-adapters 5255 (history is corrected and taken back). A protocol that is not known is a
400. Faults: the newest month comes in part and is filled; days are taken back; a protocol whose answer is made smaller all the
same, or no series; every answer is 200 without anything in it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp

from oso_dagster.sandbox.protocols import web_api
from oso_dagster.sandbox.protocols.family import Endpoint, Family
from oso_dagster.sandbox.world.world import SandboxWorld, stream

CHAINS = ("Optimism", "Base", "Ethereum")
TOKENS = ("ETH", "USDC", "OP")
UNNAMED = 12
"""Protocols that no project of the directory names."""

_PREFIX = "https://defillama.com/protocol/"


def write(world: SandboxWorld, folder: Path) -> None:
    """Write all protocols with their series."""
    web_api.save(folder, document(world))


def serve(folder: Path) -> ASGIApp:
    """The paths of DefiLlama's open API."""
    return web_api.serve(
        folder,
        {
            "/protocols": lambda data, _: JSONResponse(data["protocols"]),
            "/protocol/{slug}": _protocol,
            "/summary/dexs/{slug}": lambda data, request: _summary(data, "volume", request),
            "/summary/fees/{slug}": lambda data, request: _summary(data, "fees", request),
        },
        _DAMAGES,
    )


def slugs(world: SandboxWorld) -> list[str]:
    """What the directory names, and DefiLlama therefore must know."""
    urls = [url for project in world.projects for url in project.links.get("defillama", ())]
    return sorted({url.removeprefix(_PREFIX) for url in urls})


def document(world: SandboxWorld) -> dict[str, Any]:
    """Everything that is served. The last point of each series is of today, which is not over."""
    rng, days = stream(world.seed, "defillama"), web_api.midnights(world)
    named = slugs(world)
    every = named + [f"sbx-stranger-{number}" for number in range(UNNAMED)]
    protocols, tvl, volume, fees = [], {}, {}, {}
    for number, slug in enumerate(every):
        chains = rng.sample(CHAINS, rng.randint(1, len(CHAINS)))
        tvl[slug] = {
            chain: {
                "tokensInUsd": [
                    {"date": int(day.timestamp()), "tokens": {token: _money(rng.lognormvariate(14, 1)) for token in TOKENS[:2]}}
                    for day in days
                ]
            }
            for chain in chains
        }
        if number % 3:  # not every protocol is an exchange
            volume[slug] = [[int(d.timestamp()), {c: {slug: _money(rng.lognormvariate(12, 1))} for c in chains}] for d in days]
        fees[slug] = [[int(d.timestamp()), {c: {slug: _money(rng.lognormvariate(8, 1))} for c in chains}] for d in days]
        protocols.append(
            {
                "id": str(1000 + number), "slug": slug, "name": slug.removeprefix("sbx-").replace("-", " ").title(),
                "category": rng.choice(("Dexes", "Lending", "Bridge", None)), "chain": chains[0], "chains": chains,
                "url": f"https://{slug}.example", "tvl": _money(rng.lognormvariate(14, 1)), "audits": "2",
            }
        )  # fmt: skip
    return {"protocols": protocols, "tvl": tvl, "volume": volume, "fees": fees}


def truth(world: SandboxWorld) -> dict[str, list[dict[str, Any]]]:
    """The rows that a complete load holds, by table: whole days, and only what the directory names."""
    data, named, today = document(world), slugs(world), web_api.midnights(world)[-1]
    whole = int(today.timestamp())
    tvl = [
        {"time": point["date"], "slug": slug, "chain": chain, "token": token, "tvl": value}
        for slug in named
        for chain, series in data["tvl"][slug].items()
        for point in series["tokensInUsd"]
        for token, value in point["tokens"].items()
        if point["date"] < whole
    ]
    keys = {"id", "slug", "name", "category", "chain", "chains", "url", "tvl"}
    protocols = [{k: v for k, v in p.items() if k in keys} | {"parent_protocol": None} for p in data["protocols"]]
    return {
        "defillama.protocols": protocols,
        "defillama.tvl_events": tvl,
        "defillama.trading_volume": _amounts(data["volume"], named, whole),
        "defillama.fees": _amounts(data["fees"], named, whole),
    }


def _amounts(series: dict[str, Any], named: list[str], whole: int) -> list[dict[str, Any]]:
    return [
        {"time": time, "slug": slug, "chain": chain, "amount": sum(versions.values())}
        for slug in named
        for time, chains in series.get(slug, ())
        for chain, versions in chains.items()
        if time < whole
    ]


def _protocol(data: Any, request: Request) -> Response:
    slug = request.path_params["slug"]
    if slug not in data["tvl"]:
        return JSONResponse({"message": "Protocol not found"}, 400)
    chains = data["tvl"][slug]
    if not chains:
        return JSONResponse({})
    if slug in large(data) and request.query_params.get("restrictResponseSize") != "false":
        chains = {chain: {"tokensInUsd": None} for chain in chains}
    whole = {chain: values | {"tvl": _locked(data["tvl"][slug][chain])} for chain, values in chains.items()}
    return JSONResponse({"id": _id(data, slug), "name": slug, "chainTvls": whole})


def _locked(chain: Any) -> list[dict[str, float]]:
    """What is locked on a chain altogether."""
    return [{"date": point["date"], "totalLiquidityUSD": sum(point["tokens"].values())} for point in chain["tokensInUsd"] or ()]


def large(data: Any) -> list[str]:
    """The protocols whose answers are made smaller unless the whole is requested."""
    return sorted(data["tvl"])[:1]


def _id(data: Any, slug: str) -> str | None:
    return next((protocol["id"] for protocol in data["protocols"] if protocol["slug"] == slug), None)


def _summary(data: Any, kind: str, request: Request) -> Response:
    slug, series = request.path_params["slug"], data[kind]
    if slug not in series:
        return JSONResponse({})
    if isinstance(series[slug], str):
        return JSONResponse({"name": slug, "totalDataChartBreakdown": series[slug]})
    first = series[slug][0][0]
    totals = [[at, sum(sum(versions.values()) for versions in chains.values())] for at, chains in series[slug]]
    parts = (
        [] if request.query_params.get("excludeTotalDataChartBreakdown") == "true" else [[first - 86_400, None], *series[slug]]
    )
    return JSONResponse({"id": _id(data, slug), "name": slug, "totalDataChart": totals, "totalDataChartBreakdown": parts})


def _money(value: float) -> float:
    return round(value, 2)


_SUMMARIES = ("volume", "fees")
_MONTH = -31
"""The newest points of a series: today's, which is not over, and a month."""


def _in_part(data: Any) -> Any:
    """Half of the values of the newest month."""
    return _each_series(data, lambda points: points[:_MONTH] + [_halved(point) for point in points[_MONTH:]])


def _with_days_taken_back(data: Any) -> Any:
    """Two days of long ago are gone from every series."""
    return _each_series(data, lambda points: points[:3] + points[5:])


def _each_series(data: Any, change: Callable[[list[Any]], list[Any]]) -> Any:
    tvl = {
        slug: {chain: {"tokensInUsd": change(series["tokensInUsd"])} for chain, series in chains.items()}
        for slug, chains in data["tvl"].items()
    }
    return data | {"tvl": tvl} | {kind: {slug: change(points) for slug, points in data[kind].items()} for kind in _SUMMARIES}


def _halved(point: Any) -> Any:
    if isinstance(point, dict):
        return point | {"tokens": {token: value / 2 for token, value in point["tokens"].items()}}
    return [point[0], {chain: {name: value / 2 for name, value in of.items()} for chain, of in point[1].items()}]


def _with_a_bad_protocol(data: Any) -> Any:
    """One that the directory names: its tokens are null, its summaries text."""
    bad = min(slug for slug in data["volume"] if "stranger" not in slug)
    tvl = data["tvl"] | {bad: {chain: {"tokensInUsd": None} for chain in data["tvl"][bad]}}
    return data | {"tvl": tvl} | {kind: data[kind] | {bad: "not available"} for kind in _SUMMARIES}


def _with_nothing(data: Any) -> Any:
    return {"protocols": [], "tvl": {slug: {} for slug in data["tvl"]}, **{kind: {} for kind in _SUMMARIES}}


_DAMAGES = {
    "refill": _in_part,
    "silent_deletion": _with_days_taken_back,
    "one_bad_item": _with_a_bad_protocol,
    "success_false": _with_nothing,
}

FAMILY = Family(
    "defillama",
    (Endpoint("defillama_url", "/defillama", "DefiLlama's open API"),),
    write,
    serve,
    truth,
    faults=tuple(_DAMAGES),
)
