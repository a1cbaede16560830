from datetime import UTC, datetime, timedelta

import pytest

from oso_dagster.domain.alerts.sprint import (
    HYSTERESIS,
    SAME_SPRINT,
    EntryKind,
    Guilty,
    ObjectiveFinding,
    SprintPhase,
    acknowledge,
    advance,
    assign,
    note,
)
from oso_dagster.domain.alerts.sprint_diagram import page
from oso_dagster.domain.objectives.slo import Verdict
from oso_dagster.settings import PROJECT_ROOT

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
TICK = timedelta(minutes=15)
B, C, R, N = Verdict.BREACHED, Verdict.COMPLIANT, Verdict.AT_RISK, Verdict.NO_DATA


def finding(verdict=B, at=NOON, **extra):
    return ObjectiveFinding("core.freshness", "core", verdict, f"it is {verdict}", 1, 2, 10_000, at, **extra)


def run(*verdicts, every=TICK, start=None, at=NOON):
    sprint = start
    for number, verdict in enumerate(verdicts):
        sprint = advance(sprint, finding(verdict, at + number * every))
    return sprint


def whats(sprint):
    return [entry.kind.value for entry in sprint.history]


@pytest.mark.parametrize(
    ("claim", "verdicts", "phase", "history"),
    [
        ("a breach opens a sprint", (B,), "open", "opened"),
        ("a breach that lasts is one sprint and one entry", (B, B, B), "open", "opened"),
        ("one good evaluation does not close it", (B, C), "recovering", "opened met"),
        ("nor do good ones for less than the declared time", (B, C, C, C, C), "recovering", "opened met"),
        ("it is closed once it was met for the declared time", (B, C, C, C, C, C), "closed", "opened met closed"),
        ("at risk is met", (B, R, R, R, R, R), "closed", "opened met closed"),
        (
            "a breach while it recovers starts the time anew",
            (B, C, C, B, C, C, C, C),
            "recovering",
            "opened met missed_again met",
        ),
        ("no data does not close it", (B, N, N, N, N, N, N), "open", "opened"),
        ("no data interrupts the time of recovery", (B, C, N, C, C, C, C), "recovering", "opened met no_data met"),
        ("a breach soon after the end is the same sprint", (B, C, C, C, C, C, B), "open", "opened met closed reopened"),
        ("no data after the end changes nothing", (B, C, C, C, C, C, N), "closed", "opened met closed"),
        ("met after the end changes nothing", (B, C, C, C, C, C, C), "closed", "opened met closed"),
    ],
    ids=lambda value: value if isinstance(value, str) and " " in value else "",
)
def test_the_life_of_a_sprint(claim, verdicts, phase, history):
    sprint = run(*verdicts)
    assert (sprint.phase, whats(sprint)) == (phase, history.split())


@pytest.mark.parametrize("verdict", [C, R, N])
def test_nothing_but_a_breach_opens_a_sprint(verdict):
    assert run(verdict, verdict) is None


def test_it_is_closed_at_exactly_the_declared_time_and_not_a_moment_before():
    met = run(B, C)
    since = NOON + TICK
    assert advance(met, finding(C, since + HYSTERESIS - timedelta(microseconds=1))).phase is SprintPhase.RECOVERING
    closed = advance(met, finding(C, since + HYSTERESIS))
    assert (closed.phase, closed.closed_at, closed.met_since) == (SprintPhase.CLOSED, since + HYSTERESIS, None)


def test_within_a_day_it_is_the_same_sprint_and_later_a_new_one():
    closed = run(B, C, C, C, C, C)
    again = advance(closed, finding(B, closed.closed_at + SAME_SPRINT))
    assert (again.key, again.closed_at) == (closed.key, None)
    later = advance(closed, finding(B, closed.closed_at + SAME_SPRINT + timedelta(microseconds=1)))
    assert later.key != closed.key
    assert whats(later) == ["opened"]


def test_its_evidence_is_the_newest_breach_not_the_recovery():
    guilty = (Guilty("shop/things", "team:shop", 1, 2, "the till is stuck", "run1"),)
    sprint = advance(run(B), finding(B, NOON + TICK, guilty=guilty))
    assert advance(sprint, finding(C, NOON + 2 * TICK)).finding.guilty == guilty


def test_a_clock_that_was_set_back_changes_nothing():
    sprint = run(B, C, C, B)
    assert advance(sprint, finding(C, NOON)) == sprint


def test_who_acknowledges_assigns_and_notes_is_history_and_the_task_stays_open():
    sprint = note(assign(acknowledge(run(B), "ada", NOON), "grace", "ada", NOON), " looked at it ", "grace", NOON)
    assert (sprint.acknowledged_by, sprint.assignee, sprint.phase) == ("ada", "grace", SprintPhase.OPEN)
    assert [(event.kind, event.who, event.text) for event in sprint.history[1:]] == [
        (EntryKind.ACKNOWLEDGED, "ada", "acknowledged by ada"),
        (EntryKind.ASSIGNED, "ada", "assigned to grace"),
        (EntryKind.NOTED, "grace", "looked at it"),
    ]


def test_a_closed_sprint_takes_notes_and_nothing_else():
    closed = run(B, C, C, C, C, C)
    assert note(closed, "it was the till", "ada", NOON).phase is SprintPhase.CLOSED
    for act in (lambda: acknowledge(closed, "ada", NOON), lambda: assign(closed, "grace", "ada", NOON)):
        with pytest.raises(ValueError, match="is closed"):
            act()


@pytest.mark.parametrize(
    "act", [lambda s: acknowledge(s, " ", NOON), lambda s: assign(s, "", "ada", NOON), lambda s: note(s, " ", "ada", NOON)]
)
def test_nobody_and_nothing_are_refused(act):
    with pytest.raises(ValueError):  # noqa: PT011  (three sentences)
        act(run(B))


def test_a_sprint_that_is_over_and_acknowledged_stays_as_it_was_when_nothing_happens():
    closed = run(B, C, C, C, C, C)
    assert advance(closed, finding(C, NOON + timedelta(days=3))) == closed


def test_the_diagram_of_the_docs_is_made_from_the_code():
    assert (PROJECT_ROOT / "docs" / "sprints.md").read_text() == page()
