"""growthepie: daily fundamentals of Ethereum's layer-2 chains, one file a metric; `master.json` lists the metrics.

The one file for all of them, `fundamentals_full.json`, is written no more since 2025-10-30. Who names a `.json` of that form as
the address (a mirror) still gets it read.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from oso_dagster.connectors.answers import AnswerError, take, take_list
from oso_dagster.connectors.http.pacing import Pace
from oso_dagster.connectors.http.rest import Client, RateLimitedError, RestError, client_of, settings_of
from oso_dagster.connectors.items import Items
from oso_dagster.domain.catalogue.loading import UNKNOWN_FIELDS, Extract, ExtractRequest, LoadFacts, Unchanged
from oso_dagster.domain.catalogue.source import Column, ColumnType, Cost, Disposition, Schedule, Source, Stability, Table

_PACE = Pace(concurrency=1, per_second=1)
_ABSENT = frozenset({400, 403, 404, 410})
"""403 is what the file server answers for a file that is not there."""
_COLUMNS = (
    Column("metric_key", ColumnType.VARCHAR, "Metric, such as txcount, daa, fees_paid_usd", nullable=False),
    Column("origin_key", ColumnType.VARCHAR, "Chain, as growthepie names it", nullable=False),
    Column("date", ColumnType.DATE, "Day of the value", nullable=False),
    Column("value", ColumnType.DOUBLE, "Value of the metric on that day, in the metric's own unit"),
)
_LEFT_OUT = "unix"
"""The date once more, in milliseconds."""


def _extract(request: ExtractRequest) -> Extract | Unchanged:
    """All metrics, whole: growthepie corrects its past. A metric whose file is bad keeps its rows. Raises RestError."""
    from oso_dagster.connectors import records, undeclared  # noqa: PLC0415  (Arrow loads when used)

    facts, client = LoadFacts(), client_of(request, _PACE)
    listed = list(_rows(request, client, facts))
    with client.trusting(request.settings["url"]):
        rows, news = undeclared.table_with_news(_COLUMNS, listed, None, _LEFT_OUT)
    version = records.version_of(rows)
    facts[UNKNOWN_FIELDS] = news
    if request.previous is not None and request.previous.version == version:
        return Unchanged(version, request.previous.facts)
    return Extract(version, {request.table: [rows]}, facts)


def _rows(request: ExtractRequest, client: Client, facts: LoadFacts) -> Iterator[Any]:
    url = request.settings["url"].rstrip("/")
    if url.endswith(".json"):
        with client.trusting(url):
            yield from take_list(client.get(url).document)
        return
    files = _files_by_key(client, f"{url}/master.json")
    read: dict[str, list[Any] | Exception] = {}
    items = Items.of(request, len(files))
    for _, rows in items.each(sorted(files), lambda key: _of_key(client, url, key, files[key], read)):
        yield from rows
    if len(items.set_aside) == len(files):
        raise RestError(f"{url}: none of {len(files)} metrics could be had. Is the address right?")
    items.tell(facts)


def _files_by_key(client: Client, url: str) -> dict[str, str]:
    """The keys of metrics that have a file, and the name of its metric."""
    with client.trusting(url):
        metrics = take(client.get(url).document, "metrics")
        if not isinstance(metrics, dict):
            raise AnswerError("metrics is no object of metrics by name; its type has changed")
        fundamental = {name: metric for name, metric in metrics.items() if take(metric, "fundamental") is not False}
        files = {key: name for name, metric in fundamental.items() for key in take_list(metric, "metric_keys")}
        if not files:
            raise AnswerError("it lists no metric: metrics is empty")
        return files


def _of_key(client: Client, url: str, key: str, metric: str, read: dict[str, list[Any] | Exception]) -> list[Any]:
    """The rows of a key, from its metric's file, which is asked for once. Raises AnswerError, RestError."""
    if metric not in read:
        try:
            read[metric] = _file(client, f"{url}/export/{metric}.json")
        except RateLimitedError:
            raise
        except RestError as error:
            read[metric] = error
    answer = read[metric]
    if isinstance(answer, Exception):
        raise answer
    rows = [row for row in answer if isinstance(row, dict) and row.get("metric_key") == key]
    if not rows:
        raise AnswerError(f"export/{metric}.json has no row of {key}, which master.json lists: the list is empty or has changed")
    return rows


def _file(client: Client, address: str) -> list[Any]:
    answer = client.get(address, accept=_ABSENT)
    with client.trusting(address):
        if answer.status in _ABSENT:
            raise AnswerError(f"{answer.status}, the file is not there")
        return take_list(answer.document)


SOURCE = Source(
    name="growthepie",
    title="growthepie",
    homepage="https://www.growthepie.com",
    licence="CC-BY-NC-4.0",
    owner="team:data",
    stability=Stability.UNSTABLE,
    settings=settings_of("https://api.growthepie.com/v1", "Base address of growthepie's files, or one file of all", per_second=1),
    tables=(
        Table(
            name="fundamentals",
            description="One row per chain, metric and day, for all layer-2 chains that growthepie follows.",
            columns=_COLUMNS,
            primary_key=("metric_key", "origin_key", "date"),
            disposition=Disposition.REPLACE,
            extract=_extract,
            schedule=Schedule("30 3 * * *"),
            cost=Cost(calls=20, bytes=60_000_000),
            fresh_within=timedelta(days=3),
            event_time="date",
            events_within=timedelta(days=4),
            item_column="metric_key",
            mix_by=("metric_key",),
            why_not={"second_count": "growthepie has no count of its rows; each file is whole, and one that shrinks is refused"},
            set_aside_share=0.2,
        ),
    ),
)
