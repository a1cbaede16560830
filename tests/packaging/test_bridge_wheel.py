"""The SQLMesh bridge as a wheel: its content, the same bytes each time, and its own tests without this platform."""

from __future__ import annotations

import os
import runpy
import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "oso_dagster" / "sqlmesh_assets"
BIN = Path(sys.executable).parent
PACKAGE = "dagster_sqlmesh_assets"


def build(tree: Path, target: Path) -> Path:
    """Build the wheel from a tree, as `make wheel` does."""
    subprocess.run(
        [BIN / "hatchling", "build", "-t", "wheel", "-d", target], cwd=tree / ".bridge", check=True, capture_output=True
    )
    (wheel,) = target.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this tree."""
    return build(ROOT, tmp_path_factory.mktemp("dist"))


def test_the_wheel_holds_the_bridge_its_licence_and_nothing_else(wheel):
    files = {path.relative_to(SOURCE).as_posix() for path in SOURCE.rglob("*") if path.is_file() and path.suffix != ".pyc"}
    with ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
        assert names == {f"{PACKAGE}/{name}" for name in files}
        (licence,) = [name for name in archive.namelist() if name.endswith("licenses/LICENSE")]
        assert archive.read(licence) == (ROOT / "LICENSE").read_bytes()
        assert "py.typed" in files


def test_the_same_tree_gives_the_same_bytes_whenever_and_wherever_it_is_built(wheel, tmp_path):
    for folder in (".bridge", "oso_dagster/sqlmesh_assets"):
        shutil.copytree(ROOT / folder, tmp_path / "tree" / folder, symlinks=True)
    shutil.copy(ROOT / "LICENSE", tmp_path / "tree")
    for path in (tmp_path / "tree").rglob("*.*"):
        os.utime(path, (2_000_000_000, 2_000_000_000))
    (tmp_path / "tree" / "oso_dagster" / "sqlmesh_assets" / "__pycache__").mkdir(exist_ok=True)
    (tmp_path / "tree" / "oso_dagster" / "sqlmesh_assets" / "__pycache__" / "stray.pyc").touch()
    assert build(tmp_path / "tree", tmp_path / "dist").read_bytes() == wheel.read_bytes()


def uv(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run uv with this machine's package registry, as `.ci/setup` does."""
    environment = runpy.run_path(str(ROOT / ".ci" / "prepare.py"))["_environment"]()
    return subprocess.run([BIN / "uv", *arguments], env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def alone(wheel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment with the wheel, what it needs in the locked versions, and pytest."""
    folder = tmp_path_factory.mktemp("alone") / "venv"
    made = uv("venv", "--python", sys.executable, folder)
    assert made.returncode == 0, made.stderr
    command = ["pip", "install", "--python", folder / "bin" / "python", "--constraint", ROOT / "requirements.lock"]
    done = uv(*command, "--offline", f"{wheel}[test]")
    if done.returncode:  # not all of it is in uv's cache
        done = uv(*command, f"{wheel}[test]")
    assert done.returncode == 0, done.stderr
    return folder / "bin" / "python"


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_its_own_tests_pass_where_only_the_wheel_is_installed(alone, tmp_path):
    shutil.copytree(ROOT / ".bridge" / "tests", tmp_path / "tests")
    shutil.copy(ROOT / ".bridge" / "pyproject.toml", tmp_path)
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PYTEST", "OSO_", "DAGSTER"))
    }
    done = subprocess.run(
        [alone, "-m", "pytest", "-p", "no:cacheprovider"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-10_000:]
    assert " passed" in done.stdout.splitlines()[-1]
    assert "skipped" not in done.stdout.splitlines()[-1]
