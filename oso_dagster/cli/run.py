"""`oso run`: jobs, two side by side where neither waits for the other, on the Dagster instance whose page `oso dev` shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Column, Table

from oso_dagster.cli.instance import enter
from oso_dagster.cli.workers.interruption import interruptible
from oso_dagster.cli.workers.job_list import PartitionRequest, all_jobs, ingest_jobs
from oso_dagster.cli.workers.worker_pool import Worker, started, work
from oso_dagster.domain.catalogue.cadence import waits_for
from oso_dagster.settings import Settings, SettingsError, read_settings
from oso_dagster.sources import catalogue

if TYPE_CHECKING:
    from oso_dagster.reliability.results import VerdictRow
    from oso_dagster.reliability.store import Store

WORKERS = 2
"""Processes that run jobs: each loads the code location, some seconds and 500 MB, and two cores are what is promised."""


def run(
    jobs: Annotated[list[str] | None, typer.Argument(help="Jobs to run; all, in order, when none is named.")] = None,
    newest: Annotated[
        int, typer.Option(min=1, help="How many missing partitions to load of each table that has partitions.")
    ] = 14,
    first: Annotated[str | None, typer.Option("--from", help="First partition to load, even if it was loaded before.")] = None,
    last: Annotated[str | None, typer.Option("--to", help="Last partition to load; by default the one of --from.")] = None,
) -> None:
    """Run jobs now, each as a run of its own, and show the results. A failed job does not stop the next one.

    Of a table with partitions, those that are available and missing are loaded: in one run where it allows that, else one each.

    Examples: `oso run`, `oso run ingest_oss_directory transform`, `oso run ingest_npm --from 2026-03-01 --to 2026-03-07`
    """
    began = datetime.now(UTC)
    settings = read_settings(catalogue())
    enter(settings)
    console = Console()
    if last and not first:
        raise SettingsError("--to without --from: name the first partition as well")
    partitions = PartitionRequest(began, newest, (first, last or first) if first else None)
    wanted = jobs or list(all_jobs(settings))
    with interruptible(), started(min(WORKERS, len(wanted))) as workers:
        failures = run_jobs(settings, console, wanted, partitions, workers)
    print_result(settings, console, failures)
    raise typer.Exit(1 if failures else 0)


def run_jobs(
    settings: Settings, console: Console, jobs: Sequence[str], partitions: PartitionRequest, workers: Sequence[Worker]
) -> list[str]:
    """Run the jobs and show progress; returns their failures, in words. Enter the instance before the workers are started."""
    ingestion = ingest_jobs(settings)
    columns = (SpinnerColumn(finished_text="[green]✓[/green]"), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        waits = waits_for(jobs, ingestion)
        # Ranges of partitions take longest: they go first where nothing else is said.
        first = sorted(waits, key=lambda name: name not in ingestion or ingestion[name].partitions is None)
        return work(workers, {name: waits[name] for name in first}, partitions, _JobProgress(progress, all_jobs(settings)))


class _JobProgress:
    """The jobs on the screen: a line for each one that has started."""

    def __init__(self, progress: Progress, words: Mapping[str, str]) -> None:
        self._progress = progress
        self._words = words
        self._tasks = {"": progress.add_task("the code location", total=1)}

    def loaded(self) -> None:
        self._progress.update(self._tasks[""], completed=1)

    def job_started(self, job: str) -> None:
        self._tasks[job] = self._progress.add_task(self._words.get(job, job), total=1)

    def job_described(self, job: str, words: str) -> None:
        self._progress.update(self._tasks[job], description=f"{self._words[job]} [dim]({words})[/dim]")

    def job_ended(self, job: str) -> None:
        self._progress.update(self._tasks[job], completed=1)


def print_result(settings: Settings, console: Console, failures: Sequence[str]) -> None:
    """Print tables of the data and the objectives, then the failures."""
    from oso_dagster.reliability.store import Store  # noqa: PLC0415

    with Store.open(settings.reliability_store_url, settings.world.value) as store:
        verdicts = store.latest_verdicts()
        console.print(_data(store, verdicts), _objectives(verdicts))
    for failure in failures:
        console.print("[red]failed:[/red]", end=" ")
        console.print(failure, soft_wrap=True, markup=False, highlight=False)


def _data(store: Store, verdicts: Sequence[VerdictRow]) -> Table:
    table = Table(
        "source",
        Column("table", no_wrap=True),
        Column("rows loaded", justify="right"),
        "freshness",
        "verdict",
        title="The data",
        box=SIMPLE_HEAD,
        pad_edge=False,
    )
    good = store.ledger.last_good()
    fresh = {row.asset: row.freshness for row in store.freshness()}
    for asset in (*sorted(fresh), *sorted(name for name in good if name.startswith("marts/"))):
        freshness, last = fresh.get(asset), good.get(asset)
        table.add_row(
            *asset.split("/", 1),
            f"{last.rows:,}" if last and last.rows is not None else "—",
            freshness.value.replace("_", " ") if freshness else "—",
            verdict_of(asset, verdicts) if last or freshness else "no data",
        )
    return table


def verdict_of(asset: str, verdicts: Sequence[VerdictRow]) -> str:
    """The worst verdict of an objective in which the asset fell short; compliant when there is none."""
    from oso_dagster.domain.objectives.slo import Verdict  # noqa: PLC0415
    from oso_dagster.domain.status.page import worst  # noqa: PLC0415

    verdict = worst(row.verdict for row in verdicts if asset in {tally.asset for tally in row.guilty})
    return (Verdict.COMPLIANT if verdict is Verdict.NO_DATA else verdict).value.replace("_", " ")


def _objectives(verdicts: Sequence[VerdictRow]) -> Table:
    numbers = (Column(name, justify="right") for name in ("good", "target"))
    table = Table(Column("objective", no_wrap=True), "verdict", *numbers, title="The objectives", box=SIMPLE_HEAD, pad_edge=False)
    for row in verdicts:
        counted = f"{row.good:,}/{row.valid:,}" if row.valid else "—"
        name = f"{row.service}.{row.objective}"
        table.add_row(name, row.verdict.value.replace("_", " "), counted, f"{row.target_bp / 100:g} %")
    return table
