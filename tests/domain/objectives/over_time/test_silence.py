from datetime import UTC, datetime, timedelta

from oso_dagster.domain.objectives.maintenance import Maintenance
from oso_dagster.domain.objectives.objectives import OBJECTIVES, objective_of
from oso_dagster.domain.objectives.over_time.silence import Silence, silences, silent_slices

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
PROBED = objective_of("public_applications.availability")
LOADED = objective_of("core_source_data.materialization_reliability")


def test_a_probe_that_never_reported_stays_silent():
    assert silences(OBJECTIVES, {}, NOON) == []


def test_a_probe_that_stopped_is_told_after_an_hour_and_not_before():
    last = NOON - timedelta(hours=1)
    assert silences(OBJECTIVES, {PROBED.id: last}, NOON) == []
    assert silences(OBJECTIVES, {PROBED.id: last}, NOON + timedelta(seconds=1)) == [Silence(PROBED, last)]


def test_daily_data_may_be_silent_for_two_days():
    last = NOON - timedelta(days=2)
    assert silences(OBJECTIVES, {LOADED.id: last}, NOON) == []
    assert silences(OBJECTIVES, {LOADED.id: last}, NOON + timedelta(seconds=1)) == [Silence(LOADED, last)]


def test_what_is_being_worked_on_is_not_told():
    window = Maintenance("public_applications", NOON - timedelta(hours=1), NOON + timedelta(hours=1), "ada", "a new server")
    assert silences(OBJECTIVES, {PROBED.id: NOON - timedelta(days=1)}, NOON, [window]) == []


def test_one_silent_application_of_two_is_missed_until_it_leaves_the_window():
    objective = objective_of("public_applications.availability")
    at = {(objective.id, "website"): NOON, (objective.id, "api"): NOON - timedelta(hours=2)}
    assert [(silence.slice, silence.since) for silence in silent_slices([objective], at, NOON)] == [
        ("api", NOON - timedelta(hours=2))
    ]
    working = Maintenance("api", NOON - timedelta(hours=3), NOON + timedelta(hours=1), "ann", "moving")
    assert silent_slices([objective], at, NOON, [working]) == []
    assert silent_slices([objective], at | {(objective.id, "api"): NOON - timedelta(days=31)}, NOON) == []
    assert silent_slices([objective], dict.fromkeys(at, NOON - timedelta(hours=2)), NOON) == []  # all of it is silent
