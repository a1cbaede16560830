"""Where manifests are kept, by the fingerprint of the project: a stale one is never read, a damaged one is built again.

It is read from beside the project first, where an image ships it, then from the cache.
"""

from __future__ import annotations

import hashlib
import logging
import os
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TypeVar

import msgspec

from ..gc_tuning import infrequent_gc
from ..project import Project
from .contents import Manifest, Model, UnloadableProjectError
from .model_parts import ModelParts

logger = logging.getLogger(__name__)

T = TypeVar("T")


@infrequent_gc()
def load_manifest(project: Project) -> Manifest:
    """The manifest of the project as it is now: read as shipped or from the cache, or built and kept in the cache.

    Building needs neither a warehouse nor a network; of processes that start together one builds. While the project cannot
    be loaded it is the last one that is kept in the cache, with a warning. Raises UnloadableProjectError when there is none.
    """
    name = f"{project.fingerprint()}.json"
    path = project.cache / "manifests" / name
    manifest = _read(_shipped(project) / name, Manifest) or _read(path, Manifest)
    if manifest is None:
        project.cache.mkdir(parents=True, exist_ok=True)
        from filelock import FileLock  # noqa: PLC0415  (loads when used)

        with FileLock(project.cache / "manifests.lock"):
            manifest = _read(path, Manifest)
            if manifest is None:
                manifest = _built_or_last(project, path)
    return manifest


def _built_or_last(project: Project, path: Path) -> Manifest:
    """Build and keep it; while SQLMesh cannot load the folder, the last one that is kept: what is deployed can still run.

    What the last build found out about models that did not change since is taken from it.
    """
    kept_parts = project.cache / "model_parts.json"
    parts = ModelParts(_read(kept_parts, dict[str, Model]) or {})
    try:
        manifest = _build(project, parts)
    except UnloadableProjectError as error:
        kept = sorted(path.parent.glob("*.json"), key=lambda file: file.stat().st_mtime)
        last = _read(kept[-1], Manifest) if kept else None
        if last is None:
            raise
        logger.warning("%s cannot be loaded; its assets are those of the last version that could. %s", project.path, error)
        return last
    _write(path, manifest)
    _write(kept_parts, parts.used)
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
    shipped = _read(folder / name, Manifest)
    if shipped is None:
        return f"{folder / name} is damaged"
    return "" if shipped == _build(project) else f"{folder / name} is not what is built now"


def _shipped(project: Project) -> Path:
    return project.path / ".cache" / "manifests"


def _build(project: Project, parts: ModelParts | None = None) -> Manifest:
    with infrequent_gc():
        from .builder import build_manifest  # noqa: PLC0415  (SQLMesh loads when used)

        return build_manifest(project, parts)


def _read(path: Path, kind: type[T]) -> T | None:
    try:
        digest, body = path.read_bytes().split(b"\n", 1)
        if hashlib.sha256(body).hexdigest().encode() != digest:
            return None
        return msgspec.json.decode(body, type=kind)
    except (FileNotFoundError, ValueError, msgspec.DecodeError):
        return None


def _write(path: Path, content: object) -> None:
    """Whole or not at all: two processes that build at once each put a complete file in place."""
    body = msgspec.json.encode(content)
    path.parent.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile("wb", dir=path.parent, delete=False, suffix=".part") as file:
        file.write(hashlib.sha256(body).hexdigest().encode() + b"\n" + body)
    os.replace(file.name, path)  # noqa: PTH105  (the temporary file's name is a string)
