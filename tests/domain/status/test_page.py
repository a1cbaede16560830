"""What the status page derives from its own values."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest

from oso_dagster.domain.objectives.attempts import Label
from oso_dagster.domain.objectives.freshness import Freshness
from oso_dagster.domain.objectives.slo import ALL, Verdict
from oso_dagster.domain.status.data_sets import DataSet
from oso_dagster.domain.status.objective_state import ObjectiveState
from oso_dagster.domain.status.page import ServiceState, StatusPage, worst
from oso_dagster.domain.status.public_incidents import (
    PublicAnnouncement,
    PublicIncident,
    PublicPhase,
    Update,
    Work,
    WorkState,
    sprints_and_breaches,
)

NOW = datetime(2025, 11, 21, 9, 5, tzinfo=UTC)
GOOD, RISK, BAD, NONE = Verdict.COMPLIANT, Verdict.AT_RISK, Verdict.BREACHED, Verdict.NO_DATA


def state(verdict: Verdict, good: int = 1, valid: int = 1, target: int = 9_900) -> ObjectiveState:
    return ObjectiveState("s.o", "Title", verdict, good, valid, target, None, "")


def page(*verdicts: Verdict) -> StatusPage:
    services = tuple(ServiceState(f"s{at}", "S", "", (state(verdict),)) for at, verdict in enumerate(verdicts))
    return StatusPage("live", NOW, timedelta(minutes=30), services, ())


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [((GOOD, RISK, BAD, NONE), BAD), ((GOOD, RISK, NONE), RISK), ((GOOD, NONE), GOOD), ((NONE,), NONE), ((), NONE)],
)
def test_the_worst_verdict_is_told_first_in_whatever_order_they_come(verdicts: tuple[Verdict, ...], expected: Verdict) -> None:
    assert {worst(order) for order in permutations(verdicts)} == {expected}


def test_a_service_is_as_well_as_its_worst_objective() -> None:
    assert ServiceState("s", "S", "", (state(GOOD), state(RISK))).verdict is RISK


@pytest.mark.parametrize(
    ("verdicts", "headline"),
    [
        ((), "Nothing has been measured yet"),
        ((NONE, NONE), "Nothing has been measured yet"),
        ((GOOD, GOOD), "Every objective is met"),
        ((GOOD, NONE), "Every objective with data is met"),
        ((BAD,), "1 of 1 objective is breached"),
        ((BAD, GOOD, RISK, NONE), "1 of 3 objectives is breached"),
        ((BAD, BAD, GOOD), "2 of 3 objectives are breached"),
        ((RISK, RISK, GOOD), "2 of 3 objectives are at risk, none is breached"),
    ],
)
def test_the_headline_never_hides_what_is_not_known(verdicts: tuple[Verdict, ...], headline: str) -> None:
    assert page(*verdicts).headline == headline


def test_verdicts_are_counted_worst_first() -> None:
    assert page(GOOD, NONE, BAD, GOOD).counts == ((BAD, 1), (GOOD, 2), (NONE, 1))


@pytest.mark.parametrize(
    ("good", "valid", "text"), [(98_999, 100_000, "98.99 %"), (3, 3, "100.00 %"), (0, 3, "0.00 %"), (0, 0, "")]
)
def test_percent_is_cut_off_and_absent_without_data(good: int, valid: int, text: str) -> None:
    assert state(GOOD, good, valid).percent_text == text


@pytest.mark.parametrize(("target", "text"), [(9_900, "99 %"), (9_995, "99.95 %"), (7_500, "75 %"), (ALL, "all")])
def test_a_target_is_said_as_a_person_says_it(target: int, text: str) -> None:
    assert state(GOOD, target=target).target_text == text


@pytest.mark.parametrize(("minutes", "outdated"), [(0, False), (30, False), (31, True)])
def test_a_verdict_that_is_older_than_a_page_may_be_is_outdated_on_a_new_page(minutes: int, outdated: bool) -> None:
    judged = replace(state(GOOD), evaluated_at=NOW - timedelta(minutes=minutes))
    assert page().is_outdated(judged) is outdated


def test_only_the_live_world_is_the_real_one() -> None:
    assert page().is_live
    assert not StatusPage("sandbox", NOW, timedelta(minutes=30), (), ()).is_live


def test_a_moment_without_a_zone_cannot_be_shown() -> None:
    naive = NOW.replace(tzinfo=None)
    with pytest.raises(ValueError, match="generated_at has no time zone"):
        StatusPage("live", naive, timedelta(minutes=30), (), ())
    with pytest.raises(ValueError, match="since has no time zone"):
        PublicIncident("key", "Title", "Text", naive)
    with pytest.raises(ValueError, match="last_good has no time zone"):
        DataSet("s/t", "T", Label.CORE, "team:data", 1, naive, None, None)


def test_a_page_that_would_be_old_at_once_is_refused() -> None:
    with pytest.raises(ValueError, match="shorter than a minute"):
        StatusPage("live", NOW, timedelta(seconds=59), (), ())


@pytest.mark.parametrize(("within", "freshness"), [(timedelta(hours=1), None), (None, Freshness.FRESH)])
def test_a_promise_and_its_verdict_come_together(within: timedelta | None, freshness: Freshness | None) -> None:
    with pytest.raises(ValueError, match="come together"):
        DataSet("s/t", "T", Label.CORE, "team:data", 1, NOW, within, freshness)


MONTH = timedelta(days=30)


@pytest.mark.parametrize(
    ("good", "valid", "text"),
    [
        (719, 720, "6 of 7 failures"),
        (720, 720, "7 of 7 failures"),
        (713, 720, "0 of 7 failures"),
        (712, 720, "1 over the 7 allowed"),
        (30, 30, "no failure allowed"),
        (29, 30, "none allowed, 1 failed"),
        (0, 0, ""),
    ],
)
def test_a_budget_is_told_in_whole_events(good: int, valid: int, text: str) -> None:
    assert replace(state(GOOD, good, valid), window=MONTH).budget_text == text


def test_an_objective_without_a_common_budget_says_why() -> None:
    assert state(BAD, 2, 3, ALL).budget_text == "none: all count"
    assert replace(state(BAD, 2, 3), each=True).budget_text == "each by itself"


@pytest.mark.parametrize(("good", "left"), [(10_000, 432), (9_950, 216), (9_900, 0), (9_890, -44)])
def test_minutes_of_outage_are_cut_off_and_negative_when_overspent(good: int, left: int) -> None:
    timed = replace(state(GOOD, good, 10_000), window=MONTH, timed=True)
    assert timed.minutes_left == left
    assert replace(timed, timed=False).minutes_left is None


def incident(since: int, until: int | None = None, **changes: object) -> PublicIncident:
    """Open from hour `since` to hour `until` of the day before NOW."""
    start = NOW - timedelta(days=1)
    end = None if until is None else start + timedelta(hours=until)
    values: dict[str, object] = {"objective": "s.o", "until": end}
    return PublicIncident(f"k{since}", "Title", "Text", start + timedelta(hours=since), **(values | changes))  # type: ignore[arg-type]


def test_a_breach_that_a_sprint_tells_is_not_told_again() -> None:
    sprint = incident(2, 9, sprint=True)
    known, before, other = incident(2, 5), incident(0, 1), incident(2, 5, objective="s.other")
    still, later = incident(8), incident(10)
    assert sprints_and_breaches([sprint], [known]) == (sprint,)
    assert sprints_and_breaches([sprint], [still]) == (sprint,)
    assert sprints_and_breaches([sprint], [before, later]) == (later, sprint, before)
    assert set(sprints_and_breaches([sprint], [known, other])) == {sprint, other}


def test_an_incident_is_as_far_as_its_last_update_and_over_at_its_end() -> None:
    watched = Update(NOW - timedelta(hours=2), "Met again.", PublicPhase.WATCHED)
    assert incident(2).phase is PublicPhase.OPEN
    assert incident(2, updates=(watched,)).phase is PublicPhase.WATCHED
    assert incident(2, updates=(watched,)).changed_at == watched.at
    assert incident(2, 23, updates=(watched,)).phase is PublicPhase.OVER


def test_a_timeline_that_runs_backwards_is_refused() -> None:
    updates = Update(NOW, "second"), Update(NOW - timedelta(hours=1), "first")
    with pytest.raises(ValueError, match="not in the order of time"):
        incident(2, updates=updates)


def test_maintenance_is_planned_then_running_then_done() -> None:
    work = Work("s", "S", "reason", NOW, NOW + timedelta(hours=1))
    minute = timedelta(minutes=1)
    times = (NOW - minute, NOW, work.end - minute, work.end)
    assert [work.state(at) for at in times] == [WorkState.PLANNED, WorkState.RUNNING, WorkState.RUNNING, WorkState.DONE]
    assert [work.changed_at(at) for at in times] == [NOW - timedelta(days=7), NOW, NOW, work.end]
    declared = replace(work, declared_at=NOW - timedelta(days=30))
    assert [declared.changed_at(at) for at in times[1:]] == [NOW, NOW, work.end]
    assert declared.changed_at(work.start - timedelta(days=20)) == min(declared.declared_at, work.start - timedelta(days=20))
    assert replace(declared, end=declared.end + timedelta(hours=1)).key == declared.key


def test_a_table_cannot_have_been_fresh_longer_than_it_had_to_be() -> None:
    with pytest.raises(ValueError, match="fresh for"):
        DataSet("s/t", "T", Label.CORE, "team:data", 1, NOW, None, None, fresh_for=timedelta(1))


def test_the_share_of_time_in_which_a_table_was_fresh_is_cut_off() -> None:
    share = DataSet("s/t", "T", Label.CORE, "team:data", 1, NOW, None, None, fresh_for=MONTH - timedelta(1), promised_for=MONTH)
    assert share.fresh_share_text == "96.66 %"
    assert replace(share, fresh_for=timedelta(0), promised_for=timedelta(0)).fresh_share_text == ""


def test_what_repeats_is_shown_once_and_what_runs_always() -> None:
    day = timedelta(days=1)
    works = tuple(Work("s", "S", "reason", NOW + number * day, NOW + number * day + day / 24) for number in range(100))
    other = Work("s", "S", "another reason", NOW + 9 * day, NOW + 10 * day)
    assert replace(page(), works=(*works, other)).works_at_hand == (works[0], works[1], other)


def test_an_announcement_stands_from_its_begin_to_its_end() -> None:
    ends, stays, later = (
        PublicAnnouncement(number, "New address", NOW + timedelta(hours=begins), ends)
        for number, begins, ends in [(1, -1, NOW), (2, -1, None), (3, 1, None)]
    )
    assert replace(page(), announcements=(later, stays, ends)).announced == (stays,)
