"""What a round of alerting costs, as a sensor does it each half minute: `python -m tests.bench.alert_round`.

On a ledger of 500 assets × 90 days: when all is well, when every asset has failed and nobody was told yet, and once it was told.
"""

from __future__ import annotations

import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter, process_time

import dagster as dg
from rich.console import Console
from rich.table import Column, Table

from oso_dagster.orchestration.alerts.alert_round import run_round
from oso_dagster.orchestration.objectives.watched_platform import Platform
from oso_dagster.reliability.store import Store
from oso_dagster.settings import Settings
from tests.bench.statuspage import ASSETS, DAYS, fill, sources

PROCESSOR = 6.0
"""The goal: a tenth of the time that Dagster gives a tick, in seconds of processor."""


def bench(console: Console) -> list[str]:
    """Measure rounds on a platform that is well and on one where everything fails; the goals that were missed."""
    table = Table(*(Column(name, justify="right") for name in ("round", "changes", "seconds", "of processor")))
    table.title = f"A round of alerting, {ASSETS} assets × {DAYS} days"
    worst = 0.0
    for words, failing in (("all is well", False), ("all failed", True)):
        with tempfile.TemporaryDirectory(prefix="oso-bench-") as scratch:
            for turn, (changes, seconds, processor) in enumerate(_rounds(Path(scratch), failing=failing)):
                table.add_row(f"{words}, {'again' if turn else 'first'}", f"{changes:,}", f"{seconds:.2f}", f"{processor:.2f}")
                worst = max(worst, processor)
    console.print(table)
    return [] if worst <= PROCESSOR else [f"at most {PROCESSOR:g} s of processor for a round: {worst:.2f}"]


def _rounds(home: Path, *, failing: bool) -> list[tuple[int, float, float]]:
    """Changes, seconds, seconds of processor of the first round and of one that finds nothing new."""
    fill(home, per_day=1, failing=failing)
    settings = Settings(home=home, alert_quiet_hours="")
    figures = []
    with Store.open(settings.reliability_store_url, "live") as store, dg.DagsterInstance.local_temp(str(home)) as instance:
        platform = Platform(settings, sources(), [], [])
        for _ in range(2):
            began, worked = perf_counter(), process_time()
            changes = run_round(platform, store, instance, datetime.now(UTC))
            figures.append((len(changes), perf_counter() - began, process_time() - worked))
    return figures


if __name__ == "__main__":
    sys.exit(1 if bench(Console()) else 0)
