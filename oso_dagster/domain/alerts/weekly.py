"""The weekly digest: what a week was like, for the people who look after the data. Pure: a value, made into an incident.

Belongs here: what it holds and in which words. Does not: when it is due (`hours`), where it is read from (`orchestration`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from oso_dagster.domain.alerts.alert_links import AlertLinks
from oso_dagster.domain.alerts.incident import Incident, IncidentField, Kind, Severity
from oso_dagster.domain.alerts.sprint import Sprint
from oso_dagster.domain.coverage.comparison import Comparison
from oso_dagster.domain.durations import duration
from oso_dagster.domain.objectives.objectives import EXTENSION
from oso_dagster.domain.objectives.over_time.history import Spell
from oso_dagster.domain.objectives.slo import Verdict

WEEK = timedelta(days=7)
WEEKLY = "weekly"
"""The subject of the weekly digest."""

_NAMED = 10
_WORST_FIRST = (Verdict.BREACHED, Verdict.AT_RISK, Verdict.COMPLIANT)


@dataclass(frozen=True)
class ObjectiveWeek:
    """An objective at the end of the week, in words, and the spells in which it was missed since the week began."""

    objective: str
    verdict: Verdict
    summary: str
    budget: str
    missed: Sequence[Spell] = ()


@dataclass(frozen=True)
class Remark:
    """What a check that only warns says of a table, and since when at least."""

    table: str
    text: str
    since: datetime


@dataclass(frozen=True)
class RetiredSource:
    """A source that is no more upstream."""

    name: str
    since: date
    reason: str


@dataclass(frozen=True)
class Week:
    """Everything that a digest speaks of: the week up to `until`, and what stands at its end.

    The coverage of `unstable` sources, by name, counts in no objective.
    """

    until: datetime
    objectives: Sequence[ObjectiveWeek]
    sprints: Sequence[Sprint] = ()
    notices: Sequence[Remark] = ()
    set_aside: Sequence[Remark] = ()
    coverage: Sequence[Comparison] = ()
    retired: Sequence[RetiredSource] = ()
    unstable: Collection[str] = ()

    @property
    def since(self) -> datetime:
        """When it began."""
        return self.until - WEEK


def weekly_of(week: Week, links: AlertLinks) -> Incident:
    """The digest as one message: verdicts, budgets, sprints, upstream's notices, what is set aside, coverage, what is retired."""
    judged = [each for each in week.objectives if each.verdict is not Verdict.NO_DATA]
    met = sum(each.verdict is not Verdict.BREACHED for each in judged)
    still = sum(sprint.open for sprint in week.sprints)
    return Incident(
        subject=WEEKLY,
        kind=Kind.WEEKLY,
        severity=Severity.INFO,
        service="",
        stability="",
        owner=links.owner,
        title=f"The week to {week.until:%Y-%m-%d}: {met} of {len(judged)} objectives met, {still} sprints open",
        opened_at=week.until,
        updated_at=week.until,
        body=tuple(lines_of(week)),
        fields=(
            IncidentField("Objectives met", f"{met} of {len(judged)}"),
            IncidentField("Sprints open", str(still)),
            IncidentField("Upstream notices", str(len(week.notices))),
            IncidentField("Tables with items set aside", str(len(week.set_aside))),
            *links.fields(Kind.WEEKLY),
        ),
        links=links.links(Kind.WEEKLY),
        next_step="Read what upstream announces, and give what is set aside to the owners of the tables."
        if week.notices or week.set_aside
        else "",
    )


def lines_of(week: Week) -> Iterator[str]:
    """The digest in lines, the worst first; what there is nothing of is said, so that it is not taken for forgotten."""
    judged = [each for each in week.objectives if each.verdict is not Verdict.NO_DATA]
    for each in sorted(judged, key=lambda each: (_WORST_FIRST.index(each.verdict), each.objective)):
        yield _line(each, week)
    silent = [each.objective for each in week.objectives if each.verdict is Verdict.NO_DATA]
    if silent:
        yield f"No data: {', '.join(silent)}"
    yield from (_sprint(sprint, week) for sprint in week.sprints)
    if not week.sprints:
        yield "No sprint was open"
    yield from _remarks("Upstream announces", week.notices) if week.notices else ("Upstream announces nothing",)
    yield from _remarks("Set aside", week.set_aside) if week.set_aside else ("Nothing is set aside",)
    yield from _coverage(week)
    yield from (f"Retired: {each.name} since {each.since}: {each.reason}" for each in week.retired)


def _line(each: ObjectiveWeek, week: Week) -> str:
    missed = sum(((spell.until or week.until) - max(spell.since, week.since) for spell in each.missed), timedelta(0))
    parts = [each.summary, each.budget, f"missed for {duration(missed)} of the week" if missed else ""]
    return f"{each.objective}: {each.verdict.value.replace('_', ' ')}: {'; '.join(part for part in parts if part)}"


def _sprint(sprint: Sprint, week: Week) -> str:
    if sprint.closed_at is not None and not sprint.open:
        lasted = duration(sprint.closed_at - sprint.opened_at)
        return f"Sprint {sprint.objective}: opened {sprint.opened_at:%Y-%m-%d}, closed after {lasted}"
    who = f", with {sprint.assignee}" if sprint.assignee else ", with nobody"
    return f"Sprint {sprint.objective}: open for {duration(week.until - sprint.opened_at)}{who}"


def _remarks(what: str, remarks: Sequence[Remark]) -> Iterator[str]:
    for remark in remarks[:_NAMED]:
        yield f"{what}: {remark.text} (since {remark.since:%Y-%m-%d})"
    if len(remarks) > _NAMED:
        yield f"{what}: and {len(remarks) - _NAMED:,} more tables"


def _reached(compared: Sequence[Comparison], counts: Callable[[str], bool]) -> str:
    """How many of the second counts of some sources are reached, `40 of 42`; empty where there are none."""
    mine = [comparison for comparison in compared if counts(comparison.asset.partition("/")[0])]
    reached = sum(comparison.verdict is not Verdict.BREACHED for comparison in mine)
    return f"{reached:,} of {len(mine):,}" if mine else ""


def _coverage(week: Week) -> Iterator[str]:
    compared = [comparison for comparison in week.coverage if comparison.verdict is not Verdict.NO_DATA]
    if not compared:
        yield f"Coverage was not measured {EXTENSION}"
        return
    missed = [comparison for comparison in compared if comparison.verdict is Verdict.BREACHED]
    core = _reached(compared, lambda source: source not in week.unstable)
    others = _reached(compared, lambda source: source in week.unstable)
    apart = f", and {others} of unstable ones, which no objective counts" if others else ""
    yield f"Coverage: {core or 'none'} second counts of core sources are reached{apart} {EXTENSION}"
    missed.sort(key=lambda comparison: comparison.held / comparison.low)
    yield from (f"Coverage of {each.asset}: {each.in_words}" for each in missed[:_NAMED])
    if len(missed) > _NAMED:
        yield f"Coverage: and {len(missed) - _NAMED:,} more below their target"
