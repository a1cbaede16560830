"""The sandbox's REST API of GitHub on loopback, and a warehouse beside it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from oso_dagster.connectors.github import rest_api
from oso_dagster.domain.catalogue.loading import Extract, ExtractRequest, Loaded, Unchanged
from oso_dagster.sandbox.upstreams import github_api
from oso_dagster.sandbox.world import forge
from oso_dagster.sandbox.world.world import generate
from oso_dagster.sources.github import SOURCE
from oso_dagster.warehouse.embedded.warehouse import DuckDBWarehouse
from tests.support.asgi import serving
from tests.support.clock import clock

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)  # a Wednesday


WORLD = generate(7, NOW)


TRUTH = forge.forge_of(WORLD)


TABLES = {table.name: table for table in SOURCE.tables}


TOKEN = "ghp_verysecrettokenofatest"


def every_url() -> tuple[str, ...]:
    return tuple(url for project in WORLD.projects for url in project.links.get("github", ()))


ALIVE = [
    r
    for r in TRUTH.repositories
    if not r.deleted and r.former_name is None and r.full_name in rest_api.addresses(every_url()).repositories
]


ONE, TWO = ALIVE[0].full_name, ALIVE[-1].full_name.upper()


FEW = tuple(f"https://github.com/{name}" for name in [ONE, "sbx-harbour", TWO, "sbx-nobody", "sbx-nobody/nothing"])

POLICIES = [
    "Although you appear to have the correct authorization credentials, the `sbx` organization has an IP allow list enabled",
    "Resource protected by organization SAML enforcement. You must grant your Personal Access token access to this organization.",
    "`sbx` forbids access via a personal access token (classic). Please use a GitHub App, OAuth App, or a personal access token",
    "The 'sbx' organization forbids access via a fine-grained personal access tokens if the token's lifetime is over 366 days",
]


@dataclass
class Hub:
    """The sandbox's API on loopback, a warehouse beside it, and the requests that came."""

    url: str
    folder: Path
    home: Path
    asked: list[tuple[str, str, int]]

    @property
    def warehouse(self) -> DuckDBWarehouse:
        return DuckDBWarehouse(self.home / "w.duckdb", world="sandbox", cache=self.home, lock_timeout_seconds=20, clock=clock)

    def load(self, table: str, urls: tuple[str, ...], now: datetime = NOW) -> Loaded | Unchanged:
        settings = {"api_url": self.url, "token": TOKEN, "requests_per_second": "10000"}
        previous = self.warehouse.last_load("github", table)
        inputs = {need: list(urls) for need in TABLES[table].needs}
        share = TABLES[table].set_aside_share
        request = ExtractRequest(
            "github", table, now, self.home, settings, previous=previous, inputs=inputs, set_aside_share=share
        )
        extract = TABLES[table].extract(request)
        if isinstance(extract, Extract):
            extract = replace(extract, notes=request.notes)
            return self.warehouse.load(SOURCE, TABLES[table], extract, fingerprint="f")
        return extract

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.home / "w.duckdb"), read_only=True) as connection:
            return connection.execute(query).fetchall()


@contextmanager
def open_hub(home: Path) -> Iterator[Hub]:
    """The API of the test's world, served from `home`, with the warehouse there."""
    folder = home / "served"
    folder.mkdir()
    forge.write(WORLD, folder)
    app, asked = github_api.serve(folder), []

    async def noting(scope: Any, receive: Any, send: Any) -> None:
        async def sent(message: Any) -> None:
            if message["type"] == "http.response.start":
                asked.append((scope["path"], dict(scope["headers"]).get(b"authorization", b"").decode(), message["status"]))
            await send(message)

        await app(scope, receive, sent)

    with serving(noting) as url:
        yield Hub(url, folder, home, asked)
