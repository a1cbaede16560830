"""Keeps the ledger up to date with Dagster's event log: incremental, idempotent, by any number of processes.

Two steps. *Discover*: runs with new asset events, by id cursor with an overlap (ids may commit out of order). *Look at*: every
run that is not settled is read whole and its attempts are classified; a run is settled when nothing about it can change.
"""

from __future__ import annotations

import gc
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import dagster as dg
import psutil

from oso_dagster.domain.attempts import RETRY_PATIENCE, Attempt, Label, RunState
from oso_dagster.domain.redaction import redact
from oso_dagster.orchestration import event_log, storage_sql
from oso_dagster.orchestration.event_log import RunAssets
from oso_dagster.orchestration.evidence import Proofs
from oso_dagster.orchestration.run_attempts import RunLook, attempts_of, of_deleted
from oso_dagster.orchestration.run_log import RunLogs, RunSteps
from oso_dagster.orchestration.run_records import RunFacts, run_facts
from oso_dagster.reliability.ledger import Cursor, Ledger, RunRow

OVERLAP = 1_000
"""Events that are read again at each fill: on PostgreSQL a lower id may become visible after a higher one."""

ORPHANED_AFTER = timedelta(hours=24)
"""A run that has not ended and logged nothing for so long has lost its process."""

GONE_AFTER = timedelta(minutes=10)
"""The same where it is seen that the process is gone: a run that ends takes a moment to say so."""

_LOG_IS_READ = timedelta(hours=1)
"""Logs are read whole of new runs; of a history only where it does not do to know which run failed at which step."""

_TAGS_SETTLE = timedelta(minutes=1)
_RUNS_AT_ONCE = 1_000
_CAUSE_LENGTH = 300


@dataclass(frozen=True)
class Filled:
    """What one fill did: runs found in the log, runs read, rows handed to the ledger."""

    discovered: int
    looked_at: int
    attempts: int


@dataclass(frozen=True)
class LedgerFill:
    """Fills `ledger` from `instance`. `labels` names every asset that is measured; all others leave no trace."""

    instance: dg.DagsterInstance
    ledger: Ledger
    labels: Mapping[str, Label]
    secrets: Collection[str] = ()
    proofs: Proofs = field(default_factory=Proofs)

    def run(self, now: datetime) -> Filled:
        """Bring the ledger up to date."""
        with _no_collections():
            discovered = self._discover(now)
            waiting = self.ledger.unsettled()
            chunks = (waiting[start : start + _RUNS_AT_ONCE] for start in range(0, len(waiting), _RUNS_AT_ONCE))
            logs = RunLogs(self.instance)
            return Filled(discovered, len(waiting), sum(self._look_at(chunk, logs, now) for chunk in chunks))

    def _discover(self, now: datetime) -> int:
        storage = event_log.storage_id(self.instance)
        start, found = self._start(self.ledger.cursor(storage)), set[str]()
        for page in event_log.runs_after(self.instance, start, self.labels):
            self.ledger.discover(storage, Cursor(page.last, page.anchor), sorted(set(page.run_ids) - found), now)
            found |= set(page.run_ids)
        return len(found)

    def _start(self, cursor: Cursor | None) -> int:
        """Where to read from: SQLite gives the ids of deleted events out again, so a log without our anchor is read anew."""
        if cursor is None:
            return 0
        unbroken = event_log.standing_at(self.instance, cursor.position) == cursor.anchor
        return max(0, cursor.position - OVERLAP) if unbroken else 0

    def _look_at(self, run_ids: Sequence[str], logs: RunLogs, now: datetime) -> int:
        # Records first: when a record says that its run is over, all events of the run are there to be read.
        runs = run_facts(self.instance, run_ids)
        events = event_log.asset_events_of(self.instance, run_ids)
        read = logs.in_brief([run for run in runs if not _is_new(run, now)], events)
        whole = (run for run in runs if run.state is not RunState.SUCCEEDED or _is_new(run, now))
        read |= logs.of([run for run in whole if run.run_id not in read])
        told, said = self._told(events), self._said(events)
        audited = self.proofs.audited(self.instance, run_ids)
        known = self._known(run_ids)
        families = self.ledger.families({run.retry_of for run in runs if run.retry_of})
        rows: list[RunRow] = []
        found: list[Attempt] = []
        for run in runs:
            families[run.run_id] = families.get(run.retry_of, run.retry_of) if run.retry_of else run.run_id
            assets = events.get(run.run_id, RunAssets())
            assets.planned.update((one.asset, one.partition) for one in known.get(run.run_id, []))
            old = {one.asset: one.label for one in known.get(run.run_id, [])}
            labels = {**old, **self.labels} if old else self.labels
            steps = read.get(run.run_id) or RunSteps()
            state = self._state(run, steps, now)
            found += attempts_of(RunLook(run, state, families[run.run_id], assets, steps, labels, told, said, audited))
            waits, settled = self._waits(run, state, now), self._settled(run, state, now)
            rows.append(RunRow(run.run_id, families[run.run_id], state, waits, settled))
        for run_id in set(run_ids) - {run.run_id for run in runs}:
            found += [of_deleted(one, now) for one in known.get(run_id, [])]
            family = next((one.family for one in known.get(run_id, [])), run_id)
            rows.append(RunRow(run_id, family, RunState.DELETED, will_retry=False, settled=True))
        self.ledger.record(rows, [self._redacted(attempt) for attempt in found])
        return len(found)

    def _known(self, run_ids: Sequence[str]) -> dict[str, list[Attempt]]:
        """Attempts that were pending when last seen: an asset that was wiped since is not forgotten."""
        known: dict[str, list[Attempt]] = {}
        for attempt in self.ledger.pending(run_ids):
            known.setdefault(attempt.run_id, []).append(attempt)
        return known

    def _told(self, events: Mapping[str, RunAssets]) -> dict[int, dict[str, Any]]:
        wanted = [
            event
            for run in events.values()
            for (asset, _), telling in run.telling.items()
            if self.labels.get(asset) is Label.SQLMESH
            for event in telling
        ]
        return event_log.told_by(self.instance, wanted)

    def _said(self, events: Mapping[str, RunAssets]) -> dict[int, dict[str, Any]]:
        """The metadata of the newest materialization of each asset: reading those of all history would cost too much.

        Of assets whose newest event is watched, it is read of all: any partition may hold it.
        """
        newest: dict[str, int] = {}
        watched: list[int] = []
        for run in events.values():
            for (asset, _), done in run.materialized.items():
                if asset in self.proofs.timed:
                    watched.append(done.event_id)
                elif asset in self.labels:
                    newest[asset] = max(done.event_id, newest.get(asset, 0))
        return event_log.told_by(self.instance, [*newest.values(), *watched])

    def _undecided(self, run: RunFacts, now: datetime) -> bool:
        """Dagster says a moment after the end of a failed run whether it will retry it."""
        undecided = self.instance.run_retries_enabled and run.retry_announced is None
        return undecided and now - (run.ended or run.touched) <= _TAGS_SETTLE

    def _state(self, run: RunFacts, steps: RunSteps, now: datetime) -> RunState:
        """Where a run stands; one whose process is gone has failed, though nobody could say so (docs/decisions/0014)."""
        silent = now - max(run.touched, steps.last_event or run.touched)
        here = steps.pid is not None and storage_sql.is_local(self.instance)
        gone = here and silent > GONE_AFTER and not psutil.pid_exists(steps.pid or 0)
        orphaned = run.state is RunState.ACTIVE and (gone or silent > ORPHANED_AFTER)
        return RunState.FAILED if orphaned else run.state

    def _waits(self, run: RunFacts, state: RunState, now: datetime) -> bool:
        return state is RunState.FAILED and (bool(run.retry_announced) or self._undecided(run, now))

    def _settled(self, run: RunFacts, state: RunState, now: datetime) -> bool:
        if state is RunState.ACTIVE or (state is RunState.FAILED and self._undecided(run, now)):
            return False
        gives_up = now - (run.ended or run.touched) > RETRY_PATIENCE
        return not self._waits(run, state, now) or run.retried or gives_up

    def _redacted(self, attempt: Attempt) -> Attempt:
        if not attempt.cause:
            return attempt
        return replace(attempt, cause=" ".join(redact(attempt.cause, self.secrets).split())[:_CAUSE_LENGTH])


@contextmanager
def _no_collections() -> Iterator[None]:
    """Hundreds of thousands of small values, none of them in a cycle: looking for cycles takes a quarter longer."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _is_new(run: RunFacts, now: datetime) -> bool:
    return now - (run.ended or run.touched) <= _LOG_IS_READ
