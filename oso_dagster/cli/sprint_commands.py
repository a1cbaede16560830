"""`oso sprint`: the remedial sprints for people: which are open, why, and who works on it. Evaluation opens and closes them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Column

from oso_dagster.cli.session.chosen_world import settings_without_sources
from oso_dagster.cli.session.person import Who, person
from oso_dagster.cli.session.terminal import Json, console, failure, listing, number, refusal, say, say_json, under
from oso_dagster.domain.alerts import sprint as sprint_actions
from oso_dagster.domain.alerts.sprint import Sprint
from oso_dagster.domain.alerts.sprint_data import as_data
from oso_dagster.domain.objectives.budget import ALL
from oso_dagster.domain.objectives.objectives import OBJECTIVES, percent

if TYPE_CHECKING:
    from oso_dagster.reliability.store import Store

app = typer.Typer(
    no_args_is_help=True, help="Remedial sprints: missed objectives, each a task for somebody until it is met again."
)

Objective = Annotated[str, typer.Argument(help="The id of an objective, such as core_source_data.data_freshness.")]


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
        sprints = store.sprints.since(now - timedelta(days=days), now)
    sprints = [sprint for sprint in sprints if sprint.open or days]
    if as_json:
        say_json([as_data(sprint) for sprint in sprints])
    elif not sprints:
        say("no sprint is open" if not days else f"no sprint was open in the last {days} days")
    else:
        table = listing("objective", "phase", Column("opened (UTC)", no_wrap=True))
        for sprint in sprints:
            who = sprint.assignee or sprint.acknowledged_by or "nobody"
            about = under(sprint.objective, sprint.finding.summary, f"assigned to {who}")
            table.add_row(about, sprint.phase.value, f"{sprint.opened_at:%Y-%m-%d %H:%M}")
        console().print(table)


@app.command()
def show(objective: Objective, as_json: Json = False) -> None:
    """Show the newest sprint of an objective: evidence, guilty assets with their owners and runs, timeline, next step.

    Example: `oso sprint show core_source_data.data_freshness`
    """
    with _store() as store:
        sprint = store.sprints.newest(datetime.now(UTC)).get(_known(objective))
    if sprint is None:
        raise failure(f"{objective} never had a sprint")
    if as_json:
        say_json(as_data(sprint))
    else:
        _print(sprint)


@app.command()
def ack(objective: Objective, who: Who = None, as_json: Json = False) -> None:
    """Acknowledge it: you have seen it and work on it. Reminders then come once a day.

    Example: `oso sprint ack core_source_data.data_freshness`
    """
    name = person(who)
    _change(objective, as_json, lambda sprint: sprint_actions.acknowledge(sprint, name, datetime.now(UTC)))


@app.command()
def assign(
    objective: Objective, to: Annotated[str, typer.Argument(help="Whose task it is.")], who: Who = None, as_json: Json = False
) -> None:
    """Make it somebody's task.

    Example: `oso sprint assign core_source_data.data_freshness ada@example.org`
    """
    name = person(who)
    _change(objective, as_json, lambda sprint: sprint_actions.assign(sprint, to, name, datetime.now(UTC)))


@app.command()
def note(
    objective: Objective, text: Annotated[str, typer.Argument(help="What you found.")], who: Who = None, as_json: Json = False
) -> None:
    """Add a remark to its history; it shows in the message as well.

    Example: `oso sprint note core_source_data.data_freshness "the mirror is down, its owner repairs it by noon"`
    """
    name = person(who)
    _change(objective, as_json, lambda sprint: sprint_actions.note(sprint, text, name, datetime.now(UTC)))


def _change(objective: str, as_json: bool, act: Callable[[Sprint], Sprint]) -> None:
    with _store() as store:
        try:
            sprint = store.sprints.change(_known(objective), act)
        except (LookupError, ValueError) as error:
            raise failure(error) from None
    last = sprint.history[-1]
    if as_json:
        say_json(as_data(sprint))
    else:
        say(f"{sprint.objective}: {last.text}")


def _known(objective: str) -> str:
    if objective not in {known.id for known in OBJECTIVES}:
        raise refusal(f"no objective is called {objective}; there are {', '.join(known.id for known in OBJECTIVES)}")
    return objective


def _store() -> Store:
    from oso_dagster.reliability.store import Store  # noqa: PLC0415  (SQLAlchemy loads when used)

    settings = settings_without_sources()
    return Store.open(settings.reliability_store_url, settings.world.value)


def _print(sprint: Sprint) -> None:
    terminal, finding = console(), sprint.finding
    share = percent(finding.good, finding.valid) if finding.valid else "no data"
    closed = f", closed {sprint.closed_at:%Y-%m-%d %H:%M}" if sprint.closed_at else ""
    terminal.print(sprint.objective, style="bold", end="")
    terminal.print(f"  {sprint.phase.value}, opened {sprint.opened_at:%Y-%m-%d %H:%M} UTC{closed}")
    terminal.print(f"SLI {share}, target {percent(finding.target_bp, ALL)}: {finding.summary}")
    terminal.print(f"Acknowledged by {sprint.acknowledged_by or 'nobody'}, assigned to {sprint.assignee or 'nobody'}")
    if finding.guilty:
        guilty = listing("asset, newest cause, owner, run", number("bad"))
        for asset in finding.guilty:
            run = f"run {asset.run_id}" if asset.run_id else ""
            guilty.add_row(under(asset.asset, asset.cause, asset.owner, run), f"{asset.bad:,} of {asset.valid:,}")
        terminal.print(guilty)
    timeline = listing(Column("when (UTC)", no_wrap=True), "what happened", "who")
    for entry in sprint.history:
        timeline.add_row(f"{entry.at:%Y-%m-%d %H:%M}", under(entry.kind.value.replace("_", " "), entry.text), entry.who)
    terminal.print(timeline)
    if sprint.open:
        terminal.print(f"Next: {finding.next_step}")
