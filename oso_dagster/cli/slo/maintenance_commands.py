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
) -> None:
    """Declare maintenance: what happens inside is taken out of the indicators.

    Example: `oso slo maintenance add sqlmesh --from 2026-03-01T08:00 --to 2026-03-01T10:00 --reason "a new disk"`
    """
    from oso_dagster.domain.objectives.declarations import require_scope  # noqa: PLC0415
    from oso_dagster.domain.objectives.maintenance import Maintenance  # noqa: PLC0415
    from oso_dagster.domain.objectives.objectives import OBJECTIVES  # noqa: PLC0415

    with evaluator_at(datetime.now(UTC).isoformat()) as (evaluator, _):
        try:
            require_scope(scope, OBJECTIVES, evaluator.labels.keys(), evaluator.store.samples.slices())
            window = Maintenance(scope, moment(start), moment(end), author or getpass.getuser(), reason)
        except (LookupError, ValueError) as error:
            raise refusal(str(error)) from None
        new = evaluator.store.maintenance.add(window)
    say("declared" if new else "already declared")


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
