"""The command `oso`: one file per group of commands. Commands parse options and print; the work is done in the packages below."""

from __future__ import annotations

import sys

import typer

from oso_dagster.cli import (
    alerts_commands,
    demo,
    dev,
    manifest_commands,
    run,
    sandbox_commands,
    settings,
    sprint_commands,
    status_commands,
    store_commands,
)
from oso_dagster.cli.instance import PortTakenError
from oso_dagster.cli.slo import slo_commands
from oso_dagster.cli.sources import source_commands
from oso_dagster.cli.workers.worker_pool import WorkersDiedError
from oso_dagster.settings import SettingsError

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    help="Open Source Observer's data platform: ingest, transform, measure the objectives, show the state.",
)
app.command()(demo.demo)
app.command()(dev.dev)
app.command()(run.run)
app.command()(store_commands.migrate)
app.command()(store_commands.backup)
app.command()(store_commands.restore)
app.command("settings")(settings.show)
app.add_typer(source_commands.app, name="sources")
app.add_typer(sandbox_commands.app, name="sandbox")
app.add_typer(status_commands.app, name="status")
app.add_typer(slo_commands.app, name="slo")
app.add_typer(sprint_commands.app, name="sprint")
app.add_typer(alerts_commands.app, name="alerts")
app.add_typer(manifest_commands.app, name="manifest")


def main() -> None:
    """The entry point of the script `oso`: what a person can fix is one line on standard error and exit code 1."""
    try:
        app()
    except (
        SettingsError,
        PortTakenError,
        WorkersDiedError,
        source_commands.SourceNameError,
        status_commands.NoPageError,
    ) as error:
        sys.stderr.write(f"oso: {error}\n")
        sys.exit(1)
