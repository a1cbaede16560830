"""The weekly digest from real runs: what checks warn of, what the store has, and once a week on every channel."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import dagster as dg
import pytest

from oso_dagster.domain.alerts.incident import Kind
from oso_dagster.domain.catalogue.truth import Retired
from oso_dagster.orchestration.alerts.alert_round import run_round
from oso_dagster.orchestration.alerts.weekly_digest import announce_week, week_of
from oso_dagster.orchestration.objectives.watched_platform import Platform
from oso_dagster.reliability.store import Store
from tests.orchestration.shop import MODEL, run, source, table

SHOP, CLOSED = source("shop", table("things"), table("prices")), source("fair", table("stalls"))
SOURCES = [SHOP, replace(CLOSED, retired=Retired(date(2025, 5, 31), "the fair is over"))]
DAY = timedelta(days=1)


@pytest.fixture
def store(settings):
    with Store.open(settings.reliability_store_url, settings.world.value) as opened:
        yield opened


def checked(text, name="upstream_notice"):
    """A load of things whose check warns with the text; an empty one is passed."""

    @dg.asset(key=["shop", "things"], check_specs=[dg.AssetCheckSpec(name, asset=["shop", "things"])])
    def _load():
        result = dg.AssetCheckResult(passed=not text, severity=dg.AssetCheckSeverity.WARN, description=text, check_name=name)
        return dg.MaterializeResult(check_results=[result])

    return _load


def test_a_notice_stands_with_its_text_and_since_when_it_has_been_heard_and_goes_when_it_is_gone(store, instance):
    run(instance, checked("shop.things: upstream announces: another"))
    first = datetime.now(UTC)
    for _ in range(2):
        run(instance, checked("shop.things: upstream announces: shop.example: will not answer after 2027-01-01"))
    between = datetime.now(UTC)
    run(instance, checked("shop.things: upstream announces: shop.example: will not answer after 2027-01-01"))
    [notice] = week_of(store, SOURCES, instance, datetime.now(UTC)).notices
    assert (notice.table, notice.text.split(": ")[-1]) == ("shop/things", "will not answer after 2027-01-01")
    assert first < notice.since < between
    run(instance, checked(""))
    assert list(week_of(store, SOURCES, instance, datetime.now(UTC)).notices) == []


def test_what_is_set_aside_and_what_is_retired_stand_in_it(store, instance):
    run(instance, checked("one item is set aside: a", "set_aside"))
    first = datetime.now(UTC)
    run(instance, checked("two items are set aside: a, b", "set_aside"))
    week = week_of(store, SOURCES, instance, datetime.now(UTC))
    [remark] = week.set_aside
    assert remark.text == "two items are set aside: a, b"
    assert remark.since < first
    assert [(each.name, each.reason) for each in week.retired] == [("fair", "the fair is over")]


def test_it_is_announced_once_a_week_with_the_sprint_of_the_week(settings, store, instance):
    platform = Platform(settings, SOURCES, [dg.AssetSpec(MODEL)], [])
    monday = datetime(2026, 11, 30, 10, tzinfo=UTC)
    store.results.remember_assets({"shop/things", "shop/prices"}, monday - 3 * DAY)
    run_round(platform, store, instance, monday - DAY)
    assert announce_week(platform, store, instance, monday - DAY) == []
    [change] = announce_week(platform, store, instance, monday)
    digest = change.after.incident
    assert digest.kind is Kind.WEEKLY
    assert any(line.startswith("Sprint core_source_data.data_freshness: open for 1 d") for line in digest.body)
    assert any(line.startswith("core_source_data.data_freshness: breached: 0 of 2") for line in digest.body)
    assert announce_week(platform, store, instance, monday + 5 * DAY) == []
    assert store.incidents.standing() == [each for each in store.incidents.standing() if each.kind is not Kind.WEEKLY]
    assert announce_week(platform, store, instance, monday + 7 * DAY)
