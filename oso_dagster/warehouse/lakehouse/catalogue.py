"""Iceberg's catalogue in PostgreSQL, with one thing more: the commits of several tables, and the record of a load, at once.

A commit of Iceberg's is one pointer in a row of the database. Several pointers in one transaction are what makes a parent, its
children and the record of their load change together: a reader sees all of the old ones or all of the new ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from pyiceberg.catalog import Catalog
from pyiceberg.catalog.sql import IcebergTables, SqlCatalog
from pyiceberg.exceptions import CommitFailedException, NoSuchTableError
from pyiceberg.table import CommitTableResponse, Table
from sqlalchemy import Connection, select, update

NAME = "lake"
"""What the catalogue is called, in PostgreSQL and in Trino."""


@dataclass(frozen=True)
class Pointer:
    """The new metadata of a table, written and not yet pointed at."""

    namespace: str
    table: str
    before: str
    after: str


class LakeCatalogue(SqlCatalog):  # type: ignore[misc]  # untyped, see pyproject.toml
    """PyIceberg's, which inside `together` gathers commits and then makes them in one transaction."""

    _gathered: list[Pointer] | None = None

    @contextmanager
    def together(self, also: Callable[[Connection], None]) -> Iterator[None]:
        """Gather the commits of the block, then make them all, with what `also` writes, or none.

        Raises CommitFailedException when one of the tables was changed by another meanwhile.
        """
        pointers: list[Pointer] = []
        self._gathered = pointers
        try:
            yield
        finally:
            self._gathered = None
        with self.engine.begin() as connection:
            for pointer in pointers:
                self._point(connection, pointer)
            also(connection)

    def commit_table(self, table: Table, requirements: Any, updates: Any) -> CommitTableResponse:
        """Write the new metadata; inside `together` nothing points at it yet."""
        if self._gathered is None:
            return super().commit_table(table, requirements, updates)
        current = self.load_table(table.name())
        staged = self._update_and_stage_table(current, table.name(), requirements, updates)
        if staged.metadata == current.metadata:
            return CommitTableResponse(metadata=current.metadata, metadata_location=current.metadata_location)
        self._write_metadata(metadata=staged.metadata, io=staged.io, metadata_path=staged.metadata_location)
        namespace = Catalog.namespace_to_string(Catalog.namespace_from(table.name()))
        name = Catalog.table_name_from(table.name())
        self._gathered.append(Pointer(namespace, name, current.metadata_location, staged.metadata_location))
        return CommitTableResponse(metadata=staged.metadata, metadata_location=staged.metadata_location)

    def table_or_none(self, namespace: str, name: str) -> Table | None:
        """A table, or None where there is none."""
        try:
            return self.load_table((namespace, name))
        except NoSuchTableError:
            return None

    def entries(self) -> dict[tuple[str, str], tuple[str, bool]]:
        """All tables and views by namespace and name: where their metadata are, and whether it is a view."""
        columns = (
            IcebergTables.table_namespace,
            IcebergTables.table_name,
            IcebergTables.metadata_location,
            IcebergTables.iceberg_type,
        )
        with self.engine.connect() as connection:
            rows = connection.execute(select(*columns).where(IcebergTables.catalog_name == self.name)).all()
        return {(namespace, name): (str(location), kind == "VIEW") for namespace, name, location, kind in rows}

    def _point(self, connection: Connection, pointer: Pointer) -> None:
        changed = connection.execute(
            update(IcebergTables)
            .where(
                IcebergTables.catalog_name == self.name,
                IcebergTables.table_namespace == pointer.namespace,
                IcebergTables.table_name == pointer.table,
                IcebergTables.metadata_location == pointer.before,
            )
            .values(metadata_location=pointer.after, previous_metadata_location=pointer.before)
        )
        if changed.rowcount != 1:
            raise CommitFailedException(
                f"{pointer.namespace}.{pointer.table} was changed by another writer meanwhile; nothing was written. Run again"
            )


def open_catalogue(url: str, store: str) -> LakeCatalogue:
    """The catalogue at a database's address, with new tables below `store`. Its tables are made where they are missing."""
    return LakeCatalogue(NAME, uri=url, warehouse=store, pool_pre_ping="true")
