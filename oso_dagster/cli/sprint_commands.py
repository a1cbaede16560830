"""`oso sprint`: the remedial sprints for people: which are open, why, and who works on it. Evaluation opens and closes them."""

from __future__ import annotations

import getpass
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Column, Table

from oso_dagster.domain.alerts import sprint as sprint_actions
from oso_dagster.domain.alerts.sprint import Sprint
from oso_dagster.domain.alerts.sprint_data import as_data
from oso_dagster.domain.objectives.budget import ALL
from oso_dagster.domain.objectives.objectives import OBJECTIVES, percent
from oso_dagster.settings import read_settings
from oso_dagster.sources import catalogue

if TYPE_CHECKING:
    from oso_dagster.reliability.store import Store

app = typer.Typer(
    no_args_is_help=True, help="Remedial sprints: missed objectives, each a task for somebody until it is met again."
)

Objective = Annotated[str, typer.Argument(help="The id of an objective, such as core_source_data.data_freshness.")]
Who = Annotated[str, typer.Option("--as", help="Your name, for the history; by default the one you are logged in with.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


@app.command("list")
def list_sprints(
    days: Annotated[int, typer.Option(min=0, help="Also those that were closed in the last days.")] = 0,
    as_json: Json = False,
) -> None:
    """List the open sprints, the newest first.

    Examples: `oso sprint list`, `oso sprint list --days 30 --json`
    """
    now = datetime.now(UTC)
    with _store() as store:
        sprints = store.sprints.since(now - timedelta(days=days))
    sprints = [sprint for sprint in sprints if sprint.open or days]
    if as_json:
        typer.echo(json.dumps([as_data(sprint) for sprint in sprints], indent=2))
    elif not sprints:
        typer.echo("no sprint is open" if not days else f"no sprint was open in the last {days} days")
    else:
        table = Table(Column("objective", no_wrap=True), "phase", "opened (UTC)", "assigned to", "evidence", box=SIMPLE_HEAD)
        for sprint in sprints:
            who = sprint.assignee or sprint.acknowledged_by or "nobody"
            table.add_row(sprint.objective, sprint.phase.value, f"{sprint.opened_at:%Y-%m-%d %H:%M}", who, sprint.finding.summary)
        Console().print(table)


@app.command()
def show(objective: Objective, as_json: Json = False) -> None:
    """Show the newest sprint of an objective: evidence, guilty assets with their owners and runs, timeline, next step.

    Example: `oso sprint show core_source_data.data_freshness`
    """
    with _store() as store:
        sprint = store.sprints.newest().get(_known(objective))
    if sprint is None:
        typer.echo(f"{objective} never had a sprint", err=True)
        raise typer.Exit(1)
    if as_json:
        typer.echo(json.dumps(as_data(sprint), indent=2))
    else:
        _print(sprint)


@app.command()
def ack(objective: Objective, who: Who = "", as_json: Json = False) -> None:
    """Acknowledge it: you have seen it and work on it. Reminders then come once a day.

    Example: `oso sprint ack core_source_data.data_freshness`
    """
    name = who or getpass.getuser()
    _change(objective, as_json, lambda sprint: sprint_actions.acknowledge(sprint, name, datetime.now(UTC)))


@app.command()
def assign(
    objective: Objective, to: Annotated[str, typer.Argument(help="Whose task it is.")], who: Who = "", as_json: Json = False
) -> None:
    """Make it somebody's task.

    Example: `oso sprint assign core_source_data.data_freshness ada@example.org`
    """
    name = who or getpass.getuser()
    _change(objective, as_json, lambda sprint: sprint_actions.assign(sprint, to, name, datetime.now(UTC)))


@app.command()
def note(
    objective: Objective, text: Annotated[str, typer.Argument(help="What you found.")], who: Who = "", as_json: Json = False
) -> None:
    """Add a remark to its history; it shows in the message as well.

    Example: `oso sprint note core_source_data.data_freshness "the mirror is down, its owner repairs it by noon"`
    """
    name = who or getpass.getuser()
    _change(objective, as_json, lambda sprint: sprint_actions.note(sprint, text, name, datetime.now(UTC)))


def _change(objective: str, as_json: bool, act: Callable[[Sprint], Sprint]) -> None:
    with _store() as store:
        try:
            sprint = store.sprints.change(_known(objective), act)
        except (LookupError, ValueError) as error:
            typer.echo(str(error), err=True)
            raise typer.Exit(1) from None
    last = sprint.history[-1]
    typer.echo(json.dumps(as_data(sprint), indent=2) if as_json else f"{sprint.objective}: {last.text}")


def _known(objective: str) -> str:
    if objective not in {known.id for known in OBJECTIVES}:
        raise typer.BadParameter(f"no objective is called {objective}; there are {', '.join(known.id for known in OBJECTIVES)}")
    return objective


def _store() -> Store:
    from oso_dagster.reliability.store import Store  # noqa: PLC0415  (SQLAlchemy loads when used)

    settings = read_settings(catalogue())
    return Store.open(settings.reliability_store_url, settings.world.value)


def _print(sprint: Sprint) -> None:
    console, finding = Console(), sprint.finding
    share = percent(finding.good, finding.valid) if finding.valid else "no data"
    closed = f", closed {sprint.closed_at:%Y-%m-%d %H:%M}" if sprint.closed_at else ""
    console.print(f"[bold]{sprint.objective}[/bold]  {sprint.phase.value}, opened {sprint.opened_at:%Y-%m-%d %H:%M} UTC{closed}")
    console.print(f"SLI {share}, target {percent(finding.target_bp, ALL)}: {finding.summary}", highlight=False, markup=False)
    console.print(f"Acknowledged by {sprint.acknowledged_by or 'nobody'}, assigned to {sprint.assignee or 'nobody'}")
    if finding.guilty:
        guilty = Table("asset", "owner", Column("bad", justify="right"), "newest cause", "run", box=SIMPLE_HEAD)
        for asset in finding.guilty:
            guilty.add_row(asset.asset, asset.owner, f"{asset.bad:,} of {asset.valid:,}", asset.cause, asset.run_id)
        console.print(guilty)
    timeline = Table(Column("when (UTC)", no_wrap=True), "what", "who", "", box=SIMPLE_HEAD)
    for entry in sprint.history:
        timeline.add_row(f"{entry.at:%Y-%m-%d %H:%M}", entry.kind.value.replace("_", " "), entry.who, entry.text)
    console.print(timeline)
    if sprint.open:
        console.print(f"Next: {finding.next_step}", highlight=False, markup=False)
