"""The standing process: one task a probe, in step with the minutes of the clock, and one that hands over what was measured.

A probe never overlaps itself, since its time-out is shorter than its rhythm. A process begins with the first whole minute: what
it saw of a part of one would be taken for all of it. What a sleeping machine left out is missing.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Protocol, cast
from zlib import crc32

from oso_dagster.domain.objectives.sample import Sample
from oso_dagster.domain.probes.declaration import SLICE_SECONDS, Probe, PrometheusProbe
from oso_dagster.domain.probes.slices import SLICE, Check, judge, slice_end

MOST_CAUGHT_UP = timedelta(hours=1)
REPORT_EVERY = timedelta(seconds=10)
MOST_WAITING = 100_000
"""Samples in memory while a report is under way: beyond, the oldest go and are missing."""


class Checker(Protocol):
    """Carries out single checks of one probe."""

    async def check(self, at: datetime) -> Check:
        """One check, begun at `at`. It never raises for what the service does."""


class Counter(Checker, Protocol):
    """Counts good and valid events of one probe in minutes that are over."""

    async def count(self, begin: datetime, end: datetime) -> list[Sample]:
        """A sample for each slice of (begin, end] of which anything is known; raises CountError when nobody could be asked."""


class CountError(Exception):
    """Whoever counts could not be asked: the same minutes are asked for again."""


Report = Callable[[Sequence[Sample], Mapping[Probe, Check]], None]
"""Takes new samples and the newest check of each probe. It may block, and keeps what it cannot deliver; it runs in a thread."""


class ProbeProcess:
    """Measures until it is cancelled. `clock` is the time, in UTC."""

    def __init__(self, checkers: Mapping[Probe, Checker], report: Report, clock: Callable[[], datetime]) -> None:
        self._checkers, self._report, self._clock = checkers, report, clock
        self._waiting: deque[Sample] = deque(maxlen=MOST_WAITING)
        self._newest: dict[Probe, Check] = {}

    async def run(self, report_every: timedelta = REPORT_EVERY) -> None:
        """Measure and report for ever; cancelled, it reports once more what is there."""
        try:
            async with asyncio.TaskGroup() as tasks:
                for probe, checker in self._checkers.items():
                    work = self._count(probe, checker) if isinstance(probe, PrometheusProbe) else self._measure(probe, checker)
                    tasks.create_task(work, name=probe.name)
                tasks.create_task(self._report_regularly(report_every), name="report")
        finally:
            await self._hand_over()

    async def _measure(self, probe: Probe, checker: Checker) -> None:
        end, row = slice_end(self._clock()) + SLICE, 0
        while True:
            checks = await self._checks(probe, checker, end - SLICE)
            judged = judge(probe, end, checks, row)
            row = judged.failed_in_a_row
            await asyncio.sleep(max(0.0, (end - self._clock()).total_seconds()))  # no sample is dated ahead of its report
            if judged.sample is not None:
                self._waiting.append(judged.sample)
            end = max(end + SLICE, slice_end(self._clock()))

    async def _count(self, probe: PrometheusProbe, checker: Checker) -> None:
        """Ask for every minute that was not counted yet; after a start also for the hour before, of which the store has some."""
        counter = cast("Counter", checker)
        end = slice_end(self._clock()) - SLICE
        counted = end - MOST_CAUGHT_UP
        while True:
            await asyncio.sleep(max(0.0, (end + timedelta(seconds=probe.lag_seconds) - self._clock()).total_seconds()))
            at, cause = self._clock(), ""
            try:
                samples = await counter.count(max(counted, end - MOST_CAUGHT_UP), end)
                self._waiting.extend(samples)
                counted = end
            except CountError as error:
                cause = str(error)
            self._newest[probe] = Check(at, cause, (self._clock() - at).total_seconds())
            end = max(end + SLICE, slice_end(self._clock()) - SLICE)

    async def _checks(self, probe: Probe, checker: Checker, begin: datetime) -> list[Check]:
        checks = []
        for at in instants(probe, begin):
            await asyncio.sleep(max(0.0, (at - self._clock()).total_seconds()))
            if self._clock() - at >= timedelta(seconds=probe.every_seconds):
                continue  # the machine slept: the next check is due
            checks.append(await checker.check(at))
            self._newest[probe] = checks[-1]
        return checks

    async def _report_regularly(self, every: timedelta) -> None:
        while True:
            await asyncio.sleep(every.total_seconds())
            await self._hand_over()

    async def _hand_over(self) -> None:
        samples, newest = [], dict(self._newest)
        with suppress(IndexError):
            while True:
                samples.append(self._waiting.popleft())
        await asyncio.to_thread(self._report, samples, newest)


def instants(probe: Probe, begin: datetime) -> list[datetime]:
    """When a probe checks in the slice that begins at `begin`: evenly, from an offset of its own, so that not all ask at once."""
    offset = timedelta(seconds=probe.every_seconds * (crc32(probe.name.encode()) % 1000) / 1000)
    times = SLICE_SECONDS // probe.every_seconds
    return [begin + offset + timedelta(seconds=probe.every_seconds * number) for number in range(times)]
