"""A clock that was once ahead, a sample of a wrong date, sums beyond what a database holds: the rest is judged all the same."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert

from oso_dagster.domain.alerts.announcing import Signal, compare
from oso_dagster.domain.alerts.hours import Hours
from oso_dagster.domain.alerts.incident import Incident, Kind, Severity
from oso_dagster.domain.alerts.sprint import ObjectiveFinding, SprintPhase, acknowledge, assign
from oso_dagster.domain.objectives.budget import Count
from oso_dagster.domain.objectives.objectives import objective_of, summary
from oso_dagster.domain.objectives.over_time.silence import silences
from oso_dagster.domain.objectives.sample import MOST_EVENTS, Sample
from oso_dagster.domain.objectives.slo import Assessment, Verdict
from oso_dagster.orchestration.objectives.evaluator import Evaluator
from oso_dagster.reliability.failed_families import last_data
from oso_dagster.reliability.repair import later_than, remove_later_than
from oso_dagster.reliability.results import verdict_row
from oso_dagster.reliability.store import Store
from oso_dagster.reliability.tables import samples

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
AHEAD = NOW + timedelta(days=200)
ID = "kubernetes.availability"


@pytest.fixture
def store(tmp_path):
    with Store.open(f"sqlite:///{tmp_path / 'reliability.db'}", "sandbox") as opened:
        yield opened


def sample(at, good=1, valid=1, slice_=""):
    return Sample("kubernetes", "availability", Count(at, good, valid), slice_)


def test_a_verdict_and_a_sample_of_the_future_are_not_the_newest(store):
    objective = objective_of(ID)
    for at, verdict in ((NOW, Verdict.BREACHED), (AHEAD, Verdict.COMPLIANT)):
        store.results.record_verdicts([verdict_row(Assessment(objective, verdict, 1, 2, (), at))])
    store.samples.record([sample(NOW - timedelta(hours=5)), sample(AHEAD)])
    assert [row.verdict for row in store.latest_verdicts(NOW)] == [Verdict.BREACHED]
    assert [silence.since for silence in silences([objective], last_data(store, NOW), NOW)] == [NOW - timedelta(hours=5)]


def test_the_past_is_kept_and_the_future_removed(store):
    store.samples.record([sample(NOW), sample(AHEAD)])
    store.results.record_verdicts([verdict_row(Assessment(objective_of(ID), Verdict.COMPLIANT, 1, 1, (), AHEAD))])
    store.results.remember_assets({"shop/things"}, AHEAD)
    assert later_than(store, NOW) == {"samples": 1, "verdicts": 1, "assets": 1}
    assert remove_later_than(store, NOW) == {"samples": 1, "verdicts": 1, "assets": 1}
    assert later_than(store, NOW) == {}
    assert [tally.valid for tally in store.samples.tally("kubernetes", "availability", NOW - timedelta(days=1), NOW)] == [1]
    assert store.results.first_seen() == {"shop/things": NOW}


def test_an_objective_that_cannot_be_computed_says_so_and_stops_no_other(store):
    row = {"service": "kubernetes", "objective": "availability", "slice": "", "good": 2**62, "valid": 2**62}
    with store.database.writing() as connection:
        connection.execute(insert(samples), [row | {"at": NOW - timedelta(minutes=minutes)} for minutes in (1, 2)])
    store.samples.record([Sample("kubernetes", "flux_availability", Count(NOW, 1, 1))])
    broken, other = Evaluator(store, (), {}).assess("kubernetes", NOW)
    assert "overflow" in broken.problem
    assert broken.verdict is Verdict.NO_DATA
    assert (other.verdict, other.problem) == (Verdict.COMPLIANT, "")


def test_a_sample_too_large_to_be_summed_is_refused():
    with pytest.raises(ValueError, match="at most 1,000,000,000,000 events"):
        sample(NOW, valid=MOST_EVENTS + 1)


def finding(verdict, at):
    return ObjectiveFinding(ID, "kubernetes", verdict, f"it is {verdict}", 1, 2, 9_900, at)


def test_sprints_of_a_clock_that_was_ahead_block_none_of_today(store):
    store.sprints.advance([finding(Verdict.BREACHED, AHEAD)])
    assert store.sprints.newest(NOW) == {}
    assert store.sprints.since(NOW - timedelta(days=1), NOW) == []
    [opened] = store.sprints.advance([finding(Verdict.BREACHED, NOW)])
    assert (opened.opened_at, store.sprints.newest(NOW)) == (NOW, {ID: opened})
    assert later_than(store, NOW) == {"sprints": 1}
    assert remove_later_than(store, NOW) == {"sprints": 1}
    assert store.sprints.newest() == {ID: opened}


@pytest.mark.parametrize("repaired", [True, False])
def test_a_sprint_that_was_closed_by_a_clock_ahead_is_open_again(store, repaired):
    store.sprints.advance([finding(Verdict.BREACHED, NOW)])
    opened = store.sprints.change(ID, lambda sprint: acknowledge(assign(sprint, "eve", "ada", NOW), "bob", NOW))
    for at in (AHEAD, AHEAD + timedelta(hours=2)):
        store.sprints.advance([finding(Verdict.COMPLIANT, at)])
    assert not store.sprints.newest()[ID].open
    if repaired:
        assert remove_later_than(store, NOW) == {"sprints": 1}
        assert store.sprints.newest() == {ID: opened}
    [met] = store.sprints.advance([finding(Verdict.COMPLIANT, NOW + timedelta(minutes=1))])
    assert (met.phase, met.met_since) == (SprintPhase.RECOVERING, NOW + timedelta(minutes=1))
    assert (met.assignee, met.acknowledged_by) == ("eve", "bob")
    assert store.sprints.newest() == {ID: met}


def test_a_clock_that_is_set_back_by_minutes_cuts_no_history(store):
    store.sprints.advance([finding(Verdict.BREACHED, NOW)])
    assert store.sprints.advance([finding(Verdict.COMPLIANT, NOW - timedelta(minutes=10))]) == []
    assert store.sprints.newest(NOW - timedelta(minutes=10))[ID].open


def test_what_was_rolled_up_too_early_still_counts_after_the_repair(store):
    store.samples.record([sample(NOW - timedelta(days=days, hours=1), 9, 10) for days in range(29)])
    tally = (store.samples.tally, "kubernetes", "availability", NOW - timedelta(days=30), NOW)
    before = tally[0](*tally[1:])
    assert store.rollup.roll_up(AHEAD)
    store.samples.record([sample(AHEAD)])
    assert remove_later_than(store, NOW) == {"samples": 1}
    assert tally[0](*tally[1:]) == before


def digest_round(store, subject, at):
    problem = Incident(subject, Kind.STALE_ASSET, Severity.INFO, "", "unstable", "ada", "t", at, at)
    signals, hours = [Signal(problem)], Hours(quiet=None)
    changes = store.incidents.settle(lambda memory: compare(signals, (), memory, hours, at), [problem.key], "sandbox", (), at)
    return [change.after.incident.opened_at for change in changes if change.after.incident.kind is Kind.DIGEST]


def test_an_incident_of_a_clock_that_was_ahead_silences_no_digest_and_is_removed_with_its_messages(store):
    assert digest_round(store, "stale:before", NOW - timedelta(days=2))
    assert digest_round(store, "stale:ahead", AHEAD) == [AHEAD]
    assert digest_round(store, "stale:now", NOW) == [NOW]
    assert remove_later_than(store, NOW)["incidents"] == 2
    assert later_than(store, NOW) == {}
    assert store.outbox.next_due() <= NOW


def test_a_slice_that_falls_silent_is_no_data_of_it_where_the_objective_is_told(store):
    store.samples.record(sample(NOW - timedelta(hours=hours), slice_=name) for hours, name in [(0, "eu"), (5, "eu"), (5, "us")])
    assessed = Evaluator(store, (), {}).assess("kubernetes", NOW)[0]
    assert (assessed.verdict, assessed.silent) == (Verdict.COMPLIANT, ("us since 2026-06-01 07:00 UTC",))
    assert (
        summary(assessed) == "3 of 3 events are good (100.00 %); the target is 99.00 %; no data of us since 2026-06-01 07:00 UTC"
    )
    assert Evaluator(store, (), {}).assess("kubernetes", NOW - timedelta(hours=5))[0].silent == ()
