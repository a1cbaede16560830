"""How fast the ledger is at 500 assets × 720 hours: `python -m tests.bench.reliability [sqlite|postgresql] [hours]`.

The goals are shares of a floor of the same run: one statement that writes the same events into a table with an index, which is
the least that any copy of them costs. Beside it: on SQLite what the ledger's own tables cost where nothing is judged
(`ways/bare_fill.py`), and what Dagster's public API needs to list the materializations of each asset, from a sample of assets.
Files are compared by the seconds in which this process had a processor; of a server, which has a processor of its own, those on
the clock count.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import Any, NamedTuple

import dagster as dg
from rich.console import Console
from rich.table import Column, Table
from sqlalchemy import text

from oso_dagster.domain.objectives.attempts import Label
from oso_dagster.domain.objectives.objectives import SERVICES
from oso_dagster.orchestration.ledger.dagster_tables import is_local
from oso_dagster.orchestration.ledger.fill import LedgerFill
from oso_dagster.orchestration.objectives.evaluator import Evaluator
from oso_dagster.reliability.store import Store
from tests.bench.ways.bare_fill import bare_fill
from tests.bench.ways.event_log import ASSETS, NAMES, Generator
from tests.support.postgres import empty, postgres

HOURS, SAMPLED = 720, 10
LABELS = {f"shop/{name}": Label.UNSTABLE if number % 5 == 0 else Label.CORE for number, name in enumerate(NAMES)}
FIRST, HOUR, QUARTER = "first fill", "one more hour", "one more hour, at a quarter of the events"
VERDICTS, API = "all verdicts of all services and assets", f"public API, {SAMPLED} assets, × {ASSETS // SAMPLED}"
FLOOR = "floor: one pass of SQL into an indexed table"
BARE, GROUPED = "least: the good ones by one statement, unjudged", "least: what was planned, grouped"
GOALS = {FIRST: 2.0, HOUR: 0.05, VERDICTS: 0.1}
"""The most that each step may take, × the floor."""
COPIED = "SELECT id, run_id, asset_key, partition, dagster_event_type, timestamp FROM event_logs WHERE asset_key IS NOT NULL"
NOISE = 1.5
"""On a busy machine the same thing takes up to so much longer when it is measured again."""


def bench(console: Console, engines: list[str] | None = None, hours: int = HOURS) -> list[str]:
    """Measure and print one table per engine; the goals that were missed, in words."""
    return [missed for engine in engines or ("sqlite", "postgresql") for missed in _bench(console, engine, hours)]


def _bench(console: Console, engine: str, hours: int) -> list[str]:
    with tempfile.TemporaryDirectory(prefix="oso-bench-") as scratch:
        seconds, title = measure(engine, Path(scratch), hours)
    columns = [Column(name, justify="right") for name in ("seconds", "of a processor", "÷ floor", "goal")]
    kind = "processor" if engine == "sqlite" else "wall"
    ratios = {name: getattr(spent, kind) / getattr(seconds[FLOOR], kind) for name, spent in seconds.items()}
    table = Table("step", *columns, title=f"{title}, {engine}")
    for name, spent in seconds.items():
        table.add_row(
            name,
            f"{spent.wall:.3f}",
            f"{spent.processor:.3f}",
            f"{ratios[name]:.3f}",
            f"{GOALS[name]:g}" if name in GOALS else "",
        )
    console.print(table)
    console.print(
        f"the public API takes {seconds[API].wall / seconds[VERDICTS].wall:,.0f} × as long as all verdicts", highlight=False
    )
    missed = [
        f"{engine}: {name} at most {goal:g} × the floor: {ratios[name]:.3f}"
        for name, goal in GOALS.items()
        if ratios[name] > goal
    ]
    hour, quarter = seconds[HOUR].processor, seconds[QUARTER].processor
    if hour > NOISE * quarter:
        missed.append(f"{engine}: four times the events, one hour: {hour:.2f} s against {quarter:.2f} s")
    return missed


class Spent(NamedTuple):
    """Seconds on the clock, and those in which this process had a processor."""

    wall: float
    processor: float


def measure(engine: str, folder: Path, hours: int) -> tuple[dict[str, Spent], str]:
    """Seconds of each step, and what was generated."""
    seconds: dict[str, Spent] = {}
    end = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=2)
    quarter = hours // 4
    with _places(engine, folder) as (storage, urls), dg.instance_for_test(temp_dir=str(folder), overrides=storage) as instance:
        generator = Generator(instance)
        generator.write(end - timedelta(hours=quarter), quarter)
        with Store.open(urls[0], "sandbox") as store:
            LedgerFill(instance, store.ledger, LABELS).run(datetime.now(UTC))
            seconds[QUARTER] = _hours(generator, instance, store)
        generator.write(end - timedelta(hours=hours), hours - quarter)
        _age(instance)
        for number in range(3):
            with _timed(seconds, f"{number}"):
                _floor(instance)
        seconds[FLOOR] = _middle(seconds)
        with Store.open(urls[1], "sandbox") as store:
            with _timed(seconds, FIRST):
                filled = LedgerFill(instance, store.ledger, LABELS).run(datetime.now(UTC))
            if filled.attempts != generator.planned:
                raise AssertionError(f"{filled.attempts} attempts of {generator.planned} were found")
            if engine == "sqlite":
                events: Any = instance.event_log_storage
                written, grouped = bare_fill(Path(events.path_for_shard("index")), folder / "bare.db")
                seconds |= {BARE: Spent(written, written), GROUPED: Spent(grouped, grouped)}
            seconds[HOUR] = _hours(generator, instance, store)
            for number in range(3):
                with _timed(seconds, f"{number}"):
                    _verdicts(store)
            seconds[VERDICTS] = _middle(seconds)
        with _timed(seconds, API):
            _public_api(instance)
        seconds[API] = Spent(*(spent * ASSETS / SAMPLED for spent in seconds[API]))
    return seconds, f"{generator.planned:,} planned materializations in {generator.runs:,} runs, {generator.retries:,} retried"


def _age(instance: dg.DagsterInstance) -> None:
    """A server has seen to a log of a month many times, to one that was made in a minute not once."""
    storage: Any = instance.event_log_storage
    if not is_local(instance):
        with storage.index_connection() as connection:  # commits by itself, as VACUUM asks
            connection.execute(text("VACUUM ANALYZE"))


def _floor(instance: dg.DagsterInstance) -> None:
    """Copy what is known of each asset's events into a table with an index, and throw it away."""
    storage: Any = instance.event_log_storage
    with storage.index_connection() as connection:
        connection.execute(text("CREATE TEMPORARY TABLE copied AS " + COPIED))
        connection.execute(text("CREATE INDEX copied_by_asset ON copied (asset_key, timestamp)"))
        connection.execute(text("DROP TABLE copied"))


def _middle(spent: dict[str, Spent]) -> Spent:
    """The median of what was measured under a number, which is taken out."""
    measured = [spent.pop(name) for name in list(spent) if name.isdigit()]
    return Spent(*(median(column) for column in zip(*measured, strict=True)))


def _hours(generator: Generator, instance: dg.DagsterInstance, store: Store) -> Spent:
    """The median of three fills after one more hour each."""
    spent: dict[str, Spent] = {}
    for number in range(3):
        before = generator.planned
        generator.write(datetime.now(UTC) - timedelta(minutes=10), 1, logs=True)
        with _timed(spent, str(number)):
            filled = LedgerFill(instance, store.ledger, LABELS).run(datetime.now(UTC))
        if filled.attempts < generator.planned - before:
            raise AssertionError(f"{filled.attempts} attempts of {generator.planned - before} were found")
    return _middle(spent)


def _verdicts(store: Store) -> None:
    now, evaluator = datetime.now(UTC), Evaluator(store, [], LABELS)
    assessments = [assessment for service in SERVICES for assessment in evaluator.assess(service, now)]
    assessments += [assessment for label in Label for assessment in evaluator.of_assets(label, now).values()]
    if len([assessment for assessment in assessments if assessment.valid]) < ASSETS:
        raise AssertionError("an asset has no verdict")


def _public_api(instance: dg.DagsterInstance) -> None:
    """Read every materialization of a sample of assets; Dagster finds what was generated."""
    for name in NAMES[:: ASSETS // SAMPLED]:
        cursor, count = None, 0
        while True:
            page = instance.fetch_materializations(dg.AssetKey(["shop", name]), limit=1_000, cursor=cursor)
            count += len(page.records)
            if not page.has_more:
                break
            cursor = page.cursor
        if not count:
            raise AssertionError(f"Dagster does not find what was generated for {name}")


@contextmanager
def _places(engine: str, folder: Path) -> Iterator[tuple[dict[str, object], list[str]]]:
    """Where Dagster and two stores lie: files, or databases of one server."""
    if engine == "sqlite":
        yield {}, [f"sqlite:///{folder / f'reliability-{number}.db'}" for number in range(2)]
    else:
        with postgres() as server:
            yield {"storage": {"postgres": {"postgres_url": empty(server)}}}, [empty(server), empty(server)]


@contextmanager
def _timed(seconds: dict[str, Spent], name: str) -> Iterator[None]:
    began, busy = perf_counter(), process_time()
    yield
    seconds[name] = Spent(perf_counter() - began, process_time() - busy)


if __name__ == "__main__":
    chosen = [sys.argv[1]] if len(sys.argv) > 1 else None
    goals = bench(Console(), chosen, int(sys.argv[2]) if len(sys.argv) > 2 else HOURS)
    for goal in goals:
        Console().print(f"missed: {goal}", highlight=False)
    sys.exit(1 if goals else 0)
