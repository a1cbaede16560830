"""What must hold for every committed file: pins, hosts, paths, versions, and who imports whom."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LOCKS = {"requirements.lock": 100, ".ci/emulator.lock": 50}
"""Each lock, and how many pins it has at least."""
DOMAIN = sorted((ROOT / "oso_dagster" / "domain").rglob("*.py"))
# Joined here, so that this file does not hold what it forbids.
FOREIGN = tuple("/".join(("", *parts, "")) for parts in (("root",), ("work",), ("home", "runner"), ("Users",)))

REGISTRIES = tuple(
    ".".join((*parts, "org")) for parts in (("pypi",), ("pythonhosted",), ("registry", "npmjs"), ("proxy", "golang"))
)
"""Hosts that packages are installed from: which one is the machine's own business."""


def tracked() -> list[Path]:
    """Every file that is committed, or would be by `git add .`."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.check_output(command, cwd=ROOT, text=True).split("\0")
    return [ROOT / name for name in names if name and (ROOT / name).is_file()]


def pins(lock: str) -> list[str]:
    """The requirements of a lock file, each with its continuation lines."""
    lines = re.sub(r"\\\n", " ", lock).splitlines()
    return [line for line in lines if line.strip() and not line.lstrip().startswith("#")]


def unpinned(lock: str) -> list[str]:
    """The requirements that float or have no hash."""
    return [pin for pin in pins(lock) if not re.match(r"[a-z0-9._-]+==\S+ .*--hash=sha256:[0-9a-f]{64}", pin)]


def beyond_the_standard_library(source: str) -> set[str]:
    """The top-level packages that a module of `domain` imports and may not."""
    nodes = list(ast.walk(ast.parse(source)))
    named = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    named |= {"." * node.level + (node.module or "") for node in nodes if isinstance(node, ast.ImportFrom)}
    allowed = sys.stdlib_module_names
    return {name for name in named if name.split(".")[0] not in allowed and not name.startswith("oso_dagster.domain")}


def settings_read(source: str) -> list[str]:
    """The variables of ours that a module reads from the environment by itself."""
    names: list[str] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load) and ast.unparse(node.value).endswith("environ"):
            names.append(ast.unparse(node.slice))
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("environ.get", "getenv")):
            names += [ast.unparse(argument) for argument in node.args[:1]]
    return [name for name in names if "OSO_" in name or "PREFIX" in name]


@pytest.mark.parametrize(("name", "least"), LOCKS.items())
def test_every_requirement_is_pinned_and_hashed(name: str, least: int) -> None:
    lock = (ROOT / name).read_text()
    assert len(pins(lock)) > least
    assert unpinned(lock) == []


def test_the_check_of_pins_sees_a_floating_one() -> None:
    assert unpinned("a==1 \\\n    --hash=sha256:" + "0" * 64 + "\nb>=2\nc==3\n") == ["b>=2", "c==3"]


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_names_no_host(name: str) -> None:
    assert re.findall(r"\S*://\S*|^--\S*index.*|^-[fi] .*", (ROOT / name).read_text(), re.MULTILINE) == []


def test_no_file_names_a_path_of_the_machine_it_was_written_on() -> None:
    guilty = []
    for path in tracked():
        content = path.read_bytes()
        guilty += [f"{path.relative_to(ROOT)}: {text}" for text in (*FOREIGN, f"{ROOT}/") if text.encode() in content]
    assert guilty == []


def test_no_file_names_a_package_registry() -> None:
    texts = {path: path.read_bytes() for path in tracked()}
    assert [
        f"{path.relative_to(ROOT)}: {host}" for path, text in texts.items() for host in REGISTRIES if host.encode() in text
    ] == []


def test_the_changelog_begins_with_the_version_of_the_package() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    newest = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert newest is not None
    assert newest.group(1) == version


@pytest.mark.parametrize("module", DOMAIN, ids=lambda path: path.stem)
def test_the_domain_imports_only_the_standard_library(module: Path) -> None:
    assert beyond_the_standard_library(module.read_text()) == set()


def test_the_check_of_the_domain_sees_an_import_inside_a_function() -> None:
    guilty = (
        "import json\nfrom oso_dagster.domain import slo\ndef f():\n    import pandas.api\n    from oso_dagster import settings\n"
    )
    assert beyond_the_standard_library(guilty) == {"pandas.api", "oso_dagster"}


def lint_imports(tree: Path) -> subprocess.CompletedProcess[str]:
    """Hold a tree to the contracts of its pyproject.toml."""
    command = [Path(sys.executable).with_name("lint-imports"), "--no-logo", "--no-cache"]
    return subprocess.run(command, cwd=tree, capture_output=True, text=True, check=False)


def test_imports_go_down_only() -> None:
    done = lint_imports(ROOT)
    assert done.returncode == 0, done.stdout


def test_an_import_that_climbs_is_refused(tmp_path: Path) -> None:
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    shutil.copytree(ROOT / "oso_dagster", tmp_path / "oso_dagster", ignore=shutil.ignore_patterns("__pycache__"))
    with (tmp_path / "oso_dagster" / "settings" / "__init__.py").open("a") as settings:
        settings.write("import dagster\nfrom oso_dagster import sources\n")
    done = lint_imports(tmp_path)
    assert done.returncode == 1
    assert "oso_dagster.settings -> oso_dagster.sources" in done.stdout
    assert "oso_dagster.settings -> dagster" in done.stdout


def test_nobody_but_settings_reads_our_variables() -> None:
    modules = [path for path in (ROOT / "oso_dagster").rglob("*.py") if "settings" not in path.relative_to(ROOT).parts[:2]]
    assert {path.name: names for path in modules if (names := settings_read(path.read_text()))} == {}


def test_the_check_of_variables_sees_who_reads_one() -> None:
    assert settings_read('import os\nos.environ["OSO_WORLD"] = "live"\n') == []
    assert settings_read('from os import environ\nworld = environ["OSO_WORLD"]\n') == ["'OSO_WORLD'"]
    assert settings_read('import os\nhome = os.environ.get("OSO_HOME", "")\n') == ["'OSO_HOME'"]


def test_a_change_is_listed_once() -> None:
    """A conflict that kept both sides leaves a line twice."""
    begins = Counter(re.findall(r"^- .+", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE))
    assert [begin for begin, times in begins.items() if times > 1] == []
