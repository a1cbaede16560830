"""Logs events into the run's event log as they come, and sums up the failures."""

import datetime as dt
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Protocol

import dagster as dg

from ..asset_keys import asset_key
from ..attempt_metadata import CAUSE, ENDED, FAILED, OK, OUTCOME, STARTED
from ..events import AuditDone, Event, HeldBack, ModelDone, Note, Promoted, UpToDate, Written
from ..gc_tuning import freeze_loaded_objects_once, infrequent_gc
from ..project import Project
from ..stream import stream
from .standing_warnings import standing_warnings

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
    checks: Mapping[tuple[str, str], str],
    partitions: Mapping[str, str] = MappingProxyType({}),
    warnings: Mapping[str, Collection[str]] = MappingProxyType({}),
) -> None:
    """Do the work and log every event of it; `checks` are the names of Dagster's checks by model and audit.

    `partitions` names Dagster's partition for each model of which the run computes just one; `warnings` the
    non-blocking checks of each model in this run.

    Raises dagster.Failure at the end when a model failed; what the work raised otherwise. Interrupted, it waits until the
    models at work are done, and logs them.
    """
    log = _Log(context, project, checks, partitions, warnings)
    freeze_loaded_objects_once("first run started")
    with infrequent_gc(), closing(stream(work)) as events:
        for event in events:
            log.add(event)
    if log.up_to_date:
        context.log.info("%s model(s) are up to date: nothing was due", log.up_to_date)
    if log.failures:
        raise dg.Failure(
            _summary(log.failures, log.held_back), metadata={event.model: _cause_and_query(event) for event in log.failures}
        )


@dataclass
class _Log:
    context: Context
    project: Project
    checks: Mapping[tuple[str, str], str]
    partitions: Mapping[str, str]
    warnings: Mapping[str, Collection[str]]
    failures: list[ModelDone] = field(default_factory=list)
    findings: dict[str, list[AuditDone]] = field(default_factory=dict)
    held_back: str = ""
    up_to_date: int = 0

    def add(self, event: Event) -> None:
        match event:
            case AuditDone():
                self._audit(event)
            case ModelDone():
                attempt = _with_samples(event, self.findings.get(event.model, []))
                _log_attempt(self.context, attempt, self.project, self.partitions.get(event.model))
                if attempt.outcome != OK:
                    self.failures.append(attempt)
            case HeldBack(reason):
                self.held_back = reason
                self.context.log.error("the deployment was held back: %s", reason)
            case UpToDate(model):
                self.up_to_date += 1
                self.context.log_event(dg.AssetObservation(asset_key(model), metadata=_up_to_date(event, self.project)))
                for warning in standing_warnings(self.context.instance, model, self.warnings.get(model, ())):
                    self.context.log_event(warning)
            case Promoted(model, version):
                facts = _facts(Written(version), self.project)
                self.context.log_event(dg.AssetMaterialization(asset_key(model), "computed by an earlier run", facts))
            case Note(text):
                self.context.log.info(text)

    def _audit(self, event: AuditDone) -> None:
        if event.count and event.blocking:
            self.findings.setdefault(event.model, []).append(event)
        if name := self.checks.get((event.model, event.check)):
            self.context.log_event(_evaluation(event, name))


def _log_attempt(context: Context, event: ModelDone, project: Project, partition: str | None) -> None:
    attempt: dict[str, dg.MetadataValue] = {
        OUTCOME: dg.MetadataValue.text(event.outcome),
        CAUSE: dg.MetadataValue.text(event.cause),
        STARTED: dg.MetadataValue.float(event.started),
        ENDED: dg.MetadataValue.float(event.ended),
    }
    if event.outcome == OK:
        seconds = {"duration_seconds": dg.MetadataValue.float(round(event.ended - event.started, 3))}
        facts = seconds | _facts(event.written, project) | attempt
        context.log_event(dg.AssetMaterialization(asset_key(event.model), metadata=facts, partition=partition))
    else:
        context.log.error("%s %s: %s", event.model, event.outcome, event.cause)
        context.log_event(dg.AssetObservation(asset_key(event.model), metadata=attempt, partition=partition))


def _facts(written: Written, project: Project) -> dict[str, dg.MetadataValue]:
    counts = {
        "dagster/row_count": written.rows,
        "sqlmesh/rows_written": written.rows_written,
        "sqlmesh/bytes_processed": written.bytes_processed,
    }
    facts: dict[str, dg.MetadataValue] = {
        name: dg.MetadataValue.int(count) for name, count in counts.items() if count is not None
    }
    facts["sqlmesh/environment"] = dg.MetadataValue.text(project.environment)
    facts["sqlmesh/version"] = dg.MetadataValue.text(written.version)
    if written.intervals:
        facts["sqlmesh/intervals"] = dg.MetadataValue.text(
            ", ".join(f"{_moment(start)} to {_moment(end)}" for start, end in written.intervals)
        )
    return facts


def _up_to_date(event: UpToDate, project: Project) -> dict[str, dg.MetadataValue]:
    return {"sqlmesh/state": dg.MetadataValue.text("up to date")} | _facts(Written(event.version), project)


def _moment(milliseconds: int) -> str:
    return dt.datetime.fromtimestamp(milliseconds / 1000, dt.UTC).isoformat(timespec="minutes")


def _evaluation(event: AuditDone, name: str) -> dg.AssetCheckEvaluation:
    metadata: dict[str, dg.MetadataValue] = {
        "count": dg.MetadataValue.int(event.count),
        "query": dg.MetadataValue.md(f"```sql\n{event.query}\n```"),
    }
    if event.sample:
        metadata["sample"] = dg.MetadataValue.json([dict(row) for row in event.sample])
    return dg.AssetCheckEvaluation(
        asset_key=asset_key(event.model),
        check_name=name,
        passed=event.count == 0,
        severity=dg.AssetCheckSeverity.ERROR if event.blocking else dg.AssetCheckSeverity.WARN,
        metadata=metadata,
        description=f"{event.count} row(s) found" if event.count else None,
    )


def _with_samples(event: ModelDone, findings: Sequence[AuditDone]) -> ModelDone:
    """The failure of a blocking audit with the first rows of its result."""
    if event.outcome != FAILED or not findings:
        return event
    samples = "; ".join(f"{audit.check}: {[dict(row) for row in audit.sample]}" for audit in findings if audit.sample)
    return replace(event, cause=f"{event.cause}. {samples}")


def _cause_and_query(event: ModelDone) -> dg.MetadataValue:
    return dg.MetadataValue.md(f"{event.cause}\n```sql\n{event.sql}\n```") if event.sql else dg.MetadataValue.text(event.cause)


def _summary(failures: Sequence[ModelDone], held_back: str) -> str:
    failed = [event for event in failures if event.outcome == FAILED]
    rest = sorted(event.model for event in failures if event.outcome != FAILED)
    lines = [f"{len(failed)} model(s) failed:", *(f"- {event.model}: {event.cause}" for event in failed)]
    if rest:
        more = f" and {len(rest) - NAMED_IN_FAILURE} more" if len(rest) > NAMED_IN_FAILURE else ""
        lines.append(f"not materialized because of that: {', '.join(rest[:NAMED_IN_FAILURE])}{more}")
    if held_back:
        lines.append(f"the deployment was held back, nothing of it is visible: {held_back}")
    return "\n".join(lines)
