"""Tables of any database with a SQLAlchemy URL as Arrow: whole, or what changed since a time.

Only the columns that a source declares are named in a query, each quoted in the engine's way and read as its declared type; what
the table really looks like is asked first, so that a refused login, a lost column or a changed type is an error by name.
PostgreSQL is read by connectorx, every other engine through SQLAlchemy; sessions are read-only where the engine can say so.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

import pyarrow as pa
from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from oso_dagster.connectors.arrow import schema_of
from oso_dagster.connectors.database import any_engine, postgres_engine
from oso_dagster.connectors.database.column_types import ACCEPTED, Changes, DatabaseError, Field, opened

__all__ = ["Changes", "DatabaseError", "Field", "InspectedTable", "digest", "inspect_table"]


@dataclass(frozen=True)
class InspectedTable:
    """A table that is there and may be read: its columns with their types, by name."""

    address: URL = field(repr=False)
    table: str
    columns: Mapping[str, str]

    def unknown(self, fields: Sequence[Field], left_out: Collection[str] = ()) -> list[str]:
        """The columns that nobody declared, `left_out` excepted. Raises DatabaseError for lost or changed ones."""
        lost = [field_.upstream for field_ in fields if field_.upstream not in self.columns]
        if lost:
            raise DatabaseError(
                f"{self.table}: columns are missing upstream: {', '.join(lost)}. Change the declared columns to match"
            )
        also = {} if _postgres(self.address) else any_engine.ALSO
        changed = [
            f"{field_.upstream} is {kind}, {field_.column.type_name} is declared"
            for field_ in fields
            if (kind := self.columns[field_.upstream])
            not in ACCEPTED[field_.column.type] | field_.also | also.get(field_.column.type, frozenset())
        ]
        if changed:
            raise DatabaseError(f"{self.table}: columns have changed their type: {'; '.join(changed)}")
        return sorted(self.columns.keys() - {field_.upstream for field_ in fields} - set(left_out))

    def opened(self, unknown: Sequence[str], fields: Sequence[Field]) -> list[Field]:
        """Those of the `unknown` columns that can arrive beside the declared `fields`."""
        taken = {field_.column.name for field_ in fields}
        candidates = [opened(name, self.columns[name]) for name in unknown]
        return [candidate for candidate in candidates if candidate is not None and candidate.column.name not in taken]

    def read(self, fields: Sequence[Field], changes: Changes | None = None) -> pa.Table:
        """The columns `fields` of all rows, or of those that `changes` names, with the declared names and types."""
        engine = postgres_engine if _postgres(self.address) else any_engine
        rows = engine.read(self.address, self.table, fields, changes)
        schema = schema_of([field_.column for field_ in fields])
        try:
            columns = [rows[field_.name].cast(field_.type) for field_ in schema]
        except pa.ArrowInvalid as error:
            raise DatabaseError(f"{self.table}: a value does not fit its declared type: {error}") from error
        return pa.Table.from_arrays(columns, schema=schema)


def inspect_table(url: str, table: str) -> InspectedTable:
    """Log in and read the columns of a table. Raises DatabaseError, at once for a refused login, and never shows the address."""
    try:
        address = make_url(url)
    except ArgumentError:
        raise DatabaseError("the address is no SQLAlchemy URL such as postgresql://user:password@host/database") from None
    engine = postgres_engine if _postgres(address) else any_engine
    columns = engine.columns(address, table)
    if not columns:
        raise DatabaseError(f"{table}: no such table for this user. Check the address, the schema and the grants")
    return InspectedTable(address, table, columns)


def digest(*tables: pa.Table, unknown: Sequence[str] = ()) -> str:
    """A name for exactly these rows in this order, and the columns that upstream has beside them: a new one is news as well."""
    content = sha256("\n".join(unknown).encode())
    for table in tables:
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table.combine_chunks())
        content.update(sink.getvalue())
    return content.hexdigest()[:16]


def _postgres(address: URL) -> bool:
    return address.get_backend_name() in {"postgresql", "postgres"}
