"""Alerts on objectives, daemons and tables that are to go: what is counted becomes what is told, and ends when it is over."""

from datetime import UTC, datetime, timedelta

import pytest
from dagster._daemon.types import DaemonHeartbeat

from oso_dagster.domain.alerts.incident import Kind, Severity
from oso_dagster.domain.objectives.attempts import Attempt, Label, Outcome, RunState
from oso_dagster.domain.objectives.budget import Count
from oso_dagster.domain.objectives.sample import Sample
from oso_dagster.orchestration.watch import heartbeats
from oso_dagster.reliability.ledger.ledger import Cursor, RunRow
from tests.orchestration.alerts.test_alerting import FAIR, SHOP, announced, platform, store, tick

__all__ = ["platform", "store", "tick"]

DAY = timedelta(days=1)


@pytest.fixture
def now():
    return datetime.now(UTC)


@pytest.fixture
def remember(store, now):
    """Put runs of a table into the ledger: of each (how long ago, whether it was good)."""

    def _remember(asset, *runs):
        label = Label.CORE if asset.startswith(SHOP.name) else Label.UNSTABLE
        names = [f"run-{asset}-{at.total_seconds():.0f}" for at, _ in runs]
        store.ledger.discover("test", Cursor(0, ""), names, now)
        store.ledger.record(
            [RunRow(name, name, RunState.SUCCEEDED, will_retry=False, settled=True) for name in names],
            [
                Attempt(name, asset, None, label, Outcome.OK if good else Outcome.FAILED, name, now - at, now - at, "it rains")
                for name, (at, good) in zip(names, runs, strict=True)
            ],
        )

    return _remember


def of(kind, lines):
    return [line for line in lines if f" {kind.value}:" in line]


def test_three_quarters_of_a_budget_are_a_ticket_that_a_sprint_does_not_repeat_and_that_ends_when_it_is_earned_back(
    tick, store, remember
):
    many = [(timedelta(hours=number + 1), True) for number in range(133)]
    remember("shop/things", *many, (9 * DAY, False))
    assert tick() == []  # one of the 1.34 failures that 134 loads allow
    remember("shop/things", (8 * DAY, True))
    assert tick() == []
    remember("shop/things", (20 * DAY, False))
    reliability = "core_source_data.materialization_reliability"
    assert of(Kind.SPRINT, tick()) == [f"raised sprint:{reliability}"]
    assert of(Kind.BUDGET_SPENT, tick()) == []
    remember("shop/things", *[(10 * DAY + number * timedelta(minutes=1), True) for number in range(100)])
    assert of(Kind.BUDGET_SPENT, tick()) == [f"raised budget_spent:{reliability}"]
    [incident] = [incident for incident in store.incidents.standing() if incident.kind is Kind.BUDGET_SPENT]
    assert (incident.severity, incident.body[0]) == (
        Severity.TICKET,
        "84.74 % of the error budget is spent; 0 of 2 failures left",
    )
    remember("shop/things", *[(11 * DAY + number * timedelta(minutes=1), True) for number in range(100)])
    assert of(Kind.BUDGET_SPENT, tick()) == [f"recovered budget_spent:{reliability}"]


def test_a_budget_that_burns_fast_is_a_page_and_one_that_is_counted_no_more_is_told(tick, store, now):
    calm = [Sample("public_applications", "requests", Count(now - 9 * DAY - timedelta(minutes=m), 1000, 1000)) for m in range(99)]
    store.samples.record(calm)
    assert of(Kind.BURN_RATE, tick()) == []
    store.samples.record([Sample("public_applications", "requests", Count(now, 4, 10))])
    assert of(Kind.BURN_RATE, tick()) == ["raised burn_rate:public_applications.requests"]
    [burning] = [incident for incident in store.incidents.standing() if incident.kind is Kind.BURN_RATE]
    assert (burning.severity, burning.body[0]) == (Severity.PAGE, "burn rate above 14.4 over 1 h and over 5 min")
    later = tick(timedelta(hours=2))
    assert of(Kind.NO_DATA, later) == ["raised no_data:public_applications.requests"]
    store.samples.record([Sample("public_applications", "requests", Count(now + timedelta(hours=2), 100, 100))])
    after = tick(timedelta(hours=2, minutes=1))
    assert of(Kind.NO_DATA, after) == ["recovered no_data:public_applications.requests"]
    assert of(Kind.BURN_RATE, tick(timedelta(days=4))) == ["recovered burn_rate:public_applications.requests"]


def test_an_unstable_table_that_was_below_its_target_for_two_weeks_is_proposed_for_removal_by_name(tick, store, remember):
    remember(f"{FAIR.name}/stalls", *[(number * DAY, number % 2 == 0) for number in range(1, 28)])
    tick()
    [digest] = [incident for incident in announced(store) if incident.kind is Kind.DIGEST]
    assert "Proposed for removal: fair/stalls (team:fair)" in digest.body


def test_one_that_was_well_a_week_ago_is_not(tick, store, remember):
    remember(f"{FAIR.name}/stalls", *[(number * DAY, number > 7) for number in range(1, 28)], (timedelta(hours=1), False))
    remember(f"{FAIR.name}/stalls", *[(timedelta(hours=1, minutes=number), False) for number in range(1, 9)])
    tick()
    [digest] = [incident for incident in announced(store) if incident.kind is Kind.DIGEST]
    assert not any("removal" in line for line in digest.body)


def test_a_daemon_that_says_nothing_is_a_page_until_it_is_heard_of(tick, store, instance, now):
    for minute in range(6, -1, -1):
        heartbeats.beat(store, heartbeats.ALERTS, now - timedelta(minutes=minute))

    def heard(at):
        instance.add_daemon_heartbeat(DaemonHeartbeat(at.timestamp(), "SENSOR", "one", []))

    heard(now)
    assert of(Kind.SILENT, tick()) == []
    heard(now - timedelta(hours=1))
    assert of(Kind.SILENT, tick()) == ["raised silent:daemon sensor"]
    [silent] = [incident for incident in store.incidents.standing() if incident.kind is Kind.SILENT]
    assert (silent.severity, silent.title) == (Severity.PAGE, "daemon sensor is silent")
    heard(now)
    assert of(Kind.SILENT, tick()) == ["recovered silent:daemon sensor"]
