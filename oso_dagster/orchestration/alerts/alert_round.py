"""One round of alerting: bring the ledger up to date, evaluate, advance the sprints, record the announcements that are due.

Everything is compared with what was announced before: a round that is lost, or done twice, changes nothing.
"""

from __future__ import annotations

from datetime import datetime

import dagster as dg

from oso_dagster.domain.alerts.announcing import IncidentChange
from oso_dagster.domain.alerts.incident import Kind
from oso_dagster.orchestration.alerts.dagster_state import daemons, drifting, failed_jobs, failing_checks
from oso_dagster.orchestration.alerts.signals import DagsterState, Situation, assess_all, is_frozen, objective_finding
from oso_dagster.orchestration.objectives.open_evaluator import up_to_date
from oso_dagster.orchestration.objectives.watched_platform import Platform
from oso_dagster.orchestration.watch.heartbeats import ALERTS, awake, last_heartbeats
from oso_dagster.orchestration.watch.incident_round import alert_links, settle
from oso_dagster.reliability.results import verdict_row
from oso_dagster.reliability.store import Store


def run_round(platform: Platform, store: Store, instance: dg.DagsterInstance, now: datetime) -> list[IncidentChange]:
    """Find out what is wrong at `now`; record which incidents changed, and the announcements to deliver."""
    evaluator = up_to_date(platform.settings, platform.sources, platform.labels, store, instance, now)
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
        checks=failing_checks(instance, platform.checks),
        jobs=failed_jobs(instance),
        drifting=drifting(instance, platform.declared),
        silent=[
            heartbeat
            for heartbeat in [*daemons(instance), *last_heartbeats(store)]
            if able and heartbeat.name != ALERTS and heartbeat.is_silent(now)
        ],
    )
    situation = Situation(evaluator, owned, links, state, assessments, standing, store.maintenance.all(), now)
    unknown = set() if able else {incident.subject for incident in standing if incident.kind is Kind.SILENT}
    signals = situation.signals(store.sprints.newest().values())
    return settle(platform.settings, store, signals, situation.kept() | unknown, now)
