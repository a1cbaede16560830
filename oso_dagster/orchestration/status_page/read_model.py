"""Gathers what the public may see from the store and the catalogue into the read model of the status page."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import dagster as dg

from oso_dagster.domain.catalogue.declared_tables import by_asset
from oso_dagster.domain.catalogue.source import Source
from oso_dagster.domain.objectives.maintenance import Maintenance
from oso_dagster.domain.objectives.objectives import OBJECTIVES, SERVICES
from oso_dagster.domain.objectives.over_time.history import PastVerdict, Spell, breaches_of, days_of, first_day
from oso_dagster.domain.objectives.slo import Indicator, Objective, Verdict
from oso_dagster.domain.status.objective_state import ObjectiveState
from oso_dagster.domain.status.page import ServiceState, StatusPage
from oso_dagster.domain.status.public_incidents import PublicAnnouncement, PublicIncident, Work, sprints_and_breaches
from oso_dagster.orchestration.objectives.evaluator import Evaluator, measured_assets, reliability_of
from oso_dagster.orchestration.status_page.data_set_groups import groups_of
from oso_dagster.orchestration.status_page.public_sprints import notices_of, sprint_incident
from oso_dagster.orchestration.watch.heartbeats import last_heartbeats
from oso_dagster.reliability.results import VerdictRow
from oso_dagster.reliability.store import Store
from oso_dagster.settings import Settings


@dataclass(frozen=True)
class _PageInputs:
    """What the store knows of all objectives at `now`; `hidden` are the tables that are not public."""

    evaluator: Evaluator
    verdicts: Mapping[str, VerdictRow]
    judged: Mapping[str, Sequence[PastVerdict]]
    windows: Sequence[Maintenance]
    hidden: Collection[str]
    now: datetime


def gather(
    settings: Settings,
    sources: Sequence[Source],
    models: Sequence[dg.AssetSpec],
    store: Store,
    stale_after: timedelta,
    now: datetime,
    due_at: datetime | None = None,
) -> StatusPage:
    """The page's read model at `now`. Tables that are not declared public are left out, by name too.

    See `Evaluator` for `due_at`.
    """
    labels = measured_assets(sources, [spec.key.to_user_string() for spec in models])
    known = _PageInputs(
        evaluator=Evaluator(store, sources, labels, replaying=True, due_at=due_at),
        verdicts={f"{row.service}.{row.objective}": row for row in store.latest_verdicts(now)},
        judged={
            objective.id: store.results.past_verdicts(objective.service, objective.name, first_day(now))
            for objective in OBJECTIVES
        },
        windows=store.maintenance.all(),
        hidden={asset for asset, (_, table) in by_asset(sources).items() if not table.public},
        now=now,
    )
    breaches = [_breach(objective, spell, known) for objective in OBJECTIVES for spell in breaches_of(known.judged[objective.id])]
    sprints = [sprint_incident(sprint, known.hidden) for sprint in store.sprints.since(first_day(now), now)]
    incidents = sprints_and_breaches(sprints, breaches)
    return StatusPage(
        world=settings.world.value,
        generated_at=now,
        stale_after=stale_after,
        services=tuple(_service(name, known) for name in SERVICES),
        groups=groups_of(known.evaluator, models, now),
        incidents=tuple(incident for incident in incidents if incident.until is None),
        past=tuple(incident for incident in incidents if incident.until is not None),
        works=tuple(
            _work(window, known) for window in known.windows if window.end > first_day(now) and window.scope not in known.hidden
        ),
        notices=notices_of(store.channels.all()),
        address=settings.public_status_url,
        announcements=tuple(
            PublicAnnouncement(notice.number, notice.text, notice.at, notice.until)
            for notice in store.public_notices.all(first_day(now))
            if notice.at <= now
        ),
        silent=tuple(heartbeat.name for heartbeat in last_heartbeats(store) if heartbeat.is_silent(now)),
    )


def _service(name: str, known: _PageInputs) -> ServiceState:
    title, explanation = SERVICES[name]
    declared = [objective for objective in OBJECTIVES if objective.service == name]
    return ServiceState(name, title, explanation, tuple(_objective(objective, known) for objective in declared))


def _objective(objective: Objective, known: _PageInputs) -> ObjectiveState:
    """Numbers and names are public; the causes of failures are not. Without a row nothing was evaluated yet."""
    row = known.verdicts.get(objective.id)
    return ObjectiveState(
        id=objective.id,
        title=objective.title,
        verdict=row.verdict if row else Verdict.NO_DATA,
        good=row.good if row else 0,
        valid=row.valid if row else 0,
        target=objective.target,
        window=objective.window,
        summary=row.summary if row else "not evaluated yet",
        guilty=_guilty(row, known.hidden) if row else (),
        evaluated_at=row.evaluated_at if row else None,
        days=days_of(known.judged[objective.id], known.now),
        each=objective.each,
        timed=objective.indicator is Indicator.SAMPLES,
        recovers=_recovery(objective, row, known) if row else None,
    )


def _recovery(objective: Objective, row: VerdictRow, known: _PageInputs) -> datetime | None:
    """When a missed window will be met again, as of its evaluation; only what is missed is counted once more."""
    if row.verdict is not Verdict.BREACHED or objective.window is None:
        return None
    return known.evaluator.assess_one(objective, row.evaluated_at, known.windows).recovers


def _guilty(row: VerdictRow, hidden: Collection[str]) -> tuple[str, ...]:
    return tuple(tally.asset for tally in row.guilty if tally.asset not in hidden)


def _breach(objective: Objective, spell: Spell, known: _PageInputs) -> PublicIncident:
    """A breach. Its key is made of when it began, which never changes: feeds and readers know it by that."""
    row = known.verdicts.get(objective.id) if spell.until is None else None
    return PublicIncident(
        key=f"{objective.id}@{spell.since:%Y%m%dT%H%M%SZ}",
        title=f"Not met: {objective.title}",
        text=f"{row.summary}." if row else "The objective was missed and is met again.",
        since=spell.since,
        until=spell.until,
        service=objective.service,
        objective=objective.id,
        affected=_guilty(row, known.hidden) if row else (),
    )


def _work(window: Maintenance, known: _PageInputs) -> Work:
    """A declared window, without its author: who declared it is for the team."""
    titles = {name: title for name, (title, _) in SERVICES.items()} | {objective.id: objective.title for objective in OBJECTIVES}
    label = known.evaluator.labels.get(window.scope)
    service = reliability_of(label).service if label else window.scope.partition(".")[0]
    return Work(
        scope=window.scope,
        title=titles.get(window.scope, window.scope),
        reason=window.reason,
        start=window.start,
        end=window.end,
        service=service if service in SERVICES else "",
        declared_at=window.declared_at,
    )
