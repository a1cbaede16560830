"""Reads the log of one run: how its steps went, which one makes which asset, and what stands above what."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import dagster as dg
from dagster._core.events import DagsterEvent
from dagster._core.events.log import EventLogEntry
from dagster._core.execution.plan.objects import ErrorSource

from oso_dagster.domain.attempts import StepEnd
from oso_dagster.orchestration.event_log import RunFacts, moment

_STEP_ENDS = {
    dg.DagsterEventType.STEP_SUCCESS: StepEnd.SUCCEEDED,
    dg.DagsterEventType.STEP_SKIPPED: StepEnd.SKIPPED,
    dg.DagsterEventType.STEP_FAILURE: StepEnd.FAILED,
}
_RETRY = dg.DagsterEventType.STEP_UP_FOR_RETRY
_INTERRUPTS = {"DagsterExecutionInterruptedError", "KeyboardInterrupt"}
_CRASHES = {"ChildProcessCrashException"}
_WORDLESS = "dagster._core.definitions.events.Failure: "


@dataclass
class RunSteps:
    """How the steps of one run went; `upstream` are the steps that each one needs; `retries` None: the log was not read."""

    ends: dict[str, tuple[StepEnd, datetime, str]] = field(default_factory=dict)
    starts: dict[str, datetime] = field(default_factory=dict)
    retries: dict[str, int] | None = None
    of_asset: dict[str, str] = field(default_factory=dict)
    upstream: Mapping[str, Collection[str]] = field(default_factory=dict)
    failure: str = ""
    last_event: datetime | None = None

    def failed_upstream(self, step: str) -> str | None:
        """The first step found above `step` that failed, or None."""
        waiting, seen = list(self.upstream.get(step, ())), set[str]()
        while waiting:
            one = waiting.pop()
            if one in self.ends and self.ends[one][0] in (StepEnd.FAILED, StepEnd.CRASHED):
                return one
            waiting += [above for above in self.upstream.get(one, ()) if above not in seen]
            seen.add(one)
        return None


def steps_of(instance: dg.DagsterInstance, run: RunFacts) -> RunSteps:
    """The log of one run, as far as its steps are concerned."""
    wanted = {*_STEP_ENDS, dg.DagsterEventType.STEP_START, _RETRY, dg.DagsterEventType.RUN_FAILURE}
    storage = instance.event_log_storage
    steps = RunSteps(retries={})
    for record in storage.get_records_for_run(run.run_id, of_type=wanted).records:
        _note_step(steps, record.event_log_entry)
    newest = storage.get_records_for_run(run.run_id, limit=1, ascending=False).records
    steps.last_event = moment(newest[0].event_log_entry.timestamp) if newest else None
    if run.plan_id is not None:
        plan = instance.get_execution_plan_snapshot(run.plan_id)
        steps.upstream = plan.step_deps
        for step in plan.steps:
            for output in step.outputs:
                key = output.properties.asset_key if output.properties else None
                if key is not None:
                    steps.of_asset[key.to_user_string()] = step.key
    return steps


def _note_step(steps: RunSteps, entry: EventLogEntry) -> None:
    event, at = entry.get_dagster_event(), moment(entry.timestamp)
    if event.event_type is dg.DagsterEventType.RUN_FAILURE:
        steps.failure = event.message or ""
    elif event.step_key is not None and event.event_type is dg.DagsterEventType.STEP_START:
        steps.starts.setdefault(event.step_key, at)
    elif event.step_key is not None and event.event_type is _RETRY:
        steps.retries = {**(steps.retries or {}), event.step_key: (steps.retries or {}).get(event.step_key, 0) + 1}
    elif event.step_key is not None:
        end, cause = _STEP_ENDS[event.event_type], ""
        if end is StepEnd.FAILED:
            end, cause = _failure(event)
        steps.ends[event.step_key] = (end, at, cause)


def _failure(event: DagsterEvent) -> tuple[StepEnd, str]:
    data = event.step_failure_data
    chain = []
    error = data.error
    while error is not None:
        chain.append(error)
        error = error.cause
    names = {one.cls_name for one in chain}
    if data.error_source is ErrorSource.INTERRUPT or names & _INTERRUPTS:
        return StepEnd.INTERRUPTED, "interrupted"
    told = chain[1] if data.error_source is ErrorSource.USER_CODE_ERROR and len(chain) > 1 else chain[0] if chain else None
    message = (told.message if told else event.message) or ""
    return StepEnd.CRASHED if names & _CRASHES else StepEnd.FAILED, message.removeprefix(_WORDLESS)
