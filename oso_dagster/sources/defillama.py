"""DefiLlama: protocols, and value locked, trading volume and fees by day for the protocols that OSS Directory names."""

from __future__ import annotations

from datetime import timedelta

from oso_dagster.connectors.answers import take_list
from oso_dagster.connectors.http.pacing import Pace
from oso_dagster.connectors.http.rest import client_of, settings_of
from oso_dagster.domain.catalogue.loading import UNKNOWN_FIELDS, Extract, ExtractRequest
from oso_dagster.domain.catalogue.source import Column, ColumnType, Cost, Disposition, Schedule, Source, Stability, Table
from oso_dagster.sources._defillama_series import NEED, histories, slug_of
from oso_dagster.sources._second_counts import defillama as second

_PACE = Pace(concurrency=4, per_second=8)
_TOTALS_ONLY: dict[str, str | int] = {"excludeTotalDataChartBreakdown": "true"}

_PROTOCOLS = (
    Column("id", ColumnType.VARCHAR, "DefiLlama's id of the protocol", nullable=False),
    Column("slug", ColumnType.VARCHAR, "Name of the protocol in addresses", nullable=False),
    Column("name", ColumnType.VARCHAR, "Name for people", nullable=False),
    Column("category", ColumnType.VARCHAR, "What kind of protocol it is"),
    Column("chain", ColumnType.VARCHAR, "Its main chain, or Multi-Chain"),
    Column("chains", ColumnType.VARCHARS, "Chains it is on"),
    Column("parent_protocol", ColumnType.VARCHAR, "Id of the protocol that it is a part of"),
    Column("url", ColumnType.VARCHAR, "Website"),
    Column("tvl", ColumnType.DOUBLE, "Value locked now, in US dollars"),
)
_LEFT_OUT = (
    "address|assetToken|audit.*|change_.*|chainTvls|cmcId|dead.*|deprecated|description|dimensions|forkedFrom.*|gecko_id|"
    "github|governanceID|hallmarks|language|listedAt|logo|mcap|methodology.*|misrepresentedTokens|module|openSource|oracles.*|"
    "parentProtocolSlug|pool2|previousNames|raises|rugged|staking|stablecoins|symbol|tags|tokenBreakdowns|treasury|"
    "tokensExcludedFromParent|twitter|wrongLiquidity"
)
"""What DefiLlama has of a protocol and nobody here needs; anything else that is new arrives."""

_TIME = Column("time", ColumnType.TIMESTAMP, "Day of the value, at its midnight UTC", nullable=False)
_SLUG = Column("slug", ColumnType.VARCHAR, "Protocol, as in its address at DefiLlama", nullable=False)
_CHAIN = Column("chain", ColumnType.VARCHAR, "Chain, as DefiLlama names it", nullable=False)
_TVL = (
    _TIME,
    _SLUG,
    _CHAIN,
    Column("token", ColumnType.VARCHAR, "Symbol of the token that is locked", nullable=False),
    Column("tvl", ColumnType.DOUBLE, "Value locked, in US dollars", nullable=False),
)


def _daily(what: str) -> tuple[Column, ...]:
    return (_TIME, _SLUG, _CHAIN, Column("amount", ColumnType.DOUBLE, f"{what} of the day, in US dollars", nullable=False))


def _protocols(request: ExtractRequest) -> Extract:
    """All protocols that DefiLlama knows."""
    from oso_dagster.connectors import records, undeclared  # noqa: PLC0415  (Arrow loads when used)

    url, client = f"{request.settings['url']}/protocols", client_of(request, _PACE)
    answer = client.get(url)
    with client.trusting(url):
        protocols = [{"parentProtocol": None} | record for record in take_list(answer.document)]
        rows, news = undeclared.table_with_news(_PROTOCOLS, protocols, {"parent_protocol": ("parentProtocol",)}, _LEFT_OUT)
    return Extract(records.version_of(rows), {request.table: [rows]}, {UNKNOWN_FIELDS: news})


def _series(request: ExtractRequest) -> Extract:
    """A series of the protocols that the directory names; see `_defillama_series`."""
    table = next(table for table in SOURCE.tables if table.name == request.table)
    return histories(request, client_of(request, _PACE), table.columns, table.primary_key)


_COUNTS = {
    "tvl_events": second.totals_of("protocol", {"restrictResponseSize": "false"}, "tvl", second.locked, (NEED, slug_of)),
    "trading_volume": second.totals_of("summary/dexs", _TOTALS_ONLY, "amount", second.chart, (NEED, slug_of)),
    "fees": second.totals_of("summary/fees", _TOTALS_ONLY | {"dataType": "dailyFees"}, "amount", second.chart, (NEED, slug_of)),
}


def _series_table(name: str, description: str, columns: tuple[Column, ...], key: tuple[str, ...]) -> Table:
    return Table(
        name=name,
        description=description,
        columns=columns,
        primary_key=key,
        disposition=Disposition.MERGE,
        extract=_series,
        schedule=Schedule("0 4 * * *"),
        cost=Cost(calls=400, bytes=200_000_000),
        fresh_within=timedelta(days=3),
        event_time="time",
        events_within=timedelta(days=4),
        item_column="slug",
        why_not={
            "limits": "A slug's history is one answer, and all are had again within the patience of a day",
            "bands": "A load brings new days of some slugs and corrected histories of others: no total of it means anything",
        },
        set_aside_share=0.05,
        identity="`id` of the protocol, of /protocols and of each answer",
        follows_renames=True,
        keeps_deleted="A protocol that DefiLlama no longer follows keeps the history that was published",
        needs=(NEED,),
        second_count=_COUNTS[name],
    )


SOURCE = Source(
    name="defillama",
    title="DefiLlama",
    homepage="https://defillama.com",
    licence="Terms of use of DefiLlama's open API",
    owner="team:data",
    stability=Stability.UNSTABLE,
    settings=settings_of("https://api.llama.fi", "Base address of DefiLlama's open API", per_second=8),
    tables=(
        Table(
            name="protocols",
            description="One row per protocol that DefiLlama knows, as it is now.",
            columns=_PROTOCOLS,
            primary_key=("id",),
            disposition=Disposition.REPLACE,
            sums=("tvl",),
            why_not={"set_aside": "One answer", "second_count": "The list is DefiLlama's only one of protocols"},
            extract=_protocols,
            schedule=Schedule("0 4 * * *"),
            cost=Cost(calls=1, bytes=10_000_000),
            fresh_within=timedelta(days=3),
        ),
        _series_table(
            "tvl_events",
            "Value locked by protocol, chain, token and day, for the protocols that OSS Directory names.",
            _TVL,
            ("slug", "chain", "token", "time"),
        ),
        _series_table(
            "trading_volume",
            "Trading volume by protocol, chain and day, for the protocols that OSS Directory names.",
            _daily("Trading volume"),
            ("slug", "chain", "time"),
        ),
        _series_table(
            "fees",
            "Fees paid by users, by protocol, chain and day, for the protocols that OSS Directory names.",
            _daily("Fees"),
            ("slug", "chain", "time"),
        ),
    ),
)
