"""`oso slo`: the state of the objectives, why, and reported samples. The tables are made in `verdict_tables`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from oso_dagster.cli.session.chosen_world import settings_now, settings_without_sources
from oso_dagster.cli.session.moments import moment
from oso_dagster.cli.session.terminal import Json, console, refusal, say, say_json
from oso_dagster.cli.slo import maintenance_commands, verdict_tables
from oso_dagster.cli.slo.evaluator_at import evaluator_at

app = typer.Typer(no_args_is_help=True, help="The service level objectives: where they stand, and why.")
app.add_typer(maintenance_commands.app, name="maintenance")

At = Annotated[str | None, typer.Option(help="A time, such as 2026-03-01T12:00+00:00; without a zone it is UTC. Default: now.")]


@app.command()
def report(
    at: At = None,
    service: Annotated[str | None, typer.Option(help="One service only.")] = None,
    asset: Annotated[str | None, typer.Option(help="One asset by itself, such as oss_directory/projects.")] = None,
    as_json: Json = False,
) -> None:
    """Report the objectives now or at a past time: numbers, verdicts, budgets, and the alerts that can never fire.

    Examples: `oso slo report`, `oso slo report --service sqlmesh --json`, `oso slo report --at 2026-03-01T12:00`
    """
    from oso_dagster.domain.objectives.objectives import SERVICES  # noqa: PLC0415

    if service is not None and service not in SERVICES:
        raise refusal(f"no service is called {service}; there are {', '.join(SERVICES)}")
    with evaluator_at(at) as (evaluator, now):
        if asset is not None:
            if asset not in evaluator.labels:
                raise refusal(f"no asset is called {asset}")
            rows = [evaluator.of_assets(evaluator.labels[asset], now)[asset]]
        else:
            rows = [assessment for name in ([service] if service else SERVICES) for assessment in evaluator.assess(name, now)]
        judged = verdict_tables.ObjectivesReport(now, rows, verdict_tables.fresh_shares(evaluator, now), evaluator.labels)
    if as_json:
        say_json(judged.as_data(asset))
    else:
        console().print(*judged.as_tables(asset))


@app.command()
def explain(
    objective: Annotated[str, typer.Argument(help="The id of an objective, such as sqlmesh.materialization_reliability.")],
    at: At = None,
    as_json: Json = False,
) -> None:
    """Explain the verdict of an objective: its bad events one by one, their cost, and when they leave the window.

    Example: `oso slo explain core_source_data.materialization_reliability`
    """
    from oso_dagster.domain.objectives.objectives import objective_of  # noqa: PLC0415

    try:
        wanted = objective_of(objective)
    except LookupError as error:
        raise refusal(str(error)) from None
    with evaluator_at(at) as (evaluator, now):
        assessment = evaluator.assess_one(wanted, now, evaluator.store.maintenance.all())
        since = now - (wanted.window or timedelta(0))
        events = evaluator.events(wanted, since, now, assessment.maintenance) if wanted.window else []
        bad = [event for event in events if event.count.bad]
    explanation = verdict_tables.Explanation(assessment, bad, f"http://127.0.0.1:{settings_now().webserver_port}/runs/")
    if as_json:
        say_json(explanation.as_data())
    else:
        console().print(*explanation.as_tables(), sep="\n")


@app.command()
def record(
    objective: Annotated[str, typer.Argument(help="The id of an objective that is counted from samples.")],
    good: Annotated[int, typer.Option(min=0, help="Good events.")],
    valid: Annotated[int, typer.Option(min=0, help="All events that count; 0: nothing was asked for.")],
    slice_: Annotated[str, typer.Option("--slice", help="What the count is about: an application, a cluster.")] = "",
    at: At = None,
) -> None:
    """Record good and valid events of a service that somebody else counts. The same slice and time counts once.

    Example: `oso slo record public_applications.availability --good 1 --valid 1 --slice website`
    """
    from oso_dagster.domain.objectives.budget import Count  # noqa: PLC0415
    from oso_dagster.domain.objectives.sample import AHEAD, Sample  # noqa: PLC0415
    from oso_dagster.reliability.store import Store  # noqa: PLC0415  (SQLAlchemy loads when used)

    settings, (service, _, name) = settings_without_sources(), objective.partition(".")
    try:
        sample = Sample(service, name, Count(moment(at), good, valid), slice_)
    except (LookupError, ValueError) as error:
        raise refusal(str(error)) from None
    if sample.count.at > datetime.now(UTC) + AHEAD:
        raise refusal(f"{sample.count.at.isoformat()} has not come yet: nothing can have been counted then")
    with Store.open(settings.reliability_store_url, settings.world.value) as store:
        try:
            new = store.samples.record([sample])
        except ValueError as error:
            raise refusal(str(error)) from None
    say("recorded" if new else "already recorded: the same objective, slice and time count once")


@app.command()
def repair(
    yes: Annotated[bool, typer.Option("--yes", help="Remove them; without it they are only counted.")] = False,
) -> None:
    """Remove what is dated later than now, as a clock that was ahead or a wrong date left it: it would count once its time comes.

    Example: `oso slo repair`, then `oso slo repair --yes`
    """
    from oso_dagster.reliability import repair as repairs  # noqa: PLC0415  (SQLAlchemy loads when used)
    from oso_dagster.reliability.store import Store  # noqa: PLC0415

    settings, now = settings_without_sources(), datetime.now(UTC)
    with Store.open(settings.reliability_store_url, settings.world.value) as store:
        rows = (repairs.remove_later_than if yes else repairs.later_than)(store, now)
    if not rows:
        say("nothing is dated later than now")
        return
    counted = ", ".join(f"{count:,} {kind}" for kind, count in rows.items())
    say(f"removed or corrected: {counted}" if yes else f"dated later than now: {counted}; `oso slo repair --yes` removes them")


@app.command()
def export(
    sloth: Annotated[
        bool, typer.Option("--sloth", help="openslo/v1alpha, from which Sloth makes rules for the counters of /metrics.")
    ] = False,
) -> None:
    """Print the objectives as OpenSLO v1 YAML; those that OpenSLO cannot express are named in a comment.

    Examples: `oso slo export > objectives.yaml`, `oso slo export --sloth > sloth.yaml && sloth generate -i sloth.yaml`
    """
    import yaml  # noqa: PLC0415

    from oso_dagster.domain.exports.openslo import alpha_documents, documents, expressible  # noqa: PLC0415
    from oso_dagster.domain.objectives.objectives import OBJECTIVES, SERVICES  # noqa: PLC0415

    if sloth:
        say(yaml.safe_dump_all(alpha_documents(OBJECTIVES), sort_keys=False, allow_unicode=True).rstrip())
        return
    for objective in OBJECTIVES:
        if not expressible(objective):
            say(f"# not expressible in OpenSLO, which wants a window and a target below 1: {objective.id}")
    say(yaml.safe_dump_all(documents(SERVICES, OBJECTIVES), sort_keys=False, allow_unicode=True).rstrip())


@app.command()
def metrics() -> None:
    """Print what the store knows in OpenMetrics, for a file that a collector reads; `oso probe run --metrics` serves the same.

    Example: `oso slo metrics > /var/lib/node_exporter/oso.prom`
    """
    from prometheus_client.openmetrics.exposition import generate_latest  # noqa: PLC0415  (loads when used)

    from oso_dagster.reliability.metrics import registry  # noqa: PLC0415  (SQLAlchemy loads when used)
    from oso_dagster.reliability.store import Store  # noqa: PLC0415

    settings = settings_without_sources()
    made = registry(lambda: Store.open(settings.reliability_store_url, settings.world.value), lambda: datetime.now(UTC))
    say(generate_latest(made).decode().rstrip())  # type: ignore[no-untyped-call]  # as the library has it


@app.command()
def simulate(
    volume: Annotated[int, typer.Option(min=1, help="Events a minute.")] = 100,
    as_json: Json = False,
) -> None:
    """Backtest the burn-rate alerts: outages of known shapes at 75, 90 and 99 %; when they are noticed and when quiet again.

    Example: `oso slo simulate --volume 1000`
    """
    from oso_dagster.domain.objectives.simulation import SHAPES, backtest  # noqa: PLC0415

    results = [backtest(shape, target, volume) for target in (7_500, 9_000, 9_900) for shape in SHAPES]
    if as_json:
        say_json([verdict_tables.backtest_data(result) for result in results])
    else:
        console().print(verdict_tables.backtests(results, volume))
