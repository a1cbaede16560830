"""How long the status page takes from a ledger of 500 assets × 90 days: `python -m tests.bench.statuspage`.

Once more with four times the attempts in the ledger: what is shown is the same, and so should be the cost. Each build is a
process of its own; its processor time tells a slow page from a busy machine.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter, process_time

from rich.console import Console
from rich.table import Column, Table

from oso_dagster.domain.objectives.attempts import Attempt, Label, Outcome, RunState
from oso_dagster.domain.objectives.objectives import OBJECTIVES
from oso_dagster.domain.objectives.slo import Verdict
from oso_dagster.reliability.ledger.ledger import Cursor, RunRow
from oso_dagster.reliability.results import AssetRow, VerdictRow
from oso_dagster.reliability.store import Store
from oso_dagster.settings import Settings
from oso_dagster.sources import catalogue

ASSETS, DAYS, EVALUATIONS = 500, 90, 96
SECONDS, MEGABYTES, FIRST_PAGE, GROWTH = 5, 300, 100_000, 1.5
"""The goals; `GROWTH` is how much longer it may take with four times the rows."""


@dataclass(frozen=True)
class Built:
    """One build of the page: `seconds` on the clock, `processor` seconds of work."""

    attempts: int
    seconds: float
    processor: float
    megabytes: float
    files: int
    first: int


def bench(console: Console) -> list[str]:
    """Build the page from a ledger and from one four times as long, and return the goals that were missed."""
    with tempfile.TemporaryDirectory(prefix="oso-bench-") as scratch:
        fill(Path(scratch), per_day=1)
        single = _built(scratch)
        fill(Path(scratch), per_day=3, first=DAYS)
        four = _built(scratch)
    numbers = ("attempts", "seconds", "of processor", "MB", "files", "first page, kB")
    table = Table(*(Column(name, justify="right") for name in numbers), title=f"Status page of {ASSETS} assets × {DAYS} days")
    for built in (single, four):
        cells = (f"{built.seconds:.2f}", f"{built.processor:.2f}", f"{built.megabytes:.0f}", f"{built.files:,}")
        table.add_row(f"{built.attempts:,}", *cells, f"{built.first / 1000:.0f}")
    console.print(table)
    goals = {
        f"at most {SECONDS} s: {single.seconds:.2f}": single.seconds <= SECONDS,
        f"at most {MEGABYTES} MB: {single.megabytes:.0f}": single.megabytes <= MEGABYTES,
        f"a first page under {FIRST_PAGE:,} bytes: {single.first:,}": single.first < FIRST_PAGE,
        f"at most {GROWTH} × as long with 4 × the attempts: {four.processor / single.processor:.2f}": four.processor
        <= GROWTH * single.processor,
    }
    return [goal for goal, met in goals.items() if not met]


def _built(home: str) -> Built:
    done = subprocess.run([sys.executable, "-m", "tests.bench.statuspage", home], check=True, capture_output=True, text=True)
    attempts, seconds, processor, megabytes, files, first = done.stdout.split()
    return Built(int(attempts), float(seconds), float(processor), float(megabytes), int(files), int(first))


def build(home: Path) -> None:
    """Gather, render and publish, and print what `Built` holds."""
    from oso_dagster.orchestration.status_page.read_model import gather
    from oso_dagster.statuspage.publish import publish
    from oso_dagster.statuspage.render import render

    settings = Settings(home=home)
    began, worked = perf_counter(), process_time()
    with Store.open(settings.reliability_store_url, "live") as store:
        page = gather(settings, sources(), [], store, timedelta(minutes=45), datetime.now(UTC))
    files = render(page)
    publish(files, settings.status_dir)
    seconds, processor = perf_counter() - began, process_time() - worked
    peak = _peak_megabytes()
    with Store.open(settings.reliability_store_url, "live") as store:
        attempts = len(store.attempts())
    print(attempts, seconds, processor, peak, len(files), len(files["index.html"].encode()))


def _peak_megabytes() -> float:
    """The most memory that this program had; `getrusage` would also count what started it, as it was before `exec`."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def sources(assets: int = ASSETS) -> list:  # type: ignore[type-arg]
    """Fifty sources, or as many as `assets` need, of ten tables each, made of one that exists."""
    pattern = catalogue()[0]
    table = pattern.tables[0]
    tables = tuple(replace(table, name=f"table_{number}") for number in range(10))
    return [replace(pattern, name=f"source_{number}", title=f"Source {number}", tables=tables) for number in range(assets // 10)]


def fill(home: Path, per_day: int, first: int = 0, *, failing: bool = False, assets: int = ASSETS, days: int = DAYS) -> None:
    """Add `per_day` runs of all assets for each day, numbered from `first` on; with the first ones the verdicts of all days.

    When `failing`, every second run fails, and so does the newest one.
    """
    now = datetime.now(UTC)
    names = [f"{source.name}/{table.name}" for source in sources(assets) for table in source.tables]
    with Store.open(Settings(home=home).reliability_store_url, "live") as store:
        for number in range(days * per_day):
            at = now - timedelta(days=1) * number / per_day - timedelta(hours=1)
            id_ = f"run-{first + number}"
            run = RunRow(id_, id_, RunState.SUCCEEDED, will_retry=False, settled=True)
            store.ledger.discover("bench", Cursor(first + number, ""), [run.run_id], at)
            store.ledger.record([run], [_attempt(name, id_, at, failed=failing and number % 2 == 0) for name in names])
        if first:
            return
        month = timedelta(days=30)
        store.results.record_verdicts(
            VerdictRow(
                objective.service, objective.name, Verdict.COMPLIANT, 719, 720, objective.target, month, "", "719 of 720", (), at
            )
            for objective in OBJECTIVES
            for at in (now - timedelta(minutes=15 * number) for number in range(days * EVALUATIONS))
        )
        store.results.record_freshness(AssetRow(name, None, None, now) for name in names)


def _attempt(name: str, run: str, at: datetime, *, failed: bool) -> Attempt:
    return Attempt(
        run_id=run,
        asset=name,
        partition=None,
        label=Label(catalogue()[0].stability),
        outcome=Outcome.FAILED if failed else Outcome.OK,
        family=run,
        started=at - timedelta(minutes=1),
        ended=at,
        cause="",
        rows=1_000,
        will_retry=False,
        reported=False,
    )


if __name__ == "__main__":
    if len(sys.argv) > 1:
        build(Path(sys.argv[1]))
    else:
        output = Console()
        missed = bench(output)
        for goal in missed:
            output.print(f"[red]missed:[/red] {goal}", highlight=False)
        sys.exit(1 if missed else 0)
