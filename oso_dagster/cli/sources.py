"""`oso sources`: the catalogue, for people: what there is, what one says, whether it answers, and a new one."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Column, Table

from oso_dagster.cli import sources_shown
from oso_dagster.cli.run import verdict_of
from oso_dagster.domain.source import Source
from oso_dagster.settings import Settings, World, read_settings
from oso_dagster.sources import catalogue

if TYPE_CHECKING:
    from oso_dagster.orchestration.trial import Trial
    from oso_dagster.reliability.store import Store

app = typer.Typer(no_args_is_help=True, help="The catalogue of sources.")

Name = Annotated[str, typer.Argument(help="The name of a source, such as npm.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


class NoSourceError(Exception):
    """No source is called so, or one is already; the message says which there are."""


@app.callback()
def group() -> None:
    """The catalogue of sources."""


@app.command("list")
def list_sources(
    as_json: Json = False, markdown: Annotated[bool, typer.Option("--markdown", help="Print a page of documentation.")] = False
) -> None:
    """List every table with its stability, promised freshness, last load, verdict and schedule.

    Examples: `oso sources list`, `oso sources list --json | jq '.[].table'`, `oso sources list --markdown > sources.md`
    """
    settings = read_settings(catalogue())
    rows = _rows(settings)
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
    elif markdown:
        typer.echo(sources_shown.page(rows))
    else:
        Console().print(sources_shown.overview(rows, datetime.now(UTC)))


@app.command()
def show(name: Name, as_json: Json = False) -> None:
    """Show everything that a source says of itself: settings, and by table columns, partitions, schedule, cost and checks.

    Examples: `oso sources show npm`, `oso sources show github --json | jq '.tables[].cost'`
    """
    from oso_dagster.orchestration.checks import guards_of, warnings_of  # noqa: PLC0415  (Dagster is slow to load)

    settings = read_settings(catalogue())
    source = _known(name, settings)
    told = sources_shown.declared(source, settings, {t.name: guards_of(t) | warnings_of(t) for t in source.tables})
    if as_json:
        typer.echo(json.dumps(told, indent=2))
    else:
        sources_shown.print_declared(told, Console())


@app.command()
def check(
    name: Name,
    table: Annotated[str | None, typer.Option(help="One table only.")] = None,
    rows: Annotated[int, typer.Option(min=1, help="How many rows of each table are looked at.")] = 1_000,
    inputs: Annotated[int, typer.Option(min=1, help="How many values are taken of what a table needs of others.")] = 5,
    partition: Annotated[str | None, typer.Option(help="Which partition; by default the newest that is due.")] = None,
    as_json: Json = False,
) -> None:
    """Ask a source's endpoint for some rows, judge them as a load would, and write nothing.

    Ends with exit code 1 when a load would fail.

    Examples: `oso sources check growthepie`, `OSO_WORLD=sandbox oso sources check github --table events --rows 50`
    """
    from oso_dagster.orchestration.trial import Limits, try_table  # noqa: PLC0415

    settings = read_settings(catalogue())
    source = _known(name, settings)
    known = [one.name for one in source.tables]
    if table is not None and table not in known:
        raise NoSourceError(f"{name} has no table {table}; there are {', '.join(known)}")
    asked = [one for one in source.tables if table in {None, one.name}]
    now, limits = datetime.now(UTC), Limits(rows, inputs)
    with _world(settings):
        trials = [try_table(settings, source, one, now, limits, partition) for one in asked]
    if as_json:
        typer.echo(json.dumps([vars(trial) for trial in trials], indent=2))
    else:
        _print(name, trials)
    raise typer.Exit(1 if any(trial.problems for trial in trials) else 0)


@app.command()
def new(
    name: Name, title: Annotated[str, typer.Option(help="Its name for people; by default the name with a capital letter.")] = ""
) -> None:
    """Write the one file of a new source, from a template that works: a JSON list over HTTP. Then edit it.

    Example: `oso sources new coffee_prices --title "Coffee prices"`
    """
    from oso_dagster.cli.sources_template import write  # noqa: PLC0415

    if name in {source.name for source in catalogue()}:
        raise NoSourceError(f"there is a source {name} already: see oso sources show {name}")
    try:
        path = write(name, title or name.replace("_", " ").capitalize())
    except ValueError as error:
        raise NoSourceError(str(error)) from None
    typer.echo(f"written: {path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path}")
    typer.echo(f"next: edit it, then oso sources check {name}, then oso run ingest_{name}")


def _rows(settings: Settings) -> list[sources_shown.Row]:
    from oso_dagster.reliability.store import Store  # noqa: PLC0415  (SQLAlchemy loads when used)

    kept_here = settings.reliability_url is None
    if kept_here and not (settings.world_dir / "reliability.db").exists():
        return _told(settings, None)
    with Store.open(settings.reliability_store_url, settings.world.value) as store:
        return _told(settings, store)


def _told(settings: Settings, store: Store | None) -> list[sources_shown.Row]:
    verdicts = store.latest_verdicts() if store else []
    fresh = {row.asset: row for row in store.freshness()} if store else {}
    found = []
    for source in settings.in_world(catalogue()):
        for table in source.tables:
            asset = f"{source.name}/{table.name}"
            judged = fresh.get(asset)
            freshness = judged.freshness.value.replace("_", " ") if judged and judged.freshness else None
            verdict = verdict_of(asset, verdicts) if judged else "no data"
            found.append(sources_shown.row_of(source, table, judged.last_good if judged else None, freshness, verdict))
    return found


def _known(name: str, settings: Settings) -> Source:
    sources = {source.name: source for source in settings.in_world(catalogue())}
    if name not in sources:
        raise NoSourceError(f"no source is called {name}; there are {', '.join(sources)}. A new one: oso sources new {name}")
    return sources[name]


def _print(source: str, trials: list[Trial]) -> None:
    shown = Table(Column("table", no_wrap=True), Column("rows", justify="right"), "what a load would say", box=SIMPLE_HEAD)
    for trial in trials:
        said = [f"[red]{_plain(one)}[/red]" for one in trial.problems] + [f"[yellow]{_plain(one)}[/yellow]" for one in trial.warnings]
        place = f"{trial.table}[{trial.partition}]" if trial.partition else trial.table
        landed = "\n".join(f"{count:,}" for count in trial.rows.values()) or "—"
        names = "\n".join([place, *[name for name in trial.rows if name != trial.table]])
        shown.add_row(_plain(f"{source}.{names}"), landed, "\n".join(said) or "[green]good[/green]")
    Console().print(shown)


def _plain(text: str) -> str:
    return text.replace("[", "\\[")
