"""What `oso slo` prints: plain data for programs, tables for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE_HEAD
from rich.table import Column, Table

from oso_dagster.domain.objectives.attempts import Label
from oso_dagster.domain.objectives.budget import budget_left, burn_rate, minutes_left
from oso_dagster.domain.objectives.declarations import remarks
from oso_dagster.domain.objectives.maintenance import Maintenance
from oso_dagster.domain.objectives.objectives import OBJECTIVES, ROLLING, budget_text, percent, summary
from oso_dagster.domain.objectives.simulation import Backtest
from oso_dagster.domain.objectives.slo import Assessment
from oso_dagster.reliability.ledger.counted_events import CountedEvent

if TYPE_CHECKING:
    from oso_dagster.orchestration.objectives.evaluator import Evaluator

Shares = Mapping[str, tuple[timedelta, timedelta]]


def fresh_shares(evaluator: Evaluator, now: datetime) -> dict[str, tuple[timedelta, timedelta]]:
    """How long each asset with a promise was fresh in the last 30 days, and how long it had to be."""
    labels = (Label.CORE, Label.UNSTABLE)
    return {asset: share for label in labels for asset, share in evaluator.fresh_share(label, now, ROLLING).items()}


@dataclass(frozen=True)
class Report:
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
            "objectives": [assessment_data(one) for one in self.rows],
            "fresh_over_30_days": {
                name: {"fresh_seconds": fresh.total_seconds(), "seconds": had_to.total_seconds()}
                for name, (fresh, had_to) in shares.items()
            },
            "remarks": remarks(OBJECTIVES, self.labels),
        }

    def as_tables(self, asset: str | None) -> list[Any]:
        """For people."""
        title = f"{asset or 'The objectives'} at {self.now:%Y-%m-%d %H:%M} UTC"
        table = Table(Column("objective", no_wrap=True), "verdict", "what was counted", "budget", title=title, box=SIMPLE_HEAD)
        for one in self.rows:
            table.add_row(one.objective.id, one.verdict.replace("_", " "), summary(one), budget_text(one))
        shares = {name: share for name, share in self.fresh.items() if asset in (None, name) and share[1]}
        fresh = Table("asset", Column("fresh", justify="right"), title="Fresh in the last 30 days", box=SIMPLE_HEAD)
        for name, (was, had_to) in sorted(shares.items()):
            fresh.add_row(name, percent(was // timedelta(seconds=1), max(1, had_to // timedelta(seconds=1))))
        windows = [window for one in self.rows for window in one.maintenance]
        left_out = [maintenances(sorted(set(windows), key=lambda one: one.start))] if windows else []
        return [table, *([fresh] if shares else []), *left_out, *remarks(OBJECTIVES, self.labels)]


@dataclass(frozen=True)
class Explanation:
    """Why an objective has its verdict; `runs` is the address before the id of a run."""

    assessment: Assessment
    bad: Sequence[CountedEvent]
    runs: str

    def as_data(self) -> dict[str, Any]:
        """For programs."""
        return assessment_data(self.assessment) | {"bad_events": [self._data(one) for one in self.bad]}

    def as_tables(self) -> list[Any]:
        """For people."""
        one = self.assessment
        found: list[Any]
        if one.objective.window is not None:
            table = Table("when (UTC)", "asset", "cost", "leaves (UTC)", "why", box=SIMPLE_HEAD)
            for event in self.bad:
                data = self._data(event)
                where = f"{event.asset} {event.partition or ''}".strip()
                why = f"{event.cause} {data['run']}".strip()
                table.add_row(f"{event.count.at:%m-%d %H:%M}", where, data["cost"], f"{data['leaves_at']:.16}", why)
            found = [table] if self.bad else []
        else:
            found = [f"{tally.asset}: {tally.note}" for tally in one.guilty]
        return [f"{one.objective.id} is {one.verdict.replace('_', ' ')}: {summary(one)}", budget_text(one), *found]

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


def assessment_data(one: Assessment) -> dict[str, Any]:
    """An assessment as plain values; ratios are exact fractions beside their decimals."""
    objective, good, valid = one.objective, one.good, one.valid
    burn, left = burn_rate(good, valid, objective.target), budget_left(good, valid, objective.target)
    minutes = minutes_left(good, valid, objective.target, objective.window) if objective.window else None
    return {
        "objective": objective.id,
        "verdict": one.verdict.value,
        "good": good,
        "valid": valid,
        "target_basis_points": objective.target,
        "burn_rate": None if burn is None or objective.each else float(burn),
        "budget_left": None if left is None or objective.each else float(left),
        "budget_left_minutes": None if minutes is None else float(minutes),
        "budget": budget_text(one),
        "summary": summary(one),
        "met_again": one.recovers.isoformat() if one.recovers else None,
        "alerts_that_fire": [f"{each.tier.loudness} above {float(each.tier.burn):g}" for each in one.burning],
        "worst": [{"asset": each.asset, "good": each.good, "valid": each.valid, "note": each.note} for each in one.guilty],
        "maintenance": [maintenance_data(window) for window in one.maintenance],
    }


def maintenance_data(one: Maintenance) -> dict[str, str]:
    """A window as plain values."""
    times = {"from": one.start.isoformat(), "to": one.end.isoformat()}
    return {"scope": one.scope, **times, "author": one.author, "reason": one.reason}


def maintenances(found: Sequence[Maintenance]) -> Table:
    """A table of windows."""
    table = Table("scope", "from (UTC)", "to (UTC)", "author", "reason", title="Maintenance, left out", box=SIMPLE_HEAD)
    for one in found:
        table.add_row(one.scope, f"{one.start:%Y-%m-%d %H:%M}", f"{one.end:%Y-%m-%d %H:%M}", one.author, one.reason)
    return table


def backtest_data(one: Backtest) -> dict[str, Any]:
    """A backtest as plain values."""
    return {
        "outage": one.shape,
        "target_basis_points": one.target,
        "budget_spent": float(one.spent),
        "detected_after_minutes": None if one.detected is None else one.detected / timedelta(minutes=1),
        "by": None if one.tier is None else f"{one.tier.loudness} above {float(one.tier.burn):g}",
        "quiet_after_minutes": None if one.reset is None else one.reset / timedelta(minutes=1),
        "false_alarms": one.false_alarms,
    }


def backtests(found: Sequence[Backtest], volume: int) -> Table:
    """A table of backtests."""
    names = ("target", "outage", "budget spent", "noticed after", "by", "quiet after", "false")
    table = Table(*names, title=f"Burn-rate alerts at {volume} events a minute", box=SIMPLE_HEAD)
    for one in found:
        data = backtest_data(one)
        times = ("—" if at is None else str(at) for at in (one.detected, one.reset))
        noticed, quiet = times
        spent = f"{float(one.spent * 100):.1f} %"
        table.add_row(f"{one.target / 100:g} %", one.shape, spent, noticed, data["by"] or "—", quiet, str(one.false_alarms))
    return table
