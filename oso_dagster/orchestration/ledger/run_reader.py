"""Reads runs: all that Dagster keeps of them, turned into the state of each run and the attempts made in it.

Does not belong here: which runs are read, and when the result is recorded (`orchestration.ledger.fill`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

import dagster as dg
import psutil

from oso_dagster.domain.objectives.attempts import RETRY_PATIENCE, Attempt, Label, RunState
from oso_dagster.domain.printable import printable
from oso_dagster.domain.redaction import redact
from oso_dagster.orchestration.ledger import asset_events, dagster_tables
from oso_dagster.orchestration.ledger.asset_events import RunAssets
from oso_dagster.orchestration.ledger.required_proofs import Proofs
from oso_dagster.orchestration.ledger.run_attempts import RunHistory, attempts_of, of_deleted
from oso_dagster.orchestration.ledger.run_records import RunRecord, read_records
from oso_dagster.orchestration.ledger.run_steps import RunLogs, RunSteps
from oso_dagster.reliability.ledger.attempt_rows import StoredRow
from oso_dagster.reliability.ledger.ledger import Ledger, RunRow

ORPHANED_AFTER = timedelta(hours=24)
"""A run that has not ended and logged nothing for so long has lost its process."""

GONE_AFTER = timedelta(minutes=10)
"""The same where the process is seen to be gone: a run that ends takes a moment to record it."""

_LOG_IS_READ = timedelta(hours=1)
"""Logs are read whole of new runs; of a history only where it does not do to know which run failed at which step."""

_TAGS_SETTLE = timedelta(minutes=1)
_CAUSE_LENGTH = 300


@dataclass(frozen=True)
class ReadRuns:
    """The state of some runs, and the attempts made in them; `good`: the rows of those that are plainly good."""

    runs: list[RunRow]
    attempts: list[Attempt]
    good: list[StoredRow]


@dataclass(frozen=True)
class RunReader:
    """Reads runs of `instance` as they are at `now`; the families that it learns serve the runs that it reads later."""

    instance: dg.DagsterInstance
    ledger: Ledger
    labels: Mapping[str, Label]
    secrets: Collection[str]
    proofs: Proofs
    now: datetime
    logs: RunLogs
    families: dict[str, str] = field(default_factory=dict)

    @cached_property
    def silent(self) -> frozenset[str]:
        """The assets that report no attempts of their own."""
        return frozenset(name for name, label in self.labels.items() if label is not Label.SQLMESH)

    def read(self, run_ids: Sequence[str], ended: Mapping[str, RunAssets]) -> ReadRuns:
        """Read some runs; the runs that a retry goes back to have to be among them or read before.

        `ended`: what is known to have been made by runs that had ended.
        """
        # Records first: when a record says that its run is over, all events of the run are there to be read.
        runs = read_records(self.instance, run_ids)
        seen = {run_id: ended[run_id] for run_id in run_ids if run_id in ended}
        unseen = [run_id for run_id in run_ids if run_id not in seen]
        events = asset_events.asset_events_of(self.instance, unseen, self.silent) | seen
        read = self._logs(runs, events)
        metadata, audited = self._metadata(events), self.proofs.audited(self.instance, run_ids)
        known = self._known(run_ids)
        self._learn_families(runs)
        results = ReadRuns([], [], [])
        for run in runs:
            assets, old = events.get(run.run_id, RunAssets()), {}
            for attempt in known.get(run.run_id, ()):
                assets.units.setdefault((attempt.asset, attempt.partition), None)
                if attempt.label is not None:
                    old[attempt.asset] = attempt.label
            labels = {**old, **self.labels} if old else self.labels
            steps, family = read.get(run.run_id) or RunSteps(), self.families[run.run_id]
            state = self._state(run, steps)
            if run.stopped is not None and state is RunState.FAILED:
                state, steps = RunState.CANCELED, steps.stopped_at(run.stopped)
            good, others = attempts_of(RunHistory(run, state, family, assets, steps, labels, metadata, audited))
            results.good.extend(good)
            results.attempts.extend(others)
            results.runs.append(RunRow(run.run_id, family, state, self._waits(run, state), self._settled(run, state)))
        for run_id in set(run_ids) - {run.run_id for run in runs}:
            pending = known.get(run_id, [])
            results.attempts.extend(of_deleted(attempt, self.now) for attempt in pending)
            family = next((attempt.family for attempt in pending), run_id)
            results.runs.append(RunRow(run_id, family, RunState.DELETED, will_retry=False, settled=True))
        return ReadRuns(results.runs, [self._redacted(attempt) for attempt in results.attempts], results.good)

    def _logs(self, runs: Sequence[RunRecord], events: Mapping[str, RunAssets]) -> dict[str, RunSteps]:
        read = self.logs.in_brief([run for run in runs if not self._is_new(run)], events)
        whole = (run for run in runs if run.state is not RunState.SUCCEEDED or self._is_new(run))
        return read | self.logs.of([run for run in whole if run.run_id not in read])

    def _learn_families(self, runs: Sequence[RunRecord]) -> None:
        """The family of each run: that of the run that it retries, which may not be written down yet."""
        missing = {run.retry_of for run in runs if run.retry_of} - self.families.keys()
        earlier = self.ledger.families(missing) | self.families
        for run in runs:
            family = earlier.get(run.retry_of, run.retry_of) if run.retry_of else run.run_id
            self.families[run.run_id] = earlier[run.run_id] = family

    def _known(self, run_ids: Sequence[str]) -> dict[str, list[Attempt]]:
        """Attempts that were pending when last seen: an asset that was wiped since is not forgotten."""
        known: dict[str, list[Attempt]] = {}
        for attempt in self.ledger.pending(run_ids):
            known.setdefault(attempt.run_id, []).append(attempt)
        return known

    def _metadata(self, events: Mapping[str, RunAssets]) -> dict[int, dict[str, Any]]:
        """The metadata of the newest materialization of each asset: reading those of all history would cost too much.

        Of assets whose newest event is watched, it is read of all: any partition may hold it.
        """
        newest: dict[str, int] = {}
        watched: list[int] = []
        for run in events.values():
            for (asset, _), materialized in run.units.items():
                if materialized is None:
                    continue
                if asset in self.proofs.timed:
                    watched.append(materialized.event_id)
                elif materialized.event_id > newest.get(asset, 0):
                    newest[asset] = materialized.event_id
        measured = (event_id for asset, event_id in newest.items() if asset in self.labels)
        return asset_events.metadata_of_events(self.instance, [*measured, *watched])

    def _undecided(self, run: RunRecord) -> bool:
        """Dagster says a moment after the end of a failed run whether it will retry it."""
        undecided = self.instance.run_retries_enabled and run.retry_announced is None
        return undecided and self.now - (run.ended or run.touched) <= _TAGS_SETTLE

    def _state(self, run: RunRecord, steps: RunSteps) -> RunState:
        """Where a run stands; one whose process is gone has failed, though nobody could say so (docs/decisions/0014)."""
        if run.state is not RunState.ACTIVE:
            return run.state
        silent = self.now - max(run.touched, steps.last_event or run.touched)
        here = steps.pid is not None and dagster_tables.is_local(self.instance)
        gone = here and silent > GONE_AFTER and not psutil.pid_exists(steps.pid or 0)
        return RunState.FAILED if gone or silent > ORPHANED_AFTER else run.state

    def _waits(self, run: RunRecord, state: RunState) -> bool:
        return state is RunState.FAILED and (bool(run.retry_announced) or self._undecided(run))

    def _settled(self, run: RunRecord, state: RunState) -> bool:
        if state is RunState.ACTIVE or (state is RunState.FAILED and self._undecided(run)):
            return False
        gives_up = self.now - (run.ended or run.touched) > RETRY_PATIENCE
        return not self._waits(run, state) or run.retried or gives_up

    def _redacted(self, attempt: Attempt) -> Attempt:
        if not attempt.cause:
            return attempt
        cause = " ".join(redact(attempt.cause, self.secrets).split())
        return attempt._replace(cause=printable(cause)[:_CAUSE_LENGTH])  # PostgreSQL refuses a NUL, and with it all of the round

    def _is_new(self, run: RunRecord) -> bool:
        return self.now - (run.ended or run.touched) <= _LOG_IS_READ
