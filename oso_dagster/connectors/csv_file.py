"""A CSV file as one Arrow table with declared types; a changed header or an unreadable value is an error by name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from csv import reader
from io import BytesIO

import pyarrow as pa
from pyarrow import csv

from oso_dagster.connectors.arrow import arrow_type
from oso_dagster.domain.catalogue.loading import RefusedError
from oso_dagster.domain.catalogue.source import Column


class CsvError(RefusedError):
    """The file is not the CSV that was declared; the message says where it differs and what to do. Trying again is no use."""


def read(content: bytes, columns: Sequence[Column]) -> pa.Table:
    """The declared columns, typed, in declared order; behind them those that nobody declared, as text.

    An empty field is null, and nothing else is: `NA` and `null` are texts. Raises CsvError for a missing column, one that comes
    twice, a value of another type or broken quoting.
    """
    types = {column.name: arrow_type(column) for column in columns}
    parsing = csv.ParseOptions(newlines_in_values=True)
    try:
        names = csv.open_csv(BytesIO(content), parse_options=parsing).schema.names
        options = csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()) | types,  # a guessed type would make 7 of 007
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=True,
        )
        table = csv.read_csv(BytesIO(content), parse_options=parsing, convert_options=options)
    except pa.ArrowInvalid as error:
        texts, _ = _texts(content)
        place = next((words for _, words in _misfits(texts, columns)), None) if texts is not None else None
        raise CsvError(
            f"the CSV cannot be read: {place or error}. Correct the file upstream, or the source's declared columns."
        ) from error
    missing = [name for name in types if name not in table.column_names]
    if missing:
        raise CsvError(
            f"the header has changed: no column {', '.join(missing)} among {', '.join(table.column_names)}. "
            "Change the source's declared columns to match, or correct the file upstream."
        )
    if twice := sorted({name for name in table.column_names if table.column_names.count(name) > 1}):
        raise CsvError(f"the header names {', '.join(twice)} more than once: which is meant? Correct the file upstream.")
    unknown = [name for name in table.column_names if name not in types]
    return table.select([*types, *unknown])


def read_by_item(content: bytes, columns: Sequence[Column], item: str) -> tuple[pa.Table, dict[str, str]]:
    """The same, but a bad line costs the rows of its item alone: the rows of good lines, and of each other item what is wrong.

    `item` is the column that says which item a line belongs to. Where that cannot be read of a bad line the file is refused.
    Raises CsvError.
    """
    try:
        return read(content, columns), {}
    except CsvError as error:
        texts, broken = _texts(content)
        if texts is None or item not in texts.column_names:
            raise
        owners, bad = texts[item].to_pylist(), dict(_misfits(texts, columns))
        reasons = {owners[number]: words for number, words in bad.items()}
        for fields, words in broken:
            reasons |= {next((field for field in fields if field in owners), None): words}
        if not reasons or None in reasons:
            raise
        good, text = texts.filter(pa.array([number not in bad for number in range(texts.num_rows)])), BytesIO()
        csv.write_csv(good, text)
        try:
            return read(text.getvalue(), columns), reasons
        except CsvError:
            raise error from None


def _texts(content: bytes) -> tuple[pa.Table | None, list[tuple[list[str], str]]]:
    """All lines that have as many fields as the header, as text; of each of the others its fields, and what is wrong with it."""
    broken: list[tuple[list[str], str]] = []

    def note(row: csv.InvalidRow) -> str:
        fields = next(reader([row.text]), [])
        broken.append((fields, f"a line of {row.actual_columns} fields, where {row.expected_columns} are expected"))
        return "skip"

    parsing = csv.ParseOptions(newlines_in_values=True, invalid_row_handler=note)
    try:
        names = csv.open_csv(BytesIO(content), parse_options=parsing).schema.names
        broken.clear()
        types = csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), null_values=[""], strings_can_be_null=True)
        return csv.read_csv(BytesIO(content), parse_options=parsing, convert_options=types), broken
    except pa.ArrowInvalid:
        return None, broken


def _misfits(texts: pa.Table, columns: Sequence[Column]) -> Iterator[tuple[int, str]]:
    """The rows of which a value is none of its column's type, and why."""
    for column in columns:
        kind = arrow_type(column)
        for number, value in enumerate(texts[column.name] if column.name in texts.column_names else ()):
            try:
                value.cast(kind)
            except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
                yield number, f"column {column.name}, row {number + 1:,}: {value.as_py()!r} is no {kind}"
