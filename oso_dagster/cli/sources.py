"""`oso sources`: the catalogue, for people."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from oso_dagster.sources import catalogue

app = typer.Typer(no_args_is_help=True, help="The catalogue of sources.")


@app.callback()
def group() -> None:
    """The catalogue of sources."""


@app.command("list")
def list_sources(as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False) -> None:
    """List every table with its stability, promise, schedule and owner.

    Examples: `oso sources list`, `oso sources list --json | jq '.[].table'`
    """
    rows = [
        {
            "source": source.name,
            "table": table.name,
            "stability": source.stability.value,
            "fresh_within_hours": table.fresh_within.total_seconds() / 3600 if table.fresh_within else None,
            "schedule": table.schedule.cron,
            "timezone": table.schedule.timezone,
            "owner": source.owner,
            "description": table.description,
        }
        for source in catalogue()
        for table in source.tables
    ]
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    shown = Table("source", "table", "stability", "fresh within", "schedule", "owner", box=SIMPLE_HEAD)
    for row in rows:
        promise = f"{row['fresh_within_hours']:g} h" if row["fresh_within_hours"] else "—"
        cadence = f"{row['schedule']} {row['timezone']}"
        names = (str(row[name]) for name in ("source", "table", "stability"))
        shown.add_row(*names, promise, cadence, str(row["owner"]))
    Console().print(shown)
