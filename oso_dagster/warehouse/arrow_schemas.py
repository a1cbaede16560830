"""The columns and types of Arrow batches, as they are staged. Arrow itself loads when used."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from oso_dagster.domain.catalogue.loading import Extract


def typed(batch: Any) -> Any:
    """A batch with columns that hold nothing but nulls, of no type, as text: dlt would leave them out."""
    import pyarrow as pa  # noqa: PLC0415

    schema = batch.schema
    bare = [position for position, field in enumerate(schema) if pa.types.is_null(field.type)]
    for position in bare:
        schema = schema.set(position, schema.field(position).with_type(pa.string()))
    return batch.cast(schema) if bare else batch


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
