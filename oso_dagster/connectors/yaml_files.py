"""Parsing many small YAML files, and naming each one that cannot be parsed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from oso_dagster.connectors.git import File

MOST_VALUES = 1_000_000
"""How many values a file may hold, each counted as often as it is referred to."""


@dataclass(frozen=True)
class BadFile:
    """A file that was not taken, and why, in one line."""

    path: str
    reason: str


def parse(files: Iterable[File]) -> tuple[list[tuple[str, dict[str, Any]]], list[BadFile]]:
    """The mapping in each file, by path, and the files that hold none."""
    loads = _loader()
    documents: list[tuple[str, dict[str, Any]]] = []
    bad: list[BadFile] = []
    for file in files:
        try:
            document = loads(file.content.decode())
        except ValueError as error:
            bad.append(BadFile(file.path, _one_line(error)))
            continue
        if isinstance(document, dict):
            documents.append((file.path, document))
        else:
            bad.append(BadFile(file.path, f"a mapping is expected, not {type(document).__name__}"))
    return documents, bad


def _loader() -> Callable[[str], Any]:
    """yaml-rs, five times as fast; PyYAML where no wheel of it exists."""
    try:
        from yaml_rs import loads  # noqa: PLC0415
    except ImportError:
        return load_with_pyyaml
    return loads


def load_with_pyyaml(text: str) -> Any:
    """The same with PyYAML's C loader. Raises ValueError, as yaml-rs does."""
    import yaml  # noqa: PLC0415

    try:
        document = yaml.load(text, yaml.CSafeLoader)
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error
    _refuse_bomb(document)
    return document


def _refuse_bomb(document: Any) -> None:
    """Raise ValueError for a document that its aliases repeat into more than a million values, as yaml-rs does."""
    waiting, count = [document], 0
    while waiting:
        value = waiting.pop()
        inner = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
        count += 1 + len(inner)
        if count > MOST_VALUES:
            raise ValueError(f"its aliases repeat it into more than {MOST_VALUES:,} values")
        waiting += inner


def _one_line(error: ValueError) -> str:
    return " ".join(str(error).split())
