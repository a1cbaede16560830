"""A day of GH Archive: its 24 hourly files fetched in parallel, read one after the other, never more than a slice in memory.

A file that is missing, cut or damaged is an error that names its hour. What is in a line is in `archive_events`.
"""

from __future__ import annotations

import shutil
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import requests
import tenacity
from isal import igzip_threaded, isal_zlib
from urllib3.exceptions import HTTPError

from oso_dagster.connectors.github import archive_events, archive_fields
from oso_dagster.connectors.http.pacing import requested_pause
from oso_dagster.connectors.http.rest import USER_AGENT
from oso_dagster.domain.catalogue.loading import UNKNOWN_FIELDS
from oso_dagster.domain.catalogue.source import Column

HOURS = 24
_CHUNK = 1024 * 1024
_SLICE = 16 * 1024 * 1024
"""Bytes of lines that are decoded at a time: what bounds the memory, whatever the size of a day."""
_LEAST_SHARE = 0.1
"""An hour with less than this share of the day's median is short: nights are quieter, but never by a factor of ten."""

_DAMAGED: tuple[type[Exception], ...] = (EOFError, OSError, isal_zlib.error)  # type: ignore[assignment]  # a class, typed as a value


class ArchiveError(Exception):
    """The day cannot be read whole; the message names the hours, the causes and what to do next."""


class _MissingError(Exception):
    """The server does not have the file (yet)."""


class _BrokenError(Exception):
    """The transfer failed; `after` is the pause that the server asked for, in seconds."""

    def __init__(self, message: str, after: float | None = None) -> None:
        super().__init__(message)
        self.after = after


@dataclass(frozen=True)
class Patience:
    """Bounds of one file: tries, first pause (doubled each time), silence, whole time of a try, longest pause asked; seconds."""

    attempts: int = 4
    pause: float = 2.0
    silence: float = 60.0
    deadline: float = 1200.0
    patience: float = 120.0


PATIENCE = Patience()
"""How long we bear with an archive; tests have less."""


@dataclass(frozen=True)
class Day:
    """One UTC day of an archive. `known_short`: upstream itself has lost most of it, so that gaps are no error."""

    archive: str
    start: datetime
    least_events: int = 1
    known_short: bool = False

    def url(self, hour: int) -> str:
        """The address of an hour, which is written without a leading zero."""
        return f"{self.archive.rstrip('/')}/{self.name(hour)}.json.gz"

    def name(self, hour: int) -> str:
        """An hour as the archive names it."""
        return f"{self.start:%Y-%m-%d}-{hour}"


def read(day: Day, columns: Sequence[Column], folder: Path, facts: dict[str, Any]) -> Iterator[pa.Table]:
    """The events of a day, slice by slice; `folder` holds the files until they are read. `facts` is filled on the way.

    Each event comes once, and only if it happened within its hour. Raises ArchiveError.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    hours: dict[str, int] = {}
    types: Counter[str] = Counter()
    news: set[str] = set()
    facts |= {"events_by_hour": hours, "dropped_events": 0, "missing_hours": []}
    with ThreadPoolExecutor(HOURS, thread_name_prefix="gharchive") as pool:
        coming = [pool.submit(_fetch, day, hour, folder / f"{hour}.json.gz") for hour in range(HOURS)]
        try:
            for hour in range(HOURS):
                path = _arrived(day, coming, hour, facts)
                hours[day.name(hour)] = 0
                if path is None:
                    continue
                for table in _hour(day, hour, path, columns, types, facts):
                    hours[day.name(hour)] += table.num_rows
                    yield table
                news |= archive_fields.undeclared(path)
                path.unlink()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
            shutil.rmtree(folder, ignore_errors=True)
    facts |= {"events_by_type": dict(types.most_common()), UNKNOWN_FIELDS: sorted(news | archive_fields.new_types(types))}
    _refuse_short(day, hours)


def _arrived(day: Day, coming: Sequence[Future[Path]], hour: int, facts: dict[str, Any]) -> Path | None:
    """The file of an hour, or None where a gap is known. A failed one is reported together with all others that failed."""
    error = coming[hour].exception()
    if error is None:
        return coming[hour].result()
    if day.known_short and isinstance(error, _MissingError):
        facts["missing_hours"].append(day.name(hour))
        return None
    if not isinstance(error, (_MissingError, _BrokenError)):
        raise error
    causes = {day.name(number): cause for number, future in enumerate(coming) if (cause := future.exception()) is not None}
    reasons = "; ".join(f"{name}: {cause}" for name, cause in causes.items())
    raise ArchiveError(
        f"{len(causes)} of {HOURS} hours of {day.start:%Y-%m-%d} cannot be fetched from {day.archive}: {reasons}. "
        "The old rows stay; run the partition again once the files are there."
    ) from None


def _fetch(day: Day, hour: int, path: Path) -> Path:
    """The file of an hour on disk, whole; tried again within bounds, a missing one too, which may only be late."""
    bounds = PATIENCE
    usual = tenacity.wait_exponential(multiplier=bounds.pause, max=60) + tenacity.wait_random(0, bounds.pause)

    def pause(state: tenacity.RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        return usual(state) if (after := getattr(error, "after", None)) is None else float(after)

    def passes(error: BaseException) -> bool:
        return isinstance(error, (_BrokenError, _MissingError)) and (getattr(error, "after", None) or 0) <= bounds.patience

    stop = tenacity.stop_after_attempt(bounds.attempts)
    retrying = tenacity.Retrying(stop=stop, wait=pause, retry=tenacity.retry_if_exception(passes), reraise=True)
    retrying(_download, day.url(hour), path, bounds)
    return path


def _download(url: str, path: Path, bounds: Patience) -> None:
    until = time.monotonic() + bounds.deadline
    headers = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity"}
    try:
        with requests.get(url, headers=headers, stream=True, timeout=bounds.silence) as response, path.open("wb") as file:
            if response.status_code == requests.codes.not_found:
                raise _MissingError(f"missing (404 after {bounds.attempts} tries)")
            if not response.ok:
                after = requested_pause(response.headers, datetime.now(UTC))
                wants = f", and asks for a pause of {after:,.0f} s" if after else ""
                raise _BrokenError(f"the server answers {response.status_code} {response.reason}{wants}", after)
            while chunk := response.raw.read1(_CHUNK, decode_content=False):  # what has come, so that a drip meets the deadline
                file.write(chunk)
                if time.monotonic() > until:
                    raise _BrokenError(f"not complete within {bounds.deadline:g} s")
    except (requests.RequestException, HTTPError, OSError) as error:
        raise _BrokenError(f"the connection broke ({type(error).__name__})") from None
    announced = response.headers.get("Content-Length")
    if announced is not None and int(announced) != path.stat().st_size:
        raise _BrokenError(f"{path.stat().st_size:,} of {int(announced):,} bytes came")


def _hour(
    day: Day, hour: int, path: Path, columns: Sequence[Column], types: Counter[str], facts: dict[str, Any]
) -> Iterator[pa.Table]:
    """The events of one file: those of its own hour, each once. Types whose payload has lost its part are an error by name."""
    begin = day.start + timedelta(hours=hour)
    seen: set[str] = set()
    there: Counter[str] = Counter()
    complete: Counter[str] = Counter()
    try:
        for lines in slices(path):
            events = archive_events.decode(lines)
            table = _within(archive_events.table_of(_first(events, seen), columns), begin)
            facts["dropped_events"] += len(events) - table.num_rows
            for kind, (total, whole) in archive_events.parts(table).items():
                there[kind] += total
                complete[kind] += whole
            yield table
    except _DAMAGED as error:
        raise ArchiveError(f"{day.url(hour)}: the gzip file is damaged or cut ({error}). Run the partition again.") from error
    except (msgspec.MsgspecError, pa.ArrowInvalid) as error:
        raise ArchiveError(f"{day.url(hour)}: an event is not as declared: {error}. Change the source to match.") from error
    lost = [f"{kind}.{archive_events.PART_OF[kind]}" for kind, total in there.items() if total and not complete[kind]]
    if lost:
        raise ArchiveError(f"{day.url(hour)}: upstream has lost {', '.join(lost)}. Change the source to match.")
    types.update(there)


def slices(path: Path) -> Iterator[bytes]:
    """Whole lines of a gzip file, many at a time, unpacked by another thread. Raises what isal raises for a damaged file."""
    rest = b""
    with igzip_threaded.open(path, "rb", threads=1) as stream:  # type: ignore[no-untyped-call]  # isal types its C parts only
        while chunk := stream.read(_SLICE):
            end = chunk.rfind(b"\n") + 1
            if end:
                yield rest + chunk[:end]
                rest = chunk[end:]
            else:
                rest += chunk
    if rest.strip():
        yield rest


def _first(events: list[archive_events.Event], seen: set[str]) -> list[archive_events.Event]:
    """Without the events that stood in the file before."""
    before = len(seen)
    ids = {event.id for event in events}
    repeated = ids & seen
    seen |= ids
    if not repeated and len(seen) == before + len(events):
        return events
    return list({event.id: event for event in events if event.id not in repeated}.values())


def _within(table: pa.Table, begin: datetime) -> pa.Table:
    times = table["created_at"]
    end = begin + timedelta(hours=1)
    inside = pc.and_(pc.greater_equal(times, pa.scalar(begin, times.type)), pc.less(times, pa.scalar(end, times.type)))
    return table if pc.all(inside, min_count=0).as_py() else table.filter(inside)


def _refuse_short(day: Day, hours: dict[str, int]) -> None:
    total, usual = sum(hours.values()), median(hours.values())
    if day.known_short:
        return
    short = [f"{name} ({count:,})" for name, count in hours.items() if count < usual * _LEAST_SHARE]
    if short or total < day.least_events:
        hint = f"short hours: {', '.join(short)}" if short else f"at least {day.least_events:,} are expected"
        raise ArchiveError(
            f"{day.start:%Y-%m-%d} is short: {total:,} events, {usual:,.0f} in a usual hour; {hint}. "
            "The old rows stay; if the archive really has no more events, add the day to the known short days."
        )
