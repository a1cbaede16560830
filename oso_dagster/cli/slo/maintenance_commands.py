"""`oso slo maintenance`: windows that are taken out of the indicators."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from oso_dagster.cli.session.chosen_world import settings_without_sources
from oso_dagster.cli.session.moments import moment
from oso_dagster.cli.session.person import Who, person
from oso_dagster.cli.session.terminal import Json, console, refusal, say, say_json
from oso_dagster.cli.slo import maintenance_tables
from oso_dagster.cli.slo.evaluator_at import evaluator_at
from oso_dagster.domain.durations import duration
from oso_dagster.domain.objectives.maintenance import LONG, Maintenance, declared_at

if TYPE_CHECKING:
    from oso_dagster.orchestration.objectives.evaluator import Evaluator
    from oso_dagster.reliability.store import Store

app = typer.Typer(no_args_is_help=True, help="Maintenance windows: what happens inside leaves the indicators, and is shown.")

Scope = Annotated[str, typer.Argument(help="A service, the id of an objective, or an asset.")]
Zone = Annotated[str, typer.Option(help="The time zone of times without one, and of what repeats.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask about a window longer than a day.")]


@app.command("add")
def add_window(
    scope: Scope,
    *,
    start: Annotated[str, typer.Option("--from", help="When it begins; without a zone it is UTC.")],
    end: Annotated[str, typer.Option("--to", help="When it ends.")],
    reason: Annotated[str, typer.Option(help="Why, in words that are shown.")],
    who: Who = None,
    yes: Yes = False,
    repeat: Annotated[str, typer.Option(help="Repeat it by a calendar's rule, with COUNT or UNTIL.")] = "",
    zone: Zone = "UTC",
) -> None:
    """Declare maintenance: what happens inside is taken out of the indicators. What happened before it is declared counts.

    Examples: `oso slo maintenance add sqlmesh --from 2027-03-01T08:00 --to 2027-03-01T10:00 --reason "a new disk"`;
    each Sunday at two in Berlin: `… --zone Europe/Berlin --repeat "FREQ=WEEKLY;BYDAY=SU;COUNT=8"`
    """
    from oso_dagster.domain.objectives.declarations import require_scope  # noqa: PLC0415
    from oso_dagster.domain.objectives.objectives import OBJECTIVES  # noqa: PLC0415

    now = datetime.now(UTC)
    with evaluator_at(now.isoformat()) as (evaluator, _), _refusing():
        require_scope(scope, OBJECTIVES, evaluator.labels.keys(), evaluator.store.samples.slices())
        wanted = Maintenance(scope, moment(start, zone), moment(end, zone), person(who), reason)
        windows = _declared(wanted, repeat, zone, now)
        _ask(scope, max(window.end - window.start for window in windows), yes)
        new = evaluator.store.maintenance.add(*_unknown(evaluator, windows))
    if not new:
        say("already declared")
        return
    first, begins = windows[0], ""
    if first.start == now:
        begins = f" from {now:%Y-%m-%d %H:%M} UTC on: what happened before counts"
    elif repeat:
        begins = f" from {first.start:%Y-%m-%d %H:%M} UTC to {windows[-1].end:%Y-%m-%d %H:%M} UTC"
    say((f"declared {new} windows" if repeat else "declared") + begins)


@app.command("end")
def end_window(scope: Scope, who: Who = None) -> None:
    """End the maintenance of a scope now: from here on everything counts again.

    Example: `oso slo maintenance end sqlmesh`
    """
    with _store() as store, _refusing():
        ended = store.maintenance.end(scope, datetime.now(UTC), person(who))
    if not ended:
        raise refusal(f"{scope} is in no maintenance now; `oso slo maintenance list` shows the windows")
    say("ended")


@app.command("reschedule")
def reschedule_window(
    scope: Scope,
    end: Annotated[str, typer.Option("--to", help="When it ends now.")],
    at: Annotated[
        str | None, typer.Option("--at", help="When the window begins. Default: the one that is open, or the next.")
    ] = None,
    who: Who = None,
    zone: Zone = "UTC",
    yes: Yes = False,
) -> None:
    """Shorten or extend a window that is not over yet.

    Example: `oso slo maintenance reschedule sqlmesh --to 2027-03-01T11:30`
    """
    now, ends = datetime.now(UTC), moment(end, zone)
    begins = None if at is None else moment(at, zone)
    with _store() as store, _refusing():
        coming = [window for window in store.maintenance.all() if window.scope == scope and window.end > now]
        chosen = next((window for window in coming if begins in (None, window.start)), None)
        if chosen is None:
            raise refusal(f"no such maintenance of {scope} is open or planned; `oso slo maintenance list` shows the windows")
        _ask(scope, ends - chosen.start, yes or ends <= chosen.end)
        store.maintenance.move_end(chosen, ends, now, person(who))
    say(f"{'extended' if ends > chosen.end else 'shortened'}: {chosen.start:%Y-%m-%d %H:%M} to {ends:%Y-%m-%d %H:%M} UTC")


@app.command("cancel")
def cancel_window(
    scope: Scope,
    at: Annotated[
        str | None, typer.Option("--at", help="Only the window that begins then. Default: all that have not begun.")
    ] = None,
    running: Annotated[bool, typer.Option("--running", help="The open one too: what happened in it counts after all.")] = False,
    who: Who = None,
    zone: Zone = "UTC",
) -> None:
    """Take back the maintenance of a scope that has not begun.

    Example: `oso slo maintenance cancel sqlmesh`
    """
    begins = None if at is None else moment(at, zone)
    name = person(who)
    with _store() as store, _refusing():
        taken = store.maintenance.take_back(scope, datetime.now(UTC), name, begins=begins, running=running)
    if not taken:
        raise refusal(f"no such maintenance of {scope} is planned; `oso slo maintenance list` shows the windows")
    say(f"taken back: {len(taken)}")


@app.command("list")
def list_windows(as_json: Json = False) -> None:
    """List every maintenance window, the earliest first.

    Example: `oso slo maintenance list`
    """
    with _store() as store:
        windows = store.maintenance.all()
    if as_json:
        say_json([maintenance_tables.maintenance_data(window) for window in windows])
    elif not windows:
        say("no maintenance was ever declared")
    else:
        console().print(maintenance_tables.maintenances(windows))


@app.command("log")
def list_changes(as_json: Json = False) -> None:
    """List what was done with maintenance windows, by whom and when: declared, ended, moved, taken back.

    Example: `oso slo maintenance log`
    """
    with _store() as store:
        changes = store.maintenance.changes()
    if as_json:
        say_json([maintenance_tables.change_data(change) for change in changes])
    elif not changes:
        say("no maintenance was ever declared")
    else:
        console().print(maintenance_tables.changes_table(changes))


def _declared(wanted: Maintenance, repeat: str, zone: str, now: datetime) -> list[Maintenance]:
    """The windows as they count when they are declared at `now`; of those that repeat, the ones that are not over."""
    from oso_dagster.reliability.ledger.repeating import repeated  # noqa: PLC0415

    if not repeat:
        return [declared_at(wanted, now)]
    coming = [window for window in repeated(wanted, repeat, zone) if window.end > now]
    if not coming:
        raise ValueError("all of these windows are over: maintenance declared afterwards erases nothing")
    return [declared_at(window, now) for window in coming]


def _unknown(evaluator: Evaluator, windows: Sequence[Maintenance]) -> list[Maintenance]:
    """Those that are not declared already: the same again begins at another now."""
    known = [(each.scope, each.start, each.end) for each in evaluator.store.maintenance.all()]
    return [
        window
        for window in windows
        if not any(scope == window.scope and start <= window.start and end == window.end for scope, start, end in known)
    ]


def _ask(scope: str, longest: timedelta, yes: bool) -> None:
    if longest > LONG and not yes:
        typer.confirm(f"{scope} would be in no indicator for {duration(longest)}. Declare it?", abort=True)


@contextmanager
def _store() -> Iterator[Store]:
    from oso_dagster.reliability.store import Store  # noqa: PLC0415  (SQLAlchemy loads when used)

    settings = settings_without_sources()
    with Store.open(settings.reliability_store_url, settings.world.value) as store:
        yield store


@contextmanager
def _refusing() -> Iterator[None]:
    try:
        yield
    except (LookupError, ValueError) as error:
        raise refusal(str(error)) from None
