"""`oso demo`: the whole pipe once, in the sandbox world, through Dagster's own runs."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Sequence
from contextlib import redirect_stderr
from io import StringIO
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Column, Table

from oso_dagster.cli.instance import enter
from oso_dagster.settings import Settings, World, read_settings
from oso_dagster.sources import catalogue

if TYPE_CHECKING:
    import dagster as dg

_STEPS = {
    "transform": "SQLMesh: models and audits",
    "evaluate_slos": "objectives: verdicts from the ledger",
    "publish_status": "the status page",
}


def demo() -> None:
    """Show the whole platform, offline: sandbox up, everything loaded and transformed, objectives judged, page written.

    The runs lie on the persistent instance of the sandbox world: `make dev` shows them afterwards. Always the sandbox world,
    whatever OSO_WORLD says. Ends with exit code 1 when a run failed.

    Example: `oso demo`
    """
    began = time.monotonic()
    os.environ["OSO_WORLD"] = World.SANDBOX.value
    settings = read_settings(catalogue())
    enter(settings)
    console = Console()
    from oso_dagster.sandbox import lifecycle  # noqa: PLC0415  (heavy rooms load when used)

    with lifecycle.running(settings):
        failures = _run_all(settings, console)
    _print_result(settings, console)
    console.print(f"\n[bold]{time.monotonic() - began:.0f} s[/bold]   Everything here comes from the sandbox: it is invented.")
    console.print(f"Status page: {(settings.status_dir / 'index.html').as_uri()}", soft_wrap=True)
    console.print(f"Dagster:     make dev, then http://127.0.0.1:{settings.webserver_port}")
    for failure in failures:
        console.print(f"[red]failed:[/red] {failure}", soft_wrap=True, markup=True, highlight=False)
    raise typer.Exit(1 if failures else 0)


def _run_all(settings: Settings, console: Console) -> list[str]:
    """Each part as a run of its own, as the schedules start them; a failed one does not stop the next."""
    failures: list[str] = []
    columns = (SpinnerColumn(finished_text="[green]✓[/green]"), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        loading = progress.add_task("the code location", total=1)
        import dagster as dg  # noqa: PLC0415

        from oso_dagster.definitions import build  # noqa: PLC0415

        definitions = build(settings)
        with dg.DagsterInstance.get() as instance:
            progress.update(loading, completed=1)
            for job, words in _jobs().items():
                task = progress.add_task(words, total=1)
                failures += _run(definitions, job, instance)
                progress.update(task, completed=1)
    return failures


def _jobs() -> dict[str, str]:
    return {f"ingest_{source.name}": f"{source.title}: {_tables(source.tables)}" for source in catalogue()} | _STEPS


def _tables(tables: Sequence[Any]) -> str:
    return ", ".join(table.name for table in tables)


def _run(definitions: dg.Definitions, job: str, instance: dg.DagsterInstance) -> list[str]:
    """One run in this process, on the persistent instance; what failed, in its own words."""
    from oso_dagster.orchestration.failures import failures_of  # noqa: PLC0415

    logging.getLogger("dagster").setLevel(logging.CRITICAL)
    with redirect_stderr(StringIO()) as said:
        result = definitions.resolve_job_def(job).execute_in_process(
            instance=instance,
            raise_on_error=False,
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        )
    if result.success:
        return []
    return failures_of(result) or [f"{job}: {said.getvalue().strip()}"]


def _print_result(settings: Settings, console: Console) -> None:
    from oso_dagster.domain.freshness import Freshness  # noqa: PLC0415
    from oso_dagster.reliability.store import Store  # noqa: PLC0415

    table = Table("source", "table", Column("rows", justify="right"), "freshness", "last load", title="What was loaded")
    with Store.open(settings.reliability_store_url, settings.world.value) as store:
        for row in store.freshness():
            source, name = row.asset.split("/")
            state = (row.freshness or Freshness.NOT_DUE).value.replace("_", " ")
            rows = "—" if row.rows is None else f"{row.rows:,}"
            at = "never" if row.last_good is None else f"{row.last_good:%Y-%m-%d %H:%M} UTC"
            table.add_row(source, name, rows, state, at)
        verdicts = Table("service", "objective", "verdict", "because", title="The objectives")
        for verdict in store.latest_verdicts():
            verdicts.add_row(verdict.service, verdict.objective, verdict.verdict.value.replace("_", " "), verdict.summary)
    console.print(table)
    console.print(verdicts)
