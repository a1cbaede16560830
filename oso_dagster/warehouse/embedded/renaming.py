"""A thing that upstream calls otherwise now keeps its rows: those under its old name are moved to the new one."""

from __future__ import annotations

from typing import Any

import duckdb

from oso_dagster.domain.catalogue.loading import LoadRecord, RefusedError
from oso_dagster.domain.catalogue.source import Table
from oso_dagster.domain.catalogue.table_names import table_name
from oso_dagster.domain.catalogue.truth import RENAMED
from oso_dagster.warehouse.ddl import quoted

ROWS_RENAMED = "rows_renamed"
"""The fact, a number, of rows of the parent table that stand under another name now."""


def rename_items(connection: duckdb.DuckDBPyConnection, record: LoadRecord, table: Table) -> dict[str, Any]:
    """Move the rows of the items that were renamed, nested ones too; a fact of how many, where there were any.

    Where a row of that key stands under the new name already, the old one goes: the new name's is the newer. Raises RefusedError
    for a table that does not declare `follows_renames`.
    """
    renamed: dict[str, str] = record.facts.get(RENAMED) or {}
    if not renamed:
        return {}
    if not table.follows_renames:
        where = table_name(record.source, table.name)
        raise RefusedError(f"{where}: the load says that items were renamed; declare follows_renames, or leave {RENAMED} away")
    moved = {
        name: sum(_rename(connection, record.source, table, name, *pair) for pair in renamed.items()) for name in table.physical
    }
    return {ROWS_RENAMED: moved[table.name]}


def _rename(connection: duckdb.DuckDBPyConnection, source: str, table: Table, name: str, before: str, now: str) -> int:
    target, item = f"{quoted(source)}.{quoted(name)}", quoted(str(table.item_columns[name]))
    others = [quoted(column) for column in table.keys[name] if column != table.item_columns[name]]
    same = " AND ".join(f"new.{column} = old.{column}" for column in others) or "TRUE"
    newer = f"EXISTS (SELECT 1 FROM {target} AS new WHERE new.{item} = ? AND {same})"
    connection.execute(f"DELETE FROM {target} AS old WHERE {newer} AND old.{item} = ?", [now, before])
    moved = connection.execute(f"UPDATE {target} SET {item} = ? WHERE {item} = ?", [now, before]).fetchone()
    return int(moved[0]) if moved else 0
