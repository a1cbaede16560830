from datetime import UTC, datetime, timedelta

import pytest

from oso_dagster.domain.objectives.maintenance import Maintenance, declared_at, touching

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def window(scope="shop", start=NOON, end=NOON + HOUR):
    return Maintenance(scope, start, end, "ada", "a new disk")


@pytest.mark.parametrize("scope", ["shop", "shop.sales", "shop/things"])
def test_a_window_covers_its_scope_from_start_up_to_its_end(scope):
    covered = [window(scope).covers("shop", "sales", "shop/things", at) for at in (NOON - HOUR, NOON, NOON + HOUR)]
    assert covered == [False, True, False]


@pytest.mark.parametrize("scope", ["fair", "shop.returns", "shop/prices"])
def test_a_window_covers_nothing_else(scope):
    assert not window(scope).covers("shop", "sales", "shop/things", NOON)


def test_the_windows_that_touch_a_span_are_shown_in_order():
    windows = [window("shop", NOON + 2 * HOUR, NOON + 3 * HOUR), window(), window("fair"), window(end=NOON + HOUR / 2)]
    shown = touching(windows, "shop", "sales", ["shop/things"], NOON + HOUR / 2, NOON + 2 * HOUR)
    assert shown == (windows[1], windows[0])


@pytest.mark.parametrize(
    "broken",
    [
        {"end": NOON},
        {"start": datetime(2026, 3, 1)},  # noqa: DTZ001
        {"scope": " "},
    ],
)
def test_a_window_that_makes_no_sense_cannot_be_built(broken):
    with pytest.raises(ValueError, match="window"):
        window(**broken)


def test_maintenance_declared_afterwards_erases_nothing():
    now = datetime(2026, 3, 1, 12, tzinfo=UTC)
    window = Maintenance("sqlmesh", now - timedelta(hours=2), now + timedelta(hours=1), "ada", "a new disk")
    declared = declared_at(window, now)
    assert (declared.start, declared.end) == (now, window.end)
    assert not declared.covers("sqlmesh", "materialization_reliability", "", now - timedelta(minutes=1))
    with pytest.raises(ValueError, match="erases nothing"):
        declared_at(window, window.end)
