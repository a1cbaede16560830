"""How fast the ledger is: `python -m tests.bench.reliability [sqlite|postgresql] [hours]`. 500 assets, hourly, 3 % failures.

The event log is generated: rows as Dagster writes them, 14 assets a run. The logs of single runs are not, as nothing reads
those of runs that succeeded; a failed run has one failed asset, whose log is written by Dagster itself.
"""

from __future__ import annotations

import sys
import tempfile
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from time import perf_counter
from uuid import UUID

import dagster as dg
from dagster._core.events import DagsterEvent, StepMaterializationData
from dagster._core.events.log import EventLogEntry
from dagster._core.storage.dagster_run import DagsterRun, DagsterRunStatus
from dagster._core.storage.event_log.schema import SqlEventLogStorageTable
from dagster._core.storage.runs.schema import RunsTable
from dagster._serdes import serialize_value
from rich.console import Console
from rich.table import Column, Table

from oso_dagster.domain.attempts import Label
from oso_dagster.orchestration.evaluation import Evaluator
from oso_dagster.orchestration.ledger import LedgerFill
from oso_dagster.reliability.store import Store
from tests.postgres import empty, postgres

ASSETS, PER_RUN = 500, 14
LABELS = {f"shop/t{number}": Label.UNSTABLE if number % 5 == 0 else Label.CORE for number in range(ASSETS)}


def generate(instance: dg.DagsterInstance, begin: datetime, ticks: int, seed: int) -> int:
    """Write `ticks` hours of runs and asset events; how many materializations were planned."""
    dice, names = Random(seed), sorted(LABELS)
    runs, events = [], []
    for tick in range(ticks):
        at = begin + timedelta(hours=tick)
        for start in range(0, ASSETS, PER_RUN):
            run_id = str(UUID(int=dice.getrandbits(128), version=4))
            chosen, failed = names[start : start + PER_RUN], dice.random() < 0.03 * PER_RUN
            status = DagsterRunStatus.FAILURE if failed else DagsterRunStatus.SUCCESS
            runs.append(_run(run_id, status, at))
            for number, name in enumerate(chosen):
                key = dg.AssetKey(name.split("/")).to_string()
                events.append(_event(run_id, "ASSET_MATERIALIZATION_PLANNED", key, at))
                if not (failed and number == 0):
                    events.append(_event(run_id, "ASSET_MATERIALIZATION", key, at + timedelta(seconds=30)))
    with instance.run_storage.connect() as connection:
        connection.execute(RunsTable.insert(), runs)
    with instance.event_log_storage.index_connection() as connection:
        for page in range(0, len(events), 50_000):
            connection.execute(SqlEventLogStorageTable.insert(), events[page : page + 50_000])
    return ASSETS * ticks


def _materialized() -> str:
    done = dg.AssetMaterialization(["shop", "t0"], metadata={"dagster/row_count": 10})
    event = DagsterEvent("ASSET_MATERIALIZATION", "ingest", event_specific_data=StepMaterializationData(done))
    return serialize_value(EventLogEntry(None, "debug", "", "run", 0.0, job_name="ingest", dagster_event=event))


_MATERIALIZED = _materialized()


def _run(run_id: str, status: DagsterRunStatus, at: datetime) -> dict[str, object]:
    run = DagsterRun(job_name="ingest", run_id=run_id, status=status, run_config={}, tags={})
    ended = at + timedelta(seconds=60)
    return {
        "run_id": run_id,
        "pipeline_name": "ingest",
        "status": status.value,
        "run_body": serialize_value(run),
        "create_timestamp": at.replace(tzinfo=None),
        "update_timestamp": ended.replace(tzinfo=None),
        "start_time": at.timestamp(),
        "end_time": ended.timestamp(),
    }


def _event(run_id: str, kind: str, key: str, at: datetime) -> dict[str, object]:
    return {
        "run_id": run_id,
        "event": _MATERIALIZED,
        "dagster_event_type": kind,
        "timestamp": at.replace(tzinfo=None),
        "asset_key": key,
    }


@contextmanager
def _places(engine: str, folder: Path):
    """Where Dagster and the store lie: files, or two databases of one server."""
    if engine == "sqlite":
        yield {}, f"sqlite:///{folder / 'reliability.db'}"
    else:
        with postgres(folder) as server:
            yield {"storage": {"postgres": {"postgres_url": empty(server)}}}, empty(server)


def measure(engine: str, folder: Path, ticks: int) -> dict[str, float]:
    """Seconds of each step."""
    seconds: dict[str, float] = {}
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=2)
    with _places(engine, folder) as (storage, url), dg.instance_for_test(temp_dir=str(folder), overrides=storage) as instance:
        generate(instance, now - timedelta(hours=ticks), ticks, 1)
        with Store.open(url, "sandbox") as store:
            fill = LedgerFill(instance, store.ledger, LABELS)
            with _timed(seconds, "first fill (goal 15 s)"):
                filled = fill.run(datetime.now(UTC))
            if filled.attempts != ASSETS * ticks:
                raise AssertionError(f"{filled.attempts} attempts of {ASSETS * ticks} were found")
            generate(instance, now, 1, 2)
            with _timed(seconds, "one more hour (goal 0.2 s)"):
                more = fill.run(datetime.now(UTC))
            if more.attempts < ASSETS:
                raise AssertionError(f"{more.attempts} attempts of {ASSETS} were found")
            evaluator = Evaluator(store, [], LABELS)
            with _timed(seconds, "all verdicts (goal 0.5 s)"):
                for service in ("core_source_data", "unstable_source_data", "sqlmesh"):
                    evaluator.assess(service, datetime.now(UTC))
                for label in Label:
                    evaluator.of_assets(label, datetime.now(UTC))
        with _timed(seconds, "public API, 20 of 500 assets"):
            for name in sorted(LABELS)[:20]:
                instance.fetch_materializations(dg.AssetKey(name.split("/")), limit=1_000)
    return seconds


@contextmanager
def _timed(seconds: dict[str, float], name: str):
    began = perf_counter()
    yield
    seconds[name] = perf_counter() - began


def main() -> None:
    """Measure once and print."""
    engine = sys.argv[1] if len(sys.argv) > 1 else "sqlite"
    ticks = int(sys.argv[2]) if len(sys.argv) > 2 else 720
    with tempfile.TemporaryDirectory(prefix="oso-bench-") as scratch:
        seconds = measure(engine, Path(scratch), ticks)
    table = Table("step", Column("seconds", justify="right"), title=f"{ASSETS * ticks:,} planned materializations, {engine}")
    for name, value in seconds.items():
        table.add_row(name, f"{value:.2f}")
    Console().print(table)


if __name__ == "__main__":
    main()
