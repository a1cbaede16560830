"""Tables of the platform itself, for readers of the warehouse: written whole, in one transaction, with their comments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import duckdb
import pyarrow as pa

from oso_dagster.domain.catalogue.source import Column
from oso_dagster.warehouse.ddl import columns_of, create, describe, quoted

_ARRIVED = "platform_rows"


def create_missing(connection: duckdb.DuckDBPyConnection, name: str, description: str, columns: Sequence[Column]) -> None:
    """Create `platform.<name>`, empty, where it does not exist; one that was made with other columns is written anew later."""
    if columns_of(connection, "platform", [name]):
        return
    where = f"platform.{quoted(name)}"
    create(connection, where, columns)
    describe(connection, where, description, columns, {})


def replace_table(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    description: str,
    columns: Sequence[Column],
    rows: Mapping[str, list[object]],
) -> None:
    """Put `rows`, a list per column, in place of what `platform.<name>` had. The connection is inside `Warehouse.write`."""
    where, names = f"platform.{quoted(name)}", ", ".join(quoted(column.name) for column in columns)
    connection.register(_ARRIVED, pa.table({column.name: rows[column.name] for column in columns}))
    connection.execute("BEGIN")
    try:
        connection.execute(f"DROP TABLE IF EXISTS {where}")
        create(connection, where, columns)
        connection.execute(f"INSERT INTO {where} SELECT {names} FROM {_ARRIVED}")
        describe(connection, where, description, columns, {})
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    finally:
        connection.unregister(_ARRIVED)
