"""Hours that the archive itself does not have, or hardly: refused at first, taken as all there is after a stated number of days.

A short file may be one that is still being written, or be filled again later. One that is as short on several days is what the
archive has (its issue 312: 424,570 events on 2025-10-14): the day is loaded, and the load says how much is missing. The tries are
kept in the cache; losing them costs days, never rows.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from pathlib import Path
from statistics import median

from oso_dagster.connectors.github.archive_files import ArchiveError, Day
from oso_dagster.domain.catalogue.loading import RefusedError

_LEAST_SHARE = 0.1
"""An hour with less than this share of the day's median is short: nights are quieter, but never by a factor of ten."""

_REMEMBERED = 4
"""Findings that are remembered of a day: files that are missing and hours that are short are found one after the other."""


class ShortDayError(ArchiveError, RefusedError):
    """Fewer events than expected came, and a try within minutes would find the same: it is not tried again at once."""


@dataclass(frozen=True)
class Floors:
    """What a day must have: `least_events` of it, unless it is one of the days that are `known_short`.

    A day that was as short on `tries` different days of loading is taken as it is.
    """

    least_events: int = 1
    known_short: frozenset[date] = frozenset()
    tries: int = 3


@dataclass(frozen=True)
class Tries:
    """On which days a day was found to have the same gaps; `path` is the file that remembers it."""

    path: Path
    today: date

    def count(self, gaps: Iterable[str]) -> int:
        """Note these gaps for today; on how many days they were the same. Another finding begins anew."""
        mark = sha256("\n".join(gaps).encode()).hexdigest()
        before: dict[str, list[str]] = json.loads(self.path.read_text()) if self.path.exists() else {}
        days = sorted({*before.pop(mark, ()), self.today.isoformat()})
        newest = dict([*before.items(), (mark, days)][-_REMEMBERED:])
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(json.dumps(newest))
        return len(days)


def missing(day: Day, names: Sequence[str], floors: Floors, tries: Tries) -> str | None:
    """In words, the files that the archive does not have, where the day is taken without them; None where it is refused."""
    if not _taken(day, floors, tries, (f"{name} is missing" for name in names)):
        return None
    return f"the archive has no file {', '.join(names)}"


def short(day: Day, lines: Mapping[str, int], events: int, floors: Floors, tries: Tries) -> tuple[str | None, dict[str, float]]:
    """In words, the hours (of those that came, by their number of `lines`) and the day that are short; and each one's share.

    The share is of a usual hour of the day, or of the events that a day has at least. Raises ShortDayError where the day is
    refused.
    """
    usual = median(lines.values()) if lines else 0
    shares = {name: count / usual for name, count in lines.items() if count < usual * _LEAST_SHARE}
    words = [f"{name} ({lines[name]:,}, {share:.1%} of a usual hour)" for name, share in shares.items()]
    if events < floors.least_events:
        shares |= {day.key: events / floors.least_events}
        words.append(f"{day.key} as a whole, where at least {floors.least_events:,} are expected")
    if day.start.date() in floors.known_short:
        words.append("the archive is known to have lost most of it")
    if not words:
        return None, {}
    message = f"{day.key} is short: {events:,} events, {usual:,.0f} in a usual hour; {', '.join(words)}"
    if not _taken(day, floors, tries, [f"{name} {count}" for name, count in lines.items()]):
        raise ShortDayError(
            f"{message}. The old rows stay. Run the partition again: if it is as short on {floors.tries} different days, the "
            "archive has no more, and it is taken so; a day that is known to be short can be named in OSO_GITHUB_SHORT_DAYS"
        )
    return message, shares


def _taken(day: Day, floors: Floors, tries: Tries, gaps: Iterable[str]) -> bool:
    return day.start.date() in floors.known_short or tries.count(gaps) >= floors.tries
