"""A SQLMesh project on disk and the content hash that changes with it. No SQLMesh is imported here."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

_PERSONAL = ("config.yml", "config.yaml", "sqlmesh.yml", "sqlmesh.yaml")
_ENV_VAR_CALL = re.compile(rb"env_var\(\s*['\"](\w+)['\"]")
_DATABASE_SUFFIXES = frozenset({".duckdb", ".sqlite", ".wal", ".parquet"})
_DUCKDB_MAGIC = b"DUCK"
_MADE_BY_TOOLS = frozenset({".cache", "__pycache__", "logs", ".git", ".venv"})


@dataclass(frozen=True)
class Project:
    """The folder of the project, the gateway it runs on, and what this machine puts into that gateway.

    `connections` are keyword arguments of SQLMesh's connection configurations, by their place in the gateway
    (`connection`, `state_connection`); without them the project's own `config.yaml` decides. `recompute_whole`: models
    without a time column are computed at every materialization; otherwise when their cron says that they are due.
    `repositories` are further folders of the same project, each with a configuration of its own (`sqlmesh -p one -p other`).
    """

    path: Path
    gateway: str
    engine: str
    cache: Path
    environment: str = "prod"
    recompute_whole: bool = False
    lock_timeout_seconds: float = 3600
    connections: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, repr=False)
    repositories: tuple[Path, ...] = ()

    def __post_init__(self) -> None:
        """Make the folders absolute: steps may run in another working directory than definitions are loaded in."""
        for name in ("path", "cache"):
            object.__setattr__(self, name, Path(getattr(self, name)).absolute())
        object.__setattr__(self, "repositories", tuple(Path(folder).absolute() for folder in self.repositories))

    @property
    def folders(self) -> tuple[Path, ...]:
        """All folders that SQLMesh loads: the project's own, then the other repositories."""
        return (self.path, *self.repositories)

    def fingerprint(self, without: Collection[Path] = ()) -> str:
        """Changes with the content of the project, its configuration, the gateway, SQLMesh, SQLGlot and this wrapper.

        `without`: files that it does not change with.
        Not with a file's time or place, nor with databases that lie beside
        the models. Variables called `SQLMESH__…`, those that a YAML file reads by `env_var`, and the file
        in the user's home are configuration too.
        """
        digest = hashlib.sha256()
        for part in (self.gateway, self.engine, version("sqlmesh"), version("sqlglot")):
            digest.update(f"{part}\0".encode())
        overrides = sorted(f"{name}={value}" for name, value in os.environ.items() if name.upper().startswith("SQLMESH__"))
        digest.update("\0".join([*overrides, ""]).encode())
        for origin, path in [*_files(*self.folders, Path(__file__).parent), *_personal()]:
            if path in without or _is_database(path):
                continue
            content = path.read_bytes()
            digest.update(f"{origin}\0{len(content)}\0".encode())
            digest.update(content)
            if path.suffix in {".yaml", ".yml"}:
                for name in _ENV_VAR_CALL.findall(content):
                    digest.update(f"{os.environ.get(name.decode())}\0".encode())
        return digest.hexdigest()


def _personal() -> list[tuple[str, Path]]:
    """The configuration that SQLMesh reads from the user's home; it keeps other things beside it."""
    folder = Path(os.getenv("SQLMESH_HOME") or Path.home() / ".sqlmesh")
    return [(name, folder / name) for name in _PERSONAL if (folder / name).is_file()]


def _is_database(path: Path) -> bool:
    """Whether the file holds data that a run writes: it is no code, and may be large."""
    if path.suffix in _DATABASE_SUFFIXES:
        return True
    with path.open("rb") as file:
        return file.read(16)[8:12] == _DUCKDB_MAGIC


def _files(*folders: Path) -> Iterator[tuple[str, Path]]:
    for folder in folders:
        files = []
        for place, inner, names in os.walk(folder):
            inner[:] = [name for name in inner if name not in _MADE_BY_TOOLS]
            files += [f"{place}{os.sep}{name}" for name in names if name not in _MADE_BY_TOOLS]
        for name in sorted(files):
            if (path := Path(name)).is_file():
                yield name[len(str(folder)) + 1 :].replace(os.sep, "/"), path
