"""Asks a Trino one question, and has the rows as Arrow: of what only Trino can compute, such as its views."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote, urlsplit

import pyarrow as pa
from trino.auth import BasicAuthentication
from trino.dbapi import connect

from oso_dagster.warehouse.ddl import quoted
from oso_dagster.warehouse.lakehouse.catalogue import NAME


def rows_of_query(address: str, query: str) -> pa.Table:
    """The rows of a query, all of them in memory. Raises what the client raises; its error names the query's id."""
    parts = urlsplit(address)
    user = unquote(parts.username or "oso")
    auth = BasicAuthentication(user, unquote(parts.password)) if parts.password else None
    place: dict[str, Any] = {"host": parts.hostname, "port": parts.port, "http_scheme": parts.scheme}
    with connect(**place, user=user, auth=auth, catalog=NAME, timezone="UTC") as connection:  # type: ignore[no-untyped-call]
        cursor = connection.cursor()
        cursor.execute(query)
        rows = cursor.fetchall()
        names = [column[0] for column in cursor.description or ()]
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(names)
    return pa.table({name: pa.array(values) for name, values in zip(names, columns, strict=True)})


def rows_of_table(address: str, name: str) -> pa.Table:
    """The rows of the table or view `schema.name`."""
    return rows_of_query(address, f"SELECT * FROM {'.'.join(map(quoted, name.split('.')))}")
