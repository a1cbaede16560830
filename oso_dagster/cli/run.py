"""`oso run`: jobs, two side by side where neither waits for the other, on the Dagster instance whose page `oso dev` shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Annotated

import typer
from rich.console import Console, RenderableType
from rich.progress import Progress, SpinnerColumn, Task, TextColumn, TimeElapsedColumn
from rich.table import Column
from rich.text import Text

from oso_dagster.cli.run_result import print_result
from oso_dagster.cli.session.chosen_world import settings_now
from oso_dagster.cli.session.instance import enter
from oso_dagster.cli.session.terminal import console
from oso_dagster.cli.workers.errands import Errand, with_errands
from oso_dagster.cli.workers.interruption import interruptible
from oso_dagster.cli.workers.job_list import PartitionRequest, all_jobs, chosen_jobs, ingest_jobs, require_partitions
from oso_dagster.cli.workers.worker_messages import Done
from oso_dagster.cli.workers.worker_pool import Worker, started, work
from oso_dagster.domain.due.cadence import waits_for
from oso_dagster.domain.due.job_order import longest_chain_first
from oso_dagster.settings import Settings, SettingsError

WORKERS = 2
"""Processes that run jobs: each loads the code location, some seconds and 500 MB, and two cores are what is promised."""


def run(
    jobs: Annotated[
        list[str] | None,
        typer.Argument(help="Jobs to run, `ingest_<source>` for all of a source; all, in order, when none is named."),
    ] = None,
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
    settings = settings_now()
    terminal = console()
    if last and not first:
        raise SettingsError("--to without --from: name the first partition as well")
    partitions = PartitionRequest(began, newest, (first, last or first) if first else None)
    wanted = chosen_jobs(settings, jobs or [])
    if first:
        wanted = require_partitions(settings, jobs or [], wanted)
    enter(settings)
    loads = ingest_jobs(settings).keys() >= set(wanted)
    with interruptible(), started(min(WORKERS, len(wanted)), loads=loads) as workers:
        ended = run_jobs(settings, terminal, wanted, partitions, workers)
    failures = [failure for done in ended.values() for failure in done.failures]
    print_result(settings, terminal, failures, began)
    raise typer.Exit(1 if failures else 0)


def run_jobs(
    settings: Settings,
    terminal: Console,
    jobs: Sequence[str],
    partitions: PartitionRequest,
    workers: Sequence[Worker],
    errands: Mapping[str, Errand] = MappingProxyType({}),
) -> dict[str, Done]:
    """Run the jobs and errands and show progress; how each ended. Enter the instance before the workers are started."""
    ingestion = ingest_jobs(settings)
    words = TextColumn("{task.description}", markup=False, table_column=Column(ratio=1, overflow="fold"))
    quiet = not terminal.is_terminal
    with Progress(_Mark(), words, TimeElapsedColumn(), console=terminal, expand=True, disable=quiet) as progress:
        waits = with_errands(waits_for(jobs, ingestion), errands)
        # Ranges of partitions take longest: they go first where as many jobs wait behind others.
        order = longest_chain_first(waits, lambda name: name not in ingestion or ingestion[name].partitions is None)
        titles = all_jobs(settings) | {name: errand.words for name, errand in errands.items()}
        board = _JobProgress(progress, titles, loaded=any(worker.ready for worker in workers))
        return work(workers, {name: waits[name] for name in order}, partitions, board, errands)


class _Mark(SpinnerColumn):
    """Turns while a job runs; then a green tick, or a red cross for one that failed."""

    def render(self, task: Task) -> RenderableType:
        if not task.finished:
            return super().render(task)
        return Text("✗", "red") if task.fields.get("failed") else Text("✓", "green")


class _JobProgress:
    """The jobs on the screen: a line for each one that has started; in a file or a pipe, for each one that has ended."""

    def __init__(self, progress: Progress, words: Mapping[str, str], *, loaded: bool = False) -> None:
        self._progress = progress
        self._words = words
        self._tasks = {} if loaded else {"": progress.add_task("the code location", total=1)}

    def loaded(self) -> None:
        if "" in self._tasks:
            self._end("")

    def job_started(self, job: str) -> None:
        self._tasks[job] = self._progress.add_task(self._words.get(job, job), total=1)

    def job_described(self, job: str, words: str) -> None:
        self._progress.update(self._tasks[job], description=f"{self._words.get(job, job)} ({words})")

    def job_ended(self, job: str, *, failed: bool) -> None:
        self._end(job, failed=failed)

    def _end(self, job: str, *, failed: bool = False) -> None:
        if any(task.finished for task in self._progress.tasks if task.id == self._tasks[job]):
            return  # each worker loads the code location
        self._progress.update(self._tasks[job], completed=1, failed=failed)
        if self._progress.disable:
            ended = [task for task in self._progress.tasks if task.id == self._tasks[job]]
            self._progress.console.print(self._progress.make_tasks_table(ended))
