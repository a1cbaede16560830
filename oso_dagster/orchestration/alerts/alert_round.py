"""One round of alerting: bring the ledger up to date, evaluate, advance the sprints, record the announcements that are due.

Everything is compared with what was announced before: a round that is lost, or done twice, changes nothing.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import datetime

import dagster as dg

from oso_dagster.domain.alerts.announcing import IncidentChange
from oso_dagster.domain.alerts.incident import Kind
from oso_dagster.orchestration.alerts.dagster_state import daemons, drifting, failed_jobs, long_runs
from oso_dagster.orchestration.alerts.failing_checks import failing_checks
from oso_dagster.orchestration.alerts.recorded_loads import RecordComparison, compare_records
from oso_dagster.orchestration.alerts.signals import DagsterState, Situation, assess_all, is_frozen, objective_finding
from oso_dagster.orchestration.objectives.open_evaluator import up_to_date
from oso_dagster.orchestration.objectives.watched_platform import Platform
from oso_dagster.orchestration.watch.heartbeats import ALERTS, WAREHOUSE, awake, beat, last_heartbeats
from oso_dagster.orchestration.watch.incident_round import alert_links, settle
from oso_dagster.reliability.results import verdict_row
from oso_dagster.reliability.store import Store

_LOG = logging.getLogger(__name__)


def run_round(platform: Platform, store: Store, instance: dg.DagsterInstance, now: datetime) -> list[IncidentChange]:
    """Find out what is wrong at `now`; record which incidents changed, and the announcements to deliver."""
    evaluator = up_to_date(platform.settings, platform.sources, platform.labels, store, instance, now)
    compared = _compared(platform, store, instance, now)
    if not compared.problem:
        evaluator = replace(evaluator, lost={lost.asset: lost.shortage for lost in compared.lost})
    assessments, owned, links = assess_all(evaluator, now), platform.owned, alert_links(platform.settings)
    latest = {f"{row.service}.{row.objective}": row.verdict for row in store.latest_verdicts(now)}
    store.results.record_verdicts(
        verdict_row(assessment) for assessment in assessments if latest.get(assessment.objective.id) is not assessment.verdict
    )
    judged = (assessment for assessment in assessments if not is_frozen(assessment))
    store.sprints.advance(objective_finding(assessment, store, owned, links) for assessment in judged)
    standing = store.incidents.standing()
    able = awake(store, ALERTS, now)
    state = DagsterState(
        checks=failing_checks(instance, platform.checks, platform.partitions(now)),
        jobs=failed_jobs(instance),
        long_runs=long_runs(instance, platform.sources, now),
        drifting=drifting(instance, platform.declared),
        silent=[
            heartbeat
            for heartbeat in [*daemons(instance), *last_heartbeats(store)]
            if able and heartbeat.name != ALERTS and heartbeat.is_silent(now)
        ],
    )
    situation = Situation(evaluator, owned, links, state, compared.lost, assessments, standing, store.maintenance.all(), now)
    unknown = set() if able else {incident.subject for incident in standing if incident.kind is Kind.SILENT}
    if compared.problem:
        unknown |= {incident.subject for incident in standing if incident.kind is Kind.LOST_ROWS}
    signals = situation.signals(store.sprints.newest(now).values())
    return settle(platform.settings, store, signals, situation.kept() | unknown, now, situation.quiet())


def _compared(platform: Platform, store: Store, instance: dg.DagsterInstance, now: datetime) -> RecordComparison:
    """The warehouse's records beside what was materialized. One that cannot be read for an hour becomes a silence."""
    if not platform.compares_records:
        return RecordComparison()
    compared = compare_records(platform.settings, platform.sources, store, instance, now)
    if compared.problem:
        _LOG.warning("nothing is said of lost rows: %s", compared.problem)
    if not compared.problem or not awake(store, ALERTS, now):  # the hour begins when the sensor does
        beat(store, WAREHOUSE, now)
    return compared
