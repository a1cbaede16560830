"""The values that an extraction gets from tables loaded before it: the distinct ones of the columns that it `needs`."""

from __future__ import annotations

from collections.abc import Sequence

import dagster as dg

from oso_dagster.domain.catalogue.loading import RefusedError
from oso_dagster.domain.catalogue.source import Table
from oso_dagster.domain.catalogue.table_names import table_name
from oso_dagster.warehouse.base import Warehouse


def inputs_of(warehouse: Warehouse, table: Table) -> dict[str, Sequence[str]]:
    """The sorted distinct values by need. Raises RefusedError when a needed table has no rows: nothing would be requested."""
    return values_of(warehouse, table.needs) | {need: _values_if_loaded(warehouse, need) for need in table.needs_if_loaded}


def values_of(warehouse: Warehouse, needs: Sequence[str]) -> dict[str, Sequence[str]]:
    """The same of needs that are no table's own, such as those of its second count."""
    return {need: _values(warehouse, need) for need in needs}


def keys_of(table: Table) -> list[dg.AssetKey]:
    """The assets that land what a table needs."""
    landed = [need.split(".")[:2] for need in (*table.needs, *table.needs_if_loaded)]
    return sorted({dg.AssetKey([source, name.split("__", maxsplit=1)[0]]) for source, name in landed})


def _values_if_loaded(warehouse: Warehouse, need: str) -> list[str]:
    source, table, _ = need.split(".")
    there = warehouse.last_load(source, table.split("__", maxsplit=1)[0]) is not None
    return _values(warehouse, need) if there else []


def _values(warehouse: Warehouse, need: str) -> list[str]:
    source, table, column = need.split(".")
    parent = table.split("__", maxsplit=1)[0]
    landed = table_name(source, parent)
    if warehouse.last_load(source, parent) is None:
        raise RefusedError(f"it needs {need}, and {landed} was never loaded: load that first, then run this again")
    # The three names are identifiers by declaration (`Table.needs`), nothing that a person typed.
    query = f'SELECT DISTINCT "{column}" FROM "{source}"."{table}" WHERE "{column}" IS NOT NULL ORDER BY 1'  # noqa: S608
    with warehouse.read() as connection:
        rows = connection.execute(query).fetchall()
    if not rows:
        raise RefusedError(f"it needs {need}, which has no values, so nothing would be requested. Check the rows of {landed}")
    return [str(row[0]) for row in rows]
