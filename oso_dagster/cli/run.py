"""`oso run`: jobs one after the other, in this process, on the Dagster instance whose page `oso dev` shows."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import redirect_stderr
from io import StringIO
from typing import TYPE_CHECKING, Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Column, Table

from oso_dagster.cli.instance import enter
from oso_dagster.domain.cadence import jobs_of
from oso_dagster.settings import Settings, SettingsError, read_settings
from oso_dagster.sources import catalogue

if TYPE_CHECKING:
    import dagster as dg

    from oso_dagster.reliability.results import VerdictRow
    from oso_dagster.reliability.store import Store

_AFTER_INGESTION = {
    "transform": "SQLMesh: models and audits",
    "evaluate_slos": "objectives: verdicts from the ledger",
    "publish_status": "the status page",
}


def run(jobs: Annotated[list[str] | None, typer.Argument(help="Jobs to run; all, in order, when none is named.")] = None) -> None:
    """Run jobs now, each as a run of its own, and show what came of it. A failed job does not stop the next one.

    Examples: `oso run`, `oso run ingest_oss_directory transform`
    """
    settings = read_settings(catalogue())
    enter(settings)
    console = Console()
    failures = run_jobs(settings, console, jobs or list(all_jobs()))
    print_result(settings, console, failures)
    raise typer.Exit(1 if failures else 0)


def all_jobs() -> dict[str, str]:
    """The jobs of the platform in the order in which data flows, and what each one is, in words."""
    ordered = sorted(catalogue(), key=lambda source: any(table.needs for table in source.tables))
    jobs = [job for source in ordered for job in jobs_of(source)]
    loads = {job.name: f"{job.source.title}: {', '.join(table.name for table in job.tables)}" for job in jobs}
    return loads | _AFTER_INGESTION


def run_jobs(settings: Settings, console: Console, jobs: Sequence[str]) -> list[str]:
    """Run them, with progress; what failed, in its own words. The instance must have been entered."""
    failures: list[str] = []
    columns = (SpinnerColumn(finished_text="[green]✓[/green]"), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        loading = progress.add_task("the code location", total=1)
        import dagster as dg  # noqa: PLC0415  (slow to load: with a sign of life on the screen)

        from oso_dagster.definitions import build  # noqa: PLC0415

        definitions = build(settings)
        known = {job.name for job in definitions.resolve_all_job_defs()}
        if unknown := [job for job in jobs if job not in known]:
            raise SettingsError(f"no job is called {', '.join(unknown)}; there are {', '.join(sorted(all_jobs()))}")
        with dg.DagsterInstance.get() as instance:
            progress.update(loading, completed=1)
            for job in jobs:
                task = progress.add_task(all_jobs().get(job, job), total=1)
                failures += _run(definitions, job, instance)
                progress.update(task, completed=1)
    return failures


def print_result(settings: Settings, console: Console, failures: Sequence[str]) -> None:
    """Tables of what is there and how it is judged, then what failed."""
    from oso_dagster.reliability.store import Store  # noqa: PLC0415

    with Store.open(settings.reliability_store_url, settings.world.value) as store:
        verdicts = store.latest_verdicts()
        console.print(_data(store, verdicts), _objectives(verdicts))
    for failure in failures:
        console.print("[red]failed:[/red]", end=" ")
        console.print(failure, soft_wrap=True, markup=False, highlight=False)


def _run(definitions: dg.Definitions, job: str, instance: dg.DagsterInstance) -> list[str]:
    from oso_dagster.orchestration.failures import failures_of  # noqa: PLC0415

    for talker in ("dagster", "sqlmesh"):  # what they say stands in the run, where it belongs
        logging.getLogger(talker).setLevel(logging.CRITICAL)
    with redirect_stderr(StringIO()) as said:
        result = definitions.resolve_job_def(job).execute_in_process(
            instance=instance,
            raise_on_error=False,
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        )
    if result.success:
        return []
    return failures_of(result) or [f"{job}: {said.getvalue().strip()}"]


def _data(store: Store, verdicts: Sequence[VerdictRow]) -> Table:
    table = Table(
        "source",
        Column("table", no_wrap=True),
        Column("rows", justify="right"),
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
            _verdict_of(asset, verdicts) if last or freshness else "no data",
        )
    return table


def _verdict_of(asset: str, verdicts: Sequence[VerdictRow]) -> str:
    """The worst verdict of an objective in which the asset fell short; compliant when there is none."""
    from oso_dagster.domain.slo import Verdict  # noqa: PLC0415
    from oso_dagster.domain.status import worst  # noqa: PLC0415

    found = worst(row.verdict for row in verdicts if asset in {tally.asset for tally in row.guilty})
    return (Verdict.COMPLIANT if found is Verdict.NO_DATA else found).value.replace("_", " ")


def _objectives(verdicts: Sequence[VerdictRow]) -> Table:
    numbers = (Column(name, justify="right") for name in ("good", "target"))
    table = Table(Column("objective", no_wrap=True), "verdict", *numbers, title="The objectives", box=SIMPLE_HEAD, pad_edge=False)
    for row in verdicts:
        counted = f"{row.good:,}/{row.valid:,}" if row.valid else "—"
        name = f"{row.service}.{row.objective}"
        table.add_row(name, row.verdict.value.replace("_", " "), counted, f"{row.target_bp / 100:g} %")
    return table
