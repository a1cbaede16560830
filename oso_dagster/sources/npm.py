"""npm: downloads by day of the packages that OSS Directory names, from npm's public API of download counts.

A package is asked for all days of a run at once, those without a scope 128 together, since a limiter answers 429 after some forty
requests. A run makes a bounded number of them; the days then say which packages they still lack, and the next run asks for those.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from oso_dagster.connectors.answers import AnswerError, take_list
from oso_dagster.connectors.http.absence import absent
from oso_dagster.connectors.http.pacing import Pace
from oso_dagster.connectors.http.rest import Client, RateLimitedError, RestError, client_of, settings_of
from oso_dagster.connectors.items import Items
from oso_dagster.domain.catalogue.loading import (
    CONTINUATION,
    CUT_SHORT,
    UNKNOWN_FIELDS,
    Extract,
    ExtractRequest,
    LoadFacts,
    LoadRecord,
    RefusedError,
    Stretch,
)
from oso_dagster.domain.catalogue.partitions import PartitionKind, Partitions
from oso_dagster.domain.catalogue.source import (
    Column,
    ColumnType,
    Cost,
    Disposition,
    Schedule,
    Setting,
    SettingKind,
    Source,
    Stability,
    Table,
)
from oso_dagster.sources._second_counts.npm import downloads_of

_PACE = Pace(concurrency=1, per_second=0.5)
_NEED = "oss_directory.projects__npm.url"
_ABSENT = frozenset({400, 403, 404})
_BEGIN = datetime(2015, 1, 10, tzinfo=UTC)
"""The first day that npm has; it moves the begin of a longer span there, and says so in the answer alone."""
_BULK = 128
"""Packages without a scope that one request may name."""
_LONGEST = 365
"""Days that one request may span, in bulk; a single package may have 18 months."""
_AROUND = timedelta(days=7)
"""Days before those of a run that are asked for as well, to tell a quiet day from one that is not counted."""
_FEWEST = 50.0
"""Downloads a day, of all packages that were asked for, from which on a day without any is no quiet day."""
_COLUMNS = (
    Column("package", ColumnType.VARCHAR, "Name of the package, with its scope; capitals count", nullable=False),
    Column("day", ColumnType.DATE, "Day of the downloads, in UTC", nullable=False),
    Column("downloads", ColumnType.BIGINT, "Downloads on that day", nullable=False),
)


_Day = dict[str, Any]
"""One day of a package, as npm writes it: day, downloads."""


@dataclass
class _Counts:
    """What one run got of npm: a record by package for each of `days`, and why it ended before the last package, if so."""

    days: list[date]
    items: Items
    by_package: dict[str, list[_Day]] = field(default_factory=dict)
    cut: str | None = None


def _extract(request: ExtractRequest) -> Extract:
    """The day of the partition, of all packages that this run or an earlier one got. Raises RefusedError, RestError."""
    from oso_dagster.connectors import records, undeclared  # noqa: PLC0415  (Arrow loads when used)

    if request.window is None or request.window.start is None:
        raise RefusedError("npm.downloads is loaded by day: name a partition")
    day, names = request.window.start.date(), _packages(request)
    if "counts" not in request.stretch.shared:
        request.stretch.shared["counts"] = _count(request, names)
    counts: _Counts = request.stretch.shared["counts"]
    _refuse_uncounted(counts, day)
    place, aside = counts.days.index(day), counts.items.set_aside
    lacking = _lacking(request.previous, names) - counts.by_package.keys() - counts.items.gone.keys() - aside.keys()
    of_day = [daily[place] | {"package": name} for name, daily in counts.by_package.items()]
    rows, news = undeclared.table_with_news(_COLUMNS, of_day)
    facts: LoadFacts = {"unknown_packages": sorted(counts.items.gone), UNKNOWN_FIELDS: news}
    counts.items.tell(facts)
    if lacking:
        facts[CUT_SHORT] = f"{len(lacking):,} of {len(names):,} packages are lacking; the next run continues. {counts.cut}"
        facts[CONTINUATION] = {"lacking": sorted(lacking)}
    # What was not asked for this time keeps its rows; so do packages that npm no longer has: their downloads happened.
    kept = set(names) - counts.by_package.keys() - lacking
    return Extract(records.version_of(rows), {request.table: [rows]}, facts, kept_items=kept)


def package_of(url: str) -> str | None:
    """The package in an address such as https://www.npmjs.com/package/@scope/name; None for another address.

    Names are taken as they are written: `JSONStream` and `jsonstream` are two packages.
    """
    parts = urlsplit(url).path.strip("/").split("/")
    scoped = len(parts) > 1 and parts[1].startswith("@")
    name = "/".join(parts[1 : 3 if scoped else 2])
    return name if parts[0].lower() == "package" and name and (not scoped or "/" in name) else None


def _packages(request: ExtractRequest) -> list[str]:
    return sorted({name for url in request.inputs[_NEED] if (name := package_of(url))})


def _lacking(record: LoadRecord | None, names: Collection[str]) -> set[str]:
    """The packages that a day lacks: all before its first load, and those that are named since."""
    if record is None:
        return set(names)
    return set((record.continuation or {}).get("lacking", ())) & set(names)


def _count(request: ExtractRequest, names: list[str]) -> _Counts:
    """Downloads of the days of the run, package by package, those first that most days lack, until the run's share is used up.

    Raises RateLimitedError when the limit comes before the first package, RestError when none is known.
    """
    stretch = request.stretch if request.stretch.windows else Stretch([w for w in [request.window] if w], _single(request))
    starts = [window.start.date() for window in stretch.windows if window.start is not None]
    records = [stretch.previous.get(window.key) for window in stretch.windows]
    lacking = Counter(name for record in records for name in _lacking(record, names))
    first, last = max(min(starts) - _AROUND, _BEGIN.date()), max(starts)
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    unknown = {name for record in records if record for name in record.facts.get("unknown_packages", ())}
    known = set(names) - unknown if any(records) else set[str]()
    asking = _Asking(request, client_of(request, _PACE), days, [name for name in names if not name.startswith("@")])
    counts = _Counts(days, Items.of(request, len(names), known))
    share = int(float(request.settings["requests_per_run"]))
    try:
        for name, daily in counts.items.each(sorted(names, key=lambda name: (-lacking[name], name[0] == "@", name)), asking.of):
            counts.by_package[name] = daily
            if asking.requests >= share and len(counts.by_package) < len(names):
                counts.cut = f"A run makes {share:,} requests"
                break
    except RateLimitedError as error:
        if not counts.by_package:
            raise
        counts.cut = str(error)
    if not counts.by_package:
        raise RestError(f"{request.settings['url']}: none of {len(names)} packages is known there. Is the address right?")
    return counts


def _single(request: ExtractRequest) -> dict[str, LoadRecord]:
    """The last load of the one partition of a run that names no others."""
    return {request.window.key: request.previous} if request.window and request.previous else {}


@dataclass
class _Asking:
    """How npm is asked for `days`: packages without a scope together as soon as one is wanted, the others one by one."""

    request: ExtractRequest
    client: Client
    days: list[date]
    unscoped: list[str]
    requests: int = 0
    bulk: dict[str, list[_Day] | None] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)
    """Packages of requests for many that npm refused as a whole: one by one the bad one shows."""

    def of(self, name: str) -> list[_Day]:
        """Each of the days of a package. Raises AbsentError, AnswerError, RestError."""
        if not name.startswith("@") and name not in self.bulk and name not in self.refused:
            self._together(name)
        if name in self.bulk:
            answer = self.bulk[name]
            if answer is None:
                raise absent(HTTPStatus.NOT_FOUND, "null among the packages of an answer")
            return answer
        return [record for span in self._spans() for record in self._one(name, span)]

    def _spans(self) -> list[list[date]]:
        return [self.days[begin : begin + _LONGEST] for begin in range(0, len(self.days), _LONGEST)]

    def _one(self, name: str, span: list[date]) -> list[_Day]:
        url = self._url(span, name)
        self.requests += 1
        answer = self.client.get(url, accept=_ABSENT)
        if answer.status in _ABSENT:
            raise answer.absent()
        with self.client.trusting(url):
            return self._read(answer.document, span)

    def _together(self, name: str) -> None:
        """Ask for a package with as many others as one request may name: those behind it, then those before."""
        at, asked = self.unscoped.index(name), self.bulk.keys() | self.refused
        names = [other for other in (*self.unscoped[at:], *self.unscoped[:at]) if other not in asked][:_BULK]
        if len(names) == 1:
            self.refused.add(name)
            return
        spans: list[dict[str, list[_Day] | None]] = []
        try:
            for span in self._spans():
                url = self._url(span, ",".join(names))
                self.requests += 1
                document = self.client.get(url).document
                with self.client.trusting(url):
                    if not isinstance(document, Mapping) or not document.keys() & set(names):
                        raise AnswerError(f"the answer names none of the {len(names)} packages that were requested")
                    entries = {entry: document.get(entry) for entry in names}
                    spans.append({entry: None if part is None else self._read(part, span) for entry, part in entries.items()})
        except RateLimitedError:
            raise
        except RestError:
            self.refused.update(names)
            return
        for entry in names:
            parts = [part[entry] for part in spans]
            self.bulk[entry] = None if None in parts else [record for part in parts for record in part or ()]

    def _url(self, span: list[date], packages: str) -> str:
        return f"{self.request.settings['url']}/downloads/range/{span[0].isoformat()}:{span[-1].isoformat()}/{packages}"

    def _read(self, document: Any, span: Sequence[date]) -> list[_Day]:
        rows = take_list(document, "downloads")
        if [row.get("day") for row in rows if isinstance(row, dict)] != [day.isoformat() for day in span]:
            raise AnswerError(f"the answer is not of {span[0]} to {span[-1]}, the days that were requested")
        if not all(type(row.get("downloads")) is int for row in rows):
            raise AnswerError("a number of downloads is no whole number; its type has changed")
        return rows


def _refuse_uncounted(counts: _Counts, day: date) -> None:
    """A day that is not counted yet comes as 0 for every package. Raises RefusedError."""
    totals = [sum(daily[place]["downloads"] for daily in counts.by_package.values()) for place in range(len(counts.days))]
    place = counts.days.index(day)
    usual = (sum(totals) - totals[place]) / max(1, len(totals) - 1)
    if not totals[place] and usual >= _FEWEST:
        raise RefusedError(
            f"npm has not counted {day} yet: 0 downloads for all of {len(counts.by_package):,} packages, which have {usual:,.0f} "
            "on other days. What was loaded before stays; the next run asks again"
        )


SOURCE = Source(
    name="npm",
    title="npm download counts",
    homepage="https://github.com/npm/registry/blob/main/docs/download-counts.md",
    licence="npm's terms of use",
    owner="team:data",
    stability=Stability.UNSTABLE,
    settings=(
        *settings_of("https://api.npmjs.org", "Base address of npm's public API of download counts", per_second=0.5),
        Setting("requests_per_run", SettingKind.NUMBER, "How many requests a run makes; the next run continues", default="400"),
    ),
    tables=(
        Table(
            name="downloads",
            description="One row per day and npm package that OSS Directory names.",
            columns=_COLUMNS,
            primary_key=("package", "day"),
            disposition=Disposition.REPLACE_PARTITION,
            extract=_extract,
            schedule=Schedule("0 6,8,10 * * *"),
            cost=Cost(calls=400, bytes=1_000_000, duration=timedelta(minutes=30)),
            event_time="day",
            sums=("downloads",),
            identity="nothing: npm renames nothing, a package of another name is another package",
            second_count=downloads_of(package_of),
            events_within=timedelta(days=5),
            partitions=Partitions(
                PartitionKind.DAILY,
                start=_BEGIN,
                available_after=timedelta(hours=30),
                due_after=timedelta(hours=36),
            ),
            range_in_one_run=True,
            resumable=True,
            changes_within=timedelta(days=7),
            changes_together=True,
            item_column="package",
            set_aside_share=0.02,
            needs=(_NEED,),
        ),
    ),
)
