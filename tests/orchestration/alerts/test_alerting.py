"""One round of alerting on real runs: what is wrong becomes sprints and messages, and what is mended recovers."""

import logging
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from oso_dagster.domain.alerts.incident import Kind, Severity
from oso_dagster.domain.alerts.sprint import HYSTERESIS, SprintPhase
from oso_dagster.domain.catalogue.source import Stability
from oso_dagster.domain.objectives.maintenance import Maintenance
from oso_dagster.orchestration.alerts.alert_round import run_round
from oso_dagster.orchestration.objectives.watched_platform import Platform
from oso_dagster.orchestration.watch import heartbeats, incident_round
from oso_dagster.reliability.store import Store
from tests.orchestration.shop import MODEL, fail, load, run, source, table

SHOP = source("shop", table("things"))
FAIR = source("fair", table("stalls", fresh_within=None), stability=Stability.UNSTABLE)
THINGS = dg.AssetKey(["shop", "things"])


@pytest.fixture
def store(settings):
    with Store.open(settings.reliability_store_url, settings.world.value) as opened:
        yield opened


@pytest.fixture
def platform(settings):
    settings = settings.model_copy(update={"alert_quiet_hours": ""})  # whenever the tests run
    return Platform(settings, [SHOP, FAIR], [dg.AssetSpec(MODEL, owners=["team:models"])], [dg.AssetCheckKey(THINGS, "whole")])


@pytest.fixture
def tick(platform, store, instance):
    """One round; what is said, as `what kind subject`."""

    def _tick(later=timedelta(0)):
        changes = run_round(platform, store, instance, datetime.now(UTC) + later)
        return sorted(
            f"{kind} {change.after.incident.subject}" for change in changes for kind in change.kinds if not change.logged
        )

    return _tick


def logged(platform, store, caplog):
    with caplog.at_level(logging.DEBUG, "alerts"):
        incident_round.send(platform.settings, store, logging.getLogger("alerts"), lambda: datetime.now(UTC) + timedelta(days=9))
    return [record.getMessage() for record in caplog.records if record.name == "alerts"]


def test_a_core_asset_that_fails_is_a_ticket_and_its_objective_a_sprint_and_both_are_told_once(tick, store, instance):
    run(instance, load(["shop", "things"]))
    assert tick() == []
    run(instance, load(["shop", "things"], fail))
    reliability = "core_source_data.materialization_reliability"
    assert tick() == ["raised failed_materialization:shop/things", f"raised sprint:{reliability}"]
    assert tick() == []
    [sprint] = store.sprints.since(datetime.now(UTC) - timedelta(days=1))
    [guilty] = sprint.finding.guilty
    assert (sprint.objective, guilty.asset, guilty.owner, guilty.bad) == (reliability, "shop/things", "team:shop", 1)
    assert instance.get_run_by_id(guilty.run_id).is_failure


def test_a_failure_after_the_first_one_is_louder_and_a_good_run_ends_the_incident(tick, store, instance):
    run(instance, load(["shop", "things"], fail))
    tick()
    run(instance, load(["shop", "things"], fail))
    assert "reminded failed_materialization:shop/things" in tick()
    [incident] = [incident for incident in store.incidents.standing() if incident.kind is Kind.FAILED_MATERIALIZATION]
    assert (incident.severity, incident.title) == (Severity.PAGE, "shop/things failed 2 times in a row")
    run(instance, load(["shop", "things"]))
    assert "recovered failed_materialization:shop/things" in tick()


def test_what_failed_long_ago_and_was_never_mended_still_stands(tick, store, instance):
    run(instance, load(["shop", "things"], fail))
    tick()
    tick(timedelta(days=5))
    assert "failed_materialization:shop/things" in {incident.subject for incident in store.incidents.standing()}


def test_a_core_asset_that_became_stale_is_told_with_its_sprint_which_stays_until_the_hysteresis_is_over(tick, store, instance):
    store.results.remember_assets({"shop/things"}, datetime.now(UTC) - timedelta(days=2))
    assert tick() == ["raised sprint:core_source_data.data_freshness", "raised stale_asset:shop/things"]
    run(instance, load(["shop", "things"]))
    assert tick() == ["recovered stale_asset:shop/things", "updated sprint:core_source_data.data_freshness"]
    assert store.sprints.newest()["core_source_data.data_freshness"].phase is SprintPhase.RECOVERING
    assert tick(HYSTERESIS - timedelta(minutes=5)) == []
    assert tick(HYSTERESIS + timedelta(minutes=5)) == ["recovered sprint:core_source_data.data_freshness"]
    assert store.sprints.newest()["core_source_data.data_freshness"].phase is SprintPhase.CLOSED


def test_unstable_data_goes_to_the_digest_and_not_to_a_message_of_its_own(tick, store, instance):
    run(instance, load(["fair", "stalls"], fail))
    assert [text for text in tick() if "fair" in text] == []
    [digest] = [row for row in announced(store) if row.kind is Kind.DIGEST]
    assert any("fair/stalls failed" in line for line in digest.body)


def announced(store):
    incidents = []
    while (delivery := store.outbox.claim(datetime.now(UTC) + timedelta(days=9))) is not None:
        incidents.append(delivery.announcement.incident)
        store.outbox.sent(delivery, "m", datetime.now(UTC))
    return incidents


def check(passed):
    @dg.asset_check(asset=THINGS, name="whole")
    def _whole():
        return dg.AssetCheckResult(passed=passed, description="two halves are missing")

    return _whole


def test_a_failed_check_is_told_with_its_reason_and_recovers(tick, store, instance):
    asset = load(["shop", "things"])
    dg.materialize([asset, check(passed=False)], instance=instance, raise_on_error=False)
    assert tick() == ["raised failed_check:shop/things:whole"]
    [incident] = store.incidents.standing()
    assert incident.body == ("two halves are missing",)
    dg.materialize([asset, check(passed=True)], instance=instance)
    assert tick() == ["recovered failed_check:shop/things:whole"]


def test_a_check_that_fails_with_its_asset_is_told_with_it(tick, store, instance):
    dg.materialize([load(["shop", "things"]), check(passed=False)], instance=instance, raise_on_error=False)
    run(instance, load(["shop", "things"], fail))
    assert not any("failed_check" in text for text in tick())
    [incident] = [incident for incident in store.incidents.standing() if incident.kind is Kind.FAILED_MATERIALIZATION]
    assert incident.body[1] == "check whole: two halves are missing"


def test_columns_that_nobody_declared_are_told_until_a_load_tells_of_none(tick, store, instance):
    def drifted(columns):
        return lambda: dg.MaterializeResult(metadata={"unknown_fields": columns})

    run(instance, load(["shop", "things"], drifted(["things.id (BIGINT)", "things.colour (VARCHAR)", "weight"])))
    assert tick() == ["raised schema_drift:shop/things"]
    assert store.incidents.standing()[0].body == ("not declared: things.colour (VARCHAR), weight",)
    run(instance, load(["shop", "things"], drifted(["things.colour (VARCHAR)", "weight"])))
    assert tick() == ["updated schema_drift:shop/things"]
    run(instance, load(["shop", "things"], drifted([])))
    assert tick() == ["recovered schema_drift:shop/things"]


def test_an_asset_in_maintenance_is_not_told(tick, store, instance):
    now, hour = datetime.now(UTC), timedelta(hours=1)
    store.maintenance.add(Maintenance("core_source_data", now - hour, now + hour, "ada", "the shop moves"))
    run(instance, load(["shop", "things"], fail))
    assert tick() == []


def own_job(instance, name, *, fails):
    @dg.op
    def publish() -> None:
        if fails:
            raise ConnectionError("the bucket is gone")

    @dg.job(name=name)
    def job() -> None:
        publish()

    job.execute_in_process(instance=instance, raise_on_error=False)


def test_a_job_of_the_platform_that_fails_is_an_incident_until_it_succeeds(tick, instance):
    own_job(instance, "publish_status", fails=True)
    own_job(instance, "somebodys_job", fails=True)
    assert tick() == ["raised failed_materialization:job publish_status"]
    own_job(instance, "publish_status", fails=False)
    assert tick() == ["recovered failed_materialization:job publish_status"]


def test_maintenance_over_something_broken_announces_no_recovery_and_closes_no_sprint(tick, store, instance):
    run(instance, load(["shop", "things"], fail))
    assert tick()
    standing = {incident.subject for incident in store.incidents.standing()}
    sprints = {objective: sprint.open for objective, sprint in store.sprints.newest().items()}
    assert any(sprints.values())
    now, hour = datetime.now(UTC), timedelta(hours=1)
    store.maintenance.add(Maintenance("core_source_data", now - hour, now + 9 * hour, "ada", "the shop moves"))
    for hours in (1, 2, 3):
        assert [change for change in tick(hours * hour) if change.startswith("recovered")] == []
    assert standing <= {incident.subject for incident in store.incidents.standing()}
    assert {objective: sprint.open for objective, sprint in store.sprints.newest().items()} == sprints


def test_a_sensor_that_is_silent_is_told_by_the_other_one_and_recovers_when_it_is_heard_of(platform, store):
    now = datetime.now(UTC)
    heartbeats.beat(store, heartbeats.ALERTS, now)
    for minute in range(10):
        heartbeats.beat(store, heartbeats.WATCH, now + timedelta(minutes=minute))
    later = now + timedelta(minutes=9)
    changes = incident_round.report_silence(platform.settings, store, heartbeats.WATCH, later)
    assert [change.after.incident.title for change in changes] == ["sensor remedial_alerts is silent"]
    assert incident_round.report_silence(platform.settings, store, heartbeats.WATCH, later) == []
    heartbeats.beat(store, heartbeats.ALERTS, later)
    assert [change.kinds for change in incident_round.report_silence(platform.settings, store, heartbeats.WATCH, later)] == [
        ("recovered",)
    ]


def test_after_a_night_off_nobody_is_called_silent(platform, store):
    now = datetime.now(UTC)
    heartbeats.beat(store, heartbeats.ALERTS, now - timedelta(hours=9))
    heartbeats.beat(store, heartbeats.WATCH, now - timedelta(hours=9))
    assert incident_round.report_silence(platform.settings, store, heartbeats.WATCH, now) == []
    heartbeats.beat(store, heartbeats.WATCH, now)
    assert incident_round.report_silence(platform.settings, store, heartbeats.WATCH, now + timedelta(seconds=30)) == []


def test_what_is_said_reaches_the_log(platform, store, tick, instance, caplog):
    run(instance, load(["shop", "things"], fail))
    tick()
    lines = logged(platform, store, caplog)
    assert any("shop/things failed" in line and "the till is stuck" in line for line in lines)
    assert logged(platform, store, caplog) == lines


def test_a_verdict_is_recorded_when_it_changes(tick, store, instance):
    run(instance, load(["shop", "things"]))
    tick()
    rows = len(store.results.verdict_history("core_source_data", "data_freshness"))
    tick()
    assert len(store.results.verdict_history("core_source_data", "data_freshness")) == rows == 1
