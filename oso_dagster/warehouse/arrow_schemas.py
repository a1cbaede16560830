"""The columns and types of Arrow batches, as they are staged. Arrow itself loads when used."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from typing import Any

from oso_dagster.domain.catalogue.loading import Extract

_GATHERED_BYTES = 8 * 2**20
"""About what batches have together in Arrow's memory: each makes a part of a file, whose description stays in memory."""


def typed(batch: Any) -> Any:
    """A batch with columns that hold nothing but nulls, of no type, as text: dlt would leave them out."""
    import pyarrow as pa  # noqa: PLC0415

    schema = batch.schema
    bare = [position for position, field in enumerate(schema) if pa.types.is_null(field.type)]
    for position in bare:
        schema = schema.set(position, schema.field(position).with_type(pa.string()))
    return batch.cast(schema) if bare else batch


def gathered(batches: Iterable[Any]) -> Generator[Any, None, None]:
    """The batches as they are staged, small ones of one schema that follow each other as one; no row is copied for it."""
    import pyarrow as pa  # noqa: PLC0415

    waiting: list[Any] = []
    size = 0
    for batch in map(typed, batches):
        table = batch if isinstance(batch, pa.Table) else pa.Table.from_batches([batch])
        if waiting and not table.schema.equals(waiting[0].schema):
            yield pa.concat_tables(waiting)
            waiting, size = [], 0
        waiting.append(table)
        size += table.nbytes
        if size >= _GATHERED_BYTES:
            yield pa.concat_tables(waiting)
            waiting, size = [], 0
    if waiting:
        yield pa.concat_tables(waiting)


def fits_together(extract: Extract) -> bool:
    """Whether an extract, whose batches are drawn, can be staged with others: there are rows, of one schema in each table."""
    return any(extract.batches.values()) and all(_is_uniform(batches) for batches in extract.batches.values())


def _is_uniform(batches: Iterable[Any]) -> bool:
    import pyarrow as pa  # noqa: PLC0415

    schema = None
    for batch in batches:
        if not isinstance(batch, pa.Table):
            return False
        this = typed(batch).schema
        if schema is not None and not this.equals(schema):
            return False
        schema = this
    return True
