"""The answer to a question as CSV or Parquet on standard output, for other programs: in batches, however many rows there are."""

from __future__ import annotations

import csv
import io
import sys
from enum import StrEnum
from typing import Any

_BATCH = 10_000


class Format(StrEnum):
    """How an answer is written."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    PARQUET = "parquet"


class TerminalError(Exception):
    """Bytes that are no text would go to a terminal."""


def require_file(form: Format) -> None:
    """Raise TerminalError where Parquet would be shown to a person."""
    if form is Format.PARQUET and sys.stdout.isatty():
        raise TerminalError("Parquet is no text: send it to a file, with >answer.parquet behind the command")


def write_csv(cursor: Any, most: int | None) -> int:
    """The rows with a line of names, as RFC 4180 says; NULL is nothing between two commas. How many rows were written."""
    text = io.TextIOWrapper(sys.stdout.buffer, encoding="utf-8", newline="", write_through=True)
    try:
        writer = csv.writer(text)
        writer.writerow(column[0] for column in cursor.description or ())
        written = 0
        while rows := cursor.fetchmany(_BATCH if most is None else min(_BATCH, most - written)):
            writer.writerows(rows)
            written += len(rows)
        return written
    finally:
        text.detach()


def write_parquet(cursor: Any, most: int | None) -> int:
    """The rows with their types. How many rows were written."""
    import pyarrow.parquet as pq  # noqa: PLC0415  (loads when used)

    reader = cursor.to_arrow_reader(_BATCH)
    written = 0
    with pq.ParquetWriter(sys.stdout.buffer, reader.schema) as writer:
        for batch in reader:
            rows = batch if most is None else batch.slice(0, most - written)
            writer.write_batch(rows)
            written += rows.num_rows
            if most is not None and written >= most:
                break
    return written
