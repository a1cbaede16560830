"""What a source is: plain, frozen values that refuse to be built wrong.

Belongs here: `Source` and `Table`. Does not: how rows are fetched (`connectors`), where they land (`warehouse`), how Dagster
shows them (`orchestration`). Columns, terms, partitions, settings and one load have modules of their own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from oso_dagster.domain.catalogue.column import Child, Column, ColumnType, require
from oso_dagster.domain.catalogue.promise import TermsOfLoad, refuse_unkept
from oso_dagster.domain.catalogue.setting import Setting, SettingKind
from oso_dagster.domain.catalogue.table_rules import IDENTIFIER, refuse_ill_declared
from oso_dagster.domain.catalogue.table_terms import TableTerms
from oso_dagster.domain.catalogue.terms import Cost, Disposition, Evidence, Retries, Schedule, SchemaContract
from oso_dagster.domain.catalogue.truth import Regime, Retired

__all__ = [
    "RESERVED_SCHEMAS",
    "Child",
    "Column",
    "ColumnType",
    "Cost",
    "Disposition",
    "Evidence",
    "Regime",
    "Retired",
    "Retries",
    "Schedule",
    "SchemaContract",
    "Setting",
    "SettingKind",
    "Source",
    "Stability",
    "Table",
]

RESERVED_SCHEMAS = frozenset({"staging", "intermediate", "marts", "slo", "status", "platform", "main", "information_schema"})
"""Schemas that belong to SQLMesh, to the platform or to the engine: no source may take these names."""

_OWNER = re.compile(r"(team:[A-Za-z0-9_.-]+|[^@\s]+@[^@\s]+\.[^@\s]+)\Z")


class Stability(StrEnum):
    """How much the platform promises about a source: `core` is held to strict objectives, `unstable` to loose ones."""

    CORE = "core"
    UNSTABLE = "unstable"


@dataclass(frozen=True)
class Table(TableTerms):
    """One dataset of a source: one Dagster asset, one op, one retry unit. `TableTerms` has the fields with their meaning."""

    def __post_init__(self) -> None:
        refuse_ill_declared(self)


@dataclass(frozen=True)
class Source:
    """An upstream system and the tables taken from it.

    `clients` names ready-made clients that orchestration builds and hands in (`ExtractRequest.clients`), such as `bigquery`.
    A `retired` source is no more upstream: its rows are kept, it is not asked, and no objective counts it.
    """

    name: str
    title: str
    homepage: str
    licence: str
    owner: str
    stability: Stability
    tables: tuple[Table, ...]
    settings: tuple[Setting, ...] = ()
    clients: tuple[str, ...] = ()
    retired: Retired | None = None

    def __post_init__(self) -> None:
        where = f"source {self.name!r}"
        require(IDENTIFIER.match(self.name) is not None, f"{where}: lower-case snake_case only")
        require(self.name not in RESERVED_SCHEMAS, f"{where}: the name is reserved for a schema of the platform")
        require(bool(self.title and self.licence), f"{where}: title and licence are required")
        require(self.homepage.startswith("https://"), f"{where}: the homepage must be an https address")
        require(_OWNER.match(self.owner) is not None, f"{where}: owner {self.owner!r} is neither an e-mail nor team:<name>")
        require(bool(self.tables), f"{where}: no tables")
        require(len({t.name for t in self.tables}) == len(self.tables), f"{where}: two tables share a name")
        require(len({s.name for s in self.settings}) == len(self.settings), f"{where}: two settings share a name")
        if self.stability is Stability.CORE:
            bare = [t.name for t in self.tables if t.promised_within is None]
            require(not bare, f"{where}: core tables without fresh_within: {', '.join(bare)}")
        for table in self.tables:
            refuse_unkept(f"{where}, table {table.name!r}", self.terms_of(table), table.fresh_within, table.events_within)

    def terms_of(self, table: Table) -> TermsOfLoad:
        """When a table of this source is loaded, and how long that takes at most."""
        run = [other for other in self.tables if (other.schedule, other.partitions) == (table.schedule, table.partitions)]
        ahead = sum((member.cost.duration for member in run), timedelta(0)) - table.cost.duration
        return TermsOfLoad(table.schedule, table.cost, table.retries, table.partitions, ahead)
