"""From the manifest to asset and check specifications."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import dagster as dg

from .garbage import rarely_collected
from .manifest import Manifest, Model
from .project import Project


class UnknownTableError(Exception):
    """A model reads a table that neither a model makes nor anything lands."""


@dataclass(frozen=True)
class Dress:
    """What the platform adds to one model's asset."""

    tags: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, object] = field(default_factory=dict)
    note: str = ""


def asset_key(model: str) -> dg.AssetKey:
    """`[schema, table]`: without the catalogue, which for DuckDB is the name of a file."""
    return dg.AssetKey(model.split("."))


@rarely_collected()
def asset_specs(
    manifest: Manifest, project: Project, raw_assets: Mapping[str, dg.AssetKey], dress: Callable[[Model], Dress]
) -> list[dg.AssetSpec]:
    """One skippable asset per model. Raises UnknownTableError naming every table that is not in `raw_assets`."""
    unknown = {table: readers for table, readers in manifest.raw_tables.items() if table not in raw_assets}
    if unknown:
        lines = (f"{table}, read by {', '.join(readers)}" for table, readers in unknown.items())
        raise UnknownTableError(f"nothing lands {'; '.join(lines)}: declare the table, or mend the model")
    with warnings.catch_warnings(category=dg.BetaWarning, action="ignore"):  # code references are, and the only link to a file
        maker = _Maker(project, dict(raw_assets) | {name: asset_key(name) for name in manifest.models})
        return [maker.spec(model, dress(model)) for model in manifest.models.values()]


@rarely_collected()
def check_specs(manifest: Manifest) -> list[dg.AssetCheckSpec]:
    """One check per audit. What a failing one means (ERROR or WARN) is told with its result."""
    return [
        dg.AssetCheckSpec(
            audit.check,
            asset=asset_key(model.name),
            description=f"{audit.description}; {'blocking' if audit.blocking else 'a warning'}",
            metadata={"blocking": audit.blocking},
        )
        for model in manifest.models.values()
        for audit in model.audits
    ]


class _Maker:
    """Makes the specifications of one project; what several of them hold is made once."""

    def __init__(self, project: Project, keys: Mapping[str, dg.AssetKey]) -> None:
        self._kinds = {"sqlmesh", project.engine}
        self._root = str(project.path.resolve())
        self._keys = keys
        self._deps = {key: dg.AssetDep(key) for key in keys.values()}
        self._origins = _Origins(keys)

    def spec(self, model: Model, dress: Dress) -> dg.AssetSpec:
        return dg.AssetSpec(
            self._keys[model.name],
            deps=[self._deps[key] for key in sorted({self._keys[table] for table in model.upstream})],
            group_name=f"sqlmesh/{_plain(model.layer)}",
            kinds=self._kinds,
            owners=[_owner(model.owner)] if model.owner else [],
            description="\n\n".join(part for part in (model.description, dress.note) if part),
            tags={f"sqlmesh/{_plain(tag)}": "" for tag in model.tags} | dict(dress.tags),
            skippable=True,
            metadata={
                "dagster/table_name": model.name,
                "dagster/column_schema": _columns(model),
                "dagster/column_lineage": _lineage(model, self._origins),
                "sqlmesh/kind": model.kind,
                "sqlmesh/grain": ", ".join(model.grain),
                "sqlmesh/file": model.path,
                "sqlmesh/sql": dg.MetadataValue.md(f"```sql\n{model.sql}\n```"),
                "dagster/code_references": _code(f"{self._root}/{model.path}"),
                **dress.metadata,
            },
        )


class _Origins(dict[str, dg.TableColumnDep]):
    """The columns that others come from, by `schema.table.column`; each is made once, however many come from it."""

    def __init__(self, keys: Mapping[str, dg.AssetKey]) -> None:
        super().__init__()
        self._keys = keys

    def __missing__(self, source: str) -> dg.TableColumnDep:
        table, name = source.rsplit(".", 1)
        self[source] = made = dg.TableColumnDep(self._keys[table], name)
        return made


def _owner(name: str) -> str:
    """An email address or a team as Dagster writes it; SQLMesh takes any words."""
    return name if name.startswith("team:") or re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", name) else f"team:{_plain(name)}"


def _plain(text: str) -> str:
    """In the letters of which Dagster lets groups and tags be made."""
    return re.sub(r"[^A-Za-z0-9_]", "_", text)[:63]


def _code(path: str) -> dg.CodeReferencesMetadataValue:
    return dg.CodeReferencesMetadataValue(code_references=[dg.LocalFileCodeReference(file_path=path)])


def _columns(model: Model) -> dg.TableSchema:
    return dg.TableSchema(
        [dg.TableColumn(column.name, type=column.type, description=column.description) for column in model.columns]
    )


def _lineage(model: Model, origins: Mapping[str, dg.TableColumnDep]) -> dg.TableColumnLineage:
    """Two raw tables may be one asset (a parent and its child), so a pair of asset and column may come twice."""
    return dg.TableColumnLineage(
        {column.name: list(dict.fromkeys(map(origins.__getitem__, column.lineage))) for column in model.columns}
    )
