"""Compares the rows of a SQLMesh unit test by type and value.

SQLMesh's own comparison goes through pandas, where 1.7 passes for 1 and NULL for NaN. Here the model's query is fetched as the
engine gives it. A row of the test file says some or all columns; each must stand for exactly one row, and none may be left over.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from math import isnan
from typing import Any

from sqlmesh.core.test.definition import SqlModelTest

Row = Mapping[str, Any]


def is_same(expected: object, actual: object) -> bool:
    """Whether a value of the engine is what the file says: of the same type, but that times and decimals stand there as text."""
    if isinstance(actual, datetime):
        return isinstance(expected, str | datetime) and datetime.fromisoformat(str(expected)) == actual
    if isinstance(actual, date):
        return isinstance(expected, str | date) and date.fromisoformat(str(expected)) == actual
    if isinstance(actual, Decimal):
        return isinstance(expected, str | int) and Decimal(expected) == actual
    if isinstance(actual, list):
        return isinstance(expected, list) and len(expected) == len(actual) and all(map(is_same, expected, actual))
    if isinstance(actual, float) and isinstance(expected, float) and isnan(actual):
        return isnan(expected)
    return type(expected) is type(actual) and expected == actual


def differences(expected: list[Row], actual: list[Row]) -> list[str]:
    """What does not fit: rows that are missing, and rows that nobody expects."""
    left, missing = list(actual), []
    for row in expected:
        fitting = next((some for some in left if all(is_same(value, some.get(name)) for name, value in row.items())), None)
        if fitting is None:
            missing.append(f"missing: {row}")
        else:
            left.remove(fitting)
    return missing + [f"not expected: {row}" for row in left]


@contextmanager
def exact() -> Iterator[None]:
    """While it lasts, SQLMesh's unit tests compare exactly."""
    before = SqlModelTest._execute, SqlModelTest.assert_equal

    def execute(test: Any, query: Any) -> list[Row]:
        rows = test.engine_adapter.fetchall(query)
        names = [column[0] for column in test.engine_adapter.cursor.description]
        return [dict(zip(names, row, strict=True)) for row in rows]

    def assert_equal(test: Any, expected: Any, actual: list[Row], sort: bool, partial: bool | None = False) -> None:
        if problems := differences(test.body["outputs"]["query"]["rows"], actual):
            raise AssertionError("\n".join(problems))

    SqlModelTest._execute, SqlModelTest.assert_equal = execute, assert_equal
    try:
        yield
    finally:
        SqlModelTest._execute, SqlModelTest.assert_equal = before
