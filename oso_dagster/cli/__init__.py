"""The command `oso`: one file per group of commands. Commands parse options and print; the work is done in the packages below.

Nothing but the name of a command is known here: its module loads when it is used.
"""

from __future__ import annotations

import atexit
import gc
import sys
from typing import Annotated

import typer

from oso_dagster.cli.lazy_group import LazyCommand, LazyGroup

_HERE = "oso_dagster.cli"
_USE, _OPERATE, _DEVELOP = "Use", "Operate", "Develop"
COMMANDS = {
    "demo": LazyCommand(
        f"{_HERE}.demo:demo",
        _USE,
        "Show the whole platform, offline: all loaded and transformed, objectives judged, page written, an incident from end to "
        "end.",
    ),
    "dev": LazyCommand(
        f"{_HERE}.dev:dev",
        _USE,
        "Run Dagster in the browser, with every schedule running. All of it ends with this command, however it ends.",
    ),
    "run": LazyCommand(
        f"{_HERE}.run:run",
        _USE,
        "Run jobs now, each as a run of its own, and show the results. A failed job does not stop the next one.",
    ),
    "sql": LazyCommand(
        f"{_HERE}.query:sql",
        _USE,
        "Ask the warehouse of this world, read-only: it waits while a load or a transformation writes, and sees whole "
        "loads only.",
    ),
    "serve": LazyCommand(
        f"{_HERE}.public_door.serve_commands:serve",
        _USE,
        "Show the data to everyone: pages, and SQL as `pyoso` asks. Read-only, beside whoever writes, until Ctrl-C.",
    ),
    "keys": LazyCommand(
        f"{_HERE}.public_door.keys_commands:app",
        _OPERATE,
        "API keys of the public door (`oso serve`): made, listed, revoked.",
    ),
    "settings": LazyCommand(
        f"{_HERE}.upkeep.settings:show",
        _OPERATE,
        "List every setting with its meaning and its value; secrets are shown as set or unset, never as they are.",
    ),
    "doctor": LazyCommand(
        f"{_HERE}.upkeep.doctor:doctor",
        _OPERATE,
        "Examine this installation: configured, reachable, migrated, scheduled, alive. It changes nothing.",
    ),
    "migrate": LazyCommand(
        f"{_HERE}.upkeep.store_commands:migrate",
        _OPERATE,
        "Upgrade the stores of Dagster, SQLMesh and the platform for this version. Running it twice changes nothing.",
    ),
    "backup": LazyCommand(
        f"{_HERE}.upkeep.store_commands:backup",
        _OPERATE,
        "Copy the ledger, Dagster's runs and events, SQLMesh's state and the door's keys into one folder, while all runs.",
    ),
    "restore": LazyCommand(
        f"{_HERE}.upkeep.store_commands:restore",
        _OPERATE,
        "Fill empty stores of the same world from a backup; stores that already hold history are refused.",
    ),
    "status": LazyCommand(f"{_HERE}.status_commands:app", _USE, "The public status page."),
    "slo": LazyCommand(f"{_HERE}.slo.slo_commands:app", _OPERATE, "The service level objectives: where they stand, and why."),
    "sprint": LazyCommand(
        f"{_HERE}.sprint_commands:app",
        _OPERATE,
        "Remedial sprints: missed objectives, each a task for somebody until it is met again.",
    ),
    "alerts": LazyCommand(f"{_HERE}.alerts_commands:app", _OPERATE, "Alerts: test the channels, preview the messages."),
    "probe": LazyCommand(
        f"{_HERE}.probes.probe_commands:app", _OPERATE, "Probes: services that are not data, measured from outside."
    ),
    "sources": LazyCommand(f"{_HERE}.sources.source_commands:app", _DEVELOP, "The catalogue of sources."),
    "sandbox": LazyCommand(
        f"{_HERE}.sandbox_commands:app",
        _DEVELOP,
        "The sandbox world: invented upstreams that speak the real protocols on this machine, with no network and no account.",
    ),
    "parity": LazyCommand(
        f"{_HERE}.parity:parity",
        _DEVELOP,
        "Compare every model of this world on DuckDB with the same model on Trino, row by row; what differs is an exit status "
        "of 1.",
    ),
    "manifest": LazyCommand(
        f"{_HERE}.upkeep.manifest_commands:app",
        _DEVELOP,
        "The manifest of the SQLMesh models: built ahead of time, beside the project, and checked. Without one, or with a stale "
        "or damaged one, the first start builds its own in some seconds.",
    ),
}
"""Every command in the order of the help; what its help begins with is the same in its own module, as a test holds."""


_YOUNG_OBJECTS = 50_000
"""New objects between two looks for garbage: at 700, which is Python's own number, they take a tenth of a short command."""


class _Commands(LazyGroup):
    """The commands of `oso`."""

    LAZY_COMMANDS = COMMANDS


app = typer.Typer(cls=_Commands, no_args_is_help=True, pretty_exceptions_enable=False)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version  # noqa: PLC0415  (loads when used)

        from oso_dagster.cli.session.terminal import say  # noqa: PLC0415  (loads when used)

        say(f"oso_dagster {version('oso-dagster')}")
        raise typer.Exit


@app.callback()
def oso(
    _: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and end.")] = False,
) -> None:
    """Open Source Observer's data platform: ingest, transform, measure the objectives, show the state."""


def main() -> None:
    """The entry point of the script `oso`: what a person can put right is one line on standard error and exit code 1."""
    gc.set_threshold(_YOUNG_OBJECTS)
    atexit.register(gc.freeze)  # the last look for garbage, when all is given back anyway, would visit every object
    try:
        app()
    except Exception as error:  # noqa: BLE001  (its traceback is printed, with no control characters in it)
        from oso_dagster.cli.failure_report import report  # noqa: PLC0415  (loads when used)

        report(error)
        sys.exit(1)
