"""A day of GH Archive: what happened on it, wherever in the archive's files it stands, each event once.

Files are fetched in parallel (`archive_files`), read one after the other and line by line (`archive_lines`), never more than a
slice in memory. A file that is cut or damaged is an error that names its hour; hours that the archive does not have are judged by
`archive_gaps`. Nothing is left out without a word: what is of other days, what came twice and what came too late is counted.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from isal import isal_zlib

from oso_dagster.connectors.github import archive_events, archive_fields, archive_files, archive_gaps
from oso_dagster.connectors.github.archive_files import ArchiveError, BrokenTransferError, Day, MissingHourError, fetch
from oso_dagster.connectors.github.archive_gaps import Floors, Tries
from oso_dagster.connectors.github.archive_ids import SeenIds
from oso_dagster.connectors.github.archive_lines import FileLines, slices
from oso_dagster.domain.catalogue.loading import CUT_SHORT, UNKNOWN_FIELDS
from oso_dagster.domain.catalogue.source import Column
from oso_dagster.domain.catalogue.truth import ITEMS_ASKED, SET_ASIDE

_MOST_DAMAGED = 1_000
"""So many damaged lines of a day are named; more are an error."""
_UNLISTED = 0.001
"""The share of a day's events that may have come too late for the day before without a warning: it is always a fact."""
_DAMAGED: tuple[type[Exception], ...] = (EOFError, OSError, isal_zlib.error)  # type: ignore[assignment]  # a class, typed as a value


@dataclass
class _DayReading:
    """What is found out while a day is read."""

    seen: SeenIds
    types: Counter[str] = field(default_factory=Counter)
    news: set[str] = field(default_factory=set)
    lines: dict[str, int] = field(default_factory=dict)
    kept: dict[str, int] = field(default_factory=dict)
    damaged: dict[str, str] = field(default_factory=dict)
    other_days: Counter[str] = field(default_factory=Counter)
    too_late: Counter[str] = field(default_factory=Counter)
    repeated: int = 0

    def close(self, name: str, file: FileLines, kept: int) -> None:
        """Note what one file had. Raises ArchiveError when too many lines of the day are damaged to be named."""
        self.seen.close_file()
        self.lines[name], self.kept[name] = file.read, kept
        self.damaged |= file.damaged
        if len(self.damaged) > _MOST_DAMAGED:
            raise ArchiveError(f"{file.url}: more than {_MOST_DAMAGED:,} lines of the day are damaged. Ask the archive why")


def read(
    day: Day, columns: Sequence[Column], folder: Path, facts: dict[str, Any], floors: Floors, tries: Tries
) -> Iterator[pa.Table]:
    """The events of a day, slice by slice; `folder` holds the files until they are read. `facts` is filled on the way.

    Raises ArchiveError.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    reading, gone = _DayReading(SeenIds(folder)), None
    with ThreadPoolExecutor(archive_files.HOURS, thread_name_prefix="gharchive") as pool:
        coming = {day.name(place): pool.submit(fetch, day, place, folder / f"{place}.json.gz") for place in day.places}
        try:
            for place in day.places:
                if coming[day.name(place)].exception() is None:
                    yield from _file(day, place, coming[day.name(place)].result(), columns, reading)
                else:
                    gone = gone or _absent(day, coming, floors, tries)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
            shutil.rmtree(folder, ignore_errors=True)
    own = {name: reading.lines[name] for name in map(day.name, day.own) if name in reading.lines}
    short, shares = archive_gaps.short(day, own, sum(reading.kept.values()), floors, tries)
    facts |= _facts(reading)
    incomplete = [words for words in (gone, short, _too_late(day, reading)) if words]
    if incomplete:
        facts |= {CUT_SHORT: f"{'; '.join(incomplete)}. The archive has no more for now", "share_of_usual": shares}


def _absent(day: Day, coming: Mapping[str, Future[Path]], floors: Floors, tries: Tries) -> str:
    """In words, the files that are left out as missing. Raises ArchiveError, with all that cannot be fetched, where none may."""
    causes = {name: cause for name, future in coming.items() if (cause := future.exception()) is not None}
    for cause in causes.values():
        if not isinstance(cause, (MissingHourError, BrokenTransferError)):
            raise cause
    if all(isinstance(cause, MissingHourError) for cause in causes.values()):
        taken = archive_gaps.missing(day, list(causes), floors, tries)
        if taken:
            return taken
    reasons = "; ".join(f"{name}: {cause}" for name, cause in causes.items())
    raise ArchiveError(
        f"{len(causes)} of {len(coming)} files of {day.key} cannot be fetched from {day.archive}: {reasons}. The old rows stay; "
        f"run the partition again once the files are there. Files that are missing on {floors.tries} different days are left out"
    )


def _file(day: Day, place: int, path: Path, columns: Sequence[Column], reading: _DayReading) -> Iterator[pa.Table]:
    """The events of the day in one file, each once. Types whose payload has lost its part are an error by name."""
    late, end = place not in day.own, f"{day.end:{archive_events.TIME}}"
    file = FileLines(day.name(place), day.url(place))
    there: Counter[str] = Counter()
    complete: Counter[str] = Counter()
    kept = 0
    try:
        for lines in slices(path):
            wanted = archive_events.lines_before(lines, end) if late else lines
            table = _of_day(day, place, _first(*file.rows(wanted, columns), reading), reading)
            for kind, (total, whole) in archive_events.parts(table).items():
                there[kind] += total
                complete[kind] += whole
            kept += table.num_rows
            yield table
    except _DAMAGED as error:
        raise ArchiveError(f"{day.url(place)}: the gzip file is damaged or cut ({error}). Run the partition again") from error
    file.finish()
    lost = [f"{kind}.{archive_events.PART_OF[kind]}" for kind, total in there.items() if total and not complete[kind]]
    if lost and not late:
        raise ArchiveError(f"{day.url(place)}: upstream has lost {', '.join(lost)}. Change the source to match")
    reading.close(day.name(place), file, kept)
    reading.types.update(there)
    if not late:
        reading.news |= archive_fields.undeclared(path)
    path.unlink()


def _first(table: pa.Table, ids: Sequence[int], reading: _DayReading) -> pa.Table:
    """Without the events that were read before, in this file or an earlier one."""
    positions = reading.seen.first_time(ids)
    reading.repeated += len(ids) - len(positions)
    return table if len(positions) == len(ids) else table.take(pa.array(positions, pa.int64()))


def _of_day(day: Day, place: int, table: pa.Table, reading: _DayReading) -> pa.Table:
    """Without the events of other days, which are counted: their partitions have them, unless they came too late for that."""
    times = table["created_at"]
    begin, end = pa.scalar(day.start, times.type), pa.scalar(day.start + timedelta(days=1), times.type)
    inside = pc.and_(pc.greater_equal(times, begin), pc.less(times, end))
    if pc.all(inside, min_count=0).as_py():
        return table
    for moment in times.filter(pc.invert(inside)).to_pylist():
        reading.other_days[f"{moment:%Y-%m-%d}"] += 1
        if moment < day.start and place >= day.late_hours:
            reading.too_late[f"{moment:%Y-%m-%d}"] += 1
    return table.filter(inside)


def _too_late(day: Day, reading: _DayReading) -> str | None:
    late = reading.too_late.total()
    if late <= _UNLISTED * sum(reading.kept.values()):
        return None
    days = ", ".join(f"{count:,} of {name}" for name, count in sorted(reading.too_late.items()))
    return (
        f"{late:,} events came more than {day.late_hours} h late and are in no partition ({days}): raise OSO_GITHUB_LATE_HOURS "
        "and load these days again"
    )


def _facts(reading: _DayReading) -> dict[str, Any]:
    damaged = {item: why for item, why in reading.damaged.items() if not (item.isdigit() and int(item) in reading.seen)}
    return {
        "events_by_hour": reading.kept,
        "events_by_type": dict(reading.types.most_common()),
        "events_of_other_days": dict(sorted(reading.other_days.items())),
        "events_too_late": dict(sorted(reading.too_late.items())),
        "repeated_events": reading.repeated,
        ITEMS_ASKED: sum(reading.lines.values()),
        UNKNOWN_FIELDS: sorted(reading.news | archive_fields.new_types(reading.types)),
        **({SET_ASIDE: damaged} if damaged else {}),
    }
