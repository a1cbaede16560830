"""The models of a manifest by all that their description depends on: an edit of one model describes that model again.

A description depends on the model's own file, on what its query finds upstream (columns with their types; the files of embedded
models, which it contains), and on the project without the files of its models: configuration, macros, audits, seeds, versions.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from ..project import Project
from .contents import Model


@dataclass
class ModelParts:
    """Models by their key: `known` from the last build, `used` in this one."""

    known: Mapping[str, Model] = field(default_factory=dict)
    used: dict[str, Model] = field(default_factory=dict)

    def of(self, key: str, describe: Callable[[], Model]) -> Model:
        """The model of that key, described now unless it is known."""
        model = self.known.get(key) or describe()
        self.used[key] = model
        return model


def part_keys(project: Project, models: Mapping[str, Any]) -> dict[str, str]:
    """The key of each loaded model of SQLMesh's."""
    sql_files = {path for model in models.values() if (path := model._path) and path.suffix == ".sql"}  # noqa: SLF001  (nowhere else)
    rest = project.fingerprint(without=sql_files)

    @cache
    def content(path: Path) -> str:
        return hashlib.sha256(path.read_bytes()).hexdigest()

    @cache
    def key(name: str) -> str:
        model = models[name]
        path = model._path  # noqa: SLF001
        parents = (models[parent] for parent in sorted(model.depends_on) if parent in models)
        parts = [
            rest,
            name,
            str(path),
            content(path) if path in sql_files else "",
            json.dumps(_ordered(model.mapping_schema)),
            *(key(parent.fqn) for parent in parents if parent.kind.is_embedded),
        ]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()

    return {name: key(name) for name in models}


def _ordered(schema: Mapping[str, Any]) -> Any:
    """Tables by name, in place of the order of a set; columns as they are: `SELECT *` takes them in that order."""
    if all(isinstance(each, Mapping) for each in schema.values()):
        return [[name, _ordered(schema[name])] for name in sorted(schema)]
    return list(schema.items())
