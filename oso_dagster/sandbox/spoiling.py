"""What a fault does to the body of an answer: pure, from bytes to bytes and the headers that change with them."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Spoiled = tuple[bytes, dict[str, str]]

_HTML = b"<!doctype html><html><body><h1>Please log in</h1></body></html>"


@dataclass(frozen=True)
class Spoiler:
    """What it does, for people, and the doing."""

    about: str
    spoil: Callable[[bytes], Spoiled]


def _truncated(body: bytes) -> Spoiled:
    packed = gzip.compress(body)
    return packed[: len(packed) * 2 // 3], {"content-encoding": "gzip"}


def _emptied(body: bytes) -> Spoiled:
    return json.dumps(_each_list(json.loads(body), lambda _: [])).encode(), {}


def _doubled(body: bytes) -> Spoiled:
    return json.dumps(_each_list(json.loads(body), lambda rows: rows + rows)).encode(), {}


def _drifted(body: bytes) -> Spoiled:
    return json.dumps(_renamed(json.loads(body))).encode(), {}


def _each_list(value: Any, change: Callable[[list[Any]], list[Any]]) -> Any:
    """The document with its outermost lists changed."""
    if isinstance(value, list):
        return change(value)
    if isinstance(value, dict):
        return {key: _each_list(entry, change) for key, entry in value.items()}
    return value


def _renamed(value: Any) -> Any:
    """The document with every key of its records under another name."""
    if isinstance(value, list):
        return [_renamed(entry) for entry in value]
    if isinstance(value, dict):
        return {f"{key}_v2": _renamed(entry) for key, entry in value.items()}
    return value


SPOILERS: Mapping[str, Spoiler] = {
    "truncated_gzip": Spoiler("a gzip body that ends too early", _truncated),
    "invalid_json": Spoiler("JSON that ends in the middle", lambda body: (body[: len(body) * 2 // 3], {})),
    "html": Spoiler("200 with an HTML page in the place of JSON", lambda _: (_HTML, {"content-type": "text/html"})),
    "empty": Spoiler("every list of the answer is empty", _emptied),
    "duplicates": Spoiler("every list of the answer holds its entries twice", _doubled),
    "drift": Spoiler("every key has another name", _drifted),
    "encoding": Spoiler("UTF-16 in the place of UTF-8", lambda body: (body.decode().encode("utf-16"), {})),
}
