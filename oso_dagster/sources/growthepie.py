"""growthepie: daily fundamentals of Ethereum's layer-2 chains, one file for all of them."""

from __future__ import annotations

from datetime import timedelta

from oso_dagster.connectors.http.pacing import Pace
from oso_dagster.connectors.http.rest import client_of, settings_of
from oso_dagster.domain.catalogue.loading import UNKNOWN_FIELDS, Extract, ExtractRequest, Unchanged
from oso_dagster.domain.catalogue.source import Column, ColumnType, Cost, Disposition, Schedule, Source, Stability, Table

_PACE = Pace(concurrency=1, per_second=1)
_COLUMNS = (
    Column("metric_key", ColumnType.VARCHAR, "Metric, such as txcount, daa, fees_paid_usd", nullable=False),
    Column("origin_key", ColumnType.VARCHAR, "Chain, as growthepie names it", nullable=False),
    Column("date", ColumnType.DATE, "Day of the value", nullable=False),
    Column("value", ColumnType.DOUBLE, "Value of the metric on that day, in the metric's own unit"),
)


def _extract(request: ExtractRequest) -> Extract | Unchanged:
    """The whole file; one that the server calls unchanged is not sent again."""
    from oso_dagster.connectors import answers, records, undeclared  # noqa: PLC0415  (Arrow loads when used)

    url, client = request.settings["url"], client_of(request, _PACE)
    before = request.previous.facts.get("validators", {}) if request.previous else {}
    answer = client.get(url, validators=before)
    if answer.unchanged and request.previous is not None:
        return Unchanged(request.previous.version, request.previous.facts)
    with client.trusting(url):
        rows, news = undeclared.table_with_news(_COLUMNS, answers.take_list(answer.document))
    facts = {"validators": answer.validators, UNKNOWN_FIELDS: news}
    return Extract(records.version_of(rows), {request.table: [rows]}, facts)


SOURCE = Source(
    name="growthepie",
    title="growthepie",
    homepage="https://www.growthepie.com",
    licence="CC-BY-NC-4.0",
    owner="team:data",
    stability=Stability.UNSTABLE,
    settings=settings_of(
        "https://api.growthepie.xyz/v1/fundamentals_full.json", "Address of fundamentals_full.json", per_second=1
    ),
    tables=(
        Table(
            name="fundamentals",
            description="One row per chain, metric and day, for all layer-2 chains that growthepie follows.",
            columns=_COLUMNS,
            primary_key=("metric_key", "origin_key", "date"),
            disposition=Disposition.REPLACE,
            extract=_extract,
            schedule=Schedule("30 3 * * *"),
            cost=Cost(calls=1, bytes=40_000_000),
            fresh_within=timedelta(days=3),
            event_time="date",
            events_within=timedelta(days=4),
        ),
    ),
)
