"""Holds the tables of a DuckDB file against those of the lakehouse, row by row, in DuckDB.

DOUBLE values are compared to nine digits, since a sum of doubles depends on the order of its rows; all else exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from oso_dagster.warehouse.ddl import literal, quoted


class Read(Protocol):
    """A warehouse that can be read and kept from writers."""

    def lock(self) -> AbstractContextManager[None]:
        """Keep writers out."""

    def read(self) -> AbstractContextManager[Any]:
        """A connection."""


@dataclass(frozen=True)
class Compared:
    """A model: its rows on either side, how many of them the other side has not, and examples of these.

    `problem`: why it could not be compared, such as a table that one side has not.
    """

    model: str
    rows: tuple[int, int] = (0, 0)
    only: tuple[int, int] = (0, 0)
    examples: Sequence[tuple[str, tuple[Any, ...]]] = field(default_factory=tuple)
    problem: str = ""

    @property
    def equal(self) -> bool:
        """Whether both sides have the same rows."""
        return not any(self.only) and not self.problem


def compared_tables(
    embedded: Read,
    lakehouse: Read,
    path: Path,
    names: Sequence[str],
    examples: int,
    computed: Mapping[str, Callable[[], Any]] | None = None,
    without: Mapping[str, str] | None = None,
) -> Iterator[Compared]:
    """Each table `schema.name`, compared; `computed` gives rows in place of its own, `without` the condition of rows left out."""
    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist: nothing was loaded with OSO_PROFILE=embedded")
    with embedded.lock(), lakehouse.read() as connection:
        connection.execute(f"ATTACH {literal(str(path))} AS {quoted(path.stem)} (READ_ONLY)")
        for name in names:
            try:
                query = (computed or {}).get(name)
                if query is not None:
                    connection.put_rows(name, query())
                yield _compared(connection, path.stem, name, examples, (without or {}).get(name, "false"))
            except Exception as error:  # noqa: BLE001  (whatever one model cannot is its own result)
                yield Compared(name, problem=f"{type(error).__name__}: {error}")


def _compared(connection: Any, database: str, name: str, examples: int, without: str) -> Compared:
    relation = ".".join(map(quoted, name.split(".")))
    sides = (f"{quoted(database)}.{relation}", relation)
    here, there = ({row[0]: row[1] for row in connection.execute(f"DESCRIBE SELECT * FROM {side}").fetchall()} for side in sides)
    if here.keys() != there.keys():
        differing = ", ".join(sorted(here.keys() ^ there.keys()))
        return Compared(name, problem=f"the two sides have other columns: {differing}")
    chosen = ", ".join(_value(column, kind) for column, kind in here.items())
    queries = [f"SELECT {chosen} FROM {side} WHERE NOT ({without})" for side in sides]
    rows = [connection.execute(f"SELECT count(*) FROM ({query})").fetchone()[0] for query in queries]
    only, shown = [], []
    for label, mine, other in (("duckdb", *queries), ("trino", *reversed(queries))):
        difference = f"({mine}) EXCEPT ALL ({other})"
        count = connection.execute(f"SELECT count(*) FROM ({difference})").fetchone()[0]
        only.append(count)
        if count:
            listed = connection.execute(f"{difference} ORDER BY ALL LIMIT {examples}").fetchall()
            shown += [(label, row) for row in listed]
    return Compared(name, (rows[0], rows[1]), (only[0], only[1]), tuple(shown))


def _value(column: str, kind: str) -> str:
    """A column as it is compared: in DuckDB's type, doubles to nine digits."""
    cast = f"CAST({quoted(column)} AS {kind})"
    return (f"printf('%.8e', {cast})" if kind in {"DOUBLE", "FLOAT"} else cast) + f" AS {quoted(column)}"
