"""A Parquet file on a web server, read by ranges: only the columns and row groups that are wanted are ever sent.

For files that are too large to keep (tens of GB). The server must honour Range (RFC 9110): the whole file is refused.
"""

from __future__ import annotations

import io
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import pyarrow as pa
import pyarrow.parquet as pq

from oso_dagster.connectors.http.rest import Client, RestError

_READ_AHEAD = 64 * 1024


class _Ranged(io.RawIOBase):
    """The bytes of a file of known size, each read a request; what was read last is kept, as footers are read in small pieces."""

    def __init__(self, client: Client, url: str, size: int) -> None:
        super().__init__()
        self._client, self._url, self._size, self._place = client, url, size, 0
        self._kept: tuple[int, bytes] = (0, b"")
        self.received = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._place = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._size}[whence]
        return self._place

    def read(self, size: int = -1) -> bytes:
        end = self._size if size < 0 else min(self._place + size, self._size)
        body = self._between(self._place, end) if end > self._place else b""
        self._place += len(body)
        return body

    def _between(self, begin: int, end: int) -> bytes:
        first, kept = self._kept
        if begin < first or end > first + len(kept):
            stop = min(max(end, begin + _READ_AHEAD), self._size)
            kept = self._client.content(self._url, {"Range": f"bytes={begin}-{stop - 1}", "Accept-Encoding": "identity"})
            if len(kept) != stop - begin:
                raise RestError(
                    f"{self._url}: {len(kept):,} bytes came where {stop - begin:,} were asked for: the server does not honour "
                    "Range, or the file has changed. Run again; else check the endpoint"
                )
            first, self._kept = begin, (begin, kept)
            self.received += len(kept)
        return kept[begin - first : end - first]


@dataclass
class RangedParquet:
    """A Parquet file at `url` of `size` bytes. Raises RestError for what is no Parquet file, and what `Client.content` raises."""

    client: Client
    url: str
    size: int
    raw: _Ranged = field(init=False)

    def __post_init__(self) -> None:
        self.raw = _Ranged(self.client, self.url, self.size)

    @cached_property
    def _file(self) -> pq.ParquetFile:
        try:
            return pq.ParquetFile(pa.PythonFile(self.raw, mode="r"))
        except pa.ArrowInvalid as error:
            raise RestError(f"{self.url}: no Parquet file ({error}). The old rows stay; check the endpoint") from None

    @property
    def groups(self) -> int:
        """How many row groups it has."""
        return int(self._file.num_row_groups)

    @property
    def columns(self) -> list[str]:
        """The names of its columns."""
        return list(self._file.schema_arrow.names)

    @property
    def received(self) -> int:
        """Bytes that were sent so far."""
        return self.raw.received

    def require(self, columns: Sequence[str]) -> None:
        """Raise RestError when a column is not there."""
        lost = sorted(set(columns) - set(self.columns))
        if lost:
            raise RestError(f"{self.url}: {', '.join(lost)} is missing; there are {', '.join(self.columns)}. Change the source")

    def may_hold(self, group: int, column: str, values: Sequence[int]) -> bool:
        """Whether a row group can have one of the sorted `values`, by its own statistics; it can where it has none."""
        place = self._file.schema_arrow.get_field_index(column)
        statistics = self._file.metadata.row_group(group).column(place).statistics
        if statistics is None or not statistics.has_min_max:
            return True
        nearest = bisect_left(values, statistics.min)
        return nearest < len(values) and values[nearest] <= statistics.max

    def read(self, columns: Sequence[str], groups: Sequence[int]) -> Iterator[pa.Table]:
        """Some columns, one row group after the other."""
        for group in groups:
            try:
                yield self._file.read_row_group(group, columns=list(columns))
            except (pa.ArrowInvalid, OSError) as error:
                raise RestError(f"{self.url}: row group {group} is damaged ({error}). Run again") from None
