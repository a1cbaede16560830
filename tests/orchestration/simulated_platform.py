"""A platform by the clock: real schedules, lags, usual durations and retries, the real ledger, evaluation and alert rules.

Only what Dagster and the upstreams would do is played: a load takes its usual time and ends in the ledger. Nothing sleeps.
"""

from __future__ import annotations

import heapq
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta

import dagster as dg
from dagster._utils.schedules import schedule_execution_time_iterator

from oso_dagster.domain.catalogue.partitions import Window
from oso_dagster.domain.catalogue.source import Source, Table
from oso_dagster.domain.coverage.comparison import Comparison
from oso_dagster.domain.due.cadence import IngestJob, jobs_of, plan_partitions, stretches
from oso_dagster.domain.objectives.attempts import Attempt, Label, Outcome, RunState
from oso_dagster.orchestration.alerts.alert_round import run_round
from oso_dagster.orchestration.alerts.weekly_digest import announce_week
from oso_dagster.orchestration.coverage.coverage_asset import MEASURING_CRON
from oso_dagster.orchestration.models.platform_project import TRANSFORM_CRON
from oso_dagster.orchestration.objectives.watched_platform import Platform
from oso_dagster.orchestration.watch.incident_round import send
from oso_dagster.reliability.ledger.ledger import Cursor, RunRow
from oso_dagster.reliability.store import Store
from oso_dagster.settings import Settings

BEGIN_OF_A_RUN = timedelta(minutes=1)
"""From a tick until its load begins, usually."""

EVALUATED_AFTER = timedelta(minutes=15)
"""From a measurement of coverage until it is judged, at most."""

TRANSFORM_TIME = timedelta(minutes=10)
MODELS = ("staging/stg_github__events", "intermediate/int_events_daily", "marts/metrics_v1")

_SECOND = timedelta(seconds=1)

Failing = Callable[[str, datetime], int]
"""How many tries of the load of an asset fail before one is good, by its tick; -1: it is never loaded at all."""


def no_failure(_asset: str, _tick: datetime) -> int:
    """Nothing ever fails."""
    return 0


def in_world_of(sources: Sequence[Source], begin: datetime) -> tuple[Source, ...]:
    """The sources with time partitions from `begin` on, and everything else as it is declared."""
    return tuple(replace(source, tables=tuple(_since(table, begin) for table in source.tables)) for source in sources)


def _since(table: Table, begin: datetime) -> Table:
    return replace(table, partitions=table.partitions.since(begin)) if table.partitions else table


@dataclass
class SimulatedPlatform:
    """What runs from `begin` on; everything that upstream had by then is loaded. `messages` is every message that was sent."""

    settings: Settings
    store: Store
    instance: dg.DagsterInstance
    sources: Sequence[Source]
    begin: datetime
    failing: Failing = no_failure
    measured: Callable[[datetime], Sequence[Comparison]] | None = None
    messages: list[str] = field(default_factory=list)
    rounds: int = 0
    _present: dict[str, set[str]] = field(default_factory=dict)
    _runs: int = 0
    _waiting: list[tuple[datetime, int, list[Attempt]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        models = [dg.AssetSpec(name.split("/"), owners=["team:models"]) for name in MODELS]
        self._platform = Platform(self.settings, self.sources, models, [])
        self._log = logging.getLogger(f"simulated.{id(self)}")
        self._log.propagate = False
        self._log.setLevel(logging.INFO)
        self._log.addHandler(_Collecting(self.messages))
        names = {f"{source.name}/{table.name}" for source in self.sources for table in source.tables}
        self.store.results.remember_assets({*names, *MODELS}, self.begin)
        for source in self.sources:
            for job in jobs_of(source):
                for window in job.partitions.available(self.begin) if job.partitions else (None,):
                    self._load(job, [window], self.begin - BEGIN_OF_A_RUN, no_failure, at=self.begin)
        self._transform(self.begin - TRANSFORM_TIME)

    def run(self, until: datetime) -> None:
        """Every tick, load and round of alerting after the begin, up to `until`."""
        looks = sorted({*self._looks(until)})
        events = heapq.merge(
            ((at, 0, tick) for at, tick in self._ticks(until)),
            ((at, 1, None) for at in looks),
            key=lambda event: (event[0], event[1]),
        )
        for at, _, tick in events:
            self._let_end(at)
            if tick is not None:
                tick(at)
            else:
                self._round(at)

    def _ticks(self, until: datetime) -> Iterator[tuple[datetime, Callable[[datetime], None]]]:
        jobs = [job for source in self.sources for job in jobs_of(source)]
        each = [(job.schedule.cron, job.schedule.timezone, _bound(self._asked, job)) for job in jobs]
        each.append((TRANSFORM_CRON, "UTC", self._transform))
        if self.measured is not None:
            each.append((MEASURING_CRON, "UTC", self._measure))
        actions = [(at, action) for cron, zone, action in each for at in moments(cron, zone, self.begin, until)]
        return iter(sorted(actions, key=lambda action: action[0]))

    def _looks(self, until: datetime) -> Iterator[datetime]:
        """When something may be missed first: at each deadline, and a second before a load ends.

        In between nothing becomes worse than it is at the next of them. Of the loads of a day those of another hour are looked
        at each day, of those that come by the week each one.
        """
        if self.measured is not None:
            yield from (at + EVALUATED_AFTER for at in moments(MEASURING_CRON, "UTC", self.begin, until - EVALUATED_AFTER))
        ends: dict[datetime, datetime] = {}
        for source in self.sources:
            for table in source.tables:
                if table.partitions is not None:
                    due = (table.partitions.deadline(window) for window in table.partitions.due(until))
                    yield from (at for at in due if at is not None and at > self.begin)
            for job in jobs_of(source):
                usual = BEGIN_OF_A_RUN + sum((table.cost.duration for table in job.tables), timedelta(0)) - _SECOND
                for tick in moments(job.schedule.cron, job.schedule.timezone, self.begin, until - usual):
                    if job.schedule.cron.endswith("* * *"):
                        hour = (tick + usual).replace(minute=0, second=0)
                        ends[hour] = max(ends.get(hour, hour), tick + usual)
                    else:
                        yield tick + usual
        days: dict[date, list[datetime]] = {}
        for at in sorted(ends.values()):
            days.setdefault(at.date(), []).append(at)
        yield from (looks[number % len(looks)] for number, looks in enumerate(days.values()))

    def _asked(self, job: IngestJob, tick: datetime) -> None:
        if job.partitions is None:
            self._load(job, [None], tick, self.failing)
            return
        present = set.intersection(*(self._present.setdefault(_name(job, table), set()) for table in job.tables))
        wanted = plan_partitions(job.partitions, tick, present, (), {}).ask
        groups = stretches(job.partitions, wanted) if job.range_in_one_run else [(window,) for window in wanted]
        for group in groups:
            self._load(job, group, tick, self.failing)

    def _load(
        self, job: IngestJob, windows: Sequence[Window | None], tick: datetime, failing: Failing, at: datetime | None = None
    ) -> None:
        """One run of a job: its tables one after the other. `at`: all of it is there then, at once."""
        end, attempts = tick + BEGIN_OF_A_RUN, []
        for table in job.tables:
            tries = failing(_name(job, table), tick)
            for window in windows if tries >= 0 else ():
                began = end
                for number in range(tries):
                    end += table.cost.duration + table.retries.delay * (2 << number)  # the longest that jitter makes of it
                end += table.cost.duration
                attempts.append(
                    self._attempt(_name(job, table), job.source.stability.value, window, at or began, at or end, tries)
                )
                if window is not None:
                    self._present.setdefault(_name(job, table), set()).add(window.key)
        self._wait(attempts)

    def _transform(self, tick: datetime) -> None:
        self._wait([self._attempt(name, Label.SQLMESH.value, None, tick, tick + TRANSFORM_TIME, 0) for name in MODELS])

    def _measure(self, tick: datetime) -> None:
        self.store.comparisons.record(self.measured(tick) if self.measured is not None else ())

    def _attempt(self, asset: str, label: str, window: Window | None, began: datetime, ended: datetime, retries: int) -> Attempt:
        return Attempt(
            run_id="",
            asset=asset,
            partition=window.key if window else None,
            label=Label(label),
            outcome=Outcome.OK,
            family="",
            started=began,
            ended=ended,
            rows=1,
            step_retries=retries,
            audited=True,
            newest_event=window.end - _SECOND if window and window.end else ended,
        )

    def _wait(self, attempts: Sequence[Attempt]) -> None:
        """Remember what a run will have done, until the clock is there."""
        self._runs += 1
        run = f"run-{self._runs}"
        for number, attempt in enumerate(attempts):
            ended = attempt.ended or self.begin
            heapq.heappush(self._waiting, (ended, self._runs * 1000 + number, [attempt._replace(run_id=run, family=run)]))

    def _let_end(self, now: datetime) -> None:
        done: list[Attempt] = []
        while self._waiting and self._waiting[0][0] <= now:
            done += heapq.heappop(self._waiting)[2]
        if done:
            runs = sorted({attempt.run_id for attempt in done})
            self.store.ledger.discover("simulated", Cursor(0, ""), runs, now)
            rows = [RunRow(run, run, RunState.SUCCEEDED, will_retry=False, settled=True) for run in runs]
            self.store.ledger.record(rows, done)

    def _round(self, now: datetime) -> None:
        run_round(self._platform, self.store, self.instance, now)
        announce_week(self._platform, self.store, self.instance, now)
        send(self.settings, self.store, self._log, lambda: now)
        self.rounds += 1


class _Collecting(logging.Handler):
    def __init__(self, messages: list[str]) -> None:
        super().__init__()
        self._messages = messages

    def emit(self, record: logging.LogRecord) -> None:
        """Keep what the channel of the log was told."""
        self._messages.append(record.getMessage())


def moments(cron: str, zone: str, since: datetime, until: datetime) -> Iterator[datetime]:
    """The ticks of a cron in (since, until], as Dagster's own schedules have them, in UTC."""
    for tick in schedule_execution_time_iterator(since.timestamp() + 1, cron, zone):
        at = tick.astimezone(UTC)
        if at > until:
            return
        yield at


def _bound(action: Callable[[IngestJob, datetime], None], job: IngestJob) -> Callable[[datetime], None]:
    return lambda at: action(job, at)


def _name(job: IngestJob, table: Table) -> str:
    return f"{job.source.name}/{table.name}"
