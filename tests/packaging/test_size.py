"""No file over 300 lines, no folder of more than 15: a second subject is a second file, a second room is a second folder."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.packaging.test_tree import ROOT, tracked

LINES, FILES = 300, 15
WRITTEN = {".py", ".sql", ".html", ".css", ".js", ".sh"}
"""What people write and read as code."""
GROWING = {
    "docs": "a page a subject",
    "docs/decisions": "a page a decision",
    "oso_dagster/reliability/migrations/versions": "a file a revision of the schema",
    "oso_dagster/sandbox/upstreams": "a file an upstream",
    "oso_dagster/sources": "a file a source",
    "sqlmesh_project/audits": "a file an audit",
    "sqlmesh_project/metrics": "a file a metric",
    "sqlmesh_project/models/intermediate": "a file a model",
    "sqlmesh_project/models/marts": "a file a model",
    "sqlmesh_project/models/staging": "a file a model",
    "tests/sources": "a file a source",
}
"""Folders that hold many things of one kind, by rule."""


def too_long(files: list[Path]) -> list[str]:
    """Written files with more lines than allowed."""
    counted = {path: len(path.read_text().splitlines()) for path in files if path.suffix in WRITTEN}
    return sorted(f"{path.relative_to(ROOT)}: {lines} lines" for path, lines in counted.items() if lines > LINES)


def too_full(folders: Counter[str]) -> list[str]:
    """Folders with more files than allowed."""
    return sorted(f"{name}: {files} files" for name, files in folders.items() if files > FILES and name not in GROWING)


def folders() -> Counter[str]:
    """Every folder of the tree with the number of its files; what only marks a package is none."""
    return Counter(path.parent.relative_to(ROOT).as_posix() for path in tracked() if path.name != "__init__.py")


def test_no_file_is_over_300_lines() -> None:
    assert too_long(tracked()) == []


def test_no_folder_has_more_than_15_files() -> None:
    assert too_full(folders()) == []


def test_the_exceptions_are_folders_that_exist() -> None:
    assert [name for name in GROWING if not (ROOT / name).is_dir()] == []


def test_a_long_file_and_a_full_folder_are_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.packaging.test_size.ROOT", tmp_path)
    (tmp_path / "long.py").write_text("x = 1\n" * (LINES + 1))
    (tmp_path / "data.csv").write_text("1\n" * (LINES + 1))
    assert too_long(sorted(tmp_path.iterdir())) == ["long.py: 301 lines"]
    assert too_full(Counter({"a": FILES + 1, "b": FILES, "oso_dagster/sources": 99})) == ["a: 16 files"]
