"""Python's plain errors inside a source's extract, such as `KeyError: 'amount'`, in words that name table, record and field.

They are faults of a source that upstream's records do not fit, or no longer fit. What a source or connector raises on purpose
says already what is wrong, and stays as it is.
"""

from __future__ import annotations

import ast
import linecache
import sysconfig
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any

from oso_dagster.domain.catalogue.loading import Extract, ExtractRequest, Unchanged
from oso_dagster.domain.catalogue.source import Table

_PLAIN = (KeyError, ValueError, TypeError, IndexError, AttributeError)
_LIBRARIES = tuple({sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")})
_PACKAGE = Path(__file__).parents[3]
_NAMED = 3
_SHOWN = 40
"""Longer values are left out, not cut: of a cut secret a part would be shown."""
_READS = {"get", "pop"}


class ExtractError(Exception):
    """An extract met a record that it cannot read. The words name source, table, record, field and the next step."""


@dataclass(frozen=True)
class _Reading:
    """What the code was reading when it failed: a record, if known, and its fields."""

    record: Mapping[str, Any] | None
    fields: tuple[str, ...]


def extracted(table: Table, request: ExtractRequest) -> Extract | Unchanged:
    """What the table's extract gives. It, and its batches as they are drawn, raise ExtractError instead of a plain error."""
    try:
        outcome = table.extract(request)
    except _PLAIN as error:
        if (named := _named(error, table, request)) is None:
            raise
        raise named from error
    if isinstance(outcome, Unchanged):
        return outcome
    batches = {name: _drawn(rows, table, request) for name, rows in outcome.batches.items()}
    surviving = None if outcome.surviving is None else _drawn(outcome.surviving, table, request)
    return replace(outcome, batches=batches, surviving=surviving)


def _drawn(batches: Iterable[Any], table: Table, request: ExtractRequest) -> Iterator[Any]:
    rows = iter(batches)
    while True:
        try:
            batch = next(rows)
        except StopIteration:
            return
        except _PLAIN as error:
            if (named := _named(error, table, request)) is None:
                raise
            raise named from error
        yield batch


def _named(error: Exception, table: Table, request: ExtractRequest) -> ExtractError | None:
    """The error in words; None when it was raised on purpose, or is of a kind of its own."""
    if type(error) not in _PLAIN:
        return None
    own = [trace for trace in _frames(error.__traceback__) if not _is_library(trace.tb_frame.f_code.co_filename)]
    readings = [_reading(trace) for trace in reversed(own)]
    if not own or (readings[0] is None and str(error) and not isinstance(error, KeyError)):
        return None
    reading = next((each for each in readings if each is not None and (each.record is not None or each.fields)), None)
    at = own[-1]
    code = at.tb_frame.f_code
    place = f"{type(error).__name__} at {_short(code.co_filename)}:{at.tb_lineno} in {code.co_name}"
    return ExtractError(
        f"{request.where}: {_what(error, reading, table)} ({place}). Compare the record with upstream's documentation; "
        f"if upstream has changed, adapt the source, and try it with `oso sources check {request.source}`"
    )


def _what(error: Exception, reading: _Reading | None, table: Table) -> str:
    record = _identity(reading.record, table) if reading and reading.record is not None else ""
    if isinstance(error, KeyError):
        return f"upstream's record{record} has no field {error}"
    fields = ", ".join(map(repr, reading.fields)) if reading else ""
    if not record and not fields:
        return f"what upstream sent cannot be read: {error}"
    about = f"the field {fields} of upstream's record{record}" if fields else f"upstream's record{record}"
    return f"{about} cannot be read: {error}"


def _identity(record: Mapping[str, Any], table: Table) -> str:
    """Which record it is: by the primary key, else by its first plain fields."""
    plain = {
        str(name): repr(value)
        for name, value in record.items()
        if isinstance(value, (str, int, float)) and value != "" and len(repr(value)) <= _SHOWN
    }
    chosen = [name for name in table.primary_key if name in plain] or list(plain)[:_NAMED]
    return f" ({', '.join(f'{name}={plain[name]}' for name in chosen)})" if chosen else ""


def _frames(trace: TracebackType | None) -> Iterator[TracebackType]:
    while trace is not None:
        if trace.tb_frame.f_code.co_filename != __file__:
            yield trace
        trace = trace.tb_next


def _reading(trace: TracebackType) -> _Reading | None:
    """What the failing expression of a frame reads; None for a `raise`, and where its text is not known."""
    expression = _expression(trace)
    if expression is None:
        return None
    names = [node.id for node in ast.walk(expression) if isinstance(node, ast.Name)]
    values = [trace.tb_frame.f_locals.get(name) for name in names]
    record = next((value for value in values if isinstance(value, Mapping)), None)
    return _Reading(record, tuple(dict.fromkeys(_fields(expression))))


def _fields(expression: ast.expr) -> Iterator[str]:
    for node in ast.walk(expression):
        keys: Sequence[ast.expr] = ()
        if isinstance(node, ast.Subscript):
            keys = [node.slice]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _READS:
            keys = node.args[:1]
        yield from (key.value for key in keys if isinstance(key, ast.Constant) and isinstance(key.value, str))


def _expression(trace: TracebackType) -> ast.expr | None:
    """The expression that failed, by the positions that Python keeps of each instruction."""
    code = trace.tb_frame.f_code
    line, end_line, column, end_column = list(code.co_positions())[trace.tb_lasti // 2]
    lines = [text.encode() for text in linecache.getlines(code.co_filename)[(line or 1) - 1 : end_line]]
    if not lines or column is None or end_column is None:
        return None
    lines[-1] = lines[-1][:end_column]
    lines[0] = lines[0][column:]
    try:
        return ast.parse(f"({b''.join(lines).decode()})", mode="eval").body
    except SyntaxError:
        return None


def _is_library(file: str) -> bool:
    return file.startswith((*_LIBRARIES, "<"))


def _short(file: str) -> str:
    path = Path(file)
    return path.relative_to(_PACKAGE).as_posix() if path.is_relative_to(_PACKAGE) else path.name
