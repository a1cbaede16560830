"""How long the status page takes from a ledger of 500 assets × 90 days: `python -m tests.bench.statuspage`."""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter

from oso_dagster.domain.attempts import Attempt, Label, Outcome, RunState
from oso_dagster.domain.objectives import OBJECTIVES
from oso_dagster.domain.slo import Verdict
from oso_dagster.reliability.ledger import Cursor, RunRow
from oso_dagster.reliability.results import AssetRow, VerdictRow
from oso_dagster.reliability.store import Store
from oso_dagster.settings import Settings
from oso_dagster.sources import catalogue

ASSETS, DAYS, EVALUATIONS = 500, 90, 96
SECONDS, MEGABYTES = 5, 300


def main() -> None:
    """Fill a ledger, build the page in a process of its own, and exit with 1 when a goal is missed."""
    with tempfile.TemporaryDirectory(prefix="oso-bench-") as scratch:
        _fill(Path(scratch))
        done = subprocess.run([sys.executable, "-m", __spec__.name, scratch], check=True, capture_output=True, text=True)
    seconds, megabytes, files, first = (float(word) for word in done.stdout.split())
    print(
        f"{ASSETS} assets × {DAYS} days: {seconds:.2f} s, {megabytes:.0f} MB, {files:.0f} files, first page {first / 1000:.0f} kB"
    )
    sys.exit(0 if seconds <= SECONDS and megabytes <= MEGABYTES and first < 100_000 else 1)


def build(home: Path) -> None:
    """Gather, render and publish, and print seconds, peak megabytes, files and the size of the first page."""
    from oso_dagster.orchestration.gathering import gather
    from oso_dagster.statuspage.publish import publish
    from oso_dagster.statuspage.render import render

    settings = Settings(home=home)
    began = perf_counter()
    with Store.open(settings.reliability_store_url, "live") as store:
        page = gather(settings, sources(), [], store, timedelta(minutes=45), datetime.now(UTC))
    files = render(page)
    publish(files, settings.status_dir)
    seconds = perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(seconds, peak, len(files), len(files["index.html"].encode()))


def sources() -> list:  # type: ignore[type-arg]
    """Fifty sources of ten tables each, made of one that exists."""
    pattern = catalogue()[0]
    table = pattern.tables[0]
    tables = tuple(replace(table, name=f"table_{number}") for number in range(10))
    return [replace(pattern, name=f"source_{number}", title=f"Source {number}", tables=tables) for number in range(ASSETS // 10)]


def _fill(home: Path) -> None:
    now = datetime.now(UTC)
    names = [f"{source.name}/{table.name}" for source in sources() for table in source.tables]
    with Store.open(Settings(home=home).reliability_store_url, "live") as store:
        for day in range(DAYS):
            at = now - timedelta(days=day, hours=1)
            run = RunRow(f"run-{day}", f"run-{day}", RunState.SUCCEEDED, will_retry=False, settled=True)
            store.ledger.discover("bench", Cursor(day, ""), [run.run_id], at)
            store.ledger.record([run], [_attempt(name, run.run_id, at) for name in names])
        month = timedelta(days=30)
        store.results.record_verdicts(
            VerdictRow(one.service, one.name, Verdict.COMPLIANT, 719, 720, one.target, month, "", "719 of 720", (), at)
            for one in OBJECTIVES
            for at in (now - timedelta(minutes=15 * number) for number in range(DAYS * EVALUATIONS))
        )
        store.results.record_freshness(AssetRow(name, None, None, now) for name in names)


def _attempt(name: str, run: str, at: datetime) -> Attempt:
    return Attempt(
        run_id=run,
        asset=name,
        partition=None,
        label=Label.CORE,
        outcome=Outcome.OK,
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
        main()
