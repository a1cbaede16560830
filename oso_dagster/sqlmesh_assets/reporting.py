"""Writes what happens to models into Dagster's event log at once, and sums up what failed."""

import datetime as dt
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Protocol

import dagster as dg

from . import attempt_metadata as attempts
from .events import AuditDone, Event, HeldBack, ModelDone, Note, Promoted, UpToDate, Written
from .gc_tuning import keep_what_is_loaded, rarely_collected
from .project import Project
from .specs import asset_key
from .standing_warnings import standing_warnings
from .stream import stream

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
    """Do the work and log every event of it; `checks` are the checks that Dagster knows by model and audit.

    `partitions` names, for each model of which the run computes just one, Dagster's partition; `warnings`, for each model, the
    checks of this run that do not block.

    Raises dagster.Failure at the end when a model failed; what the work raised otherwise. Interrupted, it waits until the
    models at work are done, and logs them.
    """
    log = _Log(context, project, checks, partitions, warnings)
    keep_what_is_loaded("the first run")
    with rarely_collected(), closing(stream(work)) as events:
        for event in events:
            log.add(event)
    if log.current:
        context.log.info("%s model(s) are up to date: nothing was due", log.current)
    if log.bad:
        raise dg.Failure(_summary(log.bad, log.held), metadata={event.model: _explained(event) for event in log.bad})


@dataclass
class _Log:
    context: Context
    project: Project
    checks: Mapping[tuple[str, str], str]
    partitions: Mapping[str, str]
    warnings: Mapping[str, Collection[str]]
    bad: list[ModelDone] = field(default_factory=list)
    findings: dict[str, list[AuditDone]] = field(default_factory=dict)
    held: str = ""
    current: int = 0

    def add(self, event: Event) -> None:
        match event:
            case AuditDone():
                self._audit(event)
            case ModelDone():
                told = _with_findings(event, self.findings.get(event.model, []))
                _log_attempt(self.context, told, self.project, self.partitions.get(event.model))
                if told.outcome != attempts.OK:
                    self.bad.append(told)
            case HeldBack(because):
                self.held = because
                self.context.log.error("the deployment was held back: %s", because)
            case UpToDate(model):
                self.current += 1
                self.context.log_event(dg.AssetObservation(asset_key(model), metadata=_up_to_date(event, self.project)))
                for standing in standing_warnings(self.context.instance, model, self.warnings.get(model, ())):
                    self.context.log_event(standing)
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
    told: dict[str, dg.MetadataValue] = {
        attempts.OUTCOME: dg.MetadataValue.text(event.outcome),
        attempts.CAUSE: dg.MetadataValue.text(event.cause),
        attempts.STARTED: dg.MetadataValue.float(event.started),
        attempts.ENDED: dg.MetadataValue.float(event.ended),
    }
    if event.outcome == attempts.OK:
        seconds = {"duration_seconds": dg.MetadataValue.float(round(event.ended - event.started, 3))}
        facts = seconds | _facts(event.written, project) | told
        context.log_event(dg.AssetMaterialization(asset_key(event.model), metadata=facts, partition=partition))
    else:
        context.log.error("%s %s: %s", event.model, event.outcome, event.cause)
        context.log_event(dg.AssetObservation(asset_key(event.model), metadata=told, partition=partition))


def _facts(written: Written, project: Project) -> dict[str, dg.MetadataValue]:
    numbers = {
        "dagster/row_count": written.rows,
        "sqlmesh/rows_written": written.rows_written,
        "sqlmesh/bytes_processed": written.bytes_processed,
    }
    facts: dict[str, dg.MetadataValue] = {name: dg.MetadataValue.int(n) for name, n in numbers.items() if n is not None}
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


def _with_findings(event: ModelDone, findings: Sequence[AuditDone]) -> ModelDone:
    """The failure of a blocking audit with the first rows it found."""
    if event.outcome != attempts.FAILED or not findings:
        return event
    samples = "; ".join(f"{one.check}: {[dict(row) for row in one.sample]}" for one in findings if one.sample)
    return replace(event, cause=f"{event.cause}. {samples}")


def _explained(event: ModelDone) -> dg.MetadataValue:
    return dg.MetadataValue.md(f"{event.cause}\n```sql\n{event.sql}\n```") if event.sql else dg.MetadataValue.text(event.cause)


def _summary(bad: Sequence[ModelDone], held: str) -> str:
    failed = [event for event in bad if event.outcome == attempts.FAILED]
    rest = sorted(event.model for event in bad if event.outcome != attempts.FAILED)
    lines = [f"{len(failed)} model(s) failed:", *(f"- {event.model}: {event.cause}" for event in failed)]
    if rest:
        more = f" and {len(rest) - NAMED_IN_FAILURE} more" if len(rest) > NAMED_IN_FAILURE else ""
        lines.append(f"not materialized because of that: {', '.join(rest[:NAMED_IN_FAILURE])}{more}")
    if held:
        lines.append(f"the deployment was held back, nothing of it is visible: {held}")
    return "\n".join(lines)
