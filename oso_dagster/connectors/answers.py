"""From the bytes of an answer to a JSON document that can be trusted: whatever is wrong with it is an error by name."""

from __future__ import annotations

import json
import math
import re
import zlib
from collections.abc import Mapping
from typing import Any, NoReturn

_GZIP = 31
"""The window of zlib that means: with gzip's header and checksum."""
_SHOWN = 60
_LARGE = re.compile(r"[eE]\+?[0-9]{3}|[0-9]{300}")
"""What may be a number beyond all numbers, which Python reads as infinity."""


class AnswerError(Exception):
    """An answer that is not what was agreed on; the message says what came instead."""


def unpack(body: bytes, encoding: str, most: int) -> bytes:
    """The body without its content encoding; a stream that ends early, or holds more than `most` bytes, is an error."""
    if encoding in {"", "identity"}:
        return body
    if encoding != "gzip":
        raise AnswerError(f"the body is encoded as {encoding!r}, which was not requested")
    members: list[bytes] = []
    rest, left = body, most
    while rest or not members:  # one after the other: what is behind the first is as much of the body
        stream = zlib.decompressobj(_GZIP)
        try:
            members.append(stream.decompress(rest, left + 1))
        except zlib.error as error:
            raise AnswerError(f"the gzip body is damaged ({error})") from error
        left -= len(members[-1])
        if left < 0:
            raise AnswerError(f"the gzip body holds more than {most:,} bytes")
        if not stream.eof:
            raise AnswerError(f"the gzip body is truncated: it ends after {len(body):,} bytes, before its checksum")
        rest = stream.unused_data.lstrip(b"\0")  # zeros behind the last are padding
    return b"".join(members)


def document(body: bytes, content_type: str) -> Any:
    """The JSON value in `body`. Raises AnswerError for an empty body, HTML, another encoding than UTF-8, or broken JSON."""
    if not body.strip():
        raise AnswerError("the body is empty where JSON is expected")
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise AnswerError(f"the body is not UTF-8, which JSON has to be (byte {error.start:,})") from error
    if "html" in content_type.lower() or text.lstrip().startswith("<"):
        raise AnswerError(f"the answer is HTML, not JSON: {_shown(text)}")
    if "\0" in text:
        raise AnswerError("the body holds null bytes: it is in another encoding than UTF-8, which JSON has to be")
    try:
        return json.loads(text, parse_constant=_refuse_constant, parse_float=_finite if _LARGE.search(text) else None)
    except ValueError as error:
        raise AnswerError(f"the body is not valid JSON ({error}): {_shown(text)}") from error


def take(value: Any, *path: str) -> Any:
    """The value under `path`, key by key; a missing key is an error that says where, never an empty result."""
    for depth, key in enumerate(path):
        if not isinstance(value, Mapping):
            raise AnswerError(f"{'.'.join(path[:depth]) or 'the answer'} is {_kind(value)}, not an object with the key {key!r}")
        if key not in value:
            raise AnswerError(f"the key {'.'.join(path[: depth + 1])!r} is missing; there are {_names(value)}")
        value = value[key]
    return value


def take_list(value: Any, *path: str) -> list[Any]:
    """The list under `path` (the value itself for none)."""
    listed = take(value, *path)
    if not isinstance(listed, list):
        raise AnswerError(f"{'.'.join(path) or 'the answer'} is {_kind(listed)}, not a list")
    return listed


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"{text[:_SHOWN]} is more than a number can be")
    return number


def _shown(text: str) -> str:
    line = " ".join(text.split())
    return repr(line if len(line) <= _SHOWN else f"{line[:_SHOWN]}…")


def _kind(value: Any) -> str:
    return {dict: "an object", list: "a list", str: "text", type(None): "null"}.get(type(value), f"{value!r}")


def _names(value: Mapping[str, Any]) -> str:
    return ", ".join(sorted(value)[:12]) or "none"
