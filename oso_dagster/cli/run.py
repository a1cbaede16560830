"""`oso run`: jobs one after the other, in this process, on the Dagster instance whose page `oso dev` shows."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Column, Table

from oso_dagster.cli.instance import enter
from oso_dagster.domain.cadence import Filling, IngestJob, filling, in_order, jobs_of, spanning
from oso_dagster.domain.partitions import Window
from oso_dagster.settings import Settings, SettingsError, read_settings
from oso_dagster.sources import catalogue

if TYPE_CHECKING:
    import dagster as dg

    from oso_dagster.reliability.results import VerdictRow
    from oso_dagster.reliability.store import Store

_FEW = 4
_AFTER_INGESTION = {
    "transform": "SQLMesh: models and audits",
    "evaluate_slos": "objectives: verdicts from the ledger",
    "publish_status": "the status page",
}


def run(
    jobs: Annotated[list[str] | None, typer.Argument(help="Jobs to run; all, in order, when none is named.")] = None,
    newest: Annotated[int, typer.Option(min=1, help="Of each table with partitions, how many of those that are missing.")] = 14,
    first: Annotated[str | None, typer.Option("--from", help="First partition to load, also if it is there.")] = None,
    last: Annotated[str | None, typer.Option("--to", help="Last one; the one of --from when it is not given.")] = None,
) -> None:
    """Run jobs now, each as a run of its own, and show what came of it. A failed job does not stop the next one.

    A table with partitions is asked for those that are due and missing, in one run where it allows that, else in a run for each.

    Examples: `oso run`, `oso run ingest_oss_directory transform`, `oso run ingest_npm --from 2026-03-01 --to 2026-03-07`
    """
    settings = read_settings(catalogue())
    enter(settings)
    console = Console()
    if last and not first:
        raise SettingsError("--to without --from: name the first partition as well")
    asked = Asked(newest, (first, last or first) if first else None)
    failures = run_jobs(settings, console, jobs or list(all_jobs(settings)), asked)
    print_result(settings, console, failures)
    raise typer.Exit(1 if failures else 0)


@dataclass(frozen=True)
class Asked:
    """Which partitions are loaded: the newest missing ones, so many; or all of a span, first and last key."""

    newest: int
    span: tuple[str, str] | None = None

    def of(self, job: IngestJob, present: frozenset[str]) -> Filling:
        """The runs of a job. Raises SettingsError for a span that it does not have."""
        now = datetime.now(UTC)
        if self.span is None:
            return filling(job, now, present, self.newest)
        try:
            return spanning(job, now, *self.span)
        except ValueError as error:
            raise SettingsError(f"{job.name}: {error}") from None


def all_jobs(settings: Settings, without: Collection[str] = ()) -> dict[str, str]:
    """The jobs of the platform in the order in which data flows, and what each one is, in words; not those of some sources."""
    loads = _loads(settings).items()
    told = {name: f"{job.source.title}: {_named(job)}" for name, job in loads if job.source.name not in without}
    return told | _AFTER_INGESTION


def run_jobs(settings: Settings, console: Console, jobs: Sequence[str], asked: Asked) -> list[str]:
    """Run them, with progress; what failed, in its own words. The instance must have been entered."""
    columns = (SpinnerColumn(finished_text="[green]✓[/green]"), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        loading = progress.add_task("the code location", total=1)
        import dagster as dg  # noqa: PLC0415  (slow to load: with a sign of life on the screen)

        from oso_dagster.definitions import build  # noqa: PLC0415

        definitions = build(settings)
        known = {job.name for job in definitions.resolve_all_job_defs()}
        if unknown := [job for job in jobs if job not in known]:
            raise SettingsError(f"no job is called {', '.join(unknown)}; there are {', '.join(sorted(all_jobs(settings)))}")
        with dg.DagsterInstance.get() as instance:
            progress.update(loading, completed=1)
            return [failure for job in jobs for failure in _run(settings, definitions, instance, job, asked, progress)]


def print_result(settings: Settings, console: Console, failures: Sequence[str]) -> None:
    """Tables of what is there and how it is judged, then what failed."""
    from oso_dagster.reliability.store import Store  # noqa: PLC0415

    with Store.open(settings.reliability_store_url, settings.world.value) as store:
        verdicts = store.latest_verdicts()
        console.print(_data(store, verdicts), _objectives(verdicts))
    for failure in failures:
        console.print("[red]failed:[/red]", end=" ")
        console.print(failure, soft_wrap=True, markup=False, highlight=False)


def _run(
    settings: Settings, definitions: dg.Definitions, instance: dg.DagsterInstance, name: str, asked: Asked, progress: Progress
) -> list[str]:
    """Every run that a job needs now, with its line on the screen."""
    from oso_dagster.orchestration.in_process import present_partitions, run_job  # noqa: PLC0415

    words, job = all_jobs(settings).get(name, name), _loads(settings).get(name)
    runs: Sequence[Sequence[Window]] = [()]
    if job is not None and job.partitions is not None:
        wanted = asked.of(job, present_partitions(instance, job))
        runs, words = wanted.runs, f"{words} [dim]({_told(wanted)})[/dim]"
    task = progress.add_task(words, total=len(runs) or 1)
    failures: list[str] = []
    for windows in runs:
        failures += run_job(definitions, instance, name, windows)
        progress.advance(task)
    progress.update(task, completed=len(runs) or 1)
    return failures


def _told(wanted: Filling) -> str:
    """What is loaded of a table with partitions, and what is not."""
    count = sum(len(windows) for windows in wanted.runs)
    if not count:
        return "every due partition is there"
    span = f"{wanted.runs[0][0].key} to {wanted.runs[-1][-1].key}" if count > 1 else wanted.runs[0][0].key
    runs = f" in {len(wanted.runs)} runs" if len(wanted.runs) > 1 else ""
    left = f"; {wanted.left:,} older ones are missing" if wanted.left else ""
    return f"{count} partition{'s' if count > 1 else ''}{runs}, {span}{left}"


def _loads(settings: Settings) -> dict[str, IngestJob]:
    sources = settings.in_world(catalogue())
    return {job.name: job for job in in_order(job for source in sources for job in jobs_of(source))}


def _named(job: IngestJob) -> str:
    """The tables of a job, on one line."""
    names = [table.name for table in job.tables]
    return ", ".join(names) if len(names) <= _FEW else f"{', '.join(names[:_FEW])} and {len(names) - _FEW} more"


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
            verdict_of(asset, verdicts) if last or freshness else "no data",
        )
    return table


def verdict_of(asset: str, verdicts: Sequence[VerdictRow]) -> str:
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
