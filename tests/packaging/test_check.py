"""Which tests `make check ONLY=path` takes for a file, and that it fails where one of its checks does."""

from __future__ import annotations

import runpy
import shutil
import subprocess
import sys
from pathlib import Path, PurePath

import pytest

from oso_dagster.settings import PROJECT_ROOT

SCRIPT = PROJECT_ROOT / ".ci" / "check.py"


@pytest.mark.parametrize(
    ("path", "tests"),
    [
        ("tests/domain/test_durations.py", ["tests/domain/test_durations.py"]),
        ("oso_dagster/domain/durations.py", ["tests/domain/test_durations.py"]),
        ("oso_dagster/settings/__init__.py", ["-m", "not server and not browser and not slow", "tests/settings"]),
        ("sqlmesh_project/config.yaml", ["tests/sqlmesh_project"]),
        ("Makefile", ["tests/packaging"]),
    ],
)
def test_the_nearest_tests_of_a_file(path: str, tests: list[str]) -> None:
    assert runpy.run_path(str(SCRIPT))["tests_for"](PurePath(path)) == tests


def test_a_source_is_tested_by_the_catalogue_and_by_its_own_tests() -> None:
    catalogue, own, *words = runpy.run_path(str(SCRIPT))["tests_for"](PurePath("oso_dagster/sources/l2beat.py"))
    assert (catalogue, own) == ("tests/sources/test_catalogue.py", "tests/sources/test_l2beat.py")
    assert words == ["-k", "l2beat or test_l2beat"]


@pytest.mark.parametrize("body", ["def test_one() -> None:\n    assert 1 == 2\n", "import os\n\n\ndef test_one() -> None: ...\n"])
def test_a_failing_test_or_a_fault_of_style_fails_the_check(tmp_path: Path, body: str) -> None:
    for name in (".ci", "tests"):
        (tmp_path / name).mkdir()
    shutil.copy(SCRIPT, tmp_path / ".ci")
    shutil.copy(PROJECT_ROOT / "pyproject.toml", tmp_path)
    path = tmp_path / "tests" / "test_one.py"
    path.write_text(body)
    done = subprocess.run([sys.executable, tmp_path / ".ci" / "check.py", path], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "check: tests/test_one.py failed in" in done.stdout


def test_a_file_that_is_not_there_is_refused() -> None:
    done = subprocess.run([sys.executable, SCRIPT, "nowhere.py"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, "check: name one file of this tree: make check ONLY=path\n")
