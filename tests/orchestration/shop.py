"""A catalogue of two small sources, loads of their tables, and the evaluation of their objectives."""

from datetime import UTC, datetime, timedelta

import dagster as dg

from oso_dagster.domain.catalogue.partitions import PartitionKind, Partitions
from oso_dagster.domain.catalogue.source import Column, ColumnType, Cost, Disposition, Schedule, Source, Stability, Table
from oso_dagster.orchestration.objectives.service_assets import slo_assets
from oso_dagster.reliability.store import Store

MODEL = dg.AssetKey(["marts", "things_v1"])


def table(name, **extra):
    declared = {
        "description": "Things",
        "columns": (Column("id", ColumnType.BIGINT, "Which thing"),),
        "primary_key": ("id",),
        "disposition": Disposition.REPLACE,
        "extract": lambda _: None,
        "schedule": Schedule("0 1 * * *"),
        "cost": Cost(1, 1),
        "fresh_within": timedelta(hours=36),
    }
    return Table(name=name, **(declared | extra))


def source(name, *tables, stability=Stability.CORE):
    return Source(name, name.title(), "https://example.org", "MIT", f"team:{name}", stability, tables)


def daily(start):
    return table(
        "days",
        columns=(Column("day", ColumnType.DATE, "Which day"),),
        primary_key=("day",),
        event_time="day",
        events_may_stop="invented",
        disposition=Disposition.REPLACE_PARTITION,
        fresh_within=None,
        partitions=Partitions(PartitionKind.DAILY, start, due_after=timedelta(hours=3)),
    )


SHOP = source("shop", table("things"), table("prices"))
FAIR = source("fair", table("stalls"), stability=Stability.UNSTABLE)


def load(key, body=lambda: None, **extra):
    @dg.asset(key=key, **extra)
    def _load():
        return body()

    return _load


def fail():
    raise ValueError("the till is stuck")


def run(instance, *assets):
    return dg.materialize(assets, instance=instance, raise_on_error=False)


def known_since(settings, sources, at):
    """Let the store know the tables since `at`: what never arrived is stale once its first load must have ended."""
    with Store.open(settings.reliability_store_url, settings.world.value) as store:
        store.results.remember_assets({f"{source.name}/{table.name}" for source in sources for table in source.tables}, at)


def evaluate(instance, settings, sources=(SHOP,), service="core_source_data"):
    """Evaluate on a platform that has known its sources for two days."""
    known_since(settings, sources, datetime.now(UTC) - timedelta(days=2))
    assets = slo_assets(settings, sources, [dg.AssetSpec(MODEL)])
    result = dg.materialize(assets, instance=instance, selection=dg.AssetSelection.assets(dg.AssetKey(["slo", service])))
    assert result.success
    return {check.check_name: check for check in result.get_asset_check_evaluations()}, result
