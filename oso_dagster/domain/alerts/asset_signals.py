"""Alerts on single assets: from plain facts to incidents.

Those on objectives are in `domain.alerts.objective_signals`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from oso_dagster.domain.alerts.alert_links import AlertLinks, OwnedAsset
from oso_dagster.domain.alerts.announcing import Signal
from oso_dagster.domain.alerts.incident import Incident, IncidentField, Kind, Link, Severity
from oso_dagster.domain.cron import ticks
from oso_dagster.domain.durations import duration
from oso_dagster.domain.judging.lost_rows import LostRows
from oso_dagster.domain.objectives.attempts import is_deployment
from oso_dagster.domain.objectives.failed_family import FailedFamily
from oso_dagster.domain.probes.heartbeat import HEARTBEAT

PATIENCE = 4
"""Whatever records no heartbeat for so many times its interval is silent."""

_NAMED = 5

_WHERE_PROBES_RUN = "Start `oso probe run` again, and read what it said last: no service that it probes is measured meanwhile."

LEAST_PATIENCE = timedelta(minutes=3)
"""Nothing is called silent earlier: a busy machine may be late."""


@dataclass(frozen=True)
class FailedCheck:
    """The newest evaluation of an asset check of severity ERROR that failed."""

    asset: str
    check: str
    reason: str
    run_id: str
    at: datetime


@dataclass(frozen=True)
class SchemaDrift:
    """The newest load of a table brought columns that nobody has declared."""

    asset: str
    columns: tuple[str, ...]
    run_id: str
    at: datetime


@dataclass(frozen=True)
class FailedJob:
    """A job of the platform itself whose newest finished run failed at `at`; `serves` says what is not done meanwhile."""

    name: str
    serves: str
    run_id: str
    at: datetime


@dataclass(frozen=True)
class LongRun:
    """A run under way since `started` that takes longer than `promised`; Dagster ends it after `maximum`.

    `assets` are the tables that it loads, as far as they are known.
    """

    job: str
    assets: tuple[str, ...]
    run_id: str
    started: datetime
    promised: timedelta
    maximum: timedelta

    @property
    def name(self) -> str:
        """Its job, or what it loads where somebody selected that by hand."""
        if not self.job.startswith("__"):
            return self.job
        more = f" and {len(self.assets) - _NAMED} more" if len(self.assets) > _NAMED else ""
        return ", ".join(self.assets[:_NAMED]) + more if self.assets else "a selection"


@dataclass(frozen=True)
class LastHeartbeat:
    """The last heartbeat of something that has to happen regularly, every `every`."""

    name: str
    at: datetime
    every: timedelta

    def is_silent(self, now: datetime) -> bool:
        """Whether the next heartbeat is long overdue."""
        return now - self.at > max(PATIENCE * self.every, LEAST_PATIENCE)


def failed_subject(asset: str, partition: str | None) -> str:
    """The subject of a failed materialization: an asset, or one partition of it."""
    return f"{Kind.FAILED_MATERIALIZATION}:{asset}" + (f"[{partition}]" if partition else "")


def failed(
    family: FailedFamily, owned: OwnedAsset, links: AlertLinks, now: datetime, checks: Sequence[FailedCheck] = ()
) -> Signal:
    """A family that failed for good; `checks` are those that failed in its run. The second in a row is louder."""
    again = family.in_a_row > 1
    whole = is_deployment(owned.asset)
    what = "the deployment of the models" if whole else owned.asset + (f" [{family.partition}]" if family.partition else "")
    body = [family.cause or "no cause was recorded", *(f"check {check.check}: {check.reason}" for check in checks)]
    extra = (IncidentField("Failed in a row", str(family.in_a_row)), *_outlook(owned, now))
    again_what = f"partition {family.partition}" if family.partition else "the asset"
    return _signal(
        Kind.FAILED_MATERIALIZATION,
        failed_subject(owned.asset, family.partition),
        owned,
        f"{what} failed" + (f" {family.in_a_row} times in a row" if again else ", after all retries"),
        family.judged_at,
        severity=Severity.PAGE if again else Severity.TICKET,
        body=body,
        extra=extra,
        links=links.links(Kind.FAILED_MATERIALIZATION, "" if whole else owned.asset, family.run_id),
        facts=links.fields(Kind.FAILED_MATERIALIZATION),
        next_step="Read the log of the failed run, fix the cause, and "
        + ("run the job transform again." if whole else f"materialize {again_what} again."),
    )


def failed_job(job: FailedJob, links: AlertLinks) -> Signal:
    """A job of the platform itself, which makes no data, failed the last time that it ran."""
    kind = Kind.FAILED_MATERIALIZATION
    return _signal(
        kind,
        f"{kind}:job {job.name}",
        OwnedAsset(asset="", label="", owner=links.owner, service=""),
        f"the job {job.name} fails",
        job.at,
        body=[f"its newest run failed at {job.at:%Y-%m-%d %H:%M} UTC: {job.serves}"],
        links=links.links(kind, run_id=job.run_id),
        facts=links.fields(kind),
        next_step="Read the log of the failed run and fix the cause; the next run that succeeds closes this.",
    )


def long_run(run: LongRun, owned: OwnedAsset | None, links: AlertLinks, now: datetime) -> Signal:
    """A run that takes longer than promised, before it is ended for it; `owned` is one of the tables that it loads."""
    ends = run.started + run.maximum
    left = f"is ended at {ends:%Y-%m-%d %H:%M} UTC, and has failed then" if now < ends else "was to be ended and still runs"
    return _signal(
        Kind.LONG_RUN,
        f"{Kind.LONG_RUN}:{run.name}",
        owned or OwnedAsset(asset="", label="", owner=links.owner, service=""),
        f"{run.name} takes longer than promised",
        now,
        body=[f"runs since {run.started:%Y-%m-%d %H:%M} UTC; {duration(run.promised)} are promised, with every retry; it {left}"],
        links=links.links(Kind.LONG_RUN, run_id=run.run_id),
        facts=links.fields(Kind.LONG_RUN),
        next_step="Read the log of the run: what does it wait for? Terminate it there if it is stuck: old rows stay.",
    )


def stale(owned: OwnedAsset, note: str, now: datetime, links: AlertLinks) -> Signal:
    """An asset that is older than it was promised to be; `note` says how."""
    return _signal(
        Kind.STALE_ASSET,
        f"{Kind.STALE_ASSET}:{owned.asset}",
        owned,
        f"{owned.asset} is stale",
        now,
        body=[note],
        links=links.links(Kind.STALE_ASSET, owned.asset),
        extra=_outlook(owned, now),
        facts=links.fields(Kind.STALE_ASSET),
        next_step="Check that its schedule is running and what its newest run reports, then materialize it.",
    )


def _outlook(owned: OwnedAsset, now: datetime) -> tuple[IncidentField, ...]:
    """When its schedule loads it next, and which published models are computed from it."""
    facts = []
    if owned.schedule is not None:
        tick = next(ticks(owned.schedule.cron, owned.schedule.timezone, now))
        facts.append(IncidentField("Next scheduled load", f"{tick:%Y-%m-%d %H:%M} UTC"))
    if owned.readers:
        more = f" and {len(owned.readers) - _NAMED} more" if len(owned.readers) > _NAMED else ""
        facts.append(IncidentField("Affected downstream", ", ".join(owned.readers[:_NAMED]) + more))
    return tuple(facts)


def failed_check(fact: FailedCheck, owned: OwnedAsset, links: AlertLinks) -> Signal:
    """A check of severity ERROR that failed on data that readers see."""
    return _signal(
        Kind.FAILED_CHECK,
        f"{Kind.FAILED_CHECK}:{fact.asset}:{fact.check}",
        owned,
        f"{fact.asset}: the check {fact.check} fails",
        fact.at,
        body=[fact.reason or "the check gave no reason"],
        links=links.links(Kind.FAILED_CHECK, fact.asset, fact.run_id),
        facts=links.fields(Kind.FAILED_CHECK),
        next_step="Inspect the rows that the check names, fix them upstream or in the model, and run the check again.",
    )


def drift(fact: SchemaDrift, owned: OwnedAsset, links: AlertLinks) -> Signal:
    """Upstream has columns that the source does not declare."""
    return _signal(
        Kind.SCHEMA_DRIFT,
        f"{Kind.SCHEMA_DRIFT}:{fact.asset}",
        owned,
        f"{fact.asset}: upstream has new columns",
        fact.at,
        body=[f"not declared: {', '.join(fact.columns)}"],
        links=links.links(Kind.SCHEMA_DRIFT, fact.asset, fact.run_id),
        facts=links.fields(Kind.SCHEMA_DRIFT),
        next_step="Declare the columns in the source, with type and description, or exclude them on purpose.",
    )


LOST_PARTITIONS = "Lost partitions"
"""The field of an incident that names them, as spans."""

_FIND_OUT = {
    True: "Find out whether the warehouse's file was moved or replaced",
    False: "Find out who changed the rows, and whether they are to stay as they are",
}


def lost(fact: LostRows, owned: OwnedAsset, now: datetime, links: AlertLinks) -> Signal:
    """A table that was loaded and is not in the warehouse: its file was lost or replaced, or rows of it were deleted by hand."""
    return _signal(
        Kind.LOST_ROWS,
        f"{Kind.LOST_ROWS}:{owned.asset}",
        owned,
        f"{owned.asset} was loaded, but is not in the warehouse" + ("" if fact.unrecorded else " as it was"),
        now,
        body=[fact.sentence],
        extra=(IncidentField(LOST_PARTITIONS, fact.spans),) if fact.spans else (),
        links=links.links(Kind.LOST_ROWS, owned.asset),
        facts=links.fields(Kind.LOST_ROWS),
        next_step=f"{_FIND_OUT[bool(fact.unrecorded)]}; else load it again: {fact.command}",
    )


def silent(heartbeat: LastHeartbeat, links: AlertLinks, now: datetime) -> Signal:
    """A sensor, schedule or daemon without a heartbeat: what it is responsible for is not being done."""
    about = OwnedAsset(asset="", label="", owner=links.owner, service="")
    return _signal(
        Kind.SILENT,
        f"{Kind.SILENT}:{heartbeat.name}",
        about,
        f"{heartbeat.name} is silent",
        now,
        severity=Severity.PAGE,
        body=[
            f"last heartbeat at {heartbeat.at:%Y-%m-%d %H:%M} UTC; one is expected every {heartbeat.every.total_seconds():g} s"
        ],
        links=(Link("Automation", f"{links.dagster}/deployment/daemons"), *links.links(Kind.SILENT)),
        facts=links.fields(Kind.SILENT),
        next_step=_WHERE_PROBES_RUN
        if heartbeat.name == HEARTBEAT
        else "Check that Dagster's daemon is running, and what the newest tick reports.",
    )


def _signal(  # noqa: PLR0913  (the parts of a message)
    kind: Kind,
    subject: str,
    owned: OwnedAsset,
    title: str,
    at: datetime,
    *,
    body: Sequence[str],
    links: tuple[Link, ...],
    facts: tuple[IncidentField, ...],
    next_step: str,
    severity: Severity = Severity.TICKET,
    extra: tuple[IncidentField, ...] = (),
) -> Signal:
    """The signal about one asset; about unstable data it is only information, whatever `severity` says."""
    return Signal(
        Incident(
            subject=subject,
            kind=kind,
            severity=Severity.INFO if owned.label == "unstable" else severity,
            service=owned.service,
            stability=owned.label,
            owner=owned.owner,
            title=title,
            opened_at=at,
            updated_at=at,
            body=tuple(body),
            fields=(*extra, *facts),
            links=links,
            next_step=next_step,
        )
    )
