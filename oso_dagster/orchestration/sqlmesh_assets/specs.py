"""From the manifest to asset and check specifications."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import dagster as dg

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


def asset_specs(
    manifest: Manifest, project: Project, raw_assets: Mapping[str, dg.AssetKey], dress: Callable[[Model], Dress]
) -> list[dg.AssetSpec]:
    """One skippable asset per model. Raises UnknownTableError naming every table that is not in `raw_assets`."""
    unknown = {table: readers for table, readers in manifest.raw_tables.items() if table not in raw_assets}
    if unknown:
        lines = (f"{table}, read by {', '.join(readers)}" for table, readers in unknown.items())
        raise UnknownTableError(f"nothing lands {'; '.join(lines)}: declare the table, or mend the model")
    keys = dict(raw_assets) | {name: asset_key(name) for name in manifest.models}
    return [_spec(model, project, keys, dress(model)) for model in manifest.models.values()]


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


def _spec(model: Model, project: Project, keys: Mapping[str, dg.AssetKey], dress: Dress) -> dg.AssetSpec:
    return dg.AssetSpec(
        asset_key(model.name),
        deps=sorted({keys[table] for table in model.upstream}),
        group_name=f"sqlmesh/{_plain(model.layer)}",
        kinds={"sqlmesh", project.engine},
        owners=[_owner(model.owner)] if model.owner else [],
        description="\n\n".join(part for part in (model.description, dress.note) if part),
        tags={f"sqlmesh/{_plain(tag)}": "" for tag in model.tags} | dict(dress.tags),
        skippable=True,
        metadata={
            "dagster/table_name": model.name,
            "dagster/column_schema": _columns(model),
            "dagster/column_lineage": _lineage(model, keys),
            "sqlmesh/kind": model.kind,
            "sqlmesh/grain": ", ".join(model.grain),
            "sqlmesh/file": model.path,
            "sqlmesh/sql": dg.MetadataValue.md(f"```sql\n{model.sql}\n```"),
            "dagster/code_references": _code(project, model),
            **dress.metadata,
        },
    )


def _owner(name: str) -> str:
    """An email address or a team as Dagster writes it; SQLMesh takes any words."""
    return name if name.startswith("team:") or re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", name) else f"team:{_plain(name)}"


def _plain(text: str) -> str:
    """In the letters of which Dagster lets groups and tags be made."""
    return re.sub(r"[^A-Za-z0-9_]", "_", text)[:63]


def _code(project: Project, model: Model) -> dg.CodeReferencesMetadataValue:
    with warnings.catch_warnings(category=dg.BetaWarning, action="ignore"):  # beta, and the only way to link a file
        file = dg.LocalFileCodeReference(file_path=str(project.path.resolve() / model.path))
        return dg.CodeReferencesMetadataValue(code_references=[file])


def _columns(model: Model) -> dg.TableSchema:
    return dg.TableSchema(
        [dg.TableColumn(column.name, type=column.type, description=column.description) for column in model.columns]
    )


def _lineage(model: Model, keys: Mapping[str, dg.AssetKey]) -> dg.TableColumnLineage:
    """Two raw tables may be one asset (a parent and its child), so a pair of asset and column may come twice."""
    deps: dict[str, list[dg.TableColumnDep]] = {}
    for column in model.columns:
        pairs = {(keys[table], name) for table, name in (source.rsplit(".", 1) for source in column.lineage)}
        deps[column.name] = [dg.TableColumnDep(key, name) for key, name in sorted(pairs)]
    return dg.TableColumnLineage(deps)
