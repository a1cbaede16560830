"""The pages say what the tree is: links lead to files, names can be imported, picture and rooms are those of the contracts."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.packaging.test_tree import tracked

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md"), *(ROOT / ".github").rglob("*.md")])
FOREIGN_FILES = {"config.py", "oso_dagster/x/y.py", "retry.py"}
"""A file of a SQLMesh project that somebody else has, an example, and a file of another library."""
ROOMS = [sys.executable, ".ci/rooms.py", "--check"]


def broken(page: Path, text: str) -> list[str]:
    """The links of a page that lead to no file of the tree."""
    links = re.findall(r"\]\(([^)\s]+)\)", text)
    files = [link.split("#")[0] for link in links if "://" not in link and not link.startswith(("#", "mailto:"))]
    return [link for link in files if not (page.parent / link).exists()]


def unknown(text: str, tree: Iterable[Path]) -> list[str]:
    """The files of code that a page names in backticks and that the tree does not have; their path may begin anywhere."""
    ends = {f"/{path.relative_to(ROOT).as_posix()}" for path in tree}
    names = re.findall(r"`([\w./-]+\.(?:py|sql))`", text)
    return [name for name in names if name not in FOREIGN_FILES and not any(end.endswith(f"/{name}") for end in ends)]


def names(text: str) -> list[str]:
    """The names in the last column of the tables of words.md."""
    return re.findall(r"\| \[`([\w.]+)`\]\([^)]*\) \|$", text, re.MULTILINE)


def exists(name: str) -> bool:
    """Whether a name below `oso_dagster` is a module, or a value of one."""
    full = f"oso_dagster.{name}"
    module, _, value = full.rpartition(".")
    try:
        return importlib.util.find_spec(full) is not None
    except ModuleNotFoundError:
        return hasattr(importlib.import_module(module), value)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_of_a_page_leads_to_a_file(page: Path) -> None:
    assert broken(page, page.read_text()) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_file_that_a_page_names_is_there(page: Path) -> None:
    assert unknown(page.read_text(), tracked()) == []


def test_the_check_of_files_sees_one_that_moved() -> None:
    text = "`orchestration/slo.py`, `domain/durations.py`, `config.py` and `durations.py`"
    assert unknown(text, tracked()) == ["orchestration/slo.py"]


def test_the_check_of_links_sees_a_dead_one() -> None:
    assert broken(DOCS / "x.md", "[a](words.md#b) [c](gone.md) [d](https://example.org) [e](../oso_dagster/gone.py)") == [
        "gone.md",
        "../oso_dagster/gone.py",
    ]


@pytest.mark.parametrize("name", names((DOCS / "words.md").read_text()))
def test_every_word_is_carried_by_something_that_can_be_imported(name: str) -> None:
    assert exists(name)


def test_the_check_of_words_sees_a_name_that_is_gone() -> None:
    assert names("| a | b | [`domain.gone.Thing`](x) |\n") == ["domain.gone.Thing"]
    assert exists("domain.durations")
    assert not exists("domain.durations.Gone")


def test_picture_and_rooms_of_the_architecture_are_those_of_the_contracts() -> None:
    done = subprocess.run(ROOMS, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_room_that_is_new_makes_the_page_stale(tmp_path: Path) -> None:
    for name in (".ci", "docs", "oso_dagster"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", "*.png"))
    contracts = (ROOT / "pyproject.toml").read_text()
    (tmp_path / "pyproject.toml").write_text(
        contracts.replace('"oso_dagster.settings",\n', '"oso_dagster.attic",\n    "oso_dagster.settings",\n', 1)
    )
    (tmp_path / "oso_dagster" / "attic").mkdir()
    (tmp_path / "oso_dagster" / "attic" / "__init__.py").write_text('"""What nobody uses."""\n')
    assert subprocess.run(ROOMS, cwd=tmp_path, capture_output=True, check=False).returncode == 1
    subprocess.run(ROOMS[:2], cwd=tmp_path, check=True)
    assert "What nobody uses." in (tmp_path / "docs" / "architecture.md").read_text()
    assert subprocess.run(ROOMS, cwd=tmp_path, capture_output=True, check=False).returncode == 0


def test_the_index_of_decisions_names_each_page_by_its_title() -> None:
    index = (DOCS / "decisions" / "README.md").read_text()
    listed = re.findall(r"^\| (\d+) \| \[(.*)\]\((\d{4}-[\w-]+\.md)\) \| \d{4}-\d\d-\d\d \| \S.* \|$", index, re.MULTILINE)
    pages = sorted((DOCS / "decisions").glob("0*.md"))
    titles = [re.match(r"# (\d+)\. (.*)", page.read_text()) for page in pages]
    assert listed == [(title[1], title[2], page.name) for title, page in zip(titles, pages, strict=True) if title]
    assert [int(page.name[:4]) for page in pages] == [int(title[1]) for title in titles if title]


def test_the_readme_names_every_room_of_the_floors() -> None:
    rooms = {path.parent.name for path in (ROOT / "oso_dagster").glob("*/__init__.py")}
    listed = set(re.findall(r"^\| \[`oso_dagster/(\w+)`\]", (ROOT / "README.md").read_text(), re.MULTILINE))
    assert listed == rooms
