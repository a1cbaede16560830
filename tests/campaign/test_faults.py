"""The fault campaign: every table of a web source × every fault that applies, through real runs against the sandbox's server.

After each: the asset failed by name or recovered as declared, no secret is in a log, the rows are exactly the old ones (or the
new ones, when it recovered), and the next healthy run ends equal to the generator's truth. The matrix is printed at the end.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import requests

from oso_dagster.connectors.records import table_of_records
from oso_dagster.domain.loading import Extract
from oso_dagster.domain.partitions import Partitions
from oso_dagster.domain.source import ColumnType, Retries, Source, Table
from oso_dagster.orchestration.ingest import ingest_assets
from oso_dagster.orchestration.resources import warehouse_of
from oso_dagster.sandbox import deps_dev, disk, lifecycle, web_families
from oso_dagster.sandbox.faults import KINDS
from oso_dagster.settings import Settings, read_settings
from oso_dagster.sources import catalogue

WEB = {family.name.replace("-", "_"): family.name for family in web_families.WEB_FAMILIES}
TABLES = [(source, table) for source in catalogue() if source.name in WEB for table in source.tables]
FAILS = {
    "status": "answers 500",
    "rate_limit": "429 .*a pause of 3,600 s",
    "rate_limit_bare": "answers 429",
    "timeout": "no answer within|not complete within",
    "drip": "not complete within|no answer within",
    "reset": "the connection broke|not complete|no answer",
    "expired": "401 .*Renew the credentials",
    "truncated_gzip": "gzip body is truncated",
    "invalid_json": "not valid JSON",
    "html": "HTML came instead of JSON",
    "encoding": "not UTF-8|null bytes",
    "drift": "is missing|has no|needs",
}
"""Faults that no retry mends while they last, and what the error must say."""

SILENT = ("empty", "duplicates", "loop")
"""Faults of answers that look right: the load is refused, or its rows are exactly the truth."""

SECRET = "s3cret-of-the-campaign"
MATRIX: dict[tuple[str, str], str] = {}


def test_the_campaign_knows_every_fault_that_the_sandbox_has() -> None:
    assert {*FAILS, *SILENT, "clock_skew"} == set(KINDS)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    made = tmp_path_factory.mktemp("campaign")
    with pytest.MonkeyPatch.context() as patch:
        _configure(patch, made)
        with lifecycle.running(read_settings(catalogue())):
            yield made
    for (table, fault), outcome in sorted(MATRIX.items()):
        print(f"{table:28} {fault:16} {outcome}")


def _configure(patch: pytest.MonkeyPatch, home: Path) -> None:
    patch.setenv("OSO_HOME", str(home))
    patch.setenv("OSO_WORLD", "sandbox")
    for source in catalogue():
        names = {setting.name for setting in source.settings}
        values = {
            "pause_seconds": "0.001",
            "timeout_seconds": "0.8",
            "patience_seconds": "5",
            "requests_per_second": "500",
            "token": SECRET,
        }
        for name in names & values.keys() if source.name in WEB else ():
            patch.setenv(f"OSO_{source.name.upper()}_{name.upper()}", values[name])


@pytest.fixture
def settings(home: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    _configure(monkeypatch, home)
    return read_settings(catalogue())


class Bench:
    """One table with its neighbours' inputs, loaded through Dagster from the sandbox; and what the truth of it is."""

    def __init__(self, settings: Settings, source: Source, table: Table, instance: dg.DagsterInstance) -> None:
        manifest = disk.read(settings.sandbox_dir / "world")
        assert manifest is not None
        self.settings, self.source, self.instance, self.world = settings, source, instance, manifest.world()
        self.window = None
        if table.partitions is not None:
            begin = self.world.now - timedelta(days=20)
            weekly = Partitions(table.partitions.kind, start=datetime(begin.year, begin.month, begin.day, tzinfo=UTC))
            self.window = weekly.due(self.world.now)[0]
            table = replace(table, partitions=weekly)
        self.table = replace(table, retries=Retries(limit=0))
        self.family = WEB[source.name]

    def feed(self) -> None:
        """Land what the table needs: the directory, from the sandbox itself."""
        for source in catalogue():
            for table in source.tables:
                name = f"{source.name}.{table.name}"
                if any(need.rsplit(".", 1)[0].split("__")[0] == name for need in self.table.needs):
                    warehouse = warehouse_of(self.settings)
                    if warehouse.last_load(source.name, table.name) is not None:
                        continue
                    if source.name == "github":  # of which only the package addresses are needed
                        warehouse.load(source, table, _bills(table, deps_dev.purls(self.world)), fingerprint="f")
                    else:
                        assert self._materialize(source, table).success

    def load(self) -> dg.ExecuteInProcessResult:
        return self._materialize(self.source, self.table)

    def _materialize(self, source: Source, table: Table) -> dg.ExecuteInProcessResult:
        (asset,) = ingest_assets(self.settings, [replace(source, tables=(table,))])
        key = self.window.key if self.window and table is self.table else None
        # A round that is whole asks for nothing until its week is over.
        config = {"ops": {asset.op.name: {"config": {"force": True}}}} if table.resumable else None
        return dg.materialize([asset], instance=self.instance, partition_key=key, run_config=config, raise_on_error=False)

    def rows(self) -> list[tuple[Any, ...]]:
        names = ", ".join(f'"{column.name}"' for column in self.table.columns)
        try:
            with warehouse_of(self.settings).read() as connection:
                found = connection.execute(f'SELECT {names} FROM "{self.source.name}"."{self.table.name}"').fetchall()
        except Exception as error:
            if "does not exist" in str(error):
                return []
            raise
        return sorted((tuple(_plain(value) for value in row) for row in found), key=repr)

    def truth(self) -> list[tuple[Any, ...]]:
        rows = web_families.truth(self.world)[f"{self.source.name}.{self.table.name}"]
        due = [row for row in rows if self._arrives(row)]
        return sorted((tuple(_typed(row[c.name], c.type) for c in self.table.columns) for row in due), key=repr)

    def _arrives(self, row: dict[str, Any]) -> bool:
        """Whether the partition brings a row: by its event time, or by any of the times at which it is `seen`."""
        if self.window is None or self.table.event_time is None:
            return True
        (kind,) = (column.type for column in self.table.columns if column.name == self.table.event_time)
        begin, end = str(self.window.start)[:10], str(self.window.end)[:10]
        return any(begin <= _typed(time, kind)[:10] < end for time in row.get("seen", [row[self.table.event_time]]))

    def spoil(self, kind: str, **more: Any) -> None:
        said = {"family": self.family, "kind": kind, "seconds": {"rate_limit": 3600, "drip": 0.05}.get(kind, 1.5)} | more
        assert self._control("POST", json=said).ok

    def mend(self) -> None:
        assert self._control("DELETE").json() == []

    def _control(self, method: str, **asked: Any) -> requests.Response:
        server = lifecycle.status(self.settings).server
        assert server is not None
        return requests.request(method, f"http://127.0.0.1:{server.port}/faults", timeout=10, **asked)


def _bills(table: Table, purls: list[str]) -> Extract:
    """Bills of materials that hold these packages, as `github.sbom` lands them."""
    told = {"repository": "sbx/all", "package_count": len(purls), "status": "found", "checked_at": 0, "created_at": None}
    bare = {"repository": "sbx/all", "spdx_id": "x", "name": "x", "system": None, "version": None, "license": None}
    packages = [bare | {"position": place, "purl": purl} for place, purl in enumerate(purls)]
    named = {table.name: [told], f"{table.name}__packages": packages}
    return Extract("bills", {name: [table_of_records(table.physical[name], rows)] for name, rows in named.items()})


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return value.isoformat() if isinstance(value, date) else value


def _typed(value: Any, kind: ColumnType) -> Any:
    if kind is ColumnType.TIMESTAMP and value is not None:
        return (datetime.fromtimestamp(value, UTC) if isinstance(value, int) else datetime.fromisoformat(value)).isoformat()
    return float(value) if kind is ColumnType.DOUBLE and value is not None and not math.isnan(value) else value


@pytest.fixture(scope="module")
def shared_instance(home: Path) -> Iterator[dg.DagsterInstance]:
    with dg.instance_for_test(temp_dir=str(home)) as instance:
        yield instance


@pytest.fixture
def bench(settings: Settings, request: pytest.FixtureRequest, shared_instance: dg.DagsterInstance) -> Iterator[Bench]:
    source, table = request.param
    made = Bench(settings, source, table, shared_instance)
    made.feed()
    yield made
    made.mend()


def _said(result: dg.ExecuteInProcessResult) -> str:
    (failure,) = [event.step_failure_data.error for event in result.all_events if event.is_step_failure]
    return str(failure.cause or failure)


EVERY = pytest.mark.parametrize("bench", TABLES, ids=lambda pair: f"{pair[0].name}.{pair[1].name}", indirect=True)


@EVERY
@pytest.mark.parametrize("kind", FAILS)
def test_a_fault_fails_by_name_keeps_the_old_rows_and_the_next_healthy_run_is_the_truth(bench: Bench, kind: str) -> None:
    before = bench.rows()
    bench.spoil(kind)
    result = bench.load()
    name = f"{bench.source.name}.{bench.table.name}"
    assert not result.success, "a fault passed for data"
    said = _said(result)
    assert name in said
    if bench.window is not None:
        assert bench.window.key in said
    assert re.search(FAILS[kind], said), said
    assert SECRET not in "".join(str(record) for record in bench.instance.all_logs(result.run_id))
    assert bench.rows() == before
    bench.mend()
    assert bench.load().success
    assert bench.rows() == bench.truth()
    MATRIX[name, kind] = "failed by name, old rows kept, healed"


@EVERY
@pytest.mark.parametrize("kind", SILENT)
def test_an_answer_that_only_looks_right_is_refused_or_does_no_harm(bench: Bench, kind: str) -> None:
    bench.load()
    before = bench.rows()
    bench.spoil(kind)
    result = bench.load()
    if not result.success:
        assert f"{bench.source.name}.{bench.table.name}" in _said(result)
    assert bench.rows() == before == bench.truth()
    bench.mend()
    assert bench.load().success
    assert bench.rows() == bench.truth()
    outcome = "did no harm" if result.success else "refused by name"
    MATRIX[f"{bench.source.name}.{bench.table.name}", kind] = f"{outcome}, old rows kept, healed"


@EVERY
@pytest.mark.parametrize("kind", ["status", "html", "reset", "clock_skew", "truncated_gzip"])
def test_a_fault_that_passes_is_recovered_from_within_the_run(bench: Bench, kind: str) -> None:
    bench.spoil(kind, times=1)
    assert bench.load().success
    assert bench.rows() == bench.truth()
    MATRIX[f"{bench.source.name}.{bench.table.name}", f"{kind} once"] = "recovered"
