"""Tables of a PostgreSQL database as CSV files, all of one instant, and back into empty tables of the same version."""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from oso_dagster.reliability.backup import BackupError

_TABLES = "SELECT table_name FROM information_schema.tables WHERE table_schema = %s AND table_type = 'BASE TABLE' ORDER BY 1"
_SERIALS = """
    SELECT column_name, pg_get_serial_sequence(%s, column_name) FROM information_schema.columns
    WHERE table_schema = %s AND table_name = %s
"""


@dataclass(frozen=True)
class Tables:
    """Whose tables are copied: all of `schema`, or those `named`, in the order in which they refer to each other.

    `versions` is where their owner keeps its version; `history` are the tables that must be empty where a copy is put back.
    """

    owner: str
    connect: dict[str, Any]
    schema: str
    versions: str
    history: Collection[str]
    named: Sequence[str] | None = None

    def copy_out(self, folder: Path) -> int:
        """A file for each table; how many rows."""
        with self._transaction() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            return sum(self._write(cursor, name, folder / f"{name}.csv") for name in self._existing(cursor))

    def copy_in(self, folder: Path) -> int:
        """Put back what `copy_out` wrote; how many rows. Raises BackupError for history that is there, and another version."""
        files = sorted(folder.glob("*.csv"))
        with self._transaction() as cursor:
            existing = set(self._existing(cursor))
            if missing := sorted({file.stem for file in files} - existing):
                raise BackupError(
                    f"{self.owner} has no tables {', '.join(missing)} here: the copy was made by another version of it"
                )
            for name in self.history:
                cursor.execute(self._sql("SELECT EXISTS (SELECT 1 FROM {table})", name))
                if cursor.fetchone()[0]:
                    raise BackupError(f"{self.owner} already holds {name}: restore into an empty database")
            self._same_version(cursor, folder / f"{self.versions}.csv")
            order = {name: place for place, name in enumerate(self.named or ())}
            files.sort(key=lambda file: (order.get(file.stem, 0), file.stem))
            for file in reversed(files):  # what a new database wrote by itself, its identity among it, gives way
                cursor.execute(self._sql("DELETE FROM {table}", file.stem))
            return sum(self._read(cursor, file) for file in files)

    def _existing(self, cursor: Any) -> list[str]:
        cursor.execute(_TABLES, (self.schema,))
        return [name for (name,) in cursor.fetchall() if self.named is None or name in self.named]

    def _same_version(self, cursor: Any, file: Path) -> None:
        cursor.execute(self._sql("SELECT * FROM {table}", self.versions))
        here = sorted(tuple(str(value) for value in row) for row in cursor.fetchall())
        with file.open(newline="") as lines:
            stored = sorted(tuple(row) for row in list(csv.reader(lines))[1:])
        if here != stored:
            raise BackupError(f"the copy was made by another version of {self.owner}: restore with that one, then `oso migrate`")

    def _write(self, cursor: Any, name: str, file: Path) -> int:
        with file.open("w") as lines:
            cursor.copy_expert(self._sql("COPY {table} TO STDOUT WITH (FORMAT csv, HEADER)", name), lines)
        return int(cursor.rowcount)

    def _read(self, cursor: Any, file: Path) -> int:
        name = file.stem
        with file.open(newline="") as lines:
            columns = next(csv.reader(lines))
        with file.open() as lines:
            cursor.copy_expert(self._sql("COPY {table} ({columns}) FROM STDIN WITH (FORMAT csv, HEADER)", name, columns), lines)
        rows = int(cursor.rowcount)
        cursor.execute(_SERIALS, (f'"{self.schema}"."{name}"', self.schema, name))
        for column, sequence in cursor.fetchall():
            if sequence is not None and rows:
                cursor.execute(self._sql("SELECT setval(%s, (SELECT max({columns}) FROM {table}))", name, [column]), (sequence,))
        return rows

    def _sql(self, statement: str, table: str, columns: Sequence[str] = ()) -> Any:
        """A statement with its names quoted by the driver."""
        from psycopg2 import sql  # noqa: PLC0415  (only who keeps something in PostgreSQL has it)

        names = sql.SQL(", ").join(map(sql.Identifier, columns))
        return sql.SQL(statement).format(table=sql.Identifier(self.schema, table), columns=names)

    @contextmanager
    def _transaction(self) -> Iterator[Any]:
        import psycopg2  # noqa: PLC0415  (only who keeps something in PostgreSQL has it)

        with closing(psycopg2.connect(**self.connect)) as connection, connection, connection.cursor() as cursor:
            yield cursor
