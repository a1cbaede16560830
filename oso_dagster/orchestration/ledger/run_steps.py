"""Reads the logs of runs: how their steps ended, which step depends on which, and when each run last logged anything."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple

import dagster as dg

from oso_dagster.domain.objectives.attempts import BROKEN, RunState, StepEnd
from oso_dagster.orchestration.ledger import dagster_tables
from oso_dagster.orchestration.ledger.asset_events import RunAssets
from oso_dagster.orchestration.ledger.dagster_tables import body_of, moment
from oso_dagster.orchestration.ledger.run_records import RunRecord

_STEP_ENDS = {
    dg.DagsterEventType.STEP_SUCCESS.value: StepEnd.SUCCEEDED,
    dg.DagsterEventType.STEP_SKIPPED.value: StepEnd.SKIPPED,
    dg.DagsterEventType.STEP_FAILURE.value: StepEnd.FAILED,
}
_RUN_FAILED = dg.DagsterEventType.RUN_FAILURE.value
_RUN_STARTED = dg.DagsterEventType.RUN_START.value
_START = dg.DagsterEventType.STEP_START.value
_RETRY = dg.DagsterEventType.STEP_UP_FOR_RETRY.value
_WITH_BODY = [dg.DagsterEventType.STEP_FAILURE.value, _RUN_FAILED, _RUN_STARTED]
_INTERRUPTED_BY = {"DagsterExecutionInterruptedError", "KeyboardInterrupt"}
_CRASHED_BY = {"ChildProcessCrashException"}
_REFUSED_BY = {"DagsterAssetCheckFailedError"}
_FAILURE_PREFIX = "dagster._core.definitions.events.Failure: "

_STEPS = """
    SELECT run_id, dagster_event_type, timestamp, step_key, CASE WHEN dagster_event_type IN :with_body THEN event END
    FROM event_logs WHERE run_id IN :run_ids AND {no_index}dagster_event_type IN :kinds ORDER BY id
"""
_ENDS = "SELECT run_id, timestamp, event FROM event_logs WHERE run_id IN :run_ids AND {no_index}dagster_event_type = :kind"
_LAST_EVENT = "SELECT run_id, max(timestamp) FROM event_logs WHERE run_id IN :run_ids GROUP BY run_id"


class ExecutionPlan(NamedTuple):
    """Which step makes which asset, and which steps each one needs."""

    steps: Mapping[str, str]
    upstream: Mapping[str, Collection[str]]


@dataclass
class RunSteps:
    """How the steps of one run went; `plan` says what makes what, and what needs what; `retries` None: the log was not read.

    `pid` is the process that began the run; `last_event` is known of runs that are under way.
    """

    ends: dict[str, tuple[StepEnd, datetime, str]] = field(default_factory=dict)
    starts: dict[str, datetime] = field(default_factory=dict)
    retries: dict[str, int] | None = None
    plan: Callable[[], ExecutionPlan] = lambda: ExecutionPlan({}, {})
    failure: str = ""
    last_event: datetime | None = None
    pid: int | None = None

    def stopped_at(self, at: datetime) -> RunSteps:
        """The same, where the run was stopped `at`: what failed from then on was interrupted."""
        ends = {
            step: (StepEnd.INTERRUPTED, ended, "stopped") if end in BROKEN and ended >= at else (end, ended, cause)
            for step, (end, ended, cause) in self.ends.items()
        }
        return replace(self, ends=ends)

    def of_asset(self, asset: str) -> str:
        """The step that makes `asset`, by the plan; empty when it has none."""
        return self.plan().steps.get(asset, "")

    def failed_upstream(self, step: str) -> str | None:
        """The first step found above `step` that failed, or None."""
        upstream = self.plan().upstream
        waiting, visited = list(upstream.get(step, ())), set[str]()
        while waiting:
            candidate = waiting.pop()
            if candidate in self.ends and self.ends[candidate][0] in BROKEN:
                return candidate
            waiting += [above for above in upstream.get(candidate, ()) if above not in visited]
            visited.add(candidate)
        return None


class RunLogs:
    """The logs of one instance; plans, which many runs share and few need, are read when asked for, and once."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        self._instance = instance
        self._plans: dict[str, ExecutionPlan] = {}

    def of(self, runs: Sequence[RunRecord]) -> dict[str, RunSteps]:
        """The logs of the given runs, as far as their steps are concerned."""
        by_run = {run.run_id: RunSteps(retries={}) for run in runs}
        kinds = [*_STEP_ENDS, _START, _RETRY, _RUN_FAILED, _RUN_STARTED]
        for run_id, kind, at, step, body in dagster_tables.logs(
            self._instance, _STEPS, list(by_run), kinds=kinds, with_body=_WITH_BODY
        ):
            _note(by_run[run_id], kind, moment(at), step, body_of(body) if body else {})
        active = [run.run_id for run in runs if run.state is RunState.ACTIVE]
        for run_id, at in dagster_tables.logs(self._instance, _LAST_EVENT, active):
            by_run[run_id].last_event = moment(at)
        for run in runs:
            if run.plan_id is not None:
                by_run[run.run_id].plan = partial(self._plan, run.plan_id)
        return by_run

    def in_brief(self, runs: Sequence[RunRecord], units: Mapping[str, RunAssets]) -> dict[str, RunSteps]:
        """The failed runs of which the event of their failure says enough: one step failed, and made all that is missing.

        Reading the logs of a month of failed runs opens a file for each of them on SQLite; these events lie in one place.
        When their steps began, and how often they were retried, is not known.
        """
        failed = {run.run_id: run for run in runs if run.state is RunState.FAILED}
        brief = {}
        for run_id, at, body in dagster_tables.events(self._instance, _ENDS, run_ids=list(failed), kind=_RUN_FAILED):
            event = body_of(body)
            first = (event["event_specific_data"] or {}).get("first_step_failure_event")
            assets = units.get(run_id)
            if assets is not None and first is not None and event["message"].endswith(f"Steps failed: {[first['step_key']]!r}."):
                missing = {asset for (asset, _), materialized in assets.units.items() if materialized is None}
                if {assets.steps.get(asset) for asset in missing} <= {first["step_key"]}:
                    brief[run_id] = RunSteps(ends={first["step_key"]: _ended(first, moment(at))}, failure=event["message"])
        return brief

    def _plan(self, plan_id: str) -> ExecutionPlan:
        if plan_id not in self._plans:
            plan = self._instance.get_execution_plan_snapshot(plan_id)
            steps = {
                output.properties.asset_key.to_user_string(): step.key
                for step in plan.steps
                for output in step.outputs
                if output.properties and output.properties.asset_key
            }
            self._plans[plan_id] = ExecutionPlan(steps, plan.step_deps)
        return self._plans[plan_id]


def _note(steps: RunSteps, kind: str, at: datetime, step: str | None, event: Mapping[str, Any]) -> None:
    if kind == _RUN_FAILED:
        steps.failure = event["message"] or ""
    elif kind == _RUN_STARTED:
        steps.pid = event["pid"]
    elif step is None:
        return
    elif kind == _START:
        steps.starts.setdefault(step, at)
    elif kind == _RETRY:
        steps.retries = {**(steps.retries or {}), step: (steps.retries or {}).get(step, 0) + 1}
    elif _STEP_ENDS[kind] is StepEnd.FAILED:
        steps.ends[step] = _ended(event, at)
    else:
        steps.ends[step] = _STEP_ENDS[kind], at, ""


def _ended(event: Mapping[str, Any], at: datetime) -> tuple[StepEnd, datetime, str]:
    end, cause = _failure(event)
    return end, at, cause


def _failure(event: Mapping[str, Any]) -> tuple[StepEnd, str]:
    data = event["event_specific_data"]
    chain = list(_causes(data["error"]))
    names = {cause["cls_name"] for cause in chain}
    source = (data["error_source"] or {}).get("__enum__", "")
    if source == "ErrorSource.INTERRUPT" or names & _INTERRUPTED_BY:
        return StepEnd.INTERRUPTED, "interrupted"
    error = chain[1] if source == "ErrorSource.USER_CODE_ERROR" and len(chain) > 1 else chain[0] if chain else None
    message = (error["message"] if error else event["message"]) or ""
    end = StepEnd.CRASHED if names & _CRASHED_BY else StepEnd.REFUSED if names & _REFUSED_BY else StepEnd.FAILED
    return end, message.removeprefix(_FAILURE_PREFIX)


def _causes(error: Mapping[str, Any] | None) -> Iterator[Mapping[str, Any]]:
    while error is not None:
        yield error
        error = error["cause"]
