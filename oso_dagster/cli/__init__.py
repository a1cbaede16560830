"""The command `oso`: one file per group of commands. Commands parse options and print; the work is done in the packages below."""

from __future__ import annotations

import sys
import traceback
from importlib.metadata import version
from typing import Annotated

import typer

from oso_dagster.cli import (
    alerts_commands,
    demo,
    dev,
    manifest_commands,
    query,
    run,
    sandbox_commands,
    settings,
    sprint_commands,
    status_commands,
    store_commands,
)
from oso_dagster.cli.session.failures import one_line
from oso_dagster.cli.session.instance import InstanceTakenError, PortTakenError
from oso_dagster.cli.session.terminal import say
from oso_dagster.cli.slo import slo_commands
from oso_dagster.cli.sources import source_commands
from oso_dagster.cli.workers.worker_pool import WorkersDiedError
from oso_dagster.domain.redaction import redact
from oso_dagster.settings import SettingsError
from oso_dagster.sources import SourceFileError

_USE, _OPERATE, _DEVELOP = "Use", "Operate", "Develop"

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)
app.command(rich_help_panel=_USE)(demo.demo)
app.command(rich_help_panel=_USE)(dev.dev)
app.command(rich_help_panel=_USE)(run.run)
app.command(rich_help_panel=_USE)(query.sql)
app.add_typer(status_commands.app, name="status", rich_help_panel=_USE)
app.add_typer(slo_commands.app, name="slo", rich_help_panel=_OPERATE)
app.add_typer(sprint_commands.app, name="sprint", rich_help_panel=_OPERATE)
app.add_typer(alerts_commands.app, name="alerts", rich_help_panel=_OPERATE)
app.command("settings", rich_help_panel=_OPERATE)(settings.show)
app.command(rich_help_panel=_OPERATE)(store_commands.migrate)
app.command(rich_help_panel=_OPERATE)(store_commands.backup)
app.command(rich_help_panel=_OPERATE)(store_commands.restore)
app.add_typer(source_commands.app, name="sources", rich_help_panel=_DEVELOP)
app.add_typer(sandbox_commands.app, name="sandbox", rich_help_panel=_DEVELOP)
app.add_typer(manifest_commands.app, name="manifest", rich_help_panel=_DEVELOP)


def _version(wanted: bool) -> None:
    if wanted:
        say(f"oso_dagster {version('oso-dagster')}")
        raise typer.Exit


@app.callback()
def oso(
    _: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and end.")] = False,
) -> None:
    """Open Source Observer's data platform: ingest, transform, measure the objectives, show the state."""


def main() -> None:
    """The entry point of the script `oso`: what a person can put right is one line on standard error and exit code 1."""
    try:
        app()
    except (
        SettingsError,
        SourceFileError,
        PortTakenError,
        InstanceTakenError,
        WorkersDiedError,
        source_commands.SourceNameError,
        status_commands.NoPageError,
        query.NothingLoadedError,
    ) as error:
        say(f"oso: {error}", err=True)
        sys.exit(1)
    except Exception as error:  # noqa: BLE001  (its traceback is printed, with no control characters in it)
        line = one_line(error)
        say(f"oso: {line}" if line else redact("".join(traceback.format_exception(error))), err=True)
        sys.exit(1)
