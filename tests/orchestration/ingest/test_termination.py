"""A run that a person has ended, but whose interrupt was lost, asks no upstream."""

import dagster as dg
import pyarrow as pa

from oso_dagster.domain.catalogue.loading import Extract, ExtractRequest
from oso_dagster.orchestration.ingest.table_assets import ingest_assets
from oso_dagster.settings import Settings
from tests.orchestration.shop import source, table


def test_a_load_that_was_terminated_before_it_asked_asks_nothing(settings: Settings) -> None:
    asked: list[str] = []

    def extract(request: ExtractRequest) -> Extract:
        asked.append(request.table)
        return Extract("1", {request.table: [pa.table({"id": [1]})]})

    @dg.asset(key="before")
    def before(context: dg.AssetExecutionContext) -> None:
        if context.run.tags.get("ended") == "yes":
            context.instance.report_run_canceling(context.run)

    shop = source("shop", table("things", extract=extract))
    with dg.DagsterInstance.ephemeral() as instance:
        for ended, names in (("no", ["things"]), ("yes", [])):
            asked.clear()
            assets = [before, *ingest_assets(settings, (shop,))]
            dg.materialize(assets, instance=instance, raise_on_error=False, tags={"ended": ended})
            assert asked == names
