"""Keeps SQLMesh from listing all packages of the environment when no model imports any. Imports SQLMesh."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def only_imported_packages(config: Any, snapshots: Iterable[Any]) -> Iterator[None]:
    """Meanwhile packages are inferred if the code of one of the snapshots imports something; from no import none is inferred.

    Listing them takes half a second in an environment of this size.
    """
    infer = config.infer_python_dependencies
    config.infer_python_dependencies = infer and any(
        executable.kind == "import"
        for snapshot in snapshots
        if snapshot.is_model
        for executable in snapshot.model.python_env.values()
    )
    try:
        yield
    finally:
        config.infer_python_dependencies = infer
