"""From the failing event to the message, with a real daemon; and what a round of alerting costs when nothing is new."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from statistics import median
from urllib.request import urlopen

from rich.console import Console
from rich.table import Column, Table

from oso_dagster.reliability.alerts.heartbeat_rows import Heartbeat
from oso_dagster.reliability.store import Store
from tests.support.platform import BIN, dev, run

REPEATS = 3
INTERVAL, SLACK = 30.0, 5.0
_WAIT_SECONDS = 120
_NOBODY = "http://127.0.0.1:9/nobody-listens.csv"


def bench(console: Console) -> list[str]:
    """Make a source fail on an idle platform, again and again, at other moments between two ticks; the goals that were missed."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "oso"
        with (
            dev(home, OSO_ALERT_QUIET_HOURS=""),
            Store.open(f"sqlite:///{home / 'sandbox' / 'reliability.db'}", "sandbox") as store,
        ):
            _awake(store)
            measured = [_once(home, store, turn) for turn in range(REPEATS)]
            ticks = _between_beats(store)
    table = Table("", Column("seconds", justify="right"), title="From the failing event to the message on Discord")
    for turn, seconds in enumerate(measured, start=1):
        table.add_row(f"failure {turn}", f"{seconds:.1f}")
    console.print(table)
    console.print(f"an interval of {INTERVAL:.0f} s; beats of the sensor when idle: every {ticks:.1f} s")
    worst = max(measured)
    goal = f"one sensor interval plus {SLACK:.0f} s: {worst:.1f} s"
    return [] if worst <= INTERVAL + SLACK else [goal]


def _once(home: Path, store: Store, turn: int) -> float:
    """Seconds from the end of the failed run to the message that tells it, by itself or in the summary of a storm."""
    time.sleep(turn * INTERVAL / REPEATS)  # another moment between two ticks each time
    began = datetime.now(UTC)
    run([str(BIN / "oso"), "run", "ingest_oss_funding"], home, OSO_WORLD="sandbox", OSO_OSS_FUNDING_URL=_NOBODY)
    how = f"failed {turn + 1} times in a row" if turn else "failed, after all retries"
    message = _message(home, f"oss_funding/funding_data {how}", began)
    failed = max(attempt.ended for attempt in store.attempts(since=began) if attempt.ended is not None)
    return (message - failed).total_seconds()


def _message(home: Path, words: str, since: datetime) -> datetime:
    """When the sandbox's Discord was told `words`, in a message or in an edit."""
    address = json.loads((home / "sandbox-world" / "endpoints.json").read_text())["discord_url"].split("/api/")[0]
    deadline = time.monotonic() + _WAIT_SECONDS
    while time.monotonic() < deadline:
        with urlopen(f"{address}/messages", timeout=10) as answer:
            for message in json.load(answer):
                for version in message["versions"]:
                    at = datetime.fromisoformat(version["at"])
                    if at > since and words in json.dumps(version).replace("\\\\", ""):  # Markdown is escaped
                        return at
        time.sleep(0.2)
    raise RuntimeError(f"Discord was not told of {words!r} within {_WAIT_SECONDS} s")


def _beat(store: Store) -> Heartbeat | None:
    return next((heartbeat for heartbeat in store.heartbeats.all() if heartbeat.name == "sensor remedial_alerts"), None)


def _awake(store: Store) -> None:
    """Wait for the first tick."""
    deadline = time.monotonic() + _WAIT_SECONDS
    while _beat(store) is None and time.monotonic() < deadline:
        time.sleep(0.5)


def _between_beats(store: Store) -> float:
    """Seconds between two ticks that find nothing new, the median of a few."""
    seen: list[datetime] = []
    deadline = time.monotonic() + _WAIT_SECONDS
    while len(seen) < REPEATS and time.monotonic() < deadline:
        last = _beat(store)
        if last is not None and last.at not in seen:
            seen.append(last.at)
        time.sleep(0.5)
    gaps = [(later - earlier) / timedelta(seconds=1) for earlier, later in pairwise(seen)]
    return median(gaps) if gaps else float("nan")


if __name__ == "__main__":
    sys.exit(1 if bench(Console()) else 0)
