"""Logs events into the run's event log as they come, and sums up the failures."""

from collections.abc import Callable, Collection, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Protocol

import dagster as dg

from ..asset_keys import asset_key
from ..attempt_metadata import CAUSE, ENDED, FAILED, OK, OUTCOME, STARTED
from ..events import (
    AuditDone,
    Event,
    HeldBack,
    ModelDone,
    Note,
    Promoted,
    UnitTestDone,
    UnitTestsNotRun,
    UpstreamFailed,
    UpToDate,
    Waiting,
    Written,
)
from ..gc_tuning import freeze_loaded_objects_once, infrequent_gc
from ..project import Project
from ..stream import stream
from .metadata import cause_and_query, evaluation, facts, moment, tested, with_samples
from .standing_failures import standing, standing_failures

NAMED_IN_FAILURE = 20

Work = Callable[[Callable[[Event], None], Callable[[], bool]], None]


class Context(Protocol):
    """What an asset's and an op's context have in common."""

    @property
    def log(self) -> dg.DagsterLogManager:
        """The run's log."""

    @property
    def instance(self) -> dg.DagsterInstance:
        """Where the run's events are kept."""

    def log_event(self, event: Any) -> None:
        """Put an event into the run's log."""


def report(
    context: Context,
    project: Project,
    work: Work,
    checks: Mapping[tuple[str, str], dg.AssetCheckKey],
    partitions: Mapping[str, str] = MappingProxyType({}),
    selected: Mapping[str, Collection[dg.AssetCheckKey]] = MappingProxyType({}),
    unit_tests: Collection[dg.AssetCheckKey] = (),
) -> None:
    """Do the work and log every event of it; `checks` are Dagster's checks by model and audit.

    `partitions` names Dagster's partition for each model of which the run computes just one; `selected` the
    checks of each model in this run, without its `unit_tests`.

    Raises dagster.Failure at the end when a model failed; what the work raised otherwise. Interrupted, it waits until the
    models at work are done, and logs them.
    """
    log = _Log(context, project, checks, partitions, selected, unit_tests)
    freeze_loaded_objects_once("first run started")
    try:
        with infrequent_gc(), closing(stream(work)) as events:
            for event in events:
                log.add(event)
    except Exception as error:
        if not log.failed:
            raise
        raise dg.Failure(f"{_summary(log)}\n{type(error).__name__}: {error}", metadata=_causes(log)) from error
    if log.up_to_date:
        context.log.info("%s model(s) are up to date: nothing was due", log.up_to_date)
    if log.failed:
        raise dg.Failure(_summary(log), metadata=_causes(log))


@dataclass
class _Log:
    context: Context
    project: Project
    checks: Mapping[tuple[str, str], dg.AssetCheckKey]
    partitions: Mapping[str, str]
    selected: Mapping[str, Collection[dg.AssetCheckKey]]
    unit_tests: Collection[dg.AssetCheckKey]
    failures: list[ModelDone] = field(default_factory=list)
    upstream: list[UpstreamFailed] = field(default_factory=list)
    findings: dict[str, list[AuditDone]] = field(default_factory=dict)
    held_back: str = ""
    up_to_date: int = 0

    @property
    def failed(self) -> bool:
        return bool(self.failures or self.upstream)

    def add(self, event: Event) -> None:
        match event:
            case AuditDone():
                self._audit(event)
            case ModelDone():
                self._attempt(event)
            case UpToDate() | Waiting() | Promoted():
                self._not_computed(event)
            case UnitTestDone():
                self._unit_test(event)
            case UnitTestsNotRun(why):
                self._unit_tests_not_run(why)
            case HeldBack(reason):
                self.held_back = reason
                self.context.log.error("the deployment was held back: %s", reason)
            case UpstreamFailed(table, cause):
                self.upstream.append(event)
                self.context.log.error("%s failed: %s", table, cause)
            case Note(text, level):
                self.context.log.log(level.upper(), text)

    def _attempt(self, event: ModelDone) -> None:
        attempt = with_samples(event, self.findings.get(event.model, []))
        _log_attempt(self.context, attempt, self.project, self.partitions.get(event.model))
        if attempt.outcome != OK:
            self.failures.append(attempt)

    def _not_computed(self, event: UpToDate | Waiting | Promoted) -> None:
        match event:
            case UpToDate(model, version):
                self.up_to_date += 1
                self._observe(model, version, "up to date")
                for failure in standing_failures(self.context.instance, self.selected.get(model, ())):
                    self.context.log_event(failure)
            case Waiting(model, version, signals):
                state = f"waits for {', '.join(signals)}"
                self.context.log.warning("%s was due and not computed: it %s", model, state)
                self._observe(model, version, state)
            case Promoted():
                self._promoted(event)

    def _observe(self, model: str, version: str, state: str) -> None:
        metadata = {"sqlmesh/state": dg.MetadataValue.text(state)} | facts(Written(version), self.project)
        self.context.log_event(dg.AssetObservation(asset_key(model), metadata=metadata))

    def _promoted(self, event: Promoted) -> None:
        """A materialization if the asset has none since the version was computed; moving a view makes no row newer."""
        latest = self.context.instance.fetch_materializations(asset_key(event.model), limit=1).records
        if event.computed is None:
            self._observe(event.model, event.version, "deployed, not computed: its rows are those of earlier versions")
        elif latest and latest[0].timestamp >= event.computed:
            self._observe(event.model, event.version, f"deployed as it was computed at {moment(event.computed * 1000)}")
        else:
            description = f"computed by an earlier run, at {moment(event.computed * 1000)}"
            metadata = facts(Written(event.version), self.project)
            self.context.log_event(dg.AssetMaterialization(asset_key(event.model), description, metadata))

    def _unit_test(self, event: UnitTestDone) -> None:
        if event.cause:
            self.context.log.error("%s: unit test %s fails: %s", event.model, event.test, event.cause)
        if key := self.checks.get((event.model, event.check)):
            self.context.log_event(tested(event, key))

    def _unit_tests_not_run(self, why: str) -> None:
        """What they found last stands, as they are of the code alone; those that never ran are named."""
        known = {(last.asset_key, last.check_name): last for last in standing(self.context.instance, self.unit_tests)}
        for last in known.values():
            self.context.log_event(last)
        never = [key for key in self.unit_tests if (key.asset_key, key.name) not in known]
        self.context.log.info("unit tests were not run: %s", why)
        if never:
            names = ", ".join(f"{key.asset_key.to_user_string()}:{key.name}" for key in never)
            self.context.log.warning("these unit tests have no result yet: %s", names)

    def _audit(self, event: AuditDone) -> None:
        if event.count and event.blocking:
            self.findings.setdefault(event.model, []).append(event)
        if key := self.checks.get((event.model, event.check)):
            self.context.log_event(evaluation(event, key))


def _log_attempt(context: Context, event: ModelDone, project: Project, partition: str | None) -> None:
    attempt: dict[str, dg.MetadataValue] = {
        OUTCOME: dg.MetadataValue.text(event.outcome),
        CAUSE: dg.MetadataValue.text(event.cause),
        STARTED: dg.MetadataValue.float(event.started),
        ENDED: dg.MetadataValue.float(event.ended),
    }
    if event.outcome == OK:
        seconds = {"duration_seconds": dg.MetadataValue.float(round(event.ended - event.started, 3))}
        metadata = seconds | facts(event.written, project) | attempt
        context.log_event(dg.AssetMaterialization(asset_key(event.model), metadata=metadata, partition=partition))
    else:
        context.log.error("%s %s: %s", event.model, event.outcome, event.cause)
        context.log_event(dg.AssetObservation(asset_key(event.model), metadata=attempt, partition=partition))


def _causes(log: _Log) -> dict[str, dg.MetadataValue]:
    tables = {event.table: dg.MetadataValue.text(event.cause) for event in log.upstream}
    return tables | {event.model: cause_and_query(event) for event in log.failures}


def _summary(log: _Log) -> str:
    failed = [event for event in log.failures if event.outcome == FAILED]
    rest = sorted(event.model for event in log.failures if event.outcome != FAILED)
    lines = [f"{event.table}: {event.cause}" for event in log.upstream]
    lines += [f"{len(failed)} model(s) failed:"] if failed or not lines else []
    lines += [f"- {event.model}: {event.cause}" for event in failed]
    if rest:
        more = f" and {len(rest) - NAMED_IN_FAILURE} more" if len(rest) > NAMED_IN_FAILURE else ""
        lines.append(f"not materialized because of that: {', '.join(rest[:NAMED_IN_FAILURE])}{more}")
    if log.held_back:
        lines.append(f"the deployment was held back, nothing of it is visible: {log.held_back}")
    return "\n".join(lines)
