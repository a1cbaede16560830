"""A SQLMesh project on disk and the content hash that tells whether it changed. No SQLMesh is imported here."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

_MADE_BY_TOOLS = frozenset({".cache", "__pycache__", "logs", ".git", ".venv"})


@dataclass(frozen=True)
class Project:
    """The folder of the project, the gateway it runs on, and what this machine puts into that gateway.

    `connections` are keyword arguments of SQLMesh's connection configurations, by their place in the gateway
    (`connection`, `state_connection`); without them the project's own `config.yaml` decides. `recompute_whole`: models
    without a time column are computed at every materialization; otherwise when their cron says that they are due.
    """

    path: Path
    gateway: str
    engine: str
    cache: Path
    environment: str = "prod"
    recompute_whole: bool = False
    lock_timeout_seconds: float = 3600
    connections: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, repr=False)

    def fingerprint(self) -> str:
        """Changes when a file of the project, the gateway, SQLMesh, SQLGlot or this wrapper changes; not with a file's time."""
        digest = hashlib.sha256()
        for part in (self.gateway, self.engine, version("sqlmesh"), version("sqlglot")):
            digest.update(f"{part}\0".encode())
        for origin, path in _files(self.path, Path(__file__).parent):
            digest.update(f"{origin}\0{path.stat().st_size}\0".encode())
            digest.update(path.read_bytes())
        return digest.hexdigest()


def _files(*folders: Path) -> Iterator[tuple[str, Path]]:
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            place = path.relative_to(folder)
            if path.is_file() and not _MADE_BY_TOOLS.intersection(place.parts):
                yield place.as_posix(), path
