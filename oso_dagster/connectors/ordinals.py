"""Ids for rows that upstream tells apart by nothing: a digest of the whole row, and its ordinal among equal ones."""

from __future__ import annotations

import duckdb
import pyarrow as pa


def with_ids(rows: pa.Table, name: str) -> pa.Table:
    """The rows, in the order of a new first column `name`: SHA-256 of a row's values in JSON and its ordinal among equal rows.

    Ids and order survive any reordering upstream; a change of a value makes another id.
    """
    names = ", ".join('"' + column.replace('"', '""') + '"' for column in rows.column_names)
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.register("given", rows)
        query = f"""
            SELECT sha256(concat(row_number() OVER (PARTITION BY said), chr(10), said)), {names}
            FROM (SELECT CAST(to_json(given) AS VARCHAR) AS said, * FROM given)
            ORDER BY 1"""  # noqa: S608  (quoted identifiers)
        ids = connection.execute(query).to_arrow_table()
    return pa.Table.from_arrays([column.combine_chunks() for column in ids.columns], [name, *rows.column_names])
