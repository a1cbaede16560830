"""`oso demo`: the whole pipe once, in the sandbox world, through Dagster's own runs."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import typer
from rich.console import Console
from rich.text import Text

from oso_dagster.cli.drill import PAGE, run_drill
from oso_dagster.cli.run import WORKERS, run_jobs
from oso_dagster.cli.run_result import print_failures, print_result
from oso_dagster.cli.session.instance import enter
from oso_dagster.cli.session.terminal import console
from oso_dagster.cli.workers.interruption import interruptible
from oso_dagster.cli.workers.job_list import PartitionRequest, all_jobs
from oso_dagster.cli.workers.worker_pool import Worker, started, stopped
from oso_dagster.domain.catalogue.source import Source
from oso_dagster.settings import PREFIX, Settings, World, read_settings
from oso_dagster.sources import catalogue

_EVALUATION = "evaluate_slos"
"""What judges all before it, the public door too."""


def demo() -> None:
    """Show the whole platform, offline: all loaded and transformed, objectives judged, page written, an incident from end to end.

    The runs lie on the persistent instance of the sandbox world: `make dev` shows them afterwards. Always the sandbox world,
    whatever OSO_WORLD says. Ends with exit code 1 when a run failed.

    Example: `oso demo`
    """
    began, clock = datetime.now(UTC), time.monotonic()
    os.environ["OSO_WORLD"] = World.SANDBOX.value
    settings = read_settings(catalogue())
    enter(settings)
    terminal = console()
    from oso_dagster.sandbox import lifecycle  # noqa: PLC0415  (the server's libraries load when used)

    elsewhere = not_invented(settings, catalogue())
    with interruptible(), started(WORKERS) as workers, lifecycle.running(settings) as endpoints:
        with stopped(workers):
            failures = _run(settings, terminal, list(all_jobs(settings, without=elsewhere)), began, workers)
        print_result(settings, terminal, failures, began)
        missed = run_drill(settings, endpoints, terminal)
    print_failures(terminal, missed)
    for name, variables in elsewhere.items():
        wanted = " and ".join(variables)
        what = f"{name}, which the sandbox world does not have; set {wanted} to load it"
        terminal.print(Text("not loaded:", "yellow"), what)
    terminal.print()
    terminal.print(Text(f"{time.monotonic() - clock:.0f} s", "bold"), "  Everything here comes from the sandbox: it is invented.")
    terminal.print(f"Status page: {(settings.status_dir / 'index.html').as_uri()}", soft_wrap=True)
    terminal.print(f"Discord:     {(settings.world_dir / PAGE).as_uri()}", soft_wrap=True)
    terminal.print("The data:    OSO_WORLD=sandbox oso serve, then http://127.0.0.1:8400")
    terminal.print(f"Dagster:     make dev, then http://127.0.0.1:{settings.webserver_port}")
    raise typer.Exit(1 if failures or missed else 0)


def _run(settings: Settings, terminal: Console, jobs: list[str], began: datetime, workers: Sequence[Worker]) -> list[str]:
    """Run the jobs; what they made is served and looked at before the objectives are judged, and the page once it is there."""
    from oso_dagster.cli.probes.once import look_at_door, look_at_page  # noqa: PLC0415  (the server's libraries load when used)

    partitions, failures = PartitionRequest(began, newest=60), []
    made, judged = jobs[: jobs.index(_EVALUATION)], jobs[jobs.index(_EVALUATION) :]
    failures += run_jobs(settings, terminal, made, partitions, workers)
    failures += _problem("the public door", look_at_door, settings)
    failures += run_jobs(settings, terminal, judged, partitions, workers)
    failures += _problem("the status page", look_at_page, settings)
    return failures


def _problem(what: str, look: Callable[[Settings], None], settings: Settings) -> list[str]:
    """Why nothing could be measured, where that is so; an outage that was measured is a bad sample and no problem here."""
    with ThreadPoolExecutor(1) as beside:  # signals stay with the demo: a server in the main thread would take them
        error = beside.submit(look, settings).exception()
    return [] if error is None else [f"{what} was not probed: {type(error).__name__}: {error}"]


def not_invented(settings: Settings, sources: Iterable[Source]) -> dict[str, list[str]]:
    """The sources that are not part of the sandbox world and have no other address either, with the variables that give one."""
    from oso_dagster.sandbox.families import invents  # noqa: PLC0415

    unset = {
        source.name: [f"{source.name}_{setting.name}" for setting in source.settings if setting.endpoint]
        for source in sources
        if not invents(source)
    }
    missing = {name: [field for field in fields if getattr(settings, field) is None] for name, fields in unset.items()}
    return {name: [f"{PREFIX}{field}".upper() for field in fields] for name, fields in missing.items() if fields}
