"""The interface of a warehouse; `warehouse.embedded` is the one on DuckDB."""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

from oso_dagster.domain.catalogue.loading import (
    DifferentRows,
    Extract,
    Finding,
    Loaded,
    LoadRecord,
    RecordedLoads,
    RefusedError,
)
from oso_dagster.domain.catalogue.partitions import Window
from oso_dagster.domain.catalogue.source import Column, Source, Table


class Warehouse(Protocol):
    """Where rows land. Every method may wait for the writer before it; a load is all or nothing."""

    def lock(self) -> AbstractContextManager[None]:
        """Be the only writer; the lock dies with the process."""

    def held(self, sources: Sequence[Source], *others: Path) -> AbstractContextManager[None]:
        """Be the only one at work from the creation of the declared tables to the end; `others` are files held as well."""

    def read(self) -> AbstractContextManager[Any]:
        """A read-only connection with `execute(sql, parameters)`."""

    def copy(self, target: Path) -> None:
        """Copy all of it to a file, as it is between two writers."""

    def ensure_tables(self, sources: Sequence[Source]) -> None:
        """Create every declared table that does not exist, empty, and every declared column that a table lacks."""

    def last_load(self, source: str, table: str, partition: str | None = None) -> LoadRecord | None:
        """The newest published load, or None."""

    def last_loads(self, source: str, table: str, partitions: Sequence[str | None]) -> dict[str | None, LoadRecord]:
        """The newest published load of each of these partitions."""

    def kept_loads(
        self, source: Source, table: Table, partitions: Sequence[str | None]
    ) -> tuple[dict[str | None, LoadRecord], tuple[DifferentRows, ...]]:
        """The newest published load of each of these partitions, and what of the table has other rows than its records say.

        In one go: opening a warehouse for each takes longer than a small load.
        """

    def recorded_loads(
        self, load_ids: Collection[str] = (), tables: Sequence[tuple[Source, Table]] = ()
    ) -> dict[tuple[str, str], RecordedLoads]:
        """What there are records of, by source and table; of the loads `load_ids`, which there are.

        Of `tables` also what has other rows than the records say.
        """

    def table_rows(self, source: str, table: str) -> int:
        """How many rows a table has."""

    def turn(
        self, source: Source, table: Table, window: Window | None, waiting: Callable[[], None]
    ) -> AbstractContextManager[bool]:
        """Be the only one that loads a table or partition, whether it waited for the one before; `waiting` may end that."""

    def load(
        self,
        source: Source,
        table: Table,
        extract: Extract,
        *,
        fingerprint: str,
        window: Window | None = None,
        allow_shrink: bool = False,
    ) -> Loaded:
        """Stage, judge and publish; raises RefusedError with nothing changed."""

    def load_together(
        self,
        source: Source,
        table: Table,
        extracts: Sequence[tuple[Window, Extract]],
        *,
        fingerprint: str,
        allow_shrink: bool = False,
    ) -> Generator[Loaded | RefusedError, None, None]:
        """Stage drawn extracts that fit together (`staged_together`) at once; then publish each by itself.

        Yields what became of each in turn; what it raises otherwise ends it, with those before published.
        """

    def trial(
        self, source: Source, table: Table, extract: Extract, window: Window | None = None
    ) -> tuple[dict[str, int], list[Finding]]:
        """Stage and judge, and publish nothing; rows by landed table, and the findings of the guards."""

    def replace_platform_table(
        self, name: str, description: str, columns: Sequence[Column], rows: Mapping[str, list[object]]
    ) -> None:
        """Put `rows`, a list per column, in place of what the platform's own table `platform.<name>` had, all or nothing."""
