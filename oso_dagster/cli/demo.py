"""`oso demo`: the whole pipe once, in the sandbox world, through Dagster's own runs."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import typer
from rich.text import Text

from oso_dagster.cli.drill import PAGE, SOURCE, run_drill
from oso_dagster.cli.run import WORKERS, run_jobs
from oso_dagster.cli.run_result import print_failures, print_result
from oso_dagster.cli.session.instance import enter
from oso_dagster.cli.session.terminal import console
from oso_dagster.cli.workers.errands import Errand
from oso_dagster.cli.workers.interruption import interruptible
from oso_dagster.cli.workers.job_list import PartitionRequest, all_jobs
from oso_dagster.cli.workers.worker_messages import Done, Printed
from oso_dagster.cli.workers.worker_pool import started
from oso_dagster.domain.catalogue.source import Source
from oso_dagster.settings import PREFIX, Settings, World, read_settings
from oso_dagster.sources import catalogue


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
    with interruptible(), started(WORKERS) as workers, lifecycle.running(settings):
        jobs, partitions = list(all_jobs(settings, without=elsewhere)), PartitionRequest(began, newest=60)
        ended = run_jobs(settings, terminal, jobs, partitions, workers, _ERRANDS)
        incident = ended.pop(_DRILL)
        failures = [failure for done in ended.values() for failure in done.failures]
        print_result(settings, terminal, failures, began)
        for printed in incident.printed:
            terminal.print(*printed.objects, **dict(printed.options))
    missed = incident.failures
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


@dataclass
class _Kept:
    """Keeps what a console would print."""

    printed: list[Printed] = field(default_factory=list)

    def print(self, *objects: Any, **options: Any) -> None:
        self.printed.append(Printed(objects, tuple(options.items())))


def _drill(settings: Settings) -> Done:
    """An incident from end to end; it is shown after the results, whenever it is done."""
    from oso_dagster.sandbox import lifecycle  # noqa: PLC0415

    kept = _Kept()
    failures = run_drill(settings, lifecycle.status(settings).endpoints, kept)
    return Done(tuple(failures), tuple(kept.printed))


def _look_at_door(settings: Settings) -> Done:
    """What the jobs made is served and looked at before the objectives are judged."""
    from oso_dagster.cli.probes.once import look_at_door  # noqa: PLC0415  (the server's libraries load when used)

    return _looked("the public door", look_at_door, settings)


def _look_at_page(settings: Settings) -> Done:
    from oso_dagster.cli.probes.once import look_at_page  # noqa: PLC0415

    return _looked("the status page", look_at_page, settings)


def _looked(what: str, look: Callable[[Settings], None], settings: Settings) -> Done:
    """Why nothing could be measured, where that is so; an outage that was measured is a bad sample and no problem here."""
    try:
        look(settings)
    except Exception as error:  # noqa: BLE001  (reported as a failure of the demo)
        return Done((f"{what} was not probed: {type(error).__name__}: {error}",))
    return Done(())


_DRILL = "drill"
_ERRANDS = {
    # Nothing waits for it: it fills gaps, once the source that it lets fail was loaded. Nobody counts that one a second time.
    _DRILL: Errand("the drill: an incident from end to end", _drill, after=frozenset({f"ingest_{SOURCE}"})),
    "look_at_door": Errand(
        "the public door, asked once", _look_at_door, after=frozenset({"transform"}), before=frozenset({"evaluate_slos"})
    ),
    "look_at_page": Errand("the status page, asked once", _look_at_page, after=frozenset({"publish_status"})),
}


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
