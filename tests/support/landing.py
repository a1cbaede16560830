"""A web family of the sandbox on loopback with faults on demand, and a warehouse in which its source lands, as in a run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from oso_dagster.connectors.records import table_of_records
from oso_dagster.domain.catalogue.loading import Extract, ExtractRequest, Loaded, Stretch, Unchanged
from oso_dagster.domain.catalogue.partitions import Window
from oso_dagster.domain.catalogue.source import Column, Source, Table
from oso_dagster.sandbox.faults.injection import Fault, Faults
from oso_dagster.sandbox.protocols.family import Family, no_truth
from oso_dagster.sandbox.upstreams import families
from oso_dagster.sandbox.world.world import SandboxWorld, generate
from oso_dagster.warehouse.embedded.warehouse import DuckDBWarehouse
from tests.support.asgi import serving
from tests.support.clock import clock

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)  # a Wednesday
WORLD = generate(7, NOW)
QUICK = {"requests_per_second": "1000", "pause_seconds": "0.001", "timeout_seconds": "20", "patience_seconds": "1"}


@dataclass
class Landing:
    """One source at its family's endpoint. `asked` are the requests that came: method, path with query, headers, body."""

    source: Source
    family: Family
    urls: dict[str, str]
    home: Path
    faults: Faults
    inputs: Mapping[str, Sequence[str]]
    asked: list[tuple[str, str, dict[str, str], bytes]]
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """The first address of the family."""
        return self.urls["url"]

    @url.setter
    def url(self, address: str) -> None:
        self.urls["url"] = address

    @property
    def warehouse(self) -> DuckDBWarehouse:
        return DuckDBWarehouse(self.home / "w.duckdb", world="sandbox", cache=self.home, lock_timeout_seconds=20, clock=clock)

    def table(self, name: str) -> Table:
        """The declaration, with partitions that begin with the world's history."""
        (named_table,) = (table for table in self.source.tables if table.name == name)
        return (
            named_table
            if named_table.partitions is None
            else replace(named_table, partitions=named_table.partitions.since(NOW - timedelta(days=60)))
        )

    def windows(self, name: str) -> list[Window | None]:
        """What a whole load consists of: every due partition, or the table."""
        partitions = self.table(name).partitions
        return [None] if partitions is None else list(partitions.available(NOW))

    def extract(
        self,
        name: str,
        window: Window | None = None,
        now: datetime = NOW,
        stretch: Stretch | None = None,
        *,
        comparable: bool = True,
    ) -> Extract | Unchanged:
        """What the source answers; not `comparable`: as after `force`, another declaration or lost rows."""
        previous = self.warehouse.last_load(self.source.name, name, window.key if window else None)
        inputs = {need: self.inputs[need] for need in self.table(name).needs}
        defaults = {setting.name: setting.default for setting in self.source.settings if setting.default is not None}
        settings = defaults | self.urls | QUICK | self.settings
        return self.table(name).extract(
            ExtractRequest(
                self.source.name,
                name,
                now,
                self.home,
                settings,
                previous=previous if comparable else None,
                kept_facts=previous.facts if previous else {},
                window=window,
                inputs=inputs,
                set_aside_share=self.table(name).set_aside_share,
                stretch=stretch or Stretch(),
            )
        )

    def load_stretch(self, name: str, windows: Sequence[Window], now: datetime = NOW) -> list[Loaded | Unchanged]:
        """Load partitions as one run does: the extraction knows of all of them."""
        previous = self.warehouse.last_loads(self.source.name, name, [window.key for window in windows])
        stretch = Stretch(windows, {key: record for key, record in previous.items() if key is not None})
        return [self.load(name, window, now, stretch) for window in windows]

    def load(
        self,
        name: str,
        window: Window | None = None,
        now: datetime = NOW,
        stretch: Stretch | None = None,
        *,
        comparable: bool = True,
    ) -> Loaded | Unchanged:
        extracted = self.extract(name, window, now, stretch, comparable=comparable)
        if isinstance(extracted, Extract):
            return self.warehouse.load(self.source, self.table(name), extracted, fingerprint="f", window=window)
        return extracted

    def load_all(self, name: str) -> None:
        for window in self.windows(name):
            self.load(name, window)

    def rows(self, name: str, query: str = "") -> list[dict[str, Any]]:
        """The landed rows of a table, or of a child, without order."""
        with self.warehouse.read() as connection:
            rows = connection.execute(query or f'SELECT * FROM "{self.source.name}"."{name}"').to_arrow_table()
        return ordered(rows.to_pylist())

    def truth(self, name: str) -> list[dict[str, Any]]:
        """The generator's rows, typed as declared."""
        parent = self.table(name.split("__", maxsplit=1)[0])
        return typed(parent.physical[name], self.family.truth(WORLD)[f"{self.source.name}.{name}"])


def typed(columns: Sequence[Column], rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return ordered(table_of_records(columns, rows).to_pylist())


def ordered(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """In an order of their own, with times in UTC."""
    plain = [{k: v.astimezone(UTC) if isinstance(v, datetime) else v for k, v in row.items()} for row in rows]
    return sorted(plain, key=lambda row: repr(sorted(row.items())))


def named(world: SandboxWorld, kind: str) -> list[str]:
    """The addresses of one kind that projects of the directory have."""
    return [url for project in world.projects for url in project.links.get(kind, ())]


def web_families() -> list[Family]:
    """The families that speak JSON, each with the name of its source, and tell what a complete load of it holds."""
    other = {"bigquery", "opendevdata"}
    return [family for family in families() if family.serve and family.truth is not no_truth and family.name not in other]


@contextmanager
def landing(source: Source, home: Path, inputs: Mapping[str, Sequence[str]] | None = None) -> Iterator[Landing]:
    """The family of `source` served for the block; faults are set with `spoil` in `faults.current`."""
    (family,) = (candidate for candidate in web_families() if candidate.name.replace("-", "_") == source.name)
    folder = home / "served"
    family.write(WORLD, folder)
    faults = Faults({family.name: family.faults})
    app, requests = faults.around(family.name, family.serve(folder)), []

    async def noting(scope: Any, receive: Any, send: Any) -> None:
        bodies: list[bytes] = []

        async def hear() -> Any:
            message = await receive()
            bodies.append(message.get("body", b""))
            return message

        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        path = scope["path"] + (f"?{scope['query_string'].decode()}" if scope["query_string"] else "")
        await app(scope, hear, send)
        requests.append((scope["method"], path, headers, b"".join(bodies)))

    with serving(noting) as url:
        urls = {
            point.setting.removeprefix(f"{source.name}_"): url + point.path.removeprefix(f"/{family.name}")
            for point in family.endpoints
        }
        yield Landing(source, family, urls, home, faults, inputs or {}, requests)


def spoil(there: Landing, kind: str, **more: Any) -> None:
    """Set a fault of the endpoint."""
    there.faults.current[there.family.name] = Fault(there.family.name, kind, **more)


def clear_fault(there: Landing) -> None:
    """Clear it."""
    there.faults.current.clear()
