"""`oso sources`: the catalogue, for people: what there is, what one says, whether it answers, and a new one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from oso_dagster.cli.run_result import verdict_of
from oso_dagster.cli.session.chosen_world import settings_now
from oso_dagster.cli.session.instance import enter
from oso_dagster.cli.session.terminal import Json, console, failure, say, say_json
from oso_dagster.cli.sources import source_tables, truth_tables
from oso_dagster.cli.sources.contracts import contracts
from oso_dagster.domain.catalogue.loading import RefusedError
from oso_dagster.domain.catalogue.source import Source
from oso_dagster.domain.catalogue.table_names import asset_name
from oso_dagster.settings import Settings
from oso_dagster.sources import catalogue

app = typer.Typer(no_args_is_help=True, help="The catalogue of sources.")
app.command()(contracts)

Name = Annotated[str, typer.Argument(help="The name of a source, such as npm.")]


class SourceNameError(Exception):
    """No source or table is called so, or a new one must not be; the message says what to write instead."""


@app.callback()
def group() -> None:
    """The catalogue of sources."""


@app.command("list")
def list_sources(as_json: Json = False) -> None:
    """List every table with its stability, promised freshness, last load, verdict and schedule.

    Examples: `oso sources list`, `oso sources list --json | jq '.[].table'`
    """
    settings = settings_now()
    rows = _rows(settings, settings.in_world(catalogue()))
    if as_json:
        say_json(rows)
    else:
        console().print(source_tables.overview(rows, datetime.now(UTC)))


@app.command()
def show(name: Name, as_json: Json = False) -> None:
    """Show everything that a source declares, its settings and tables, and what was seen of the truth of each table.

    Examples: `oso sources show npm`, `oso sources show github --json | jq '.tables[].cost'`
    """
    from oso_dagster.domain.judging.load_checks import checks_of  # noqa: PLC0415  (Dagster is slow to load)
    from oso_dagster.orchestration.objectives.service_assets import promised_checks  # noqa: PLC0415

    settings = settings_now()
    source = _known(name, settings)
    promised = {t.name: {spec.name: str(spec.description) for spec in promised_checks(source, t)} for t in source.tables}
    checks = {t.name: {check.name: check.description for check in checks_of(t)} | promised[t.name] for t in source.tables}
    declaration = source_tables.declared(source, settings, checks)
    seen = truth_tables.seen_of(settings, source, datetime.now(UTC))
    for table, row in zip(source.tables, declaration["tables"], strict=True):
        row["truth"] = truth_tables.truth_of(source, table, seen)
    if as_json:
        say_json(declaration)
    else:
        source_tables.print_declared(declaration, console())


@app.command()
def check(
    name: Name,
    *,
    table: Annotated[str | None, typer.Option(help="One table only.")] = None,
    rows: Annotated[int, typer.Option(min=1, help="How many rows of each table to fetch and check.")] = 1_000,
    inputs: Annotated[int, typer.Option(min=1, help="How many values to take from the tables that a table needs.")] = 5,
    partition: Annotated[str | None, typer.Option(help="Which partition; by default the newest that is due.")] = None,
    live: Annotated[bool, typer.Option("--live", help="Ask also what only a live request can show: at most 60, slowly.")] = False,
    report: Annotated[bool, typer.Option("--report", help="Print one Markdown report, without secrets, to paste.")] = False,
    as_json: Json = False,
) -> None:
    """Fetch some rows from a source's endpoint, check them as a load would, and write nothing.

    A file or a query can only be fetched whole, at its full cost. Exit code 1 means that a load would fail.

    Examples: `oso sources check growthepie`, `OSO_WORLD=sandbox oso sources check github --table events --rows 50`,
    `OSO_WORLD=live oso sources check npm --live --report`
    """
    from oso_dagster.orchestration.ingest.dry_run import TrialLimits, try_table  # noqa: PLC0415
    from oso_dagster.orchestration.ingest.live import live_report  # noqa: PLC0415

    settings = settings_now()
    source = _known(name, settings)
    known = [declared.name for declared in source.tables]
    if table is not None and table not in known:
        raise SourceNameError(f"{name} has no table {table}; there are {', '.join(known)}")
    chosen = [declared for declared in source.tables if table in {None, declared.name}]
    now, limits = datetime.now(UTC), TrialLimits(rows, inputs)
    trials = [try_table(settings, source, chosen_table, now, limits, partition) for chosen_table in chosen]
    answers = live_report.ask_live(settings, source, now) if live else []
    if as_json:
        tables = [vars(trial) for trial in trials]
        say_json({"tables": tables, "answers": [vars(answer) for answer in answers]} if live else tables)
    elif report:
        say(live_report.markdown(source, settings.world.value, now, trials, answers))
    else:
        console().print(source_tables.tried(name, trials))
        for answer in answers:
            say("\n  ".join([f"{answer.name}: {answer.question}", *answer.lines]))
    raise typer.Exit(1 if any(trial.problems for trial in trials) else 0)


@app.command()
def plan(
    name: Name,
    table: Annotated[str | None, typer.Option(help="One table only.")] = None,
    first: Annotated[int, typer.Option(min=0, help="How many items of each table to show.")] = 5,
    as_json: Json = False,
) -> None:
    """Show what the next load of a source asks for first, and what that costs of its upstream's limit; asks and writes nothing.

    Examples: `oso sources plan github`, `oso sources plan github --table repository_events --first 20 --json`
    """
    from oso_dagster.cli.sources import plan_table  # noqa: PLC0415
    from oso_dagster.orchestration.ingest.plan import plan_of  # noqa: PLC0415

    settings = settings_now()
    source = _known(name, settings)
    planned = [declared for declared in source.tables if declared.plan is not None]
    if not planned or (table is not None and table not in {declared.name for declared in planned}):
        tables = ", ".join(declared.name for declared in planned)
        have = f"has plans of {tables}" if planned else "has no table that is asked item by item under a limit, so no plan"
        raise SourceNameError(f"{name} {have}")
    now = datetime.now(UTC)
    try:
        plans = {chosen.name: plan_of(settings, source, chosen, now) for chosen in planned if table in {None, chosen.name}}
    except RefusedError as error:
        raise failure(f"{name} has no plan yet: {error}") from None
    if as_json:
        say_json(plan_table.plain(plans, first))
    else:
        plan_table.print_plans(plans, first, console())


@app.command()
def new(
    name: Name, title: Annotated[str, typer.Option(help="Its name for people; by default the name with a capital letter.")] = ""
) -> None:
    """Write the one file of a new source, from a template that works: a JSON list over HTTP. Then edit it.

    Example: `oso sources new coffee_prices --title "Coffee prices"`
    """
    from oso_dagster.cli.sources.new_source import write  # noqa: PLC0415

    try:
        path = write(name, title or name.replace("_", " ").capitalize())
    except ValueError as error:
        raise SourceNameError(str(error)) from None
    say(f"written: {path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path}")
    say(f"next: edit it, then oso sources check {name}, then oso run ingest_{name}")


def _rows(settings: Settings, sources: Sequence[Source]) -> list[source_tables.Row]:
    judged, loads = _judged(settings), _last_loads(settings, sources)
    rows = []
    for source in sources:
        for table in source.tables:
            asset = asset_name(source.name, table.name)
            rows.append(source_tables.row_of(source, table, loads.get(asset), judged.get(asset, "no data")))
    return rows


def _judged(settings: Settings) -> Mapping[str, str]:
    """How each table was judged by the newest evaluation: its freshness where that is not kept, else its worst verdict."""
    if settings.reliability_url is None and not (settings.world_dir / "reliability.db").exists():
        return {}
    from oso_dagster.domain.objectives.freshness import Freshness  # noqa: PLC0415
    from oso_dagster.reliability.store import Store  # noqa: PLC0415  (SQLAlchemy loads when used)

    with Store.open(settings.reliability_store_url, settings.world.value) as store:
        verdicts = [(row.verdict, row.guilty) for row in store.latest_verdicts(datetime.now(UTC))]
        kept = {None, Freshness.FRESH}
        return {
            row.asset: verdict_of(row.asset, verdicts) if row.freshness in kept else str(row.freshness).replace("_", " ")
            for row in store.freshness()
        }


def _last_loads(settings: Settings, sources: Sequence[Source]) -> Mapping[str, datetime]:
    if not settings.dagster_home.exists():
        return {}
    from oso_dagster.orchestration.ledger.log_files import LogFiles  # noqa: PLC0415

    if files := LogFiles.of(settings):
        return files.last_materializations()
    import dagster as dg  # noqa: PLC0415  (slow to load)

    from oso_dagster.orchestration.ingest.jobs.in_process import last_loads  # noqa: PLC0415

    enter(settings)
    with dg.DagsterInstance.get() as instance:
        return last_loads(instance, sources)


def _known(name: str, settings: Settings) -> Source:
    sources = {source.name: source for source in settings.in_world(catalogue())}
    if name not in sources:
        raise SourceNameError(f"no source is called {name}; there are {', '.join(sources)}. A new one: oso sources new {name}")
    return sources[name]
