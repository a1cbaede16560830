"""The coverage job writes what the ledger says of objectives and sprints where readers of the warehouse find it."""

from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from oso_dagster.domain.alerts.sprint import Guilty, ObjectiveFinding, assign, note
from oso_dagster.domain.objectives.slo import Tally, Verdict
from oso_dagster.orchestration.coverage.coverage_asset import coverage_asset
from oso_dagster.orchestration.resources import warehouse_of
from oso_dagster.reliability.results import VerdictRow
from oso_dagster.reliability.store import Store
from tests.orchestration.shop import source, table

TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SHOP = source("shop", table("things"), table("safe", public=False))


def verdict(at, good=98, objective="sales", **more):
    guilty = (Tally("shop/safe", 1, 2, "Jane's key"), Tally("shop/things", good - 1, 98))
    values = {"budget": "1 of 3 failures left", "summary": f"{good} of 100", "guilty": guilty} | more
    return VerdictRow("shop", objective, Verdict.COMPLIANT, good, 100, 9_600, DAY * 30, evaluated_at=at, **values)


@pytest.fixture
def store(settings):
    with Store.open(settings.reliability_store_url, settings.world.value) as opened:
        yield opened


@pytest.fixture
def written(settings, instance):
    def written(query):
        assert dg.materialize([coverage_asset(settings, [SHOP])], instance=instance).success
        with warehouse_of(settings).read() as connection:
            return connection.execute(query).fetchall()

    return written


def test_of_each_day_in_utc_and_objective_the_newest_verdict_is_shown(store, written):
    yesterday = TODAY - timedelta(microseconds=1)
    kept = [verdict(yesterday, 97), verdict(TODAY, 99), verdict(yesterday, 1, "refunds")]
    others = [verdict(yesterday - HOUR, 50), verdict(TODAY - DAY * 401), verdict(TODAY + DAY * 2)]
    store.results.record_verdicts([*kept, *others])
    assert store.results.newest_of_days(TODAY - DAY * 400, TODAY + HOUR) == [kept[2], kept[0], kept[1]]
    query = "SELECT objective, CAST(day AS VARCHAR), evaluated_at, good FROM platform.verdicts ORDER BY 1, 2"
    days = [f"{(TODAY - DAY):%Y-%m-%d}", f"{TODAY:%Y-%m-%d}"]
    assert written(query) == [
        ("refunds", days[0], yesterday, 1),
        ("sales", days[0], yesterday, 97),
        ("sales", days[1], TODAY, 99),
    ]


def test_a_verdict_has_its_budget_in_numbers_and_only_public_assets(store, written):
    store.results.record_verdicts([verdict(TODAY), verdict(TODAY, objective="without", budget="", guilty=())])
    query = """SELECT verdict, good, valid, target, window_seconds, allowed_failures, budget_left, burn, reason, guilty_assets
      FROM platform.verdicts ORDER BY objective"""
    assert written(query) == [
        ("compliant", 98, 100, 0.96, 2_592_000, 4, 0.5, 0.5, "98 of 100", ["shop/things"]),
        ("compliant", 98, 100, 0.96, 2_592_000, None, None, None, "98 of 100", []),
    ]


def test_a_sprint_is_shown_without_people_notes_and_what_is_not_public(store, written):
    guilty = (Guilty("shop/safe", "jane@shop", 2, 2), Guilty("shop/things", "jane@shop", 1, 2, "Jane's key", "run-of-jane"))
    missed = ObjectiveFinding("shop.sales", "shop", Verdict.BREACHED, "Jane did it", 1, 2, 9_900, TODAY - HOUR * 9, guilty)
    store.sprints.advance([missed])
    store.sprints.change("shop.sales", lambda sprint: assign(sprint, "Jane", "Jane", TODAY - HOUR * 8))
    store.sprints.change("shop.sales", lambda sprint: note(sprint, "Jane knows", "Jane", TODAY - HOUR * 7))
    [sprint] = store.sprints.since(TODAY - DAY)
    [row] = written("SELECT * FROM platform.sprints")
    at = missed.at
    assert row == (sprint.key, "shop", "sales", "open", at, None, at, 1, 2, 0.99, ["shop/things"])
    assert "jane" not in str(row).lower()
