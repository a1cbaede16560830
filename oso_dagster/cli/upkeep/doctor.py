"""`oso doctor`: what is configured, reachable, migrated, scheduled and alive, each with the next step."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Column
from rich.text import Text

from oso_dagster.cli.session.chosen_world import settings_now
from oso_dagster.cli.session.failures import one_line
from oso_dagster.cli.session.terminal import Json, console, listing, say, say_json, under
from oso_dagster.settings import Settings, World
from oso_dagster.sources import catalogue

if TYPE_CHECKING:
    from oso_dagster.orchestration.diagnosis.finding import Finding

_STYLES = {"ok": "green", "off": "dim", "warning": "yellow", "error": "bold red"}


def doctor(
    upstreams: Annotated[
        bool | None,
        typer.Option("--upstreams/--no-upstreams", help="Connect to the sources' hosts; by default in the sandbox only."),
    ] = None,
    only_problems: Annotated[bool, typer.Option("--problems", help="Leave out what is well.")] = False,
    as_json: Json = False,
) -> None:
    """Examine this installation: configured, reachable, migrated, scheduled, alive. It changes nothing.

    Ends with exit code 1 when something does not work; each finding that needs a person names the next step.

    Examples: `OSO_WORLD=sandbox oso doctor`, `oso doctor --problems --upstreams`
    """
    from oso_dagster.orchestration.diagnosis.finding import Question, State, worst  # noqa: PLC0415  (dagster loads when used)

    settings = settings_now()
    ask = settings.world is World.SANDBOX if upstreams is None else upstreams
    order = list(Question)
    findings = sorted(_findings(settings, ask_upstreams=ask), key=lambda finding: order.index(finding.question))
    shown = [finding for finding in findings if not only_problems or finding.state in (State.WARNING, State.ERROR)]
    if as_json:
        say_json(
            [
                {
                    "question": str(row.question),
                    "subject": row.subject,
                    "state": str(row.state),
                    "text": row.text,
                    "next_step": row.next_step,
                }
                for row in shown
            ]
        )
    else:
        _print(shown)
        counts = {state: sum(finding.state is state for finding in findings) for state in State}
        say(f"{len(findings)} findings: " + ", ".join(f"{count} {state}" for state, count in counts.items() if count))
    if worst(findings) is State.ERROR:
        raise typer.Exit(1)


def _findings(settings: Settings, *, ask_upstreams: bool) -> Iterator[Finding]:
    from oso_dagster.orchestration.diagnosis.diagnosis import examine, of_watchers, without_dagster  # noqa: PLC0415
    from oso_dagster.orchestration.diagnosis.finding import Examination, Finding, Question, State  # noqa: PLC0415

    now, sources, secrets = datetime.now(UTC), settings.in_world(catalogue()), settings.secrets()
    early = [
        finding
        for examination in without_dagster(settings, sources, now, ask_upstreams=ask_upstreams)
        for finding in examine(examination, one_line, secrets)
    ]
    yield from early
    names: list[str] = []
    loading = Examination(Question.CONFIGURED, "code location", partial(_code_location, settings, names))
    yield from examine(loading, one_line, secrets)
    if not (settings.dagster_home / "dagster.yaml").exists():
        yield Finding(Question.REACHABLE, "Dagster's instance", State.OFF, "not made yet: `oso dev` or `oso run` makes it")
        return
    opening = Examination(Question.REACHABLE, "Dagster's instance", partial(_instance, settings, names, now))
    yield from (asked := examine(opening, one_line, secrets))
    if any(finding.subject == "reliability store" and finding.state is not State.OK for finding in early):
        return
    daemon_ran = any(finding.subject.startswith("daemon:") for finding in asked)
    for examination in of_watchers(settings, now, daemon_ran=daemon_ran):
        yield from examine(examination, one_line, secrets)


def _code_location(settings: Settings, names: list[str]) -> Iterator[Finding]:
    """Load the whole code location; `names` is filled with those of its schedules and sensors."""
    from oso_dagster.definitions import build  # noqa: PLC0415
    from oso_dagster.orchestration.diagnosis.finding import Finding, Question, State  # noqa: PLC0415

    definitions = build(settings)
    names += sorted(item.name for items in (definitions.schedules, definitions.sensors) for item in items or ())
    yield Finding(Question.CONFIGURED, "code location", State.OK, f"loads, with {len(names)} schedules and sensors")


def _instance(settings: Settings, names: list[str], now: datetime) -> Iterator[Finding]:
    """What Dagster's instance can say; opened where it lies, with nothing copied into it."""
    import dagster as dg  # noqa: PLC0415

    from oso_dagster.orchestration.diagnosis.diagnosis import examine, of_dagster  # noqa: PLC0415

    os.environ["DAGSTER_HOME"] = str(settings.dagster_home)
    with dg.DagsterInstance.get() as instance:
        for examination in of_dagster(settings, instance, names, now):
            yield from examine(examination, one_line, settings.secrets())


def _print(findings: list[Finding]) -> None:
    for question, group in groupby(findings, key=lambda finding: finding.question):
        table = listing("state", Column("subject", min_width=18), "finding", title=str(question))
        for finding in group:
            step = f"next: {finding.next_step}" if finding.next_step else ""
            table.add_row(Text(str(finding.state), style=_STYLES[finding.state]), finding.subject, under(finding.text, step))
        console().print(table)
