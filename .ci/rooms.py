"""Writes the generated parts of docs/architecture.md: the picture of the floors, and one line for each room.

The picture is made from the contracts of import-linter in pyproject.toml, which `make lint` holds the code to; the line of a
room is the first one of its package's docstring. `--check` writes nothing and ends with 1 when the page is not what the tree
says. Standard library only.
"""
# ruff: noqa: INP001 - a script outside any package

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PAGE = Path("docs") / "architecture.md"
PACKAGE = "oso_dagster"


def main(root: Path, *, check: bool) -> int:
    """Bring the page up to date, or say that it is not; the exit code."""
    path = root / PAGE
    before = path.read_text()
    contracts = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    after = _replaced(before, "picture", "\n".join(picture(contracts)))
    after = _replaced(after, "rooms", "\n".join(rooms(root, contracts)))
    if check and before != after:
        sys.stderr.write(f"{PAGE} is not what pyproject.toml and the packages say: run `python .ci/rooms.py` and commit it\n")
        return 1
    if before != after:
        path.write_text(after)
    return 0


def _replaced(page: str, name: str, text: str) -> str:
    begin, end = f"<!-- {name}: made by .ci/rooms.py -->", f"<!-- end of {name} -->"
    if page.count(begin) != 1 or page.count(end) != 1:
        raise SystemExit(f"{PAGE} must hold the lines {begin} and {end} once")
    head, rest = page.split(begin)
    return f"{head}{begin}\n{text}\n{end}{rest.split(end)[1]}"


def layers(contracts: list[dict[str, Any]], container: str = "") -> list[list[str]]:
    """The layers of one contract, the highest first; names without the package in front. The floors have no container."""
    for contract in contracts:
        if contract["type"] == "layers" and contract.get("containers", [""]) == [container]:
            return [[name.strip().removeprefix(f"{PACKAGE}.") for name in layer.split("|")] for layer in contract["layers"]]
    return []


def picture(contracts: list[dict[str, Any]]) -> Iterator[str]:
    """The floors as a Mermaid graph: a box a floor, in it its rooms; orchestration shows its own floors."""
    yield "```mermaid"
    yield "flowchart TB"
    floors = layers(contracts)
    for number, floor in enumerate(floors):
        inner = layers(contracts, f"{PACKAGE}.{floor[0]}") if floor == ["orchestration"] else []
        if inner:
            yield f'  subgraph floor{number}["{floor[0]}"]'
            yield from _stack(f"floor{number}", inner)
        else:
            yield f'  subgraph floor{number}[" "]'
            yield f"    {_boxes(f'floor{number}', floor)}"
        yield "  end"
    yield from (f"  floor{number} --> floor{number + 1}" for number in range(len(floors) - 1))
    yield "```"


def _stack(name: str, inner: list[list[str]]) -> Iterator[str]:
    for number, layer in enumerate(inner):
        yield f'    subgraph {name}_{number}[" "]'
        yield f"      {_boxes(f'{name}_{number}', layer)}"
        yield "    end"
    yield from (f"    {name}_{number} --> {name}_{number + 1}" for number in range(len(inner) - 1))


def _boxes(name: str, rooms_of_it: list[str]) -> str:
    return "; ".join(f'{name}_{place}["{room}"]' for place, room in enumerate(rooms_of_it))


def rooms(root: Path, contracts: list[dict[str, Any]]) -> Iterator[str]:
    """A table of every package: what belongs there, and in which order its own parts stand."""
    yield "| room | what it is |"
    yield "|---|---|"
    for name in (room for floor in layers(contracts) for room in floor):
        for path in _packages(root / PACKAGE / name):
            where = path.relative_to(root / PACKAGE).as_posix()
            target = f"../{path.relative_to(root).as_posix()}"
            order = layers(contracts, f"{PACKAGE}.{where.replace('/', '.')}")
            sentence = first_line(path if path.suffix else path / "__init__.py")
            down = f" Downwards: {' → '.join(', '.join(f'`{room}`' for room in layer) for layer in order)}." if order else ""
            yield f"| [`{where}`]({target}) | {sentence}{down} |"


def _packages(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path.with_suffix(".py")]
    inside = [package.parent for package in sorted(path.glob("*/__init__.py"))]
    return [path, *inside]


def first_line(path: Path) -> str:
    """The first paragraph of a module's docstring, as one line."""
    docstring = ast.get_docstring(ast.parse(path.read_text()))
    if not docstring:
        raise SystemExit(f"{path} has no docstring: say there in a line what belongs in the room")
    return re.sub(r"\s+", " ", docstring.split("\n\n")[0]).replace("|", "\\|")


if __name__ == "__main__":
    sys.exit(main(ROOT, check="--check" in sys.argv[1:]))
