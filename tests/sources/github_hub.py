"""GitHub's API of the sandbox on loopback, and a warehouse beside it in which tables of the source `github` land."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from starlette.responses import JSONResponse

from oso_dagster.domain.catalogue.loading import Extract, ExtractRequest, Loaded, Unchanged
from oso_dagster.sandbox.protocols.source_faults import with_fault
from oso_dagster.sandbox.upstreams import github_api
from oso_dagster.sandbox.world import forge
from oso_dagster.sandbox.world.world import generate
from oso_dagster.sources.github import SOURCE
from oso_dagster.warehouse.embedded.warehouse import DuckDBWarehouse
from tests.support.asgi import serving
from tests.support.clock import clock

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)  # a Wednesday
WORLD = generate(7, NOW)
FORGE = forge.forge_of(WORLD)
LIVING = [repository for repository in FORGE.repositories if not repository.deleted]
TABLES = {table.name: table for table in SOURCE.tables}
TOKEN = "ghp_verysecrettokenofatest"


@dataclass
class GithubHub:
    """The API, the warehouse, and the requests that came: path with query, token, status.

    `instead` are answers, status and message, for paths that hold a text; `faults` one fault at most, which the family has.
    """

    url: str
    folder: Path
    home: Path
    asked: list[tuple[str, str, int]] = field(default_factory=list)
    instead: dict[str, tuple[int, str]] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    @property
    def warehouse(self) -> DuckDBWarehouse:
        return DuckDBWarehouse(self.home / "w.duckdb", world="sandbox", cache=self.home, lock_timeout_seconds=20, clock=clock)

    def load(self, name: str, repositories: Sequence[str], now: datetime = NOW) -> Loaded:
        """Load a table for these repositories, as a run at `now` does."""
        table = TABLES[name]
        settings = {"api_url": self.url, "token": TOKEN, "requests_per_second": "10000"}
        inputs = dict.fromkeys((*table.needs, *table.needs_if_loaded), ()) | {table.needs[0]: tuple(repositories)}
        request = ExtractRequest(
            "github", name, now, self.home, settings, previous=self.warehouse.last_load("github", name), inputs=inputs,
            set_aside_share=table.set_aside_share,
        )  # fmt: skip
        extract = table.extract(request)
        assert isinstance(extract, Extract), isinstance(extract, Unchanged)
        return self.warehouse.load(SOURCE, table, replace(extract, notes=request.notes), fingerprint="f")

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with self.warehouse.read() as connection:
            return connection.execute(query).fetchall()


@contextmanager
def github_hub(home: Path) -> Iterator[GithubHub]:
    """The API of the world, served for the block."""
    folder = home / "served"
    folder.mkdir()
    forge.write(WORLD, folder)
    app, asked = github_api.serve(folder), list[tuple[str, str, int]]()
    instead: dict[str, tuple[int, str]] = {}
    faults: list[str] = []

    async def noting(scope: Any, receive: Any, send: Any) -> None:
        async def sent(message: Any) -> None:
            if message["type"] == "http.response.start":
                token = dict(scope["headers"]).get(b"authorization", b"").decode()
                asked.append((f"{scope['path']}?{scope.get('query_string', b'').decode()}", token, message["status"]))
            await send(message)

        other = next((answer for part, answer in instead.items() if part in scope["path"]), None)
        served = app if other is None else JSONResponse({"message": other[1]}, other[0])
        await served(with_fault(scope, faults[0]) if faults else scope, receive, sent)

    with serving(noting) as url:
        yield GithubHub(url, folder, home, asked, instead, faults)
