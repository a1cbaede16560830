"""Alerts on objectives: sprints, budgets, burn rates, missing data, unstable tables to be removed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from fractions import Fraction

from oso_dagster.domain.alerts.alert_links import AlertLinks, OwnedAsset
from oso_dagster.domain.alerts.announcing import Signal
from oso_dagster.domain.alerts.incident import Incident, IncidentField, Kind, Severity, State
from oso_dagster.domain.alerts.sprint import HYSTERESIS, Guilty, Sprint, SprintPhase
from oso_dagster.domain.durations import duration
from oso_dagster.domain.objectives.budget import ALL, burn_rate
from oso_dagster.domain.objectives.burn import Loudness, loudest
from oso_dagster.domain.objectives.objectives import budget_text, percent, summary
from oso_dagster.domain.objectives.silence import Silence
from oso_dagster.domain.objectives.slo import AT_RISK_SPENT, Assessment, Verdict

LONG_BELOW = timedelta(days=14)
"""An unstable table that was below its target for so long is proposed for removal."""

_NAMED = 8
_LABELS = {"core_source_data": "core", "unstable_source_data": "unstable", "sqlmesh": "sqlmesh"}
_UNSTABLE = "unstable_source_data"


def sprint(of: Sprint, places: AlertLinks) -> Signal:
    """An open sprint. What nobody is guilty of belongs to the platform."""
    found, newest = of.finding, of.finding.guilty[0] if of.finding.guilty else None
    owners = ", ".join(sorted({one.owner for one in found.guilty})) or places.owner
    fields = [
        IncidentField("Objective", found.objective),
        IncidentField("SLI", percent(found.good, found.valid) if found.valid else "no data"),
    ]
    fields += [
        IncidentField("Target", "all" if found.target_bp == ALL else percent(found.target_bp, ALL)),
        IncidentField("Bad events", f"{found.valid - found.good:,}"),
    ]
    fields += [IncidentField("Assigned to", of.assignee)] if of.assignee else []
    fields += [IncidentField("Acknowledged by", of.acknowledged_by)] if of.acknowledged_by else []
    body = [found.summary, *(_line(one, places) for one in found.guilty[:_NAMED])]
    body += [f"and {len(found.guilty) - _NAMED} more assets"] if len(found.guilty) > _NAMED else []
    if of.phase is SprintPhase.RECOVERING and of.met_since:
        body.append(
            f"Met since {of.met_since:%Y-%m-%d %H:%M} UTC; it ends when that lasts {duration(HYSTERESIS)} without a break."
        )
    body += [f"{one.at:%Y-%m-%d %H:%M} {one.who}: {one.text}" for one in of.history if one.who][-_NAMED:]
    return Signal(
        Incident(
            subject=f"{Kind.SPRINT}:{found.objective}",
            kind=Kind.SPRINT,
            severity=Severity.TICKET if found.service == _UNSTABLE else Severity.PAGE,
            service=found.service,
            stability=_LABELS.get(found.service, ""),
            owner=owners,
            title=f"Remedial sprint of {found.objective}",
            opened_at=of.opened_at,
            updated_at=of.history[-1].at,
            state=State.ACKNOWLEDGED if of.acknowledged_by else State.OPEN,
            body=tuple(body),
            fields=(*fields, *places.fields(Kind.SPRINT)),
            links=places.links(Kind.SPRINT, newest.asset if newest else "", newest.run_id if newest else ""),
            next_step=found.next_step,
        )
    )


def burning(found: Assessment, places: AlertLinks) -> Signal | None:
    """The fastest burn-rate tier that fires; it silences the slower ones."""
    fastest = loudest(found.burning)
    if fastest is None:
        return None
    tier, page = fastest.tier, fastest.tier.loudness is Loudness.PAGE
    said = f"burn above {float(tier.burn):g} over {duration(tier.long)} and over {duration(tier.short)}"
    return _of_objective(
        Kind.BURN_RATE,
        found,
        f"{found.objective.id} burns its budget" + (" fast" if page else ""),
        [said, summary(found)],
        Severity.PAGE if page else Severity.TICKET,
        places,
        "See what fails right now; at this rate the budget of 30 days is gone soon.",
    )


def budget_spent(found: Assessment, places: AlertLinks) -> Signal | None:
    """Three quarters of the budget are spent. Once it is overspent the sprint tells it, and this one only goes on."""
    objective = found.objective
    burn = None if objective.each else burn_rate(found.good, found.valid, objective.target)
    if burn is None or burn < AT_RISK_SPENT:
        return None
    shown = _share(min(burn, Fraction(1)))
    signal = _of_objective(
        Kind.BUDGET_SPENT,
        found,
        f"{objective.id}: most of the budget is spent",
        [f"{shown} of the error budget is spent; {budget_text(found)}", summary(found)],
        Severity.TICKET,
        places,
        "Find out what spends it before it is gone; put off what is risky.",
    )
    return Signal(signal.incident, quietly=found.verdict is Verdict.BREACHED)


def no_data(silence: Silence, places: AlertLinks, now: datetime) -> Signal:
    """An objective that had data and has none any more: it is neither met nor missed, it is not known."""
    objective = silence.objective
    found = Assessment(objective, Verdict.NO_DATA, 0, 0, (), now)
    return _of_objective(
        Kind.NO_DATA,
        found,
        f"{objective.id} has no data",
        [f"nothing was counted since {silence.since:%Y-%m-%d %H:%M} UTC"],
        Severity.TICKET,
        places,
        "See whether what counts it (a probe, a schedule) still runs.",
    )


def removal(owned: OwnedAsset, found: Assessment, places: AlertLinks) -> Signal:
    """An unstable table that was below its target all the time for long."""
    kind = Kind.REMOVAL_PROPOSAL
    return Signal(
        Incident(
            subject=f"{kind}:{owned.asset}",
            kind=kind,
            severity=Severity.INFO,
            service=owned.service,
            stability=owned.label,
            owner=owned.owner,
            title=f"Proposed for removal: {owned.asset}",
            opened_at=found.at,
            updated_at=found.at,
            body=(f"below its target for more than {LONG_BELOW.days} days: {summary(found)}",),
            fields=places.fields(kind),
            links=places.links(kind, owned.asset),
            next_step="Mend the source or take it out of the catalogue; as it is, nobody can rely on it.",
        )
    )


def _of_objective(
    kind: Kind,
    found: Assessment,
    title: str,
    body: Sequence[str],
    severity: Severity,
    places: AlertLinks,
    next_step: str,
) -> Signal:
    service = found.objective.service
    asset = found.guilty[0].asset if found.guilty and found.objective.label else ""
    return Signal(
        Incident(
            subject=f"{kind}:{found.objective.id}",
            kind=kind,
            severity=severity,
            service=service,
            stability=_LABELS.get(service, ""),
            owner=places.owner,
            title=title,
            opened_at=found.at,
            updated_at=found.at,
            body=tuple(body),
            fields=places.fields(kind),
            links=places.links(kind, asset),
            next_step=next_step,
        )
    )


def _line(one: Guilty, places: AlertLinks) -> str:
    run = f" {places.dagster}/runs/{one.run_id}" if one.run_id else ""
    return f"{one.asset} ({one.owner}): {one.bad:,} of {one.valid:,} bad" + (f", {one.cause}" if one.cause else "") + run


def _share(burn: Fraction) -> str:
    return percent(burn.numerator, burn.denominator)
