"""PyYAML taught to read plain values as yaml-rs 0.1.6 does: the core schema of YAML 1.2, with dates and times of day.

PyYAML speaks YAML 1.1: `yes` is a truth value there, `012` is ten, `12:30:45` is a number, `<<` merges, and of two equal keys the
last one wins without a word.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import time
from typing import Any

import yaml

MOST_VALUES = 1_000_000
"""How many values a file may hold, each counted as often as it is referred to."""

_TAGS: Mapping[str, tuple[str, str]] = {
    "bool": (r"(?:true|True|TRUE|false|False|FALSE)\Z", "tTfF"),
    "null": (r"(?:~|null|Null|NULL|)\Z", "~nN\0"),
    "int": (r"[-+]?(?:_*[0-9][0-9_]*|0o[0-7_]+|0[xX][0-9a-fA-F_]+|0[bB][01_]+)\Z", "-+_0123456789"),
    "float": (
        r"(?:[-+]?(?:\.[0-9]+|[0-9][0-9_]*(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))\Z",
        "-+0123456789.",
    ),
    "timestamp": (
        r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:(?:[Tt]|[ \t]+)[0-9:]{8}(?:\.[0-9]*)?(?:[ \t]*(?:Z|[-+][0-9]{1,2}(?::[0-9]{2})?))?)?\Z",
        "0123456789",
    ),
    "time": (r"[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?\Z", "0123456789"),
}
"""What a plain value has to look like, and with which letters it begins, by the last part of its tag."""


class _Loader(yaml.CSafeLoader):
    """The resolvers below instead of YAML 1.1's, and equal keys refused."""

    yaml_implicit_resolvers: dict[str, list[Any]] = {}  # noqa: RUF012  (PyYAML's own attribute, filled below)

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        """As PyYAML does, without merging. Raises ValueError for a key that comes twice."""
        document: dict[Any, Any] = {}
        for key_node, value_node in node.value:
            key = self.construct_object(key_node, deep=True)
            key = tuple(key) if isinstance(key, list) else key
            if key in document:
                raise ValueError(f"duplicate mapping key: {key!r}")
            document[key] = self.construct_object(value_node, deep=deep)
        return document


def _whole(loader: Any, node: Any) -> int:
    """A whole number: decimal also with leading zeros, which are no sign of another base."""
    text = loader.construct_scalar(node).replace("_", "").lower()
    sign, digits = (-1 if text.startswith("-") else 1), text.lstrip("+-")
    base = {"0o": 8, "0x": 16, "0b": 2}.get(digits[:2], 10)
    return sign * int(digits[2:] if base != 10 else digits, base)  # noqa: PLR2004  (ten fingers)


def _mapping(loader: Any, node: Any) -> dict[Any, Any]:
    document: dict[Any, Any] = loader.construct_mapping(node, deep=True)
    return document


def _time_of_day(loader: Any, node: Any) -> time | str:
    """A time of day; text where the clock has no such time."""
    text: str = loader.construct_scalar(node)
    try:
        return time.fromisoformat(text)
    except ValueError:
        return text


def _timestamp(loader: Any, node: Any) -> Any:
    """A date or time; text where the calendar has no such day."""
    try:
        return loader.construct_yaml_timestamp(node)
    except ValueError:
        return loader.construct_scalar(node)


def _untagged(loader: Any, node: Any) -> Any:
    """A value under a tag that nobody knows, without it."""
    if isinstance(node, yaml.MappingNode):
        return _mapping(loader, node)
    return loader.construct_sequence(node, deep=True) if isinstance(node, yaml.SequenceNode) else loader.construct_scalar(node)


for _tag, (_pattern, _letters) in _TAGS.items():
    _Loader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_tag}", re.compile(_pattern), ["" if letter == "\0" else letter for letter in _letters]
    )
_Loader.add_constructor("tag:yaml.org,2002:int", _whole)
_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)
_Loader.add_constructor("tag:yaml.org,2002:time", _time_of_day)
_Loader.add_constructor("tag:yaml.org,2002:timestamp", _timestamp)
_Loader.add_constructor(None, _untagged)


def load_with_pyyaml(text: str) -> Any:
    """The document in `text`. Raises ValueError, as yaml-rs does."""
    try:
        document = yaml.load(text, _Loader)  # noqa: S506  (it is a safe loader)
    except (yaml.YAMLError, TypeError) as error:
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
