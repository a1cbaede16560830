"""What `oso run` and `oso demo` print at the end: the data, the objectives as of when they were judged, and what failed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from oso_dagster.cli.session.terminal import listing, number, under
from oso_dagster.domain.objectives.freshness import Freshness
from oso_dagster.domain.objectives.objectives import OBJECTIVES, SERVICES, nothing, objective_of
from oso_dagster.domain.objectives.slo import Tally, Verdict
from oso_dagster.settings import Settings
from oso_dagster.sources import catalogue


@dataclass(frozen=True)
class JudgedObjective:
    """One objective as of `at`."""

    id: str
    verdict: Verdict
    good: int
    valid: int
    target_bp: int
    guilty: tuple[Tally, ...]
    at: datetime


@dataclass(frozen=True)
class _State:
    """Objectives, the freshness of each asset that promises some, and the rows of each asset's last good load."""

    objectives: Sequence[JudgedObjective]
    fresh: Mapping[str, Freshness | None]
    rows: Mapping[str, int | None]


def print_result(settings: Settings, terminal: Console, failures: Sequence[str], began: datetime) -> None:
    """Print tables of the data and the objectives as of the end of what `began` then, and the failures."""
    state = _state(settings, began)
    terminal.print(_data(state), _objectives(state.objectives))
    print_failures(terminal, failures)


def print_failures(terminal: Console, failures: Sequence[str]) -> None:
    """A line for each failure, however long."""
    for failure in failures:
        terminal.print(Text("failed:", "red"), failure, soft_wrap=True)


def verdict_of(asset: str, verdicts: Sequence[tuple[Verdict, Sequence[Tally]]]) -> str:
    """The worst verdict of an objective in which the asset fell short; compliant when there is none."""
    from oso_dagster.domain.status.page import worst  # noqa: PLC0415

    verdict = worst(verdict for verdict, guilty in verdicts if asset in {tally.asset for tally in guilty})
    return (Verdict.COMPLIANT if verdict is Verdict.NO_DATA else verdict).value.replace("_", " ")


def _state(settings: Settings, began: datetime) -> _State:
    """What the evaluation that ran since then found; where none did, the objectives are judged now, and nothing is written."""
    from oso_dagster.reliability.store import Store  # noqa: PLC0415  (SQLAlchemy loads when used)

    with Store.open(settings.reliability_store_url, settings.world.value) as store:
        stored = store.latest_verdicts(datetime.now(UTC))
        if stored and min(row.evaluated_at for row in stored) >= began:
            objectives = [
                JudgedObjective(
                    f"{row.service}.{row.objective}",
                    row.verdict,
                    row.good,
                    row.valid,
                    row.target_bp,
                    row.guilty,
                    row.evaluated_at,
                )
                for row in stored
            ]
            fresh = {row.asset: row.freshness for row in store.freshness()}
            return _State(objectives, fresh, {asset: last.rows for asset, last in store.ledger.last_good().items()})
    return _judged_now(settings)


def _judged_now(settings: Settings) -> _State:
    from oso_dagster.orchestration.clock import utc_now  # noqa: PLC0415  (dagster loads when used)
    from oso_dagster.orchestration.objectives.open_evaluator import evaluator_now  # noqa: PLC0415

    with evaluator_now(settings, settings.in_world(catalogue())) as evaluator:
        now = utc_now()
        labels = {objective.label for objective in OBJECTIVES if objective.label is not None}
        assessed = [assessment for service in SERVICES for assessment in evaluator.assess(service, now)]
        objectives = [
            JudgedObjective(
                each.objective.id, each.verdict, each.good, each.valid, each.objective.target, tuple(each.guilty), now
            )
            for each in assessed
        ]
        fresh = {row.asset: row.freshness for label in labels for row in evaluator.freshness_rows(label, now)}
        return _State(objectives, fresh, {asset: last.rows for asset, last in evaluator.store.ledger.last_good().items()})


def _data(state: _State) -> Table:
    table = listing(
        Column("table", no_wrap=True),
        number("rows"),
        Column("fresh", no_wrap=True),
        Column("verdict", no_wrap=True),
        title="The data, with the rows of each last load (—: they were not counted)",
    )
    verdicts = [(objective.verdict, objective.guilty) for objective in state.objectives]
    for asset in (*sorted(state.fresh), *sorted(name for name in state.rows if name.startswith("marts/"))):
        freshness, rows = state.fresh.get(asset), state.rows.get(asset)
        table.add_row(
            asset.replace("/", "."),
            f"{rows:,}" if rows is not None else "—",
            freshness.value.replace("_", " ") if freshness else "—",
            verdict_of(asset, verdicts) if asset in state.rows or freshness else "no data",
        )
    return table


def _objectives(objectives: Sequence[JudgedObjective]) -> Table:
    at = min((objective.at for objective in objectives), default=None)
    title = f"The objectives at {at:%Y-%m-%d %H:%M} UTC" if at else "The objectives"
    table = listing(
        Column("objective, what is good of what counts"), Column("verdict", no_wrap=True), number("target"), title=title
    )
    for row in objectives:
        counted = f"{row.good:,} of {row.valid:,}" if row.valid else f"nothing counted: {nothing(objective_of(row.id))}"
        table.add_row(under(row.id, counted), row.verdict.value.replace("_", " "), f"{row.target_bp / 100:g} %")
    return table
