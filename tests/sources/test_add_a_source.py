"""docs/add-a-source.md, done as it says: in a copy of the tree, against a small server, with nothing but the one new file."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from oso_dagster.settings import PROJECT_ROOT
from tests.support.platform import BIN, environment
from tests.support.web import body, serving

DOC = (PROJECT_ROOT / "docs" / "add-a-source.md").read_text()
FILE = "oso_dagster/sources/coffee_prices.py"
PROGRAMS = {"oso": [str(BIN / "python"), "-c", "from oso_dagster.cli import main; main()"], "pytest": [str(BIN / "pytest")]}


def block(kind: str) -> str:
    """The one block of a kind that the page has."""
    (text,) = re.findall(rf"```{kind}\n(.*?)```", DOC, re.DOTALL)
    return str(text)


def commands() -> list[tuple[str, list[str]]]:
    """The commands of the page in their order, each with the lines that it is said to print."""
    listed: list[tuple[str, list[str]]] = []
    for text in re.findall(r"```console\n(.*?)```", DOC, re.DOTALL):
        for line in text.splitlines():
            if line.startswith("$ "):
                listed.append((line.removeprefix("$ "), []))
            else:
                listed[-1][1].append(line)
    return listed


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of what the commands touch."""
    copy = tmp_path / "tree"
    leave = shutil.ignore_patterns("__pycache__", ".cache", "logs", "artifacts")
    for name in ("oso_dagster", "sqlmesh_project", "tests"):
        shutil.copytree(PROJECT_ROOT / name, copy / name, ignore=leave)
    for name in ("pyproject.toml", "dagster.yaml", "workspace.yaml"):
        shutil.copy(PROJECT_ROOT / name, copy / name)
    return copy


@pytest.fixture
def upstream() -> Iterator[str]:
    with serving() as web:
        web.says(body(block("json").encode()))
        yield f"{web.url}/prices.json"


def files(tree: Path) -> set[str]:
    """Every file of the tree, without what Python and pytest leave behind."""
    paths = (path.relative_to(tree) for path in tree.rglob("*") if path.is_file())
    return {str(path) for path in paths if not {"__pycache__", ".pytest_cache", ".cache"} & set(path.parts)}


def words(text: str) -> str:
    """The text without the frames of tables and the breaks of lines."""
    return " ".join(re.sub(r"[─│┃━]", " ", text).split())


@pytest.mark.server
def test_the_page_is_true_and_a_source_is_one_file(tree: Path, upstream: str, tmp_path: Path) -> None:
    before, home = files(tree), tmp_path / "oso"
    clean = environment(home, OSO_COFFEE_PRICES_URL=upstream, PYTHONPATH=str(tree))
    clean.pop("PYTEST_XDIST_WORKER", None)
    assert len(commands()) == 6
    for command, output in commands():
        program, _, rest = command.partition(" ")
        asked = [*PROGRAMS[program], *shlex.split(rest)]
        done = subprocess.run(asked, cwd=tree, env=clean, capture_output=True, text=True, check=False, timeout=200)
        printed = words(done.stdout)
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        for expected in output:
            pattern = ".*".join(re.escape(words(part)) for part in expected.split("…"))
            assert re.search(pattern, printed), f"{command}: {expected}\n{done.stdout}"
        if "sources new" in command:
            (tree / FILE).write_text(block("python"))
    assert files(tree) - before == {FILE}
    with duckdb.connect(str(home / "live" / "warehouse.duckdb"), read_only=True) as connection:
        assert connection.execute(block("sql")).fetchall() == [("Arabica", 8.41, ["BR", "CO"]), ("Robusta", None, ["VN"])]


@pytest.mark.server
def test_the_file_of_the_page_pleases_the_linter(tmp_path: Path) -> None:
    (tmp_path / "coffee_prices.py").write_text(block("python"))
    shutil.copy(PROJECT_ROOT / "pyproject.toml", tmp_path)
    for how in (["check"], ["format", "--check"]):
        done = subprocess.run(
            [BIN / "ruff", *how, tmp_path / "coffee_prices.py"], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout


def test_every_file_that_the_page_links_to_is_there() -> None:
    links = re.findall(r"\]\(([^)]+)\)", DOC)
    assert links
    assert [link for link in links if not (PROJECT_ROOT / "docs" / link).exists()] == []
