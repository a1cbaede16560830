"""The values of a manifest. No SQLMesh, no Dagster."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field


class UnloadableProjectError(Exception):
    """SQLMesh cannot load what is in the folder; the message is SQLMesh's, with what it showed on its console."""


@dataclass(frozen=True)
class Column:
    """One column of a model; `lineage` names the columns it comes from, as `schema.table.column`."""

    name: str
    type: str
    description: str
    lineage: tuple[str, ...] = ()


@dataclass(frozen=True)
class Audit:
    """One audit as it stands on one model, or one unit test of it; `check` is its name as a check, unique on the model."""

    check: str
    name: str
    arguments: Mapping[str, str]
    blocking: bool
    description: str
    unit_test: bool = False


@dataclass(frozen=True)
class Model:
    """One model; `name` and `upstream` are `schema.table`, without a catalogue.

    `interval_unit` is one of SQLMesh's (`day`, `hour`, `five_minute` …); `start` is ISO 8601, or empty when none is declared;
    `goes_on`: of a kind of the project's own, it is computed each time, from its own rows.
    """

    name: str
    kind: str
    description: str
    owner: str
    tags: tuple[str, ...]
    columns: tuple[Column, ...]
    grain: tuple[str, ...]
    upstream: tuple[str, ...]
    audits: tuple[Audit, ...]
    path: str
    sql: str
    incremental: bool
    interval_unit: str
    start: str
    goes_on: bool = False

    @property
    def layer(self) -> str:
        """Its schema."""
        return self.name.split(".")[0]


@dataclass(frozen=True)
class Manifest:
    """All models of a project by name, upstream first; and the audits on tables that no model makes, by table."""

    models: Mapping[str, Model]
    table_audits: Mapping[str, tuple[Audit, ...]] = field(default_factory=dict)

    @property
    def audits(self) -> Iterator[tuple[str, Audit]]:
        """Every audit with the model or table that it is on."""
        for model in self.models.values():
            yield from ((model.name, audit) for audit in model.audits)
        for table, audits in self.table_audits.items():
            yield from ((table, audit) for audit in audits)

    @property
    def raw_tables(self) -> dict[str, tuple[str, ...]]:
        """The tables that no model makes, each with the models that read it."""
        readers: dict[str, list[str]] = {}
        for model in self.models.values():
            for table in model.upstream:
                if table not in self.models:
                    readers.setdefault(table, []).append(model.name)
        return {table: tuple(names) for table, names in sorted(readers.items())}
