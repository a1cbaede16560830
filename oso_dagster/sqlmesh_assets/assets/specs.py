"""From the manifest to asset and check specifications."""

from __future__ import annotations

import hashlib
import re
import warnings
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

import dagster as dg

from ..asset_keys import asset_key
from ..gc_tuning import infrequent_gc
from ..manifest.contents import Manifest, Model
from ..project import Project

AUDIT: Final = "audit"
"""The key of a check's metadata that holds the audit's name in `AuditDone`."""
TABLE: Final = "table"
"""The key of a check's metadata that holds the model or table in `AuditDone`."""
EXTERNAL: Final = "external"
"""The key of a check's metadata that holds whether it is on a table that no model makes."""
UNIT_TEST: Final = "unit_test"
"""The key of a check's metadata that holds whether it is a unit test, which looks at the code and at no row."""


class UnknownTableError(Exception):
    """A model reads a table that is neither a model nor among the raw assets."""


@dataclass(frozen=True)
class AssetExtras:
    """What the caller adds to one model's asset; `note` is a paragraph of its description."""

    tags: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, object] = field(default_factory=dict)
    note: str = ""


@infrequent_gc()
def asset_specs(
    manifest: Manifest, project: Project, raw_assets: Mapping[str, dg.AssetKey], extras: Callable[[Model], AssetExtras]
) -> list[dg.AssetSpec]:
    """One skippable asset per model. Raises UnknownTableError naming every table that is not in `raw_assets`."""
    unknown = {table: readers for table, readers in manifest.raw_tables.items() if table not in raw_assets}
    if unknown:
        lines = (f"{table}, read by {', '.join(readers)}" for table, readers in unknown.items())
        raise UnknownTableError(f"no asset is the table {'; '.join(lines)}: name its asset, or correct the model")
    with warnings.catch_warnings(
        category=dg.BetaWarning, action="ignore"
    ):  # code references are in beta, and the only link to a file
        factory = _SpecFactory(project, dict(raw_assets) | {name: asset_key(name) for name in manifest.models})
        return [factory.spec(model, extras(model)) for model in manifest.models.values()]


@infrequent_gc()
def check_specs(manifest: Manifest, raw_assets: Mapping[str, dg.AssetKey] = MappingProxyType({})) -> list[dg.AssetCheckSpec]:
    """One check per audit and unit test. Its severity (ERROR or WARN) comes with its result.

    An audit on a table that no model makes is a check of the table's asset, which `raw_assets` names if it is not
    `[schema, table]`.
    """
    keys = check_keys(manifest, raw_assets)
    return [
        dg.AssetCheckSpec(
            keys[table, audit.check].name,
            asset=keys[table, audit.check].asset_key,
            description=f"{audit.description}; {'blocking' if audit.blocking else 'a warning'}",
            metadata={
                "blocking": audit.blocking,
                AUDIT: audit.check,
                TABLE: table,
                EXTERNAL: table not in manifest.models,
                UNIT_TEST: audit.unit_test,
            },
        )
        for table, audit in manifest.audits
    ]


def check_keys(
    manifest: Manifest, raw_assets: Mapping[str, dg.AssetKey] = MappingProxyType({})
) -> dict[tuple[str, str], dg.AssetCheckKey]:
    """Dagster's key of each audit by its model or table and its name; the check is called like the audit.

    Dagster writes asset and check in one word, so `daily` of `marts.events` reads as `marts.events_daily` does. A check that
    reads like an asset or another check has a hash in its name.
    """
    assets = {name: asset_key(name) for name in manifest.models}
    assets |= {table: raw_assets.get(table, asset_key(table)) for table in manifest.table_audits}
    texts = {name: key.to_python_identifier() for name, key in assets.items()}
    words = {(table, audit.check): f"{texts[table]}_{audit.check}" for table, audit in manifest.audits}
    uses = Counter([*texts.values(), *words.values()])
    return {
        (table, check): dg.AssetCheckKey(assets[table], check if uses[word] == 1 else f"{check}_{_digest(table, check)}")
        for (table, check), word in words.items()
    }


def _digest(*words: str) -> str:
    return hashlib.sha256("\0".join(words).encode()).hexdigest()[:8]


class _SpecFactory:
    """Makes the specifications of one project; objects that several of them share are made once."""

    def __init__(self, project: Project, keys: Mapping[str, dg.AssetKey]) -> None:
        self._kinds = {"sqlmesh", project.engine}
        self._root = str(project.path.resolve())
        self._keys = keys
        self._deps = {key: dg.AssetDep(key) for key in keys.values()}
        self._origins = _Origins(keys)

    def spec(self, model: Model, extras: AssetExtras) -> dg.AssetSpec:
        return dg.AssetSpec(
            self._keys[model.name],
            deps=[self._deps[key] for key in sorted({self._keys[table] for table in model.upstream})],
            group_name=f"sqlmesh/{_identifier(model.layer)}",
            kinds=self._kinds,
            owners=[_owner(model.owner)] if model.owner else [],
            description="\n\n".join(part for part in (model.description, extras.note) if part),
            tags={f"sqlmesh/{_identifier(tag)}": "" for tag in model.tags} | dict(extras.tags),
            skippable=True,
            metadata={
                "dagster/table_name": model.name,
                "dagster/column_schema": _columns(model),
                "dagster/column_lineage": _lineage(model, self._origins),
                "sqlmesh/kind": model.kind,
                "sqlmesh/goes_on": model.goes_on,
                "sqlmesh/grain": ", ".join(model.grain),
                "sqlmesh/file": model.path,
                "sqlmesh/sql": dg.MetadataValue.md(f"```sql\n{model.sql}\n```"),
                "dagster/code_references": _code(f"{self._root}/{model.path}"),
                **extras.metadata,
            },
        )


class _Origins(dict[str, dg.TableColumnDep]):
    """Upstream columns by `schema.table.column`; each is made once, however many columns derive from it."""

    def __init__(self, keys: Mapping[str, dg.AssetKey]) -> None:
        super().__init__()
        self._keys = keys

    def __missing__(self, source: str) -> dg.TableColumnDep:
        table, name = source.rsplit(".", 1)
        self[source] = origin = dg.TableColumnDep(self._keys[table], name)
        return origin


def _owner(name: str) -> str:
    """An email address or a team, as Dagster demands; SQLMesh takes any text."""
    return name if name.startswith("team:") or re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", name) else f"team:{_identifier(name)}"


def _identifier(text: str) -> str:
    """The text in the letters that Dagster allows in groups and tags, at most 63."""
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
