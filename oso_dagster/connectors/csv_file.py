"""A CSV file as one Arrow table with declared types; a changed header or an unreadable value is an error by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
        place = _misfit(content, types, parsing)
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


def _misfit(content: bytes, types: Mapping[str, pa.DataType], parsing: csv.ParseOptions) -> str | None:
    """The first value that is none of its column's type, with column and row; None where the file is damaged otherwise."""
    try:
        names = csv.open_csv(BytesIO(content), parse_options=parsing).schema.names
        texts = csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), null_values=[""], strings_can_be_null=True)
        table = csv.read_csv(BytesIO(content), parse_options=parsing, convert_options=texts)
    except pa.ArrowInvalid:
        return None
    for name, kind in types.items():
        for number, value in enumerate(table[name] if name in table.column_names else (), 1):
            try:
                value.cast(kind)
            except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
                return f"column {name}, row {number:,}: {value.as_py()!r} is no {kind}"
    return None
