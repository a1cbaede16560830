"""Where a campaign takes place: a small world served by this process, a warehouse that holds a healthy load of it, one instance.

What is slow is done once: the world, its servers, the healthy loads, the old rows of a table. A case copies the warehouse, spoils
one endpoint, runs, and looks. Waits are short by settings and by the connectors' bounds; nothing else differs from production.
"""

from __future__ import annotations

import filecmp
import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
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

from oso_dagster.connectors import git
from oso_dagster.connectors.github import archive_files, rest_api
from oso_dagster.connectors.http import files
from oso_dagster.connectors.http.pacing import Limits
from oso_dagster.domain.catalogue.source import Retries, SettingKind, Source, Table
from oso_dagster.orchestration.ingest.table_assets import ingest_assets
from oso_dagster.sandbox import disk
from oso_dagster.sandbox.families import endpoints, points
from oso_dagster.sandbox.json_files import write_json
from oso_dagster.sandbox.listener import listen
from oso_dagster.sandbox.protocols import postgres
from oso_dagster.sandbox.server import create_app
from oso_dagster.sandbox.upstreams import github_api as github_world
from oso_dagster.sandbox.world import projects
from oso_dagster.sandbox.world.world import SandboxWorld, generate
from oso_dagster.settings import Settings, read_settings
from oso_dagster.sources import catalogue
from tests.campaign.instance import Remembering, remembering
from tests.campaign.truth import Row, true_rows_of
from tests.support.asgi import serving

SECRET = "s3cret-of-the-campaign"
SEED, PROJECTS, PARTS, HOURS = 39, 49, 4, 6
"""A small world with some of everything: all awkward projects, few others, few packages in bills of materials, short days."""
USUAL_SECONDS, HURRIED_SECONDS = 30.0, 0.05
"""How long one try may take: usually, so that a busy machine fails nothing, and where waiting for it is the point."""
SLOW = ("timeout", "drip")
_SHORT = {
    "pause_seconds": "0.001",
    "timeout_seconds": str(USUAL_SECONDS),
    "patience_seconds": "2",
    "requests_per_second": "1000",
}
Rows = dict[str, list[str]]
"""All rows of a table and its children, as text, by the name of the landed table."""
_VOLATILE = ("checked_at", "listed_until")
"""Columns that tell when a load asked, which differs each time."""


def window_of(table: Table, now: datetime) -> tuple[Table, str | None]:
    """The table with partitions of the last weeks only, and the key of the first of them."""
    if table.partitions is None:
        return table, None
    begin = now - timedelta(days=20)
    midnight = datetime(begin.year, begin.month, begin.day, tzinfo=UTC)
    recent = replace(table.partitions, start=midnight)
    return replace(table, partitions=recent), recent.available(now)[0].key


@dataclass
class Place:
    """The world and its servers, the settings that lead there, the Dagster instance."""

    home: Path
    world: SandboxWorld
    port: int
    database_port: int
    instance: Remembering
    settings: Settings
    healthy: set[str] = field(default_factory=set)
    known: dict[str, Rows] = field(default_factory=dict)
    aged: tuple[str, Rows] = ("", {})

    @cached_property
    def true_rows(self) -> Mapping[str, list[Row]]:
        """What the generator tells of the tables."""
        return true_rows_of(self.world)

    @property
    def warehouse(self) -> Path:
        """The DuckDB file."""
        return self.settings.warehouse_path

    @property
    def snapshot(self) -> Path:
        """The healthy warehouse, kept."""
        return self.home / "healthy.duckdb"

    def prepare(self, source: Source, table: Table) -> None:
        """Load a table and what it needs, once, healthily; raises AssertionError for one that fails."""
        name = f"{source.name}.{table.name}"
        if name in self.healthy:
            return
        if self.snapshot.exists():
            shutil.copy(self.snapshot, self.warehouse)
        known = {f"{every.name}.{each.name}": (every, each) for every in catalogue() for each in every.tables}
        self._load_healthily(name, known)
        shutil.copy(self.warehouse, self.snapshot)

    def _load_healthily(self, name: str, known: Mapping[str, tuple[Source, Table]]) -> None:
        if name in self.healthy:
            return
        source, table = known[name]
        for need in table.needs:
            self._load_healthily(".".join(need.split(".")[:2]).split("__")[0], known)
        result = self.load(source, table)
        assert result.success, f"{name}: {error_text(result)}"
        self.healthy.add(name)

    def restore(self, source: Source, table: Table) -> Rows:
        """The healthy warehouse, in which this one table is older: a fifth of its rows are missing, its load is another's."""
        name = f"{source.name}.{table.name}"
        self.prepare(source, table)
        if self.aged[0] != name:
            shutil.copy(self.snapshot, self.older)
            with duckdb.connect(str(self.older)) as connection:
                connection.execute(f'DELETE FROM "{source.name}"."{table.name}" WHERE rowid % 5 = 0')
                connection.execute(
                    "UPDATE platform.loads SET fingerprint = 'older' WHERE source = ? AND table_name = ?",
                    [source.name, table.name],
                )
            self.aged = name, self.rows(source, table, self.older)
        if not self.untouched:
            shutil.copy(self.older, self.warehouse)
        return self.aged[1]

    @property
    def older(self) -> Path:
        """The healthy warehouse in which one table is older."""
        return self.home / "older.duckdb"

    @property
    def untouched(self) -> bool:
        """Whether not a byte of the warehouse differs from what was restored."""
        return not self.warehouse.with_suffix(".duckdb.wal").exists() and filecmp.cmp(self.older, self.warehouse, shallow=False)

    def left(self, source: Source, table: Table) -> Rows:
        """The rows of a table after a run."""
        return self.aged[1] if self.untouched else self.rows(source, table)

    def load(self, source: Source, table: Table, *, retries: int = 0) -> dg.ExecuteInProcessResult:
        """Run the asset of a table, as Dagster does."""
        cut, key = window_of(table, self.world.now)
        once = replace(cut, retries=Retries(limit=retries, delay=timedelta(0)))
        (asset,) = ingest_assets(self.settings, [replace(source, tables=(once,))])
        return dg.materialize([asset], instance=self.instance, partition_key=key, raise_on_error=False)

    def rows(self, source: Source, table: Table, warehouse: Path | None = None, without: Collection[str] = _VOLATILE) -> Rows:
        """All rows of a table and its children, as text, without some columns: by default those that differ each time."""
        with duckdb.connect(str(warehouse or self.warehouse), read_only=True) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            kept = {
                name: [column.name for column in columns if column.name not in without]
                for name, columns in table.physical.items()
            }
            return {name: _rows(connection, source.name, name, columns) for name, columns in kept.items()}

    def keys(self, source: Source, table: Table, name: str) -> tuple[set[tuple[Any, ...]], set[tuple[Any, ...]]]:
        """The keys of a landed table as they are now, and in the healthy warehouse."""
        columns = ", ".join(f'"{column}"' for column in table.keys[name])
        sides: list[set[tuple[Any, ...]]] = []
        for warehouse in (self.warehouse, self.snapshot):
            with duckdb.connect(str(warehouse), read_only=True) as connection:
                connection.execute("SET TimeZone = 'UTC'")
                sides.append(set(connection.execute(f'SELECT {columns} FROM "{source.name}"."{name}"').fetchall()))
        return sides[0], sides[1]

    def truth_of(self, source: Source, table: Table) -> Rows:
        """The rows of the healthy load."""
        name = f"{source.name}.{table.name}"
        self.prepare(source, table)
        if name not in self.known:
            self.known[name] = self.rows(source, table, self.snapshot)
        return self.known[name]

    def spoil(self, family: str, kind: str, **more: Any) -> None:
        """Set a fault at a family of endpoints."""
        after = 2 if kind == "bare_429" else 0
        seconds = {"rate_limit": 3600.0, "drip": HURRIED_SECONDS / 3}.get(kind, HURRIED_SECONDS * 3)
        self._faults("POST", json={"family": family, "kind": kind, "seconds": seconds, "after": after} | more)

    @contextmanager
    def hurried(self, source: Source, *, tries: bool) -> Iterator[None]:
        """Little patience inside the block, where a fault lasts; `tries`: with each try as well, where it is slowness."""
        usual, names = self.settings, ("patience_seconds", "timeout_seconds") if tries else ("patience_seconds",)
        known = {f"{source.name}_{name}" for name in names} & type(usual).model_fields.keys()
        with pytest.MonkeyPatch.context() as patch:
            if tries:
                _bound(patch, HURRIED_SECONDS)
            self.settings = usual.model_copy(update=dict.fromkeys(known, HURRIED_SECONDS))
            try:
                yield
            finally:
                self.settings = usual

    def clear_fault(self) -> None:
        """Clear all faults."""
        self._faults("DELETE")

    def _faults(self, method: str, **parameters: Any) -> None:
        answer = requests.request(method, f"http://127.0.0.1:{self.port}/faults", timeout=10, **parameters)
        assert answer.ok, answer.text


def _rows(connection: duckdb.DuckDBPyConnection, schema: str, name: str, columns: Sequence[str]) -> list[str]:
    names = ", ".join(f'"{column}"' for column in columns)
    return sorted(map(repr, connection.execute(f'SELECT {names} FROM "{schema}"."{name}"').fetchall()))


def error_text(result: dg.ExecuteInProcessResult) -> str:
    """The errors of the failed steps of a run."""
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
            write_json(home / "sandbox-world" / "endpoints.json", endpoints(port, database_port))
            with remembering(home) as instance:
                yield Place(home, manifest.world(), port, database_port, instance, read_settings(catalogue()))


def _databases() -> list[Any]:
    return [point for point in points() if not point.path.startswith("/")]


def _shorten(patch: pytest.MonkeyPatch) -> None:
    """Bounds that are no settings."""
    patch.setattr(projects, "PROJECTS", PROJECTS)
    patch.setattr(github_world, "PARTS", PARTS)
    patch.setattr(archive_files, "HOURS", HOURS)
    _bound(patch, USUAL_SECONDS)


def _bound(patch: pytest.MonkeyPatch, seconds: float) -> None:
    patch.setattr(archive_files, "PATIENCE", archive_files.Patience(attempts=2, pause=0.001, silence=seconds, deadline=seconds))
    for connector in (rest_api, files):
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
    options = {"loop": "asyncio", "http": "h11", "date_header": False, "log_level": "critical", "timeout_graceful_shutdown": 1}
    with serving(create_app(folder, database_port), **options) as address:
        yield int(address.rpartition(":")[2])
