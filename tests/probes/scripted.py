"""A probe process on a real store whose hours pass at once: `python -m tests.probes.scripted URL FOLDER BEGIN MINUTES`.

Prints a line for each report that was written, so that a test can kill it between or within two of them.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from oso_dagster.cli.probes.reporting import StoreReport
from oso_dagster.domain.probes.declaration import HttpProbe
from oso_dagster.domain.probes.slices import Check
from oso_dagster.probes.process import ProbeProcess
from oso_dagster.probes.spool import Spool
from oso_dagster.reliability.store import Store
from tests.probes.virtual_time import VirtualLoop, run_for

MINUTE = timedelta(minutes=1)
SERVICE, NAME = "public_applications", "availability"
PROBE = HttpProbe(name="website", objective=f"{SERVICE}.{NAME}", slice="website", url="http://host.example/")


class Service:
    """Is away when `away` says so of the time of a check."""

    def __init__(self, away: Callable[[datetime], bool]) -> None:
        self._away = away

    async def check(self, at: datetime) -> Check:
        return Check(at, "status 503" if self._away(at) else "", 0.01)


def measure(url: str, folder: Path, service: Service, begin: datetime, length: timedelta, lines: list[str]) -> None:
    """Run for `length`, the first slice being the minute after `begin`."""
    loop = VirtualLoop()
    clock = loop.clock(begin - MINUTE)
    report = StoreReport(lambda: Store.open(url, "live"), Spool(folder / "spool.jsonl"), clock, lines.append)

    def counted(samples, newest):
        report(samples, newest)
        print(len(samples), flush=True)

    run_for(loop, ProbeProcess({PROBE: service}, counted, clock).run(), length + MINUTE + timedelta(seconds=1))
    report.close()


def flapping(at: datetime) -> bool:
    """Away in the first five of twenty minutes."""
    return at.minute % 20 < 5


if __name__ == "__main__":
    url, folder, begin, minutes = sys.argv[1:]
    measure(url, Path(folder), Service(flapping), datetime.fromisoformat(begin), int(minutes) * MINUTE, [])
