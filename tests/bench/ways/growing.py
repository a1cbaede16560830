"""One part of the platform at several sizes, as a program: `python -m tests.bench.ways.growing PART SIZE…` prints JSON.

A part answers, for a size, what each cost of it took: seconds of processor, its children's included. The first size is measured
once more before, and forgotten: it pays for what is imported. No cost is measured with what prepares it.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg

from oso_dagster.domain.objectives.attempts import Label
from oso_dagster.domain.objectives.objectives import SERVICES
from oso_dagster.orchestration.alerts.alert_round import run_round
from oso_dagster.orchestration.ingest.jobs.schedules import ingest_schedules
from oso_dagster.orchestration.ingest.table_assets import ingest_assets
from oso_dagster.orchestration.ledger.fill import LedgerFill
from oso_dagster.orchestration.objectives.evaluator import Evaluator, measured_assets
from oso_dagster.orchestration.objectives.service_assets import reliability_checks, slo_assets
from oso_dagster.orchestration.objectives.watched_platform import Platform
from oso_dagster.orchestration.status_page.read_model import gather
from oso_dagster.reliability.store import Store
from oso_dagster.settings import Settings
from oso_dagster.statuspage.render import render
from tests.bench.peers.arrow_rows import write
from tests.bench.reliability import LABELS
from tests.bench.sqlmesh_assets import World
from tests.bench.statuspage import fill, sources
from tests.bench.ways.bare_fill import bare_fill
from tests.bench.ways.event_log import Generator
from tests.orchestration.shop import daily, source

Costs = dict[str, float]
WAYS = Path(__file__).parent
DAYS, TURNS = 10, 5
"""Days of the ledger whose assets grow; how often a cost is measured that leaves things as they were: the least counts."""


def of_definitions(assets: int, home: Path) -> Costs:
    """Load all definitions of so many tables: assets, checks, jobs, schedules, objectives."""
    settings, declared = Settings(home=home), sources(assets)

    def load() -> None:
        dg.Definitions(
            assets=[*ingest_assets(settings, declared), *slo_assets(settings, declared, [])],
            asset_checks=[reliability_checks(settings, declared, [])],
            schedules=ingest_schedules(settings, declared),
            executor=dg.in_process_executor,
        ).get_repository_def()

    return {"load definitions": _least(load, 1)}


def of_judging(assets: int, home: Path) -> Costs:
    """All verdicts, the status page, and a round of alerts that finds nothing new, of a ledger of ten days of all assets."""
    fill(home, per_day=1, assets=assets, days=DAYS)
    settings, declared = Settings(home=home, alert_quiet_hours=""), sources(assets)
    labels = measured_assets(declared, [])
    with Store.open(settings.reliability_store_url, "live") as store, dg.DagsterInstance.local_temp(str(home)) as instance:

        def judge() -> None:
            now, evaluator = datetime.now(UTC), Evaluator(store, declared, labels)
            judged = [assessment for service in SERVICES for assessment in evaluator.assess(service, now)]
            if len(judged) + sum(len(evaluator.of_assets(label, now)) for label in Label) < assets:
                raise AssertionError("an asset has no verdict")

        def show() -> None:
            render(gather(settings, declared, [], store, timedelta(minutes=45), datetime.now(UTC)))

        def alert() -> None:
            run_round(Platform(settings, declared, [], []), store, instance, datetime.now(UTC))

        alert()
        return {
            "evaluate all objectives": _least(judge),
            "make the status page": _least(show),
            "a round of alerts, nothing new": _least(alert),
        }


def of_ledger(hours: int, home: Path) -> Costs:
    """The first fill from a log of so many hours of 500 assets, and that of one hour more."""
    end = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=2)
    with dg.instance_for_test(temp_dir=str(home)) as instance, Store.open(f"sqlite:///{home / 'slo.db'}", "sandbox") as store:
        generator = Generator(instance)
        generator.write(end - timedelta(hours=hours), hours)

        def filled() -> None:
            LedgerFill(instance, store.ledger, LABELS).run(datetime.now(UTC))

        first = _least(filled, 1)
        again = []
        for _ in range(TURNS):
            generator.write(datetime.now(UTC) - timedelta(minutes=10), 1, logs=True)
            again.append(_least(filled, 1))
        events: Any = instance.event_log_storage
        bare, _ = bare_fill(Path(events.path_for_shard("index")), home / "bare.db")
        return {
            "fill the ledger": first,
            "the same rows by one statement, unjudged": bare,
            "one more hour in the ledger": min(again),
        }


def of_partitions(days: int, home: Path) -> Costs:
    """A tick of the schedule of a table by days, all but the newest of which are materialized."""
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    now = today + timedelta(hours=12)
    shop, settings = source("shop", daily(today - timedelta(days=days))), Settings(home=home)
    (schedule,) = ingest_schedules(settings, [shop])
    repository = dg.Definitions(assets=ingest_assets(settings, [shop]), schedules=[schedule]).get_repository_def()
    with dg.instance_for_test(temp_dir=str(home)) as instance:
        for number in range(2, days):
            key = f"{now - timedelta(days=number):%Y-%m-%d}"
            instance.report_runless_asset_event(dg.AssetMaterialization(["shop", "days"], partition=key))

        def tick() -> None:
            context = dg.build_schedule_context(instance=instance, scheduled_execution_time=now, repository_def=repository)
            if not schedule.evaluate_tick(context).run_requests:
                raise AssertionError("the newest day is not asked for")

        return {"a tick that asks for days": _least(tick)}


def of_loads(days: int, home: Path) -> Costs:
    """Three tables by days, so many days in one run."""
    command = [sys.executable, str(WAYS / "partitions_of_a_run.py"), str(home / "oso"), str(days)]
    return {"load days × 3 tables": float(_printed(command).split()[-1])}


def of_rows(rows: int, home: Path) -> Costs:
    """Land so many rows of Arrow: staged, judged, published."""
    write(home / "sales.parquet", rows)
    (home / "run").mkdir()
    printed = _printed([sys.executable, str(WAYS / "arrow_rows.py"), "ours", str(home / "run"), str(home / "sales.parquet")])
    figures = json.loads(printed.splitlines()[-1])
    if figures["rows"] != rows:
        raise AssertionError(f"{figures['rows']} rows landed of {rows}")
    return {"land rows": figures["seconds"]}


def of_models(models: int, home: Path) -> Costs:
    """Load so many SQLMesh models from their manifest, and materialize them with three audits each."""
    world = World.made(home, models)
    return {
        "load models, with a manifest": min(world.load().loaded[2] for _ in range(TURNS)),
        "materialize models": world.materialize().worked.processors,
    }


PARTS: dict[str, Callable[[int, Path], Costs]] = {
    "definitions": of_definitions,
    "judging": of_judging,
    "ledger": of_ledger,
    "loads": of_loads,
    "models": of_models,
    "partitions": of_partitions,
    "rows": of_rows,
}


def _least(action: Callable[[], None], turns: int = TURNS) -> float:
    spent = []
    for _ in range(turns):
        began = _used()
        action()
        spent.append(_used() - began)
    return min(spent)


def _used() -> float:
    """Seconds of processor, to the microsecond: `os.times` counts in hundredths."""
    used = [resource.getrusage(whose) for whose in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def _printed(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}: {done.stderr[-2000:]}")
    return done.stdout


def main(part: str, sizes: list[int]) -> None:
    """Measure a part at each size; the last line has the seconds of each cost, in the order of the sizes."""
    costs: dict[str, list[float]] = {}
    for number, size in enumerate([sizes[0], *sizes]):
        with tempfile.TemporaryDirectory(prefix="oso-bench-") as folder:
            measured = PARTS[part](size, Path(folder))
        for name, seconds in measured.items() if number else ():
            costs.setdefault(name, []).append(seconds)
    print(json.dumps(costs))


if __name__ == "__main__":
    main(sys.argv[1], [int(size) for size in sys.argv[2:]])
