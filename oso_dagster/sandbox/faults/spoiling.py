"""What a fault does to the body of an answer: pure, from bytes to bytes and the headers that change with them.

Each does so in the way of the body's format; where a fault makes no sense for a format (a git repository has no keys to rename)
the body stays as it is.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

Spoiled = tuple[bytes, dict[str, str]]
_Spoil = Callable[[bytes], Spoiled]

NEW_FIELD = "sandbox_news"
"""The field that the fault `new_fields` adds."""

_HTML = b"<!doctype html><html><body><h1>Please log in</h1></body></html>"


class Format(StrEnum):
    """What a body is, by its content type."""

    JSON = "application/json"
    LINES = "application/gzip"
    """JSON, an object a line, gzipped as a file."""
    CSV = "text/csv"
    GIT = "application/x-git"


def format_of(content_type: str) -> Format | None:
    """The format of a body, or None for one that nobody spoils (an error in words)."""
    return next((format_ for format_ in Format if content_type.startswith(format_.value)), None)


@dataclass(frozen=True)
class Spoiler:
    """What it does, for people, and the doing, by format."""

    about: str
    ways: Mapping[Format, _Spoil]

    def spoil(self, body: bytes, content_type: str) -> Spoiled:
        """The body as the fault leaves it."""
        kind = format_of(content_type)
        return self.ways[kind](body) if kind is not None and kind in self.ways else (body, {})


def _truncated(body: bytes) -> Spoiled:
    packed = gzip.compress(body)
    return packed[: len(packed) * 2 // 3], {"content-encoding": "gzip"}


def _cut(body: bytes) -> Spoiled:
    return body[: len(body) * 2 // 3], {}


def _html(_: bytes) -> Spoiled:
    return _HTML, {"content-type": "text/html"}


def _utf16(body: bytes) -> Spoiled:
    return body.decode().encode("utf-16"), {}


def _document(change: Callable[[Any], Any]) -> _Spoil:
    return lambda body: (json.dumps(change(json.loads(body))).encode(), {})


def _lines(change: Callable[[list[bytes]], list[bytes]]) -> _Spoil:
    return lambda body: (gzip.compress(b"".join(change(gzip.decompress(body).splitlines(keepends=True))), 1), {})


def _rows(change: Callable[[bytes, bytes], bytes]) -> _Spoil:
    def spoil(body: bytes) -> Spoiled:
        header, _, rest = body.partition(b"\n")
        return change(header, rest), {}

    return spoil


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


def _renamed_lines(lines: list[bytes]) -> list[bytes]:
    return [json.dumps(_renamed(json.loads(line))).encode() + b"\n" for line in lines]


def _grown(value: Any) -> Any:
    """The document with a field more in every record: an object that holds text, which maps of numbers do not."""
    if isinstance(value, list):
        return [_grown(entry) for entry in value]
    if not isinstance(value, dict):
        return value
    grown = {key: _grown(entry) for key, entry in value.items()}
    return grown | ({NEW_FIELD: "news"} if any(isinstance(entry, str) for entry in value.values()) else {})


def _grown_lines(lines: list[bytes]) -> list[bytes]:
    return [json.dumps(_grown(json.loads(line))).encode() + b"\n" for line in lines]


def _grown_rows(body: bytes) -> Spoiled:
    header, *rows = csv.reader(io.StringIO(body.decode(), newline=""))
    output = io.StringIO()
    csv.writer(output, lineterminator="\n").writerows([[*header, NEW_FIELD], *([*row, "news"] for row in rows)])
    return output.getvalue().encode(), {}


SPOILERS: Mapping[str, Spoiler] = {
    "truncated_gzip": Spoiler(
        "a gzip body that ends too early",
        {Format.JSON: _truncated, Format.CSV: _truncated, Format.LINES: _cut, Format.GIT: _truncated},
    ),
    "invalid_json": Spoiler(
        "JSON that ends in the middle",
        {Format.JSON: _cut, Format.LINES: _lines(lambda lines: [*lines[:-1], lines[-1][: len(lines[-1]) // 2]])},
    ),
    "html": Spoiler("200 with an HTML page in the place of data", dict.fromkeys(Format, _html)),
    "empty": Spoiler(
        "every list of the answer is empty",
        {
            Format.JSON: _document(lambda value: _each_list(value, lambda _: [])),
            Format.LINES: _lines(lambda _: []),
            Format.CSV: _rows(lambda header, _: header + b"\n"),
        },
    ),
    "duplicates": Spoiler(
        "every list of the answer holds its entries twice",
        {
            Format.JSON: _document(lambda value: _each_list(value, lambda rows: rows + rows)),
            Format.LINES: _lines(lambda lines: lines + lines),
            Format.CSV: _rows(lambda header, rest: header + b"\n" + rest + rest),
        },
    ),
    "drift": Spoiler(
        "every key has another name",
        {
            Format.JSON: _document(_renamed),
            Format.LINES: _lines(_renamed_lines),
            Format.CSV: _rows(lambda header, rest: header.replace(b",", b"_v2,") + b"\n" + rest),
        },
    ),
    "new_fields": Spoiler(
        f"every record has a field more, {NEW_FIELD}",
        {Format.JSON: _document(_grown), Format.LINES: _lines(_grown_lines), Format.CSV: _grown_rows},
    ),
    "encoding": Spoiler(
        "UTF-16 in the place of UTF-8",
        {
            Format.JSON: _utf16,
            Format.CSV: _utf16,
            Format.LINES: lambda body: (gzip.compress(gzip.decompress(body).decode().encode("utf-16"), 1), {}),
        },
    ),
}
