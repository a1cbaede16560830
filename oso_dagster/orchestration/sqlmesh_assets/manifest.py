"""What a SQLMesh project holds, as plain values kept in a file: enough to define its assets without SQLMesh.

The file's name carries the fingerprint of the project, so a stale manifest is never read; one that cannot be read, or is
not what was written, is built again. It is looked for beside the project first, where an image ships it, then in the cache.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile

import msgspec
from filelock import FileLock

from .garbage import rarely_collected
from .project import Project


@dataclass(frozen=True)
class Column:
    """One column of a model; `lineage` names the columns it comes from, as `schema.table.column`."""

    name: str
    type: str
    description: str
    lineage: tuple[str, ...] = ()


@dataclass(frozen=True)
class Audit:
    """One audit as it stands on one model; `check` is its name as a check, unique on the model."""

    check: str
    name: str
    arguments: Mapping[str, str]
    blocking: bool
    description: str


@dataclass(frozen=True)
class Model:
    """One model; `name` and `upstream` are `schema.table`, without a catalogue.

    `interval_unit` is one of SQLMesh's (`day`, `hour`, `five_minute` …); `start` is ISO 8601, or empty when none is declared.
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

    @property
    def layer(self) -> str:
        """Its schema."""
        return self.name.split(".")[0]


@dataclass(frozen=True)
class Manifest:
    """All models of a project by name, upstream first."""

    models: Mapping[str, Model]

    @property
    def raw_tables(self) -> dict[str, tuple[str, ...]]:
        """The tables that no model makes, each with the models that read it."""
        readers: dict[str, list[str]] = {}
        for model in self.models.values():
            for table in model.upstream:
                if table not in self.models:
                    readers.setdefault(table, []).append(model.name)
        return {table: tuple(names) for table, names in sorted(readers.items())}


@rarely_collected()
def load_manifest(project: Project) -> Manifest:
    """The manifest of the project as it is now: read as it was shipped or from the cache, or built and kept in the cache.

    Building needs neither a warehouse nor a network; of processes that start together one builds. Raises what SQLMesh raises
    when the project cannot be loaded.
    """
    name = f"{project.fingerprint()}.json"
    path = project.cache / "manifests" / name
    manifest = _read(_shipped(project) / name) or _read(path)
    if manifest is None:
        project.cache.mkdir(parents=True, exist_ok=True)
        with FileLock(project.cache / "manifests.lock"):
            manifest = _read(path)
            if manifest is None:
                manifest = _build(project)
                _write(path, manifest)
    return manifest


def ship_manifest(project: Project) -> Path:
    """Build the manifest into the project's own folder, in place of older ones, and return where it is."""
    path = _shipped(project) / f"{project.fingerprint()}.json"
    _write(path, _build(project))
    for older in set(path.parent.iterdir()) - {path}:
        older.unlink()
    return path


def fault_of_shipped(project: Project) -> str:
    """What is wrong with the manifest beside the project, in words; empty when it is what would be built now."""
    name = f"{project.fingerprint()}.json"
    folder = _shipped(project)
    if not (folder / name).exists():
        others = folder.exists() and any(folder.iterdir())
        return f"the manifest in {folder} is of another version of the project" if others else f"{folder} holds no manifest"
    shipped = _read(folder / name)
    if shipped is None:
        return f"{folder / name} is damaged"
    return "" if shipped == _build(project) else f"{folder / name} is not what is built now"


def _shipped(project: Project) -> Path:
    return project.path / ".cache" / "manifests"


def _build(project: Project) -> Manifest:
    with rarely_collected():
        from .building import build_manifest  # noqa: PLC0415  (SQLMesh loads when used)

        return build_manifest(project)


def _read(path: Path) -> Manifest | None:
    try:
        digest, body = path.read_bytes().split(b"\n", 1)
        if hashlib.sha256(body).hexdigest().encode() != digest:
            return None
        return Manifest({model.name: model for model in msgspec.json.decode(body, type=tuple[Model, ...])})
    except (FileNotFoundError, ValueError, msgspec.DecodeError):
        return None


def _write(path: Path, manifest: Manifest) -> None:
    """Whole or not at all: two processes that build at once each put a complete file in place."""
    body = msgspec.json.encode(tuple(manifest.models.values()))
    path.parent.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile("wb", dir=path.parent, delete=False, suffix=".part") as file:
        file.write(hashlib.sha256(body).hexdigest().encode() + b"\n" + body)
    os.replace(file.name, path)  # noqa: PTH105  (the temporary file's name is a string)
