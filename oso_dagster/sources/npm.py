"""npm: downloads by day of the packages that OSS Directory names, from npm's public API of download counts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from oso_dagster.connectors.answers import AnswerError, take_list
from oso_dagster.connectors.http.pacing import Pace
from oso_dagster.connectors.http.rest import Client, RestError, client_of, settings_of
from oso_dagster.domain.catalogue.loading import UNKNOWN_FIELDS, Extract, ExtractRequest, RefusedError
from oso_dagster.domain.catalogue.partitions import PartitionKind, Partitions
from oso_dagster.domain.catalogue.source import Column, ColumnType, Cost, Disposition, Schedule, Source, Stability, Table

_PACE = Pace(concurrency=4, per_second=10)
_NEED = "oss_directory.projects__npm.url"
_UNKNOWN = frozenset({404})
_COLUMNS = (
    Column("package", ColumnType.VARCHAR, "Name of the package, with its scope", nullable=False),
    Column("day", ColumnType.DATE, "Day of the downloads, in UTC", nullable=False),
    Column("downloads", ColumnType.BIGINT, "Downloads on that day", nullable=False),
)


def _extract(request: ExtractRequest) -> Extract:
    """The day of the partition, package by package. Packages that npm does not know are named in the facts."""
    from oso_dagster.connectors import records, undeclared  # noqa: PLC0415  (Arrow loads when used)

    if request.window is None or request.window.start is None:
        raise RefusedError("npm.downloads is loaded by day: name a partition")
    day, client = request.window.start.date().isoformat(), client_of(request, _PACE)
    packages = sorted({name for url in request.inputs[_NEED] if (name := package_of(url))})
    days = list(client.each(packages, lambda package: _ask(request, client, package, day)))
    unknown = [package for package, rows in zip(packages, days, strict=True) if rows is None]
    if len(unknown) == len(packages):
        raise RestError(f"{request.settings['url']}: none of {len(packages)} packages is known there. Is the address right?")
    with client.trusting(request.settings["url"]):
        rows, news = undeclared.table_with_news(_COLUMNS, [row for batch in days for row in batch or ()])
    facts = {"unknown_packages": unknown, UNKNOWN_FIELDS: news}
    return Extract(records.version_of(rows), {request.table: [rows]}, facts)


def package_of(url: str) -> str | None:
    """The package in an address such as https://www.npmjs.com/package/@scope/name; None for another address.

    Names are compared in lower case: npm takes no others since 2017.
    """
    parts = urlsplit(url).path.strip("/").lower().split("/")
    scoped = len(parts) > 1 and parts[1].startswith("@")
    name = "/".join(parts[1 : 3 if scoped else 2])
    return name if parts[0] == "package" and name and (not scoped or "/" in name) else None


def _ask(request: ExtractRequest, client: Client, package: str, day: str) -> list[dict[str, Any]] | None:
    url = f"{request.settings['url']}/downloads/range/{day}:{day}/{package}"
    answer = client.get(url, accept=_UNKNOWN)
    if answer.status in _UNKNOWN:
        return None
    with client.trusting(url):
        rows = take_list(answer.document, "downloads")
        if [row.get("day") for row in rows if isinstance(row, dict)] != [day]:
            raise AnswerError(f"the answer is not of {day}, the day that was requested")
        return [row | {"package": package} for row in rows]


SOURCE = Source(
    name="npm",
    title="npm download counts",
    homepage="https://github.com/npm/registry/blob/main/docs/download-counts.md",
    licence="npm's terms of use",
    owner="team:data",
    stability=Stability.UNSTABLE,
    settings=settings_of("https://api.npmjs.org", "Base address of npm's public API of download counts", per_second=10),
    tables=(
        Table(
            name="downloads",
            description="One row per day and npm package that OSS Directory names.",
            columns=_COLUMNS,
            primary_key=("package", "day"),
            disposition=Disposition.REPLACE_PARTITION,
            extract=_extract,
            schedule=Schedule("0 6 * * *"),
            cost=Cost(calls=600, bytes=120_000),
            event_time="day",
            sums=("downloads",),
            events_within=timedelta(days=5),
            partitions=Partitions(
                PartitionKind.DAILY,
                start=datetime(2015, 1, 10, tzinfo=UTC),
                available_after=timedelta(hours=30),
                due_after=timedelta(hours=36),
            ),
            range_in_one_run=True,
            needs=(_NEED,),
        ),
    ),
)
