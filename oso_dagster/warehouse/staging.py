"""dlt's part: an extract becomes a load package, and the package becomes tables in a staging schema.

dlt's own folder is wiped before each attempt and its state is not restored: a package that a killed run left pending can never
be loaded in place of new rows. One attempt at a time per table and partition.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dlt
import duckdb
from filelock import FileLock, Timeout

from oso_dagster.domain.loading import Extract, RefusedError
from oso_dagster.domain.partitions import Window
from oso_dagster.domain.source import Table

_CONTRACT: Any = {"tables": "evolve", "columns": "evolve", "data_type": "freeze"}


class Package:
    """One extract, normalized on disk, ready to be loaded into a staging schema."""

    def __init__(self, pipeline: Any, schema: str) -> None:
        self._pipeline = pipeline
        self._schema = schema
        self.load_id = ""

    def land(self, connection: duckdb.DuckDBPyConnection) -> str:
        """Load the package through `connection`; returns the quoted staging schema. Raises dlt's error when a job fails."""
        connection.execute(f"DROP SCHEMA IF EXISTS {self._schema} CASCADE")
        info = self._pipeline.load(destination=dlt.destinations.duckdb(connection), dataset_name=self._schema)
        info.raise_on_failed_jobs()
        (self.load_id,) = info.loads_ids
        return self._schema


@contextmanager
def prepared(cache: Path, source: str, table: Table, extract: Extract, window: Window | None) -> Iterator[Package]:
    """Extract and normalize without the warehouse's lock, which only the loading itself needs."""
    missing = table.physical.keys() ^ extract.batches.keys()
    if missing:
        raise RefusedError(
            f"{source}.{table.name}: the extract and the declaration differ in tables: {', '.join(sorted(missing))}"
        )
    name = f"{source}__{table.name}"
    folder = cache / "dlt" / (f"{name}__{window.key.replace(':', '')}" if window else name)
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        lock = FileLock(f"{folder}.lock", timeout=0)
        with lock:
            shutil.rmtree(folder, ignore_errors=True)
            yield _package(folder, source, table.name, extract)
            shutil.rmtree(folder, ignore_errors=True)
    except Timeout:
        raise RefusedError(f"{source}.{table.name}: another run is loading it now; run again when that one is done") from None


def _package(folder: Path, source: str, table: str, extract: Extract) -> Package:
    _quiet()
    schema = f"staging_of_{source}_{table}"  # dlt folds a double underscore in the name of a schema
    pipeline = dlt.pipeline(f"{source}__{table}", pipelines_dir=str(folder), destination="duckdb", dataset_name=schema)
    resources = [
        dlt.resource(iter(batches), name=landed, write_disposition="replace", schema_contract=_CONTRACT)
        for landed, batches in extract.batches.items()
    ]
    pipeline.extract(resources, loader_file_format="parquet")
    pipeline.normalize()
    return Package(pipeline, schema)


def _quiet() -> None:
    """No telemetry, no progress of its own: Dagster shows what happens."""
    dlt.config["runtime.dlthub_telemetry"] = False
    dlt.config["load.workers"] = 4
    logging.getLogger("dlt").setLevel(logging.ERROR)
