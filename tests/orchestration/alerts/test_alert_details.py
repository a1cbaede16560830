"""What an alert about a table says beside its cause: the missing partition, the next load, what is computed from it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from oso_dagster.alerting.severity_signs import SEVERITIES, sign_of
from oso_dagster.domain.alerts.incident import Incident, Kind, Severity, State
from oso_dagster.domain.catalogue.source import Stability
from oso_dagster.orchestration.alerts.alert_round import run_round
from oso_dagster.orchestration.objectives.watched_platform import Platform
from oso_dagster.reliability.store import Store
from oso_dagster.settings import Settings
from tests.orchestration.shop import daily, fail, known_since, load, source

STATIC_DAYS = dg.StaticPartitionsDefinition(["2026-01-01", "2026-01-02"])


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    with Store.open(settings.reliability_store_url, settings.world.value) as opened:
        yield opened


def model(layer: str, name: str, *upstream: str) -> dg.AssetSpec:
    deps = [dg.AssetKey(asset.split("/")) for asset in upstream]
    return dg.AssetSpec(dg.AssetKey([layer, name]), deps=deps, group_name=f"sqlmesh/{layer}")


MODELS = [
    model("staging", "stg_days", "shop/days"),
    model("marts", "days_v1", "staging/stg_days"),
    model("marts", "weeks_v1", "marts/days_v1"),
    model("marts", "others_v1", "shop/others"),
]


def standing(
    settings: Settings, store: Store, instance: dg.DagsterInstance, now: datetime, stability: Stability = Stability.CORE
) -> dict[Kind, Incident]:
    start = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=3)
    shop = source("shop", daily(start), stability=stability)
    known_since(settings, [shop], start)
    run_round(Platform(settings, [shop], MODELS, []), store, instance, now)
    return {incident.kind: incident for incident in store.incidents.standing()}


def fields(incident: Incident) -> dict[str, str]:
    return {fact.name: fact.value for fact in incident.fields}


@pytest.mark.parametrize("stability", [Stability.CORE, Stability.UNSTABLE])
def test_a_stale_table_names_the_missing_partition_the_next_load_and_what_is_computed_from_it(
    settings: Settings, store: Store, instance: dg.DagsterInstance, stability: Stability
) -> None:
    now = datetime.now(UTC).replace(hour=12, minute=30, second=0, microsecond=0) + timedelta(days=1)
    stale = standing(settings, store, instance, now, stability)[Kind.STALE_ASSET]
    missing, due = now - timedelta(days=1), now.replace(hour=3, minute=0)
    assert stale.body == (f"partition {missing:%Y-%m-%d} is missing, due since {due:%Y-%m-%d %H:%M} UTC",)
    assert fields(stale)["Next scheduled load"] == f"{now + timedelta(days=1):%Y-%m-%d} 01:00 UTC"
    assert fields(stale)["Affected downstream"] == "marts/days_v1, marts/weeks_v1"


def test_a_failed_partition_is_named_with_the_next_load_and_what_is_computed_from_it(
    settings: Settings, store: Store, instance: dg.DagsterInstance
) -> None:
    asset = load(["shop", "days"], fail, partitions_def=STATIC_DAYS)
    dg.materialize([asset], instance=instance, partition_key="2026-01-02", raise_on_error=False)
    failed = standing(settings, store, instance, datetime.now(UTC))[Kind.FAILED_MATERIALIZATION]
    assert failed.title == "shop/days [2026-01-02] failed, after all retries"
    assert failed.next_step.endswith("materialize partition 2026-01-02 again.")
    assert fields(failed)["Next scheduled load"].endswith("01:00 UTC")
    assert fields(failed)["Affected downstream"] == "marts/days_v1, marts/weeks_v1"


def test_a_model_knows_the_published_ones_above_it_and_no_schedule_of_a_load(settings: Settings) -> None:
    owned = Platform(settings, [], MODELS, []).owned
    assert owned["staging/stg_days"].readers == ("marts/days_v1", "marts/weeks_v1")
    assert owned["marts/days_v1"].readers == ("marts/weeks_v1",)
    assert owned["marts/weeks_v1"].readers == ()
    assert owned["marts/days_v1"].schedule is None


def test_a_sprint_whose_objective_is_met_again_is_watched_and_not_red(
    settings: Settings, store: Store, instance: dg.DagsterInstance
) -> None:
    now = datetime.now(UTC)
    sprint = standing(settings, store, instance, now)[Kind.SPRINT]
    assert (sprint.state, sprint.severity, sign_of(sprint)) == (State.OPEN, Severity.PAGE, SEVERITIES[Severity.PAGE])
    keys = [f"{now - timedelta(days=number):%Y-%m-%d}" for number in range(4)]
    asset = load(["shop", "days"], partitions_def=dg.StaticPartitionsDefinition(keys))
    for key in keys:
        dg.materialize([asset], instance=instance, partition_key=key)
    sprint = standing(settings, store, instance, datetime.now(UTC))[Kind.SPRINT]
    assert (sprint.state, sprint.severity) == (State.WATCHED, Severity.PAGE)
    assert sign_of(sprint).word == "MET AGAIN, WATCHED"
