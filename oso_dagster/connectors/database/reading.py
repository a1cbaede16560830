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
from oso_dagster.connectors.database import any_engine as database_any
from oso_dagster.connectors.database import postgres_engine as database_postgres
from oso_dagster.connectors.database.column_types import ACCEPTED, Changes, DatabaseError, Field, opened

__all__ = ["Changes", "DatabaseError", "Field", "Looked", "digest", "look"]


@dataclass(frozen=True)
class Looked:
    """A table that is there and may be read: its columns with their types, by name."""

    address: URL = field(repr=False)
    table: str
    columns: Mapping[str, str]

    def unknown(self, fields: Sequence[Field], left_out: Collection[str] = ()) -> list[str]:
        """The columns that nobody declared, `left_out` excepted. Raises DatabaseError for lost or changed ones."""
        lost = [one.upstream for one in fields if one.upstream not in self.columns]
        if lost:
            raise DatabaseError(
                f"{self.table}: columns were lost upstream: {', '.join(lost)}. Follow the change in the declared columns"
            )
        also = {} if _postgres(self.address) else database_any.ALSO
        changed = [
            f"{one.upstream} is {kind}, {one.column.type.value} is declared"
            for one in fields
            if (kind := self.columns[one.upstream])
            not in ACCEPTED[one.column.type] | one.also | also.get(one.column.type, frozenset())
        ]
        if changed:
            raise DatabaseError(f"{self.table}: columns have changed their type: {'; '.join(changed)}")
        return sorted(self.columns.keys() - {one.upstream for one in fields} - set(left_out))

    def opened(self, unknown: Sequence[str], fields: Sequence[Field]) -> list[Field]:
        """Those of the `unknown` columns that can arrive beside the declared `fields`."""
        taken = {one.column.name for one in fields}
        found = [opened(name, self.columns[name]) for name in unknown]
        return [one for one in found if one is not None and one.column.name not in taken]

    def read(self, fields: Sequence[Field], changes: Changes | None = None) -> pa.Table:
        """The columns `fields` of all rows, or of those that `changes` names, with the declared names and types."""
        engine = database_postgres if _postgres(self.address) else database_any
        rows = engine.read(self.address, self.table, fields, changes)
        schema = schema_of([one.column for one in fields])
        try:
            columns = [rows[one.name].cast(one.type) for one in schema]
        except pa.ArrowInvalid as error:
            raise DatabaseError(f"{self.table}: a value does not fit its declared type: {error}") from error
        return pa.Table.from_arrays(columns, schema=schema)


def look(url: str, table: str) -> Looked:
    """Log in and look at a table. Raises DatabaseError, at once for a refused login, and never shows the address."""
    try:
        address = make_url(url)
    except ArgumentError:
        raise DatabaseError("the address is no SQLAlchemy URL such as postgresql://user:password@host/database") from None
    engine = database_postgres if _postgres(address) else database_any
    columns = engine.columns(address, table)
    if not columns:
        raise DatabaseError(f"{table}: no such table for this user. Check the address, the schema and the grants")
    return Looked(address, table, columns)


def digest(*tables: pa.Table, unknown: Sequence[str] = ()) -> str:
    """A name for exactly these rows in this order, and the columns that upstream has beside them: a new one is news as well."""
    said = sha256("\n".join(unknown).encode())
    for table in tables:
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table.combine_chunks())
        said.update(sink.getvalue())
    return said.hexdigest()[:16]


def _postgres(address: URL) -> bool:
    return address.get_backend_name() in {"postgresql", "postgres"}
