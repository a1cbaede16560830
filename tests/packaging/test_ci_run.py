"""What `.ci/run` asks for on machines with one Python and with two: real shells, with a `make` that only writes down its call."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from oso_dagster.settings import PROJECT_ROOT
from tests.packaging.test_setup import install

SUITE = ["emulator", "schemas", "test", "test-lakehouse", "test-k8s"]
BESIDE = [f"{target} python3.13 .cache/python-3.13/venv .cache/python-3.13/oso" for target in ("demo", "test-smoke")]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A tree with `.ci/run` and a `.venv` of Python 3.11."""
    tree = tmp_path / "a tree"
    (tree / ".ci").mkdir(parents=True)
    shutil.copy(PROJECT_ROOT / ".ci" / "run", tree / ".ci")
    (tree / ".venv" / "bin").mkdir(parents=True)
    install(tree / ".venv" / "bin", "python", "echo 3.11")
    return tree


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A PATH with a shell, a browser by name, and `make`."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for tool in ("sh", "dirname"):
        (folder / tool).symlink_to(shutil.which(tool) or pytest.fail(f"{tool} is missing"))
    install(folder, "chromium", "exit 1")
    install(folder, "make", 'echo "$1${PYTHON:+ $PYTHON $SETUP_VENV $OSO_HOME}"')
    return folder


def run(tree: Path, machine: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `.ci/run` with nothing but the machine's PATH."""
    return subprocess.run(
        [tree / ".ci" / "run", *arguments],
        env={"PATH": str(machine), "HOME": str(tree)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_second_python_runs_the_demo_and_the_fast_tests_in_a_place_of_its_own(tree: Path, machine: Path) -> None:
    install(machine, "python3.13", "echo 3.13")
    done = run(tree, machine)
    assert done.returncode == 0, done.stderr
    assert [line for line in done.stdout.splitlines() if not line.startswith("ci:")] == [*SUITE, *BESIDE]


def test_a_second_python_is_found_where_pyenv_keeps_it_behind_a_shim_that_fails(tree: Path, machine: Path) -> None:
    install(machine, "python3.13", "echo 'pyenv: python3.13: command not found' >&2; exit 127")
    kept = tree / ".pyenv" / "versions" / "3.13.0" / "bin"
    kept.mkdir(parents=True)
    install(kept, "python", "echo 3.13")
    assert f"demo {kept / 'python'} .cache/python-3.13/venv" in run(tree, machine).stdout


def test_a_machine_with_one_python_says_what_did_not_run(tree: Path, machine: Path) -> None:
    done = run(tree, machine)
    assert (done.returncode, done.stdout.splitlines()) == (0, SUITE)
    assert done.stderr == "ci: no Python 3.13 here: its demo and its tests did not run\n"


def test_what_fails_on_the_second_python_fails_the_whole(tree: Path, machine: Path) -> None:
    install(machine, "python3.13", "echo 3.13")
    install(machine, "make", '[ "$1" != test-smoke ]')
    assert run(tree, machine).returncode == 1


@pytest.mark.parametrize(("part", "targets"), [("suite", SUITE), ("smoke", ["demo", "test-smoke"])])
def test_a_job_of_ci_runs_one_part(tree: Path, machine: Path, part: str, targets: list[str]) -> None:
    install(machine, "python3.13", "echo 3.13")
    done = run(tree, machine, part)
    assert (done.returncode, done.stdout.splitlines()) == (0, targets)


def test_a_part_that_is_not_there_is_refused(tree: Path, machine: Path) -> None:
    done = run(tree, machine, "smok")
    assert (done.returncode, done.stderr) == (2, "usage: .ci/run [suite|smoke]\n")
