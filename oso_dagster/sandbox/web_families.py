"""The families that speak JSON over HTTP: a row each, and the truth of all of them.

A new one is its own module with `write`, `serve` and `truth`, and a row here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.types import ASGIApp

from oso_dagster.sandbox import defillama, deps_dev, eas_optimism, giveth, growthepie, l2beat, npm, open_collective
from oso_dagster.sandbox.world import World

Rows = dict[str, list[dict[str, Any]]]


@dataclass(frozen=True)
class WebFamily:
    """A family by name, the setting and path that lead to it, and its three functions."""

    name: str
    setting: str
    path: str
    description: str
    write: Callable[[World, Path], None]
    serve: Callable[[Path], ASGIApp]
    truth: Callable[[World], Rows]


WEB_FAMILIES = (
    WebFamily(
        "defillama", "defillama_url", "", "DefiLlama's open API", defillama.write, defillama.serve, defillama.truth
    ),
    WebFamily(
        "growthepie", "growthepie_url", "/v1/fundamentals_full.json", "growthepie, one file",
        growthepie.write, growthepie.serve, growthepie.truth,
    ),
    WebFamily("npm", "npm_url", "", "npm's download counts", npm.write, npm.serve, npm.truth),
    WebFamily(
        "open-collective", "open_collective_url", "/graphql", "Open Collective's GraphQL API",
        open_collective.write, open_collective.serve, open_collective.truth,
    ),
    WebFamily(
        "eas-optimism", "eas_optimism_url", "/graphql", "EAS on Optimism, its GraphQL indexer",
        eas_optimism.write, eas_optimism.serve, eas_optimism.truth,
    ),
    WebFamily("l2beat", "l2beat_url", "", "L2BEAT's API", l2beat.write, l2beat.serve, l2beat.truth),
    WebFamily(
        "giveth", "giveth_url", "/graphql", "Giveth's GraphQL API", giveth.write, giveth.serve, giveth.truth
    ),
    WebFamily("deps-dev", "deps_dev_url", "", "deps.dev's API", deps_dev.write, deps_dev.serve, deps_dev.truth),
)  # fmt: skip


def truth(world: World) -> Rows:
    """The rows that a complete load of these families holds, by `<source>.<table>`, with times as the endpoints write them."""
    return {name: rows for family in WEB_FAMILIES for name, rows in family.truth(world).items()}
