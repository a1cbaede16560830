"""The forms in which rows are sent: lines of JSON for `pyoso`, and CSV, Arrow and Parquet for those who ask by `Accept`.

Each makes bytes as rows come, so that the whole answer is never in memory.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
from isal import isal_zlib

from oso_dagster.serving.engine.base import Running
from oso_dagster.serving.failures import Outcome, RefusedError


@dataclass(frozen=True)
class Form:
    """`name` is a format that people write, `media` its type; `make(running, status)` gives the bytes of an answer."""

    name: str
    media: str
    as_json: bool
    make: Callable[[Running, str], Iterator[bytes]]


def minimal_lines(columns: tuple[str, ...], batches: Iterator[list[str]], status: str) -> Iterator[bytes]:
    """What `pyoso` 0.6 reads: `{"columns","data"}`, then lines of `{"data"}`; before them `{"assetStatus"}`, where asked for."""
    before = f'{{"assetStatus":{status}}}\n' if status else ""
    head = f'{before}{{"columns":{json.dumps(columns, ensure_ascii=False)},"data":['
    for rows in batches:
        yield f"{head}{','.join(rows)}]}}\n".encode()
        head = '{"data":['
    if not head.startswith('{"data"'):
        yield f"{head}]}}\n".encode()


def plain_lines(columns: tuple[str, ...], batches: Iterator[list[str]]) -> Iterator[bytes]:
    """What `pyoso` reads since 0.8: a line with the columns, then one array a line."""
    yield f"{json.dumps(columns, ensure_ascii=False)}\n".encode()
    for rows in batches:
        if rows:
            yield ("\n".join(rows) + "\n").encode()


class _Sink(io.RawIOBase):
    """Keeps what a writer of Arrow's wrote until it is taken."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        part = bytes(memoryview(data))  # type: ignore[arg-type]  # any buffer
        self._parts.append(part)
        return len(part)

    def take(self) -> bytes:
        """All since the last time."""
        taken, self._parts = b"".join(self._parts), []
        return taken


def _lines(running: Running, status: str) -> Iterator[bytes]:
    return minimal_lines(running.columns, running.json_rows(), status)


def _arrow(running: Running, _status: str) -> Iterator[bytes]:
    return _written(running, pa.ipc.new_stream)


def _parquet(running: Running, _status: str) -> Iterator[bytes]:
    return _written(running, lambda sink, schema: pyarrow.parquet.ParquetWriter(sink, schema, compression="zstd"), "Parquet")


def _csv(running: Running, _status: str) -> Iterator[bytes]:
    return _written(running, pyarrow.csv.CSVWriter, "CSV")


_Opener = Callable[[_Sink, pa.Schema], Any]
_NO_PLACE = (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError)
"""What a writer raises for a value that its form has no place for."""


def _written(running: Running, open_writer: _Opener, form: str = "Arrow") -> Iterator[bytes]:
    """The answer as a writer of Arrow's writes it. Raises RefusedError, also for a column that the form has no place for."""
    sink = _Sink()
    batch = pa.RecordBatch.from_arrays([], schema=pa.schema([]))
    try:
        with open_writer(sink, running.schema) as writer:
            for batch in running.batches():
                writer.write_batch(batch)
                if part := sink.take():
                    yield part
    except _NO_PLACE:
        if column := _without_place(running.schema, batch, open_writer):
            raise RefusedError(
                f"{form} has no place for {column}: ask for {LINES.media} or {ARROW.media}, or make text of it", Outcome.USER
            ) from None
        raise
    yield sink.take()


def _without_place(schema: pa.Schema, batch: pa.RecordBatch, open_writer: _Opener) -> str:
    """The first column that cannot be written by itself, with its type; `batch` has no columns when not even opening succeeds."""
    for place, column in enumerate(schema):
        alone = pa.schema([column])
        try:
            with open_writer(_Sink(), alone) as writer:
                if batch.num_columns:
                    writer.write_batch(pa.RecordBatch.from_arrays([batch.column(place)], schema=alone))
        except _NO_PLACE:
            return f"the column {column.name[:60]} ({str(column.type)[:60]})"
    return ""


LINES = Form("minimal", "application/x-ndjson", as_json=True, make=_lines)
ARROW = Form("arrow", "application/vnd.apache.arrow.stream", as_json=False, make=_arrow)
PARQUET = Form("parquet", "application/vnd.apache.parquet", as_json=False, make=_parquet)
FORMS = (LINES, Form("csv", "text/csv; charset=utf-8", as_json=False, make=_csv), ARROW, PARQUET)


def form_of(accept: str) -> Form:
    """The first form that an `Accept` header names; lines of JSON for one that names any. Raises RefusedError (406)."""
    wanted = [part.split(";")[0].strip().lower() for part in accept.split(",")] if accept.strip() else ["*/*"]
    for media in wanted:
        if media in {"*/*", "application/json", "application/*"}:
            return LINES
        for form in FORMS:
            if form.media.split(";")[0] == media:
                return form
    offered = ", ".join(form.media.split(";")[0] for form in FORMS)
    raise RefusedError(f"answers come as {offered}", Outcome.USER, status=406)


def gzipped(parts: Iterator[bytes]) -> Iterator[bytes]:
    """The same bytes as gzip, flushed with each part so that a reader has it at once."""
    packer = isal_zlib.compressobj(1, isal_zlib.DEFLATED, 31)
    for part in parts:
        yield packer.compress(part) + packer.flush(isal_zlib.Z_SYNC_FLUSH)
    yield packer.flush()
