"""`.ci/setup` on machines that lack something: real shells, and Pythons that are shell scripts on a PATH of their own."""

from __future__ import annotations

import os
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of what setup reads, in a folder whose name has a space."""
    tree = tmp_path / "a tree"
    shutil.copytree(ROOT / ".ci", tree / ".ci")
    for name in ("requirements.lock", "pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, tree / name)
    return tree


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A PATH with git and the shell's own tools, and no Python."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for tool in ("sh", "dirname", "cksum", "cat", "git"):
        (folder / tool).symlink_to(shutil.which(tool) or pytest.fail(f"{tool} is missing"))
    return folder


def install(machine: Path, name: str, script: str) -> None:
    """Put an executable on the machine's PATH."""
    (machine / name).write_text(f"#!/bin/sh\n{script}\n")
    (machine / name).chmod(0o755)


def setup(tree: Path, machine: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `.ci/setup` in the tree with nothing but the machine's PATH."""
    return subprocess.run(
        [tree / ".ci" / "setup"],
        env={"PATH": str(machine), "HOME": str(tree), **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def only_line(done: subprocess.CompletedProcess[str]) -> str:
    """The one line of a refusal."""
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr


def ready(tree: Path, text: str | None = None, python: str = "any") -> None:
    """Write a `.venv` that looks finished, without its 200 packages."""
    (tree / ".venv" / "bin").mkdir(parents=True)
    (tree / ".venv" / "bin" / "python").symlink_to(sys.executable)
    sums = subprocess.check_output(["cksum", "requirements.lock", "pyproject.toml"], cwd=tree, text=True)
    (tree / ".venv" / "ready").write_text(text or f"place {tree}\npython {python}\n{sums.rstrip()}")


def test_missing_git_is_one_line(tree: Path, machine: Path) -> None:
    (machine / "git").unlink()
    assert "git is missing" in only_line(setup(tree, machine))


def test_a_machine_without_python_is_told_which_one_it_needs(tree: Path, machine: Path) -> None:
    assert "Python 3.11, 3.12 or 3.13 is needed, none was found" in only_line(setup(tree, machine))


def test_a_python_that_is_too_new_is_named_with_its_version(tree: Path, machine: Path) -> None:
    install(machine, "python3", "echo 3.14; exit 1")
    assert "needed, python3 is 3.14" in only_line(setup(tree, machine))


def test_a_chosen_python_that_does_not_fit_is_not_replaced_by_another(tree: Path, machine: Path) -> None:
    install(machine, "python3", "echo 3.11")
    install(machine, "old", "echo 3.8; exit 1")
    assert "old is 3.8" in only_line(setup(tree, machine, PYTHON=str(machine / "old")))


def test_a_shim_that_only_fails_is_passed_over_for_a_python_that_runs(tree: Path, machine: Path) -> None:
    install(machine, "python3", "echo 'version manager: no such version' >&2; exit 127")
    install(machine, "python3.12", 'case "$2" in *ensurepip*) exit 0;; esac; [ "$1" = -c ] && echo 3.12 || echo "ran $1"')
    done = setup(tree, machine)
    assert (done.returncode, done.stdout, done.stderr) == (0, "ran .ci/prepare.py\n", "")


def test_a_python_without_venv_says_which_package_brings_it(tree: Path, machine: Path) -> None:
    install(machine, "python3", 'case "$2" in *ensurepip*) exit 1;; esac; echo 3.11')
    assert "python3-venv" in only_line(setup(tree, machine))


def test_too_little_disk_is_one_line_and_leaves_the_old_venv_alone(tree: Path, machine: Path) -> None:
    ready(tree, "place elsewhere")
    (tree / ".venv" / "mine").touch()
    line = only_line(setup(tree, machine, PYTHON=sys.executable, SETUP_NEEDS_MB="999999999"))
    assert "999999999 are needed" in line
    assert (tree / ".venv" / "mine").exists()


def test_a_ready_venv_costs_no_python_at_all(tree: Path, machine: Path) -> None:
    ready(tree)
    done = setup(tree, machine)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("change", ["the lock grew", "the tree was moved", "another Python was chosen"])
def test_a_venv_is_not_ready_when(change: str, tree: Path, machine: Path) -> None:
    ready(tree)
    chosen = {}
    if change == "the lock grew":
        with (tree / "requirements.lock").open("a") as lock:
            lock.write("# one more line\n")
    elif change == "the tree was moved":
        tree = tree.rename(tree.with_name("moved"))
    else:
        chosen = {"PYTHON": "python3.12"}
    assert "none was found" in only_line(setup(tree, machine, **chosen))


@pytest.mark.slow
def test_a_registry_that_cannot_be_reached_is_named_with_the_log(tree: Path, machine: Path) -> None:
    done = setup(
        tree,
        machine,
        PYTHON=sys.executable,
        PIP_INDEX_URL="http://user:hidden@127.0.0.1:9/simple",
        PIP_RETRIES="0",
        SETUP_NEEDS_MB="1",
    )
    assert done.returncode == 1
    assert "the package registry cannot be reached" in done.stderr.splitlines()[-1]
    assert ".cache/setup.log" in done.stderr
    assert "hidden" not in done.stderr + (tree / ".cache" / "setup.log").read_text()
    assert not (tree / ".venv" / "ready").exists()


@pytest.mark.parametrize(
    ("before", "after", "stage"),
    [
        ("", "place a\npython any\n1 lock\n2 pyproject", "all"),
        ("place b\npython any\n1 lock\n2 pyproject", "place a\npython any\n1 lock\n2 pyproject", "all"),
        ("place a\npython any\n9 lock\n2 pyproject", "place a\npython any\n1 lock\n2 pyproject", "packages"),
        ("place a\npython any\n1 lock\n9 pyproject", "place a\npython any\n1 lock\n2 pyproject", "own"),
    ],
)
def test_no_more_is_done_than_what_changed(before: str, after: str, stage: str) -> None:
    prepare = runpy.run_path(str(ROOT / ".ci" / "prepare.py"))
    assert prepare["_stage"](before.splitlines(), after.splitlines()) == stage


def test_the_makefile_helps_with_every_target_it_has() -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    output = subprocess.check_output(["make", "--no-print-directory"], cwd=ROOT, env=environment, text=True)
    named = [line.split()[1] for line in output.splitlines()]
    declared = next(line for line in (ROOT / "Makefile").read_text().splitlines() if line.startswith(".PHONY:"))
    assert named == [target for target in declared.split()[1:] if target != "ready"]
    assert {"demo", "dev", "test", "test-fast", "test-smoke", "check", "lint", "bench", "wheel", "clean"} < set(named)
