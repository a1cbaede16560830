"""Every run has a maximum, whoever started it, and is an incident once it takes longer than is promised of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from oso_dagster.domain.alerts.incident import Kind, Severity
from oso_dagster.domain.catalogue.source import Stability
from oso_dagster.domain.due.cadence import jobs_of
from oso_dagster.domain.due.run_limits import limit_of_job, limit_of_load
from oso_dagster.domain.objectives.maintenance import Maintenance
from oso_dagster.orchestration.alerts.alert_round import run_round
from oso_dagster.orchestration.objectives.watched_platform import Platform
from oso_dagster.orchestration.upkeep.run_limits import RunningRun, running_runs, set_limits
from oso_dagster.reliability.store import Store
from oso_dagster.settings import Settings
from tests.orchestration.shop import MODEL, daily, load, source, table

MAXIMUM, HALF_A_MINUTE = "dagster/max_runtime", timedelta(seconds=30)
MIDNIGHT = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
SHOP = source("shop", table("things"), table("prices"))
DAYS = source("fair", daily(MIDNIGHT - timedelta(days=9)), stability=Stability.UNSTABLE)
LOAD = limit_of_load(jobs_of(SHOP)[0])
DAY = limit_of_load(jobs_of(DAYS)[0])


def while_running(
    instance: dg.DagsterInstance, body: Callable[[], None], job: str = "ingest_shop", tags: dict[str, str] | None = None
) -> str:
    """A run of the job, in which the body is called; its id."""
    assets = [load(["shop", "things"], body), load(["shop", "prices"]), load(["marts", "things_v1"]), load(["fair", "days"])]
    selections = {"ingest_shop": assets[:2], "ingest_fair": [assets[0]], "transform": [assets[0]]}
    jobs = [dg.define_asset_job(name, selection=selection) for name, selection in selections.items()]
    definition = dg.Definitions(assets=assets, jobs=jobs).resolve_job_def(job)
    return str(definition.execute_in_process(instance=instance, tags=tags).run_id)


def seen(instance: dg.DagsterInstance, job: str, tags: dict[str, str] | None = None) -> RunningRun:
    runs: list[RunningRun] = []
    while_running(instance, lambda: runs.extend(running_runs(instance, [SHOP, DAYS], datetime.now(UTC))), job, tags)
    (running,) = runs
    return running


def test_what_a_person_started_gets_its_maximum_and_what_has_one_keeps_it(instance: dg.DagsterInstance) -> None:
    given: list[int] = []

    def body() -> None:
        given.extend(set_limits(instance, [SHOP], datetime.now(UTC)) for _ in range(2))

    run_id = while_running(instance, body)
    assert given == [1, 0]
    run = instance.get_run_by_id(run_id)
    assert run is not None
    assert run.tags[MAXIMUM] == str(int(LOAD.maximum.total_seconds()))
    run = instance.get_run_by_id(while_running(instance, body, tags={MAXIMUM: "99"}))
    assert run is not None
    assert run.tags[MAXIMUM] == "99"
    assert set_limits(instance, [SHOP], datetime.now(UTC)) == 0, "nothing runs"


def test_what_is_promised_follows_the_job_and_the_partitions_of_a_run(instance: dg.DagsterInstance) -> None:
    assert seen(instance, "ingest_shop").promised == LOAD.promised
    assert seen(instance, "transform").promised == limit_of_job("transform").promised
    assert seen(instance, "ingest_fair").promised == DAY.promised
    keys = [(MIDNIGHT - timedelta(days=back)).strftime("%Y-%m-%d") for back in (5, 3)]
    span = {"dagster/asset_partition_range_start": keys[0], "dagster/asset_partition_range_end": keys[1]}
    assert seen(instance, "ingest_fair", span).promised == 3 * DAY.promised


def test_a_selection_is_promised_what_its_tables_and_models_are(instance: dg.DagsterInstance) -> None:
    runs: list[RunningRun] = []

    def body() -> None:
        runs.extend(running_runs(instance, [SHOP], datetime.now(UTC)))

    things, model = load(["shop", "things"], body), load(["marts", "things_v1"])
    definitions = dg.Definitions(assets=[things, model])
    for keys in ([things.key], [things.key, model.key]):
        job = definitions.resolve_implicit_global_asset_job_def()
        assert job.execute_in_process(instance=instance, asset_selection=keys).success
    assert [each.promised for each in runs] == [LOAD.promised, LOAD.promised + limit_of_job("transform").promised]
    assert {each.assets for each in runs} == {("shop/things",)}


@pytest.mark.parametrize("source_", [SHOP, DAYS])
def test_a_run_that_takes_longer_than_promised_is_an_incident_before_it_is_ended(
    instance: dg.DagsterInstance, settings: Settings, source_: object
) -> None:
    settings = settings.model_copy(update={"alert_quiet_hours": ""})
    platform = Platform(settings, [SHOP, DAYS], [dg.AssetSpec(MODEL)], [])
    limit, job = (LOAD, "ingest_shop") if source_ is SHOP else (DAY, "ingest_fair")
    with Store.open(settings.reliability_store_url, settings.world.value) as store:

        def incidents(later: timedelta) -> list[str]:
            changes = run_round(platform, store, instance, datetime.now(UTC) + later)
            ours = [change for change in changes if change.after.incident.kind is Kind.LONG_RUN]
            return [f"{kind} {change.after.incident.subject}" for change in ours for kind in change.kinds]

        def body() -> None:
            assert incidents(limit.promised - timedelta(minutes=1)) == []
            raised = incidents(limit.promised + timedelta(minutes=1))
            assert raised == [f"raised long_run:{job}"]
            [standing] = [each for each in store.incidents.standing() if each.kind is Kind.LONG_RUN]
            assert standing.severity is (Severity.TICKET if source_ is SHOP else Severity.INFO)
            assert standing.owner == ("team:shop" if source_ is SHOP else "team:fair")
            assert "is ended at" in standing.body[0]
            at = datetime.now(UTC) + limit.promised + timedelta(minutes=2)
            for asset in ("shop/things", "shop/prices", "fair/days"):
                store.maintenance.add(
                    Maintenance(asset, at - HALF_A_MINUTE, at + HALF_A_MINUTE, "ann", "a new disk", at - HALF_A_MINUTE)
                )
            assert incidents(limit.promised + timedelta(minutes=2)) == [], "it is being worked on: it stays without a word"
            assert [each.kind for each in store.incidents.standing()].count(Kind.LONG_RUN) == 1

        while_running(instance, body, job)
        assert incidents(limit.promised + timedelta(minutes=3)) == [f"recovered long_run:{job}"]
