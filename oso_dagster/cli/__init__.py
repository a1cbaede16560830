"""`oso`: one file per group of commands. Commands say what happens in words; the work is done in the rooms below."""

from __future__ import annotations

import sys

import typer

from oso_dagster.cli import alerts, demo, dev, manifest, run, sandbox, settings, sprint, status, store
from oso_dagster.cli.instance import PortTakenError
from oso_dagster.cli.slo import slo_commands as slo
from oso_dagster.cli.sources import source_commands as sources
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
app.command()(store.migrate)
app.command()(store.backup)
app.command()(store.restore)
app.command("settings")(settings.show)
app.add_typer(sources.app, name="sources")
app.add_typer(sandbox.app, name="sandbox")
app.add_typer(status.app, name="status")
app.add_typer(slo.app, name="slo")
app.add_typer(sprint.app, name="sprint")
app.add_typer(alerts.app, name="alerts")
app.add_typer(manifest.app, name="manifest")


def main() -> None:
    """The entry point of the script `oso`: what a person can mend is one line on standard error and exit code 1."""
    try:
        app()
    except (SettingsError, PortTakenError, WorkersDiedError, sources.SourceNameError, status.NoPageError) as error:
        sys.stderr.write(f"oso: {error}\n")
        sys.exit(1)
