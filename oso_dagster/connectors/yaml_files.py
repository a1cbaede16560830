"""Parsing many small YAML files, and naming each one that cannot be parsed, or that claims the name of another."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from oso_dagster.connectors.git import File


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
            document = loads(_text(file.content))
        except ValueError as error:
            bad.append(BadFile(file.path, _one_line(error)))
            continue
        if isinstance(document, dict):
            documents.append((file.path, document))
        else:
            bad.append(BadFile(file.path, f"a mapping is expected, not {type(document).__name__}"))
    return documents, bad


def stem(path: str) -> str:
    """What a file is called, without folders and suffix.

    >>> stem("data/projects/a/alpha.yaml")
    'alpha'
    """
    return PurePosixPath(path).stem


def named_twice(named: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Of files (path, name inside): why those that claim a name together cannot be used, by path.

    A name belongs to the one file that is called so; without such a one, to none of them.

    >>> sorted(named_twice([("a/x.yaml", "x"), ("b/copy.yaml", "x"), ("y.yaml", "y")]))
    ['b/copy.yaml']
    """
    paths: dict[str, list[str]] = defaultdict(list)
    for path, name in named:
        paths[name].append(path)
    reasons: dict[str, str] = {}
    for name, claims in paths.items():
        own = [path for path in claims if stem(path) == name]
        rejected = [path for path in claims if len(claims) > 1 and not (len(own) == 1 and path in own)]
        reasons |= {path: f"its name {name!r} is claimed by {' and '.join(claims)}" for path in rejected}
    return reasons


def _text(content: bytes) -> str:
    """The text of a file, without a byte order mark: it would become part of the first key. Raises ValueError."""
    text = content.decode("utf-8-sig")
    if "\0" in text:  # yaml-rs would end there, without a word
        raise ValueError(f"it holds a NUL character (place {text.index(chr(0)):,}), which no YAML may")
    return text


def _loader() -> Callable[[str], Any]:
    """yaml-rs, five times as fast; PyYAML where no wheel of it exists."""
    try:
        from yaml_rs import loads  # noqa: PLC0415
    except ImportError:
        from oso_dagster.connectors.yaml_fallback import load_with_pyyaml  # noqa: PLC0415

        return load_with_pyyaml
    return loads


def _one_line(error: ValueError) -> str:
    return " ".join(str(error).split())
