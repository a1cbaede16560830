"""Alerts on objectives: sprints, budgets, burn rates, missing data, unstable tables to be removed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from fractions import Fraction

from oso_dagster.domain.alerts.alert_links import AlertLinks, OwnedAsset
from oso_dagster.domain.alerts.announcing import Signal
from oso_dagster.domain.alerts.incident import Incident, IncidentField, Kind, Severity, State
from oso_dagster.domain.alerts.sprint import HYSTERESIS, Guilty, ObjectiveFinding, Sprint, SprintPhase
from oso_dagster.domain.durations import duration
from oso_dagster.domain.objectives.budget import ALL, burn_rate
from oso_dagster.domain.objectives.burn import LEAST_BAD, Loudness, loudest
from oso_dagster.domain.objectives.objectives import OBJECTIVES, budget_text, percent, summary
from oso_dagster.domain.objectives.over_time.silence import Silence
from oso_dagster.domain.objectives.slo import AT_RISK_SPENT, Assessment, Indicator, Verdict

LONG_BELOW = timedelta(days=14)
"""An unstable table that was below its target for so long is proposed for removal."""

_NAMED = 8
_LABELS = {"core_source_data": "core", "unstable_source_data": "unstable", "sqlmesh": "sqlmesh"}
_UNSTABLE = "unstable_source_data"


def sprint(of: Sprint, links: AlertLinks) -> Signal:
    """An open sprint; one without guilty assets belongs to the owner of the platform."""
    finding, newest = of.finding, of.finding.guilty[0] if of.finding.guilty else None
    owners = ", ".join(sorted({guilty.owner for guilty in finding.guilty})) or links.owner
    fields = [
        IncidentField("Objective", finding.objective),
        IncidentField("SLI", percent(finding.good, finding.valid) if finding.valid else "no data"),
    ]
    fields += [
        IncidentField("Target", "all" if finding.target_bp == ALL else percent(finding.target_bp, ALL)),
        IncidentField("Bad events", f"{finding.valid - finding.good:,}"),
    ]
    fields += [IncidentField("Assigned to", of.assignee)] if of.assignee else []
    fields += [IncidentField("Acknowledged by", of.acknowledged_by)] if of.acknowledged_by else []
    body = [finding.summary, *(_line(guilty, links) for guilty in finding.guilty[:_NAMED])]
    body += [f"and {len(finding.guilty) - _NAMED} more assets"] if len(finding.guilty) > _NAMED else []
    if of.phase is SprintPhase.RECOVERING and of.met_since:
        body.append(
            f"Met since {of.met_since:%Y-%m-%d %H:%M} UTC; "
            f"a sprint closes once its objective has stayed met for {duration(HYSTERESIS)}."
        )
    body += [f"{entry.at:%Y-%m-%d %H:%M} {entry.who}: {entry.text}" for entry in of.history if entry.who][-_NAMED:]
    return Signal(
        Incident(
            subject=f"{Kind.SPRINT}:{finding.objective}",
            kind=Kind.SPRINT,
            severity=Severity.TICKET if finding.service == _UNSTABLE or _is_one_failure(finding) else Severity.PAGE,
            service=finding.service,
            stability=_LABELS.get(finding.service, ""),
            owner=owners,
            title=f"Remedial sprint of {finding.objective}",
            opened_at=of.opened_at,
            updated_at=of.history[-1].at,
            state=_state(of),
            body=tuple(body),
            fields=(*fields, *links.fields(Kind.SPRINT)),
            links=links.links(Kind.SPRINT, newest.asset if newest else "", newest.run_id if newest else ""),
            next_step=finding.next_step,
        )
    )


def _is_one_failure(finding: ObjectiveFinding) -> bool:
    """One event of a service with so few that none may fail: missed all the same, and nobody is woken."""
    sampled = any(objective.id == finding.objective and objective.indicator is Indicator.SAMPLES for objective in OBJECTIVES)
    return sampled and 0 < finding.valid - finding.good < LEAST_BAD


def _state(of: Sprint) -> State:
    """Met again counts more than that somebody works on it: what is met is not red."""
    if of.phase is SprintPhase.RECOVERING:
        return State.WATCHED
    return State.ACKNOWLEDGED if of.acknowledged_by else State.OPEN


def burning(assessment: Assessment, links: AlertLinks) -> Signal | None:
    """The fastest burn-rate tier that fires; it silences the slower ones."""
    fastest = loudest(assessment.burning)
    if fastest is None:
        return None
    tier, page = fastest.tier, fastest.tier.loudness is Loudness.PAGE
    sentence = f"burn rate above {float(tier.burn):g} over {duration(tier.long)} and over {duration(tier.short)}"
    return _of_objective(
        Kind.BURN_RATE,
        assessment,
        f"{assessment.objective.id} burns its budget" + (" fast" if page else ""),
        [sentence, summary(assessment)],
        Severity.PAGE if page else Severity.TICKET,
        links,
        "Find what is failing right now: at this rate the error budget of 30 days is soon used up.",
    )


def budget_spent(assessment: Assessment, links: AlertLinks) -> Signal | None:
    """Three quarters of the budget are spent. Once it is overspent the sprint says so, and this one only goes on."""
    objective = assessment.objective
    burn = None if objective.each else burn_rate(assessment.good, assessment.valid, objective.target)
    if burn is None or burn < AT_RISK_SPENT:
        return None
    shown = _share(min(burn, Fraction(1)))
    signal = _of_objective(
        Kind.BUDGET_SPENT,
        assessment,
        f"{objective.id}: most of the budget is spent",
        [f"{shown} of the error budget is spent; {budget_text(assessment)}", summary(assessment)],
        Severity.TICKET,
        links,
        "Find what uses up the budget before it is gone, and postpone risky changes.",
    )
    return Signal(signal.incident, quietly=assessment.verdict is Verdict.BREACHED)


def no_data(silence: Silence, links: AlertLinks, now: datetime) -> Signal:
    """An objective that had data and has none any more: it is neither met nor missed, it is not known."""
    objective = silence.objective
    assessment = Assessment(objective, Verdict.NO_DATA, 0, 0, (), now)
    about = f"{objective.id}[{silence.slice}]" if silence.slice else objective.id
    signal = _of_objective(
        Kind.NO_DATA,
        assessment,
        f"{about} has no data",
        [f"nothing has been counted since {silence.since:%Y-%m-%d %H:%M} UTC"],
        Severity.TICKET,
        links,
        "Check that the probe or schedule that measures it is still running.",
    )
    return replace(signal, incident=replace(signal.incident, subject=f"{Kind.NO_DATA}:{about}")) if silence.slice else signal


def not_computed(assessment: Assessment, links: AlertLinks) -> Signal:
    """An objective that cannot be computed: it is not known whether it is met."""
    return _of_objective(
        Kind.NO_DATA,
        assessment,
        f"{assessment.objective.id} cannot be computed",
        [summary(assessment)],
        Severity.PAGE,
        links,
        "Find the rows that the error speaks of; `oso slo repair` removes what is dated later than now.",
    )


def removal(owned: OwnedAsset, assessment: Assessment, links: AlertLinks) -> Signal:
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
            opened_at=assessment.at,
            updated_at=assessment.at,
            body=(f"below its target for more than {LONG_BELOW.days} days: {summary(assessment)}",),
            fields=links.fields(kind),
            links=links.links(kind, owned.asset),
            next_step="Fix the source or remove it from the catalogue: nobody can rely on it as it is.",
        )
    )


def _of_objective(
    kind: Kind,
    assessment: Assessment,
    title: str,
    body: Sequence[str],
    severity: Severity,
    links: AlertLinks,
    next_step: str,
) -> Signal:
    service = assessment.objective.service
    asset = assessment.guilty[0].asset if assessment.guilty and assessment.objective.label else ""
    return Signal(
        Incident(
            subject=f"{kind}:{assessment.objective.id}",
            kind=kind,
            severity=severity,
            service=service,
            stability=_LABELS.get(service, ""),
            owner=links.owner,
            title=title,
            opened_at=assessment.at,
            updated_at=assessment.at,
            body=tuple(body),
            fields=links.fields(kind),
            links=links.links(kind, asset),
            next_step=next_step,
        )
    )


def _line(guilty: Guilty, links: AlertLinks) -> str:
    run = f" {links.dagster}/runs/{guilty.run_id}" if guilty.run_id else ""
    return (
        f"{guilty.asset} ({guilty.owner}): {guilty.bad:,} of {guilty.valid:,} bad"
        + (f", {guilty.cause}" if guilty.cause else "")
        + run
    )


def _share(burn: Fraction) -> str:
    return percent(burn.numerator, burn.denominator)
