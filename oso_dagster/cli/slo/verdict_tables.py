"""What `oso slo` prints: plain data for programs, tables for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from rich.table import Column, Table

from oso_dagster.cli.session.terminal import listing, number, under
from oso_dagster.cli.slo.maintenance_tables import maintenance_data, maintenances
from oso_dagster.domain.durations import duration
from oso_dagster.domain.objectives.attempts import Label
from oso_dagster.domain.objectives.budget import budget_left, burn_rate, minutes_left
from oso_dagster.domain.objectives.declarations import remarks
from oso_dagster.domain.objectives.objectives import OBJECTIVES, ROLLING, budget_text, percent, summary
from oso_dagster.domain.objectives.simulation import Backtest
from oso_dagster.domain.objectives.slo import Assessment

if TYPE_CHECKING:
    from oso_dagster.orchestration.objectives.evaluator import Evaluator
    from oso_dagster.reliability.ledger.counted_events import CountedEvent

Shares = Mapping[str, tuple[timedelta, timedelta]]


def fresh_shares(evaluator: Evaluator, now: datetime) -> dict[str, tuple[timedelta, timedelta]]:
    """How long each asset with a promise was fresh in the last 30 days, and how long it had to be."""
    labels = (Label.CORE, Label.UNSTABLE)
    return {asset: share for label in labels for asset, share in evaluator.fresh_share(label, now, ROLLING).items()}


@dataclass(frozen=True)
class ObjectivesReport:
    """Objectives at one time."""

    now: datetime
    rows: Sequence[Assessment]
    fresh: Shares
    labels: Mapping[str, Label]

    def as_data(self, asset: str | None) -> dict[str, Any]:
        """For programs."""
        shares = {name: share for name, share in self.fresh.items() if asset in (None, name)}
        return {
            "at": self.now.isoformat(),
            "asset": asset,
            "objectives": [assessment_data(assessment) for assessment in self.rows],
            "fresh_over_30_days": {
                name: {"fresh_seconds": fresh.total_seconds(), "seconds": had_to.total_seconds()}
                for name, (fresh, had_to) in shares.items()
            },
            "remarks": remarks(OBJECTIVES, self.labels),
        }

    def as_tables(self, asset: str | None) -> list[Any]:
        """For people."""
        title = f"{asset or 'The objectives'} at {self.now:%Y-%m-%d %H:%M} UTC"
        table = listing("objective, what was counted, its budget", Column("verdict", no_wrap=True), title=title)
        for assessment in self.rows:
            about = under(assessment.objective.id, summary(assessment), budget_text(assessment))
            table.add_row(about, assessment.verdict.replace("_", " "))
        shares = {name: share for name, share in self.fresh.items() if asset in (None, name) and share[1]}
        fresh = listing("asset", number("fresh"), number("of"), title="Fresh in the last 30 days, of the time promised")
        for name, (was, had_to) in sorted(shares.items()):
            share = percent(was // timedelta(seconds=1), max(1, had_to // timedelta(seconds=1)))
            fresh.add_row(name, share, duration(had_to))
        windows = [window for assessment in self.rows for window in assessment.maintenance]
        left_out = [maintenances(sorted(set(windows), key=lambda window: window.start))] if windows else []
        return [table, *([fresh] if shares else []), *left_out, *remarks(OBJECTIVES, self.labels)]


@dataclass(frozen=True)
class Explanation:
    """Why an objective has its verdict; `runs` is the address before the id of a run."""

    assessment: Assessment
    bad: Sequence[CountedEvent]
    runs: str

    def as_data(self) -> dict[str, Any]:
        """For programs."""
        return assessment_data(self.assessment) | {"bad_events": [self._data(event) for event in self.bad]}

    def as_tables(self) -> list[Any]:
        """For people."""
        assessment = self.assessment
        details: list[Any]
        if assessment.objective.window is not None:
            times = (Column(name, no_wrap=True) for name in ("when (UTC)", "leaves (UTC)"))
            table = listing("asset, why, cost, run", *times)
            for event in self.bad:
                data = self._data(event)
                where = f"{event.asset} {event.partition or ''}".strip()
                about = under(where, event.cause, data["cost"], data["run"])
                table.add_row(about, f"{event.count.at:%m-%d %H:%M}", f"{data['leaves_at']:.16}")
            details = [table] if self.bad else []
        else:
            details = [f"{tally.asset}: {tally.note}" for tally in assessment.guilty]
        return [
            f"{assessment.objective.id} is {assessment.verdict.replace('_', ' ')}: {summary(assessment)}",
            *filter(None, [budget_text(assessment)]),
            *details,
        ]

    def _data(self, event: CountedEvent) -> dict[str, Any]:
        objective = self.assessment.objective
        burn = burn_rate(self.assessment.valid - event.count.bad, self.assessment.valid, objective.target)
        return {
            "asset": event.asset,
            "partition": event.partition,
            "at": event.count.at.isoformat(),
            "bad": event.count.bad,
            "cost": f"{float(burn * 100):.1f} % of the budget" if burn is not None else "",
            "leaves_at": (event.count.at + (objective.window or timedelta(0))).isoformat(),
            "cause": event.cause,
            "run": self.runs + event.run_id if event.run_id else "",
        }


def assessment_data(assessment: Assessment) -> dict[str, Any]:
    """An assessment as plain values; ratios are exact fractions beside their decimals."""
    objective, good, valid = assessment.objective, assessment.good, assessment.valid
    burn, left = burn_rate(good, valid, objective.target), budget_left(good, valid, objective.target)
    minutes = minutes_left(good, valid, objective.target, objective.window) if objective.window else None
    return {
        "objective": objective.id,
        "verdict": assessment.verdict.value,
        "good": good,
        "valid": valid,
        "target_basis_points": objective.target,
        "burn_rate": None if burn is None or objective.each else float(burn),
        "budget_left": None if left is None or objective.each else float(left),
        "budget_left_minutes": None if minutes is None else float(minutes),
        "budget": budget_text(assessment),
        "summary": summary(assessment),
        "met_again": assessment.recovers.isoformat() if assessment.recovers else None,
        "alerts_that_fire": [f"{each.tier.loudness} above {float(each.tier.burn):g}" for each in assessment.burning],
        "worst": [{"asset": each.asset, "good": each.good, "valid": each.valid, "note": each.note} for each in assessment.guilty],
        "maintenance": [maintenance_data(window) for window in assessment.maintenance],
    }


def backtest_data(result: Backtest) -> dict[str, Any]:
    """A backtest as plain values."""
    return {
        "outage": result.shape,
        "target_basis_points": result.target,
        "budget_spent": float(result.spent),
        "detected_after_minutes": None if result.detected is None else result.detected / timedelta(minutes=1),
        "by": None if result.tier is None else f"{result.tier.loudness} above {float(result.tier.burn):g}",
        "quiet_after_minutes": None if result.reset is None else result.reset / timedelta(minutes=1),
        "false_alarms": result.false_alarms,
    }


def backtests(results: Sequence[Backtest], volume: int) -> Table:
    """A table of backtests."""
    names = ("outage", "target", "spent", "noticed after, by", "quiet after", "false")
    table = listing(*names, title=f"Burn-rate alerts at {volume} events a minute")
    for result in results:
        data = backtest_data(result)
        times = ("—" if at is None else str(at) for at in (result.detected, result.reset))
        noticed, quiet = times
        spent = f"{float(result.spent * 100):.1f} %"
        target, false = f"{result.target / 100:g} %", str(result.false_alarms)
        table.add_row(result.shape, target, spent, under(noticed, data["by"] or ""), quiet, false)
    return table
