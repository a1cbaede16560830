"""dlt's part: the batches of an extract become a load package, Parquet files with names, types and a contract of columns.

dlt does not load it: its rows are read where they are, and written once, when they are published. What DuckDB sees of a file has
the types that dlt would have given its table, so that a value is judged, and lands, as it would from there.
"""

from __future__ import annotations

import ctypes
from collections.abc import Generator, Iterable, Mapping
from contextlib import ExitStack, closing
from copy import copy
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, ClassVar

import dlt
import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from dlt.common.destination import DestinationCapabilitiesContext
from dlt.common.destination.configuration import ParquetFormatConfiguration
from dlt.common.schema import Schema
from dlt.common.storages.load_package import ParsedLoadJobFileName
from dlt.extract.exceptions import ResourceExtractionError
from dlt.pipeline.exceptions import PipelineStepFailed

from oso_dagster.warehouse.arrow_schemas import gathered
from oso_dagster.warehouse.ddl import literal, quoted
from oso_dagster.warehouse.packing.dlt_settings import use_own_settings

_CONTRACT: Any = {"tables": "evolve", "columns": "evolve", "data_type": "freeze"}

_MUCH_BYTES = 2 * 2**20
"""From this size of its files on, what drawing a load has freed is worth returning."""

_TIDIED_EVERY = 4
"""Batches, of about 8 MiB each, after which what was freed is returned: some milliseconds."""

_M_ARENA_MAX, _HEAPS = -8, 2
"""glibc's number of the setting (malloc.h), and how many heaps a process has, whatever the number of its threads."""

_AT_ONCE = 2048
"""Rows that DuckDB reads at a time."""


class _DuckDB(dlt.destinations.duckdb):
    """dlt's DuckDB, asked once in a process for what it can do: dlt asks many times a load, a third of a small one.

    What is staged is read once or twice and deleted: it is packed for speed.
    """

    _known: ClassVar[dict[str | None, DestinationCapabilitiesContext]] = {}

    @property
    def destination_type(self) -> str:
        """What dlt calls it, whatever our class is called."""
        return "dlt.destinations.duckdb"

    def capabilities(self, config: Any = None, naming: Any = None) -> DestinationCapabilitiesContext:
        """What it can do under a naming convention; a copy, for dlt changes it."""
        convention = naming.name() if naming else None
        if convention not in self._known:
            capabilities = super().capabilities(config, naming)
            capabilities.parquet_format = ParquetFormatConfiguration(compression="lz4")  # half of snappy's time, of the same size
            self._known[convention] = capabilities
        return copy(self._known[convention])


@dataclass(frozen=True)
class Package:
    """What dlt has made of an extract: its id of the load, and of each table that has a file the query of its rows.

    `bytes_at_once`: of the widest rows, the bytes that DuckDB reads at a time.
    """

    load_id: str
    queries: Mapping[str, str]
    bytes_at_once: int


def packed(folder: Path, name: str, batches: Mapping[str, Iterable[Any]], connection: duckdb.DuckDBPyConnection) -> Package:
    """Have dlt draw the batches of tables into files in `folder`. Raises what drawing raises, or dlt's error.

    A query reads the files as long as they are there; `connection` is asked what columns they have.
    """
    use_own_settings()
    _share_heaps()
    pipeline = dlt.pipeline(name, pipelines_dir=str(folder), destination=_DuckDB(), dataset_name="staged")
    with ExitStack() as stack:
        # A chain, for of a generator dlt searches all imported modules for the one that it is of: 0.3 s the first time.
        resources = [
            dlt.resource(
                chain(stack.enter_context(closing(_tidied(gathered(drawn))))),
                name=landed,
                write_disposition="replace",
                schema_contract=_CONTRACT,
            )
            for landed, drawn in batches.items()
        ]
        try:
            pipeline.extract(resources, loader_file_format="parquet")
        except PipelineStepFailed as error:
            raise _origin(error) from None
    pipeline.normalize()
    (load_id,) = pipeline.list_normalized_load_packages()
    files: dict[str, list[str]] = {}
    for job in pipeline.get_load_package_info(load_id).jobs["new_jobs"]:
        files.setdefault(ParsedLoadJobFileName.parse(job.file_path).table_name, []).append(job.file_path)
    if sum(Path(path).stat().st_size for paths in files.values() for path in paths) > _MUCH_BYTES:
        _give_memory_back()
    types = _DuckDB().capabilities().get_type_mapper()
    return Package(
        load_id,
        {
            landed: " UNION ALL BY NAME ".join(
                _rows(connection, path, _types(pipeline.default_schema, landed, types)) for path in paths
            )
            for landed, paths in files.items()
            if landed in batches
        },
        max((_bytes_at_once(path) for paths in files.values() for path in paths), default=0),
    )


def _bytes_at_once(path: str) -> int:
    """The bytes of the widest rows of a file that DuckDB reads at a time, on average over each part of the file."""
    description = pq.read_metadata(path)
    parts = (description.row_group(place) for place in range(description.num_row_groups))
    return max((part.total_byte_size * min(part.num_rows, _AT_ONCE) // max(part.num_rows, 1) for part in parts), default=0)


def _types(schema: Schema, landed: str, mapper: Any) -> dict[str, str]:
    """DuckDB's types of the columns of a table, as dlt would create it."""
    table = schema.get_table(landed)
    return {name: mapper.to_destination_type(column, table) for name, column in schema.get_table_columns(landed).items()}


def _rows(connection: duckdb.DuckDBPyConnection, path: str, types: Mapping[str, str]) -> str:
    """The query of the rows of one file, with the types of its table."""
    there = f"read_parquet({literal(path)})"
    described = connection.execute(f"DESCRIBE FROM {there}").fetchall()
    columns = ", ".join(f"CAST({quoted(name)} AS {types[name]}) AS {quoted(name)}" for name, *_ in described)
    return f"SELECT {columns} FROM {there}"


def _origin(error: BaseException) -> BaseException:
    """What the source itself raised, out of dlt's wrapping: whether it is refused or may be tried again is its to say."""
    cause = error.__cause__
    return _origin(cause) if cause is not None and isinstance(error, (PipelineStepFailed, ResourceExtractionError)) else error


def _tidied(batches: Iterable[Any]) -> Generator[Any, None, None]:
    """The batches; of a load of many, what drawing has freed goes back to the system on the way."""
    for number, batch in enumerate(batches, 1):
        yield batch
        if number % _TIDIED_EVERY == 0:
            _give_memory_back()


def _share_heaps() -> None:
    """Have all threads draw on two heaps of the C library: each that fetches would have one, and keep what lies in pieces."""
    choose = getattr(ctypes.CDLL(None), "mallopt", None)  # glibc has it
    if choose is not None:
        choose(_M_ARENA_MAX, _HEAPS)


def _give_memory_back() -> None:
    """Return to the system what drawing has freed: it would stay with the process while the rows are judged and published."""
    pa.default_memory_pool().release_unused()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc has it
    if trim is not None:
        trim(0)
