"""Maintenance as people declare it, seen by the round of alerting: nothing is erased, closed, opened or said."""

from datetime import UTC, datetime, timedelta

import pytest

from oso_dagster.domain.objectives.maintenance import Maintenance, declared_at
from oso_dagster.orchestration.alerts.alert_round import run_round
from oso_dagster.orchestration.objectives.watched_platform import Platform
from oso_dagster.reliability.ledger.repeating import repeated
from oso_dagster.reliability.store import Store
from tests.orchestration.shop import fail, load, run, source, table

SHOP = source("shop", table("things"))
HOUR = timedelta(hours=1)
RELIABILITY = "core_source_data.materialization_reliability"


@pytest.fixture
def store(settings):
    with Store.open(settings.reliability_store_url, settings.world.value) as opened:
        yield opened


@pytest.fixture
def tick(settings, store, instance):
    """One round, some time later; what is said, as `what kind subject`."""
    platform = Platform(settings.model_copy(update={"alert_quiet_hours": ""}), [SHOP], [], [])

    def _tick(later=timedelta(0)):
        changes = run_round(platform, store, instance, datetime.now(UTC) + later)
        return sorted(f"{kind} {change.after.incident.subject}" for change in changes for kind in change.kinds)

    return _tick


def declare(store, scope, begins, ends, rule=""):
    now = datetime.now(UTC)
    window = Maintenance(scope, now + begins, now + ends, "ada", "the shop moves")
    store.maintenance.add(*(declared_at(each, now) for each in (repeated(window, rule) if rule else [window])))
    return store.maintenance.all()


@pytest.mark.parametrize("scope", ["core_source_data", "shop/things"])
def test_what_is_broken_when_work_begins_stays_without_a_word_and_goes_on_when_it_ends(tick, store, instance, scope):
    run(instance, load(["shop", "things"], fail))
    assert any(change.startswith("raised sprint") for change in tick())
    subjects, phases = {incident.subject for incident in store.incidents.standing()}, store.sprints.newest()
    declare(store, scope, -HOUR, 12 * HOUR)
    during = [tick(hours * HOUR) for hours in (1, 5, 9, 11)]
    if scope == "core_source_data":
        assert during == [[], [], [], []]  # a page would be reminded of after four hours
        assert store.sprints.newest() == phases
    else:
        assert not [change for round_ in during for change in round_ if "shop/things" in change]
    assert subjects <= {incident.subject for incident in store.incidents.standing()}
    assert f"reminded sprint:{RELIABILITY}" in tick(13 * HOUR)


def test_no_sprint_is_opened_by_what_failed_before_while_the_service_is_worked_on(tick, store, instance):
    run(instance, load(["shop", "things"], fail))
    declare(store, "core_source_data", -HOUR, HOUR)
    assert [change for change in tick() if "sprint" in change] == []
    assert f"raised sprint:{RELIABILITY}" in tick(2 * HOUR)  # the failure was before the declaration: it counts


def test_a_repeated_window_is_quiet_each_time_and_counts_between(tick, store, instance):
    windows = declare(store, "core_source_data", HOUR, 2 * HOUR, "FREQ=DAILY;COUNT=3")
    assert len(windows) == 3
    run(instance, load(["shop", "things"], fail))
    assert any("sprint" in change for change in tick())
    day = timedelta(days=1)
    assert [tick(1.5 * HOUR + number * day) for number in range(3)] == [[], [], []]
    assert any("reminded" in change for change in tick(5 * HOUR + 2 * day))


def test_windows_are_ended_moved_and_taken_back_and_each_change_is_kept(store):
    now = datetime.now(UTC)
    declare(store, "sqlmesh", -HOUR, HOUR)
    declare(store, "sqlmesh", 5 * HOUR, 6 * HOUR, "FREQ=DAILY;COUNT=3")
    running, *planned = store.maintenance.all()
    longer = store.maintenance.move_end(running, now + 2 * HOUR, now + HOUR / 2, "bob")
    with pytest.raises(ValueError, match="has passed already"):
        store.maintenance.move_end(longer, now, now + HOUR / 2)
    with pytest.raises(ValueError, match="declare another one"):
        store.maintenance.move_end(longer, now + 4 * HOUR, now + 3 * HOUR)
    assert store.maintenance.end("sqlmesh", now + HOUR, "eve") == [longer]
    assert store.maintenance.all()[0].end == now + HOUR
    assert store.maintenance.take_back("sqlmesh", now + HOUR, "eve", begins=planned[1].start) == [planned[1]]
    assert len(store.maintenance.take_back("sqlmesh", now + HOUR, "eve")) == 2
    changes = [(change.what.value, change.who) for change in store.maintenance.changes()]
    assert changes == [("declared", "ada")] * 4 + [("moved", "bob"), ("ended", "eve")] + [("taken_back", "eve")] * 3


def test_a_window_taken_back_while_it_is_open_leaves_nothing_out(store):
    declare(store, "sqlmesh", -HOUR, HOUR)
    assert store.maintenance.take_back("sqlmesh", datetime.now(UTC)) == []
    assert len(store.maintenance.take_back("sqlmesh", datetime.now(UTC), running=True)) == 1
    assert store.maintenance.all() == []


def test_a_window_that_somebody_else_has_changed_meanwhile_is_not_moved(store):
    now = datetime.now(UTC)
    declare(store, "sqlmesh", HOUR, 2 * HOUR)
    (seen,) = store.maintenance.all()
    store.maintenance.take_back("sqlmesh", now, "eve")
    with pytest.raises(ValueError, match="somebody else"):
        store.maintenance.move_end(seen, now + 3 * HOUR, now, "bob")
    assert store.maintenance.all() == []
    assert [change.what.value for change in store.maintenance.changes()] == ["declared", "taken_back"]


def test_two_windows_that_end_now_may_become_one(store):
    now = datetime.now(UTC)
    store.maintenance.add(*(Maintenance("sqlmesh", now - HOUR, now + hours * HOUR, "ada", "a disk") for hours in (1, 2)))
    assert len(store.maintenance.end("sqlmesh", now)) == 2
    assert [window.end for window in store.maintenance.all()] == [now]
