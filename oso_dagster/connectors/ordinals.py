"""Ids for rows that nothing upstream tells apart: a digest of the whole row, and its ordinal among equal ones."""

from __future__ import annotations

from collections.abc import Collection

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from oso_dagster.domain.catalogue.loading import RefusedError


def with_ids(rows: pa.Table, name: str, beside: Collection[str] = ()) -> pa.Table:
    """The rows, in the order of a new first column `name`: SHA-256 of a row's values in JSON and its ordinal among equal rows.

    Ids and order survive any reordering upstream; a change of a value makes another id, except of the columns `beside`. Some rows
    may be equal; where each one has its like, an answer came twice: raises RefusedError.
    """
    names = ", ".join(map(_quoted, rows.column_names))
    counted = ", ".join(f"{_quoted(column)} := {_quoted(column)}" for column in rows.column_names if column not in beside)
    order = f" ORDER BY {', '.join(map(_quoted, beside))}" if beside else ""
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.register("given", rows)
        query = f"""
            SELECT count(*) OVER alike, sha256(concat(row_number() OVER (alike{order}), chr(10), said)), {names}
            FROM (SELECT CAST(to_json(struct_pack({counted})) AS VARCHAR) AS said, * FROM given)
            WINDOW alike AS (PARTITION BY said)
            ORDER BY 2"""  # noqa: S608  (quoted identifiers)
        times, *identities = connection.execute(query).to_arrow_table().columns
    if (least := pc.min(times).as_py() or 1) > 1:
        raise RefusedError(f"each of the {rows.num_rows:,} rows came {least} times: upstream repeated its answer")
    return pa.Table.from_arrays([column.combine_chunks() for column in identities], [name, *rows.column_names])


def _quoted(column: str) -> str:
    return '"' + column.replace('"', '""') + '"'
