"""Where a campaign takes place: a small world served by this process, a warehouse that holds a healthy load of it, one instance.

What is slow is done once: the world, its servers, the healthy loads. A case copies the warehouse, spoils one endpoint, runs, and
looks. Waits are short by settings and by the connectors' own bounds; nothing else differs from production.
"""

from __future__ import annotations

import shutil
import socket
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest
import requests
import uvicorn

from oso_dagster.connectors import files, gharchive, git, github_api
from oso_dagster.connectors.pacing import Limits
from oso_dagster.domain.partitions import Partitions
from oso_dagster.domain.source import Retries, SettingKind, Source, Table
from oso_dagster.orchestration.ingest import ingest_assets
from oso_dagster.sandbox import disk, postgres, projects
from oso_dagster.sandbox import github_api as github_world
from oso_dagster.sandbox.families import FAMILIES, endpoints
from oso_dagster.sandbox.listener import listen
from oso_dagster.sandbox.server import create_app
from oso_dagster.sandbox.world import World, generate
from oso_dagster.settings import Settings, read_settings
from oso_dagster.sources import catalogue
from tests.campaign.truth import Row, told_of

SECRET = "s3cret-of-the-campaign"
SEED, PROJECTS, PARTS, HOURS = 39, 49, 4, 6
"""A small world with some of everything: all awkward projects, few others, few packages in bills of materials, short days."""
USUAL_SECONDS, HURRIED_SECONDS = 30.0, 0.15
"""How long one try may take: usually, so that a busy machine fails nothing, and where waiting for it is the point."""
SLOW = ("timeout", "drip")
_SHORT = {
    "pause_seconds": "0.001",
    "timeout_seconds": str(USUAL_SECONDS),
    "patience_seconds": "2",
    "requests_per_second": "1000",
}
_VOLATILE = ("checked_at",)
"""Columns that tell when a load asked, which differs each time."""


def window_of(table: Table, now: datetime) -> tuple[Table, str | None]:
    """The table with partitions of the last weeks only, and the key of the first of them."""
    if table.partitions is None:
        return table, None
    begin = now - timedelta(days=20)
    midnight = datetime(begin.year, begin.month, begin.day, tzinfo=UTC)
    recent = Partitions(table.partitions.kind, start=midnight, lag=table.partitions.lag)
    return replace(table, partitions=recent), recent.due(now)[0].key


@dataclass
class Place:
    """The world and its servers, the settings that lead there, the Dagster instance."""

    home: Path
    world: World
    port: int
    database_port: int
    instance: dg.DagsterInstance
    settings: Settings
    known: dict[str, dict[str, list[str]]] = field(default_factory=dict)

    @cached_property
    def told(self) -> Mapping[str, list[Row]]:
        """What the generator tells of the tables."""
        return told_of(self.world)

    @property
    def warehouse(self) -> Path:
        """The DuckDB file."""
        return self.settings.warehouse_path

    @property
    def snapshot(self) -> Path:
        """The healthy warehouse, kept."""
        return self.home / "healthy.duckdb"

    def prepare(self, wanted: Sequence[tuple[Source, Table]]) -> None:
        """Load these tables and what they need, once, healthily; raises AssertionError for one that fails."""
        done: set[str] = set()
        known = {f"{source.name}.{table.name}": (source, table) for source in catalogue() for table in source.tables}

        def load(name: str) -> None:
            if name in done:
                return
            done.add(name)
            source, table = known[name]
            for need in table.needs:
                load(".".join(need.split(".")[:2]).split("__")[0])
            result = self.load(source, table)
            assert result.success, f"{name}: {said(result)}"

        for source, table in wanted:
            load(f"{source.name}.{table.name}")
        shutil.copy(self.warehouse, self.snapshot)

    def restore(self, source: Source, table: Table) -> None:
        """The healthy warehouse, in which this one table is older: a fifth of its rows are missing, its load is another's."""
        shutil.copy(self.snapshot, self.warehouse)
        with duckdb.connect(str(self.warehouse)) as connection:
            connection.execute(f'DELETE FROM "{source.name}"."{table.name}" WHERE rowid % 5 = 0')
            connection.execute(
                "UPDATE platform.loads SET fingerprint = 'older' WHERE source = ? AND table_name = ?", [source.name, table.name]
            )

    def load(self, source: Source, table: Table, *, retries: int = 0) -> dg.ExecuteInProcessResult:
        """Run the asset of a table, as Dagster does."""
        cut, key = window_of(table, self.world.now)
        once = replace(cut, retries=Retries(limit=retries, delay=timedelta(0)))
        (asset,) = ingest_assets(self.settings, [replace(source, tables=(once,))])
        return dg.materialize([asset], instance=self.instance, partition_key=key, raise_on_error=False)

    def rows(self, source: Source, table: Table, warehouse: Path | None = None) -> dict[str, list[str]]:
        """All rows of a table and its children, as text, without what differs each time."""
        with duckdb.connect(str(warehouse or self.warehouse), read_only=True) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            return {name: _rows(connection, source.name, name, columns) for name, columns in table.physical.items()}

    def truth_of(self, source: Source, table: Table) -> dict[str, list[str]]:
        """The rows of the healthy load."""
        name = f"{source.name}.{table.name}"
        if name not in self.known:
            self.known[name] = self.rows(source, table, self.snapshot)
        return self.known[name]

    def spoil(self, family: str, kind: str, **more: Any) -> None:
        """Set a fault at a family of endpoints."""
        seconds = {"rate_limit": 3600.0, "drip": 0.05}.get(kind, HURRIED_SECONDS * 3)
        self._faults("POST", json={"family": family, "kind": kind, "seconds": seconds} | more)

    @contextmanager
    def hurried(self, source: Source) -> Iterator[None]:
        """Short tries inside the block, where a fault is slowness."""
        usual, name = self.settings, f"{source.name}_timeout_seconds"
        known = name in type(usual).model_fields
        with pytest.MonkeyPatch.context() as patch:
            _bound(patch, HURRIED_SECONDS)
            self.settings = usual.model_copy(update={name: HURRIED_SECONDS} if known else {})
            try:
                yield
            finally:
                self.settings = usual

    def mend(self) -> None:
        """Clear all faults."""
        self._faults("DELETE")

    def _faults(self, method: str, **asked: Any) -> None:
        answer = requests.request(method, f"http://127.0.0.1:{self.port}/faults", timeout=10, **asked)
        assert answer.ok, answer.text


def _rows(connection: duckdb.DuckDBPyConnection, schema: str, name: str, columns: Sequence[Any]) -> list[str]:
    names = ", ".join(f'"{column.name}"' for column in columns if column.name not in _VOLATILE)
    return sorted(map(repr, connection.execute(f'SELECT {names} FROM "{schema}"."{name}"').fetchall()))


def said(result: dg.ExecuteInProcessResult) -> str:
    """What the failed step of a run said."""
    errors = [event.step_failure_data.error for event in result.all_events if event.is_step_failure]
    return " ".join(str(error.cause or error) for error in errors if error is not None)


@contextmanager
def place(home: Path, sources: Sequence[Source]) -> Iterator[Place]:
    """A place for a campaign over these sources; nothing of it is left afterwards."""
    with pytest.MonkeyPatch.context() as patch:
        _shorten(patch)
        _configure(patch, home, sources)
        folder = home / "sandbox-world" / "world"
        folder.parent.mkdir(parents=True)
        manifest = disk.make(folder, generate(SEED, datetime.now(UTC)))
        databases = any(point.setting.split("_url")[0] in {source.name for source in sources} for point in _databases())
        with _database(folder, home, needed=databases) as database_port, _http(folder, database_port) as port:
            disk.write_json(home / "sandbox-world" / "endpoints.json", endpoints(port, database_port))
            with dg.DagsterInstance.ephemeral(str(home)) as instance:
                yield Place(home, manifest.world(), port, database_port, instance, read_settings(catalogue()))


def _databases() -> list[Any]:
    return [point for family in FAMILIES for point in family.endpoints if not point.path.startswith("/")]


def _shorten(patch: pytest.MonkeyPatch) -> None:
    """Bounds that are no settings."""
    patch.setattr(projects, "PROJECTS", PROJECTS)
    patch.setattr(github_world, "PARTS", PARTS)
    patch.setattr(gharchive, "HOURS", HOURS)
    _bound(patch, USUAL_SECONDS)


def _bound(patch: pytest.MonkeyPatch, seconds: float) -> None:
    patch.setattr(gharchive, "PATIENCE", gharchive.Patience(attempts=2, pause=0.001, silence=seconds, deadline=seconds))
    for connector in (github_api, files):
        patch.setattr(connector, "LIMITS", Limits(attempts=3, pause=0.001, timeout=seconds, patience=1))
    patch.setattr(git, "TIMEOUT_SECONDS", 2 * seconds)


def _configure(patch: pytest.MonkeyPatch, home: Path, sources: Sequence[Source]) -> None:
    patch.setenv("OSO_HOME", str(home))
    patch.setenv("OSO_WORLD", "sandbox")
    for source in sources:
        for setting in source.settings:
            name = f"OSO_{source.name}_{setting.name}".upper()
            if setting.kind is SettingKind.SECRET and not setting.endpoint:
                patch.setenv(name, SECRET)
            elif setting.name in _SHORT:
                patch.setenv(name, _SHORT[setting.name])


@contextmanager
def _database(folder: Path, home: Path, *, needed: bool) -> Iterator[int]:
    with listen(0, home) as reserved:
        port = int(reserved.getsockname()[1]) if needed else 0
    with postgres.serving(port, folder) if needed else nullcontext():
        yield port


@contextmanager
def _http(folder: Path, database_port: int) -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        options: dict[str, Any] = {"loop": "asyncio", "http": "h11", "lifespan": "off", "date_header": False}
        config = uvicorn.Config(create_app(folder, database_port), log_level="critical", timeout_graceful_shutdown=1, **options)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            while not server.started:
                time.sleep(0.01)
            yield int(listener.getsockname()[1])
        finally:
            server.should_exit = True
            thread.join()
