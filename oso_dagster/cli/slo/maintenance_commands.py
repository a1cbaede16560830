"""`oso slo maintenance`: windows that are taken out of the indicators."""

from __future__ import annotations

import getpass
from datetime import UTC, datetime
from typing import Annotated

import typer

from oso_dagster.cli.session.chosen_world import settings_without_sources
from oso_dagster.cli.session.terminal import Json, console, refusal, say, say_json
from oso_dagster.cli.slo import verdict_tables
from oso_dagster.cli.slo.evaluator_at import evaluator_at, moment

app = typer.Typer(no_args_is_help=True, help="Maintenance windows: what happens inside leaves the indicators, and is shown.")


@app.command("add")
def add_window(
    scope: Annotated[str, typer.Argument(help="A service, the id of an objective, or an asset.")],
    start: Annotated[str, typer.Option("--from", help="When it begins; without a zone it is UTC.")],
    end: Annotated[str, typer.Option("--to", help="When it ends.")],
    reason: Annotated[str, typer.Option(help="Why, in words that are shown.")],
    author: Annotated[str | None, typer.Option(help="Who declares it. Default: you.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask about a window longer than a day.")] = False,
) -> None:
    """Declare maintenance: what happens inside is taken out of the indicators. What happened before it is declared counts.

    Example: `oso slo maintenance add sqlmesh --from 2026-03-01T08:00 --to 2026-03-01T10:00 --reason "a new disk"`
    """
    from oso_dagster.domain.durations import duration  # noqa: PLC0415
    from oso_dagster.domain.objectives.declarations import require_scope  # noqa: PLC0415
    from oso_dagster.domain.objectives.maintenance import LONG, Maintenance, declared_at  # noqa: PLC0415
    from oso_dagster.domain.objectives.objectives import OBJECTIVES  # noqa: PLC0415

    with evaluator_at(datetime.now(UTC).isoformat()) as (evaluator, _):
        try:
            require_scope(scope, OBJECTIVES, evaluator.labels.keys(), evaluator.store.samples.slices())
            wanted = Maintenance(scope, moment(start), moment(end), author or getpass.getuser(), reason)
            window = declared_at(wanted, datetime.now(UTC))
        except (LookupError, ValueError) as error:
            raise refusal(str(error)) from None
        if window.end - window.start > LONG and not yes:
            typer.confirm(f"{scope} would be in no indicator for {duration(window.end - window.start)}. Declare it?", abort=True)
        known = evaluator.store.maintenance.all()
        again = any(each.scope == scope and each.start <= window.start and each.end == window.end for each in known)
        new = not again and evaluator.store.maintenance.add(window)
    begins = "" if window.start == wanted.start else f" from {window.start:%Y-%m-%d %H:%M} UTC on: what happened before counts"
    say(f"declared{begins}" if new else "already declared")


@app.command("end")
def end_window(scope: Annotated[str, typer.Argument(help="A service, the id of an objective, or an asset.")]) -> None:
    """End the maintenance of a scope now: from here on everything counts again.

    Example: `oso slo maintenance end sqlmesh`
    """
    from oso_dagster.reliability.store import Store  # noqa: PLC0415

    settings = settings_without_sources()
    with Store.open(settings.reliability_store_url, settings.world.value) as store:
        ended = store.maintenance.end(scope, datetime.now(UTC))
    if not ended:
        raise refusal(f"{scope} is in no maintenance now; `oso slo maintenance list` shows the windows")
    say("ended")


@app.command("cancel")
def cancel_window(scope: Annotated[str, typer.Argument(help="A service, the id of an objective, or an asset.")]) -> None:
    """Take back the maintenance of a scope that has not begun.

    Example: `oso slo maintenance cancel sqlmesh`
    """
    from oso_dagster.reliability.store import Store  # noqa: PLC0415

    settings = settings_without_sources()
    with Store.open(settings.reliability_store_url, settings.world.value) as store:
        taken_back = store.maintenance.take_back(scope, datetime.now(UTC))
    if not taken_back:
        raise refusal(f"no maintenance of {scope} is planned; `oso slo maintenance list` shows the windows")
    say(f"taken back: {taken_back}")


@app.command("list")
def list_windows(as_json: Json = False) -> None:
    """List every maintenance window, the earliest first.

    Example: `oso slo maintenance list`
    """
    from oso_dagster.reliability.store import Store  # noqa: PLC0415

    settings = settings_without_sources()
    with Store.open(settings.reliability_store_url, settings.world.value) as store:
        windows = store.maintenance.all()
    if as_json:
        say_json([verdict_tables.maintenance_data(window) for window in windows])
    else:
        console().print(verdict_tables.maintenances(windows))
