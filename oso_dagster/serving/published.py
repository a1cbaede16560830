"""What may be read: tables with their columns and descriptions, and how the names that people write lead to them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

from oso_dagster.serving.deprecations import Deprecation
from oso_dagster.serving.failures import Outcome, RefusedError

PUBLIC_SCHEMA = "oso"
"""The schema under which people write every published model: `oso.projects_v1`."""

LAYERS = ("marts", "intermediate", "staging")
"""Where a name without a schema is searched, in this order."""


@dataclass(frozen=True)
class PublishedColumn:
    """One column; `type` as the engine or the declaration names it."""

    name: str
    type: str
    description: str
    deprecation: Deprecation | None = None


@dataclass(frozen=True)
class PublishedTable:
    """One table or view; `upstream` are the full names of the published tables that it is made from, `grain` its key."""

    schema: str
    name: str
    description: str
    columns: tuple[PublishedColumn, ...]
    upstream: tuple[str, ...] = ()
    grain: tuple[str, ...] = ()
    deprecation: Deprecation | None = None

    @property
    def full_name(self) -> str:
        """`schema.name`."""
        return f"{self.schema}.{self.name}"


class Published:
    """Every table that may be read, found by the names that people write, in any case of letters."""

    def __init__(self, tables: Iterable[PublishedTable]) -> None:
        self.tables = {table.full_name: table for table in tables}
        self._bare = {table.name: table for layer in reversed(LAYERS) for table in self.tables.values() if table.schema == layer}

    def resolve(self, schema: str, name: str) -> PublishedTable:
        """The table that `schema.name` means; no `schema` for a bare name. Raises RefusedError, which names similar ones."""
        schema, name = schema.lower(), name.lower()
        table = self._bare.get(name) if schema in {"", PUBLIC_SCHEMA} else self.tables.get(f"{schema}.{name}")
        if table is not None:
            return table
        written = f"{schema}.{name}" if schema else name
        similar = get_close_matches(name, [*self._bare, *self.tables], n=3)
        hint = f"; similar: {', '.join(similar)}" if similar else "; SHOW TABLES lists what there is"
        raise RefusedError(f"no published table is called {written}{hint}", Outcome.USER)

    def closure(self, names: Iterable[str]) -> list[PublishedTable]:
        """These tables and all that they are made from, each once, by full name; names that are not published are left out."""
        seen: dict[str, PublishedTable] = {}
        waiting = list(names)
        while waiting:
            name = waiting.pop()
            if name not in seen and (table := self.tables.get(name)):
                seen[name] = table
                waiting.extend(table.upstream)
        return [seen[name] for name in sorted(seen)]
