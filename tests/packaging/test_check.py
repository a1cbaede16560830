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


FAST = ["-m", "not server and not browser and not slow"]
MODELS = "passes_its_lint_and_its_unit_tests or landed"


@pytest.mark.parametrize(
    ("path", "tests"),
    [
        ("tests/domain/test_durations.py", ["tests/domain/test_durations.py"]),
        ("tests/support/plugins/guard.py", [*FAST, "tests/packaging/test_guard.py"]),
        ("tests/sqlmesh_assets/conftest.py", [*FAST, "tests/sqlmesh_assets"]),
        (
            "oso_dagster/sources/l2beat.py",
            ["-m", "not browser and not slow", "-k", "l2beat", "tests/sources/test_catalogue.py", "tests/sources/test_l2beat.py"],
        ),
        ("oso_dagster/settings/__init__.py", [*FAST, "tests/settings"]),
        ("sqlmesh_project/models/marts/projects_v1.sql", ["tests/sqlmesh_project/test_project.py", "-k", MODELS]),
        ("sqlmesh_project/linter/layers.py", ["tests/sqlmesh_project/test_project.py"]),
        ("docs/words.md", [*FAST, "tests/packaging/test_docs.py"]),
        (".ci/check.py", [*FAST, "tests/packaging/test_check.py"]),
    ],
)
def test_the_nearest_tests_of_a_file(path: str, tests: list[str]) -> None:
    assert runpy.run_path(str(SCRIPT))["tests_for"](PurePath(path)) == tests


def test_the_test_of_a_module_goes_first_and_few_follow() -> None:
    first, *others = runpy.run_path(str(SCRIPT))["tests_for"](PurePath("oso_dagster/domain/durations.py"))[2:]
    assert first == "tests/domain/test_durations.py"
    assert len(others) <= 2


def checked(tree: Path, body: str, *seconds: str) -> subprocess.CompletedProcess[str]:
    """What the check says of a test file in a tree that has nothing else."""
    for name in (".ci", "tests"):
        (tree / name).mkdir(exist_ok=True)
    shutil.copy(SCRIPT, tree / ".ci")
    shutil.copy(PROJECT_ROOT / "pyproject.toml", tree)
    path = tree / "tests" / "test_one.py"
    path.write_text(body)
    command = [sys.executable, tree / ".ci" / "check.py", path, *seconds]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("body", ["def test_one() -> None:\n    assert 1 == 2\n", "import os\n\n\ndef test_one() -> None: ...\n"])
def test_a_failing_test_or_a_fault_of_style_fails_the_check(tmp_path: Path, body: str) -> None:
    done = checked(tmp_path, body)
    assert done.returncode == 1
    assert "check: tests/test_one.py failed in" in done.stdout


def test_once_the_time_is_spent_no_further_test_starts_and_the_check_says_so(tmp_path: Path) -> None:
    body = "def test_one() -> None: ...\n\n\ndef test_two() -> None:\n    raise AssertionError\n"
    done = checked(tmp_path, body, "0")
    assert done.returncode == 0
    assert "with 1 tests, 1 more left out" in done.stdout
    assert checked(tmp_path, body, "60").returncode == 1


def test_a_file_that_is_not_there_is_refused() -> None:
    done = subprocess.run([sys.executable, SCRIPT, "nowhere.py"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, "check: name one file of this tree: make check ONLY=path\n")
