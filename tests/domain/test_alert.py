from datetime import UTC, datetime

from oso_dagster.domain.alert import Raise, Recover, advance, signal_of
from oso_dagster.domain.objectives import of_service
from oso_dagster.domain.slo import Tally, evaluate

NOW = datetime(2026, 3, 31, tzinfo=UTC)
RELIABILITY = of_service("core_source_data")[0]
KEY = "core_source_data.materialization_reliability"


def signal(good, valid):
    return signal_of(evaluate(RELIABILITY, [Tally("shop/things", good, valid, "the till is stuck")], NOW), "team:shop")


def test_a_breach_is_announced_once():
    [action] = advance([signal(1, 2)], announced=())
    assert isinstance(action, Raise)
    assert advance([signal(1, 2)], announced={KEY}) == []


def test_a_breach_that_gets_worse_is_the_same_incident():
    assert signal(1, 2).key == signal(0, 2).key == KEY


def test_a_recovery_is_announced_once_and_only_after_an_alert():
    [action] = advance([signal(2, 2)], announced={KEY})
    assert isinstance(action, Recover)
    assert advance([signal(2, 2)], announced=()) == []


def test_at_risk_is_not_breached_so_the_alert_is_over():
    [action] = advance([signal(99, 100)], announced={KEY})
    assert "is at_risk" in action.text


def test_no_data_neither_raises_nor_recovers():
    assert signal(0, 0) is None


def test_an_alert_names_owner_asset_cause_and_next_step():
    alert = signal(1, 2).alert
    assert (alert.key, alert.owner, alert.severity) == (KEY, "team:shop", "error")
    assert "shop/things: 1 of 2 bad (the till is stuck)" in alert.body
    assert "shop/things" in alert.next_step


def test_a_breach_of_many_assets_stays_readable():
    tallies = [Tally(f"shop/{number}", 0, 1) for number in range(8)]
    body = signal_of(evaluate(RELIABILITY, tallies, NOW), "team:shop").alert.body
    assert "and 3 more assets" in body
