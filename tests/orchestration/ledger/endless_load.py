"""A run whose load never ends by itself, as a process: `python -m tests.orchestration.ledger.endless_load HOME MARK`.

The file MARK gets a line at each try, once the load has begun.
"""

import os
import sys
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import dagster as dg
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.execution.api import execute_run

from oso_dagster.domain.catalogue.source import Retries
from oso_dagster.orchestration.ingest.table_assets import ingest_assets
from oso_dagster.settings import read_settings
from tests.orchestration.shop import source, table


def main(home: str, mark: str) -> None:
    def endless(_request: object) -> None:
        with Path(mark).open("a") as file:
            file.write("began\n")
        while True:
            time.sleep(0.05)

    os.environ["OSO_HOME"] = home
    things = replace(table("a"), extract=endless, retries=Retries(3, timedelta(seconds=0)))
    (asset,) = ingest_assets(read_settings([source("shop", things)]), [source("shop", things)])
    job = dg.Definitions(
        assets=[asset], jobs=[dg.define_asset_job("load", [asset])], executor=dg.in_process_executor
    ).resolve_job_def("load")
    with dg.DagsterInstance.from_config(home) as instance:
        run = instance.create_run_for_job(job)
        Path(mark).with_suffix(".run").write_text(run.run_id)
        execute_run(InMemoryJob(job), run, instance, raise_on_error=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
