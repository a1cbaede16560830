"""What the status page derives from its own values."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest

from oso_dagster.domain.attempts import Label
from oso_dagster.domain.freshness import Freshness
from oso_dagster.domain.slo import ALL, Verdict
from oso_dagster.domain.status import Incident, ObjectiveState, ServiceState, StatusPage, worst
from oso_dagster.domain.status_data import DataSet

NOW = datetime(2025, 11, 21, 9, 5, tzinfo=UTC)
GOOD, RISK, BAD, NONE = Verdict.COMPLIANT, Verdict.AT_RISK, Verdict.BREACHED, Verdict.NO_DATA


def state(verdict: Verdict, good: int = 1, valid: int = 1, target: int = 9_900) -> ObjectiveState:
    return ObjectiveState("s.o", "Title", verdict, good, valid, target, None, "", "")


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
    ("verdicts", "said"),
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
def test_the_headline_never_hides_what_is_not_known(verdicts: tuple[Verdict, ...], said: str) -> None:
    assert page(*verdicts).headline == said


def test_verdicts_are_counted_worst_first() -> None:
    assert page(GOOD, NONE, BAD, GOOD).counts == ((BAD, 1), (GOOD, 2), (NONE, 1))


@pytest.mark.parametrize(
    ("good", "valid", "said"), [(98_999, 100_000, "98.99 %"), (3, 3, "100.00 %"), (0, 3, "0.00 %"), (0, 0, "")]
)
def test_percent_is_cut_off_and_absent_without_data(good: int, valid: int, said: str) -> None:
    assert state(GOOD, good, valid).percent_text == said


@pytest.mark.parametrize(("target", "said"), [(9_900, "99 %"), (9_995, "99.95 %"), (7_500, "75 %"), (ALL, "all")])
def test_a_target_is_said_as_a_person_says_it(target: int, said: str) -> None:
    assert state(GOOD, target=target).target_text == said


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
        Incident("key", "Title", "Text", naive)
    with pytest.raises(ValueError, match="last_good has no time zone"):
        DataSet("s/t", "T", Label.CORE, "team:data", 1, naive, None, None)


def test_a_page_that_would_be_old_at_once_is_refused() -> None:
    with pytest.raises(ValueError, match="shorter than a minute"):
        StatusPage("live", NOW, timedelta(seconds=59), (), ())


@pytest.mark.parametrize(("within", "freshness"), [(timedelta(hours=1), None), (None, Freshness.FRESH)])
def test_a_promise_and_its_verdict_come_together(within: timedelta | None, freshness: Freshness | None) -> None:
    with pytest.raises(ValueError, match="come together"):
        DataSet("s/t", "T", Label.CORE, "team:data", 1, NOW, within, freshness)
