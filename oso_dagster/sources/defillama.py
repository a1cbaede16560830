"""DefiLlama: protocols, and value locked, trading volume and fees by day for the protocols that OSS Directory names."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import quote, urlsplit

from oso_dagster.connectors.answers import AnswerError, take, take_list
from oso_dagster.connectors.http.absence import AbsenceRule
from oso_dagster.connectors.http.pacing import Pace
from oso_dagster.connectors.http.rest import Client, RestError, client_of, settings_of
from oso_dagster.connectors.items import Items
from oso_dagster.domain.catalogue.loading import UNKNOWN_FIELDS, Extract, ExtractRequest, LoadFacts
from oso_dagster.domain.catalogue.source import Column, ColumnType, Cost, Disposition, Schedule, Source, Stability, Table
from oso_dagster.domain.catalogue.truth import Absence
from oso_dagster.sources._second_counts import defillama as second

_PACE = Pace(concurrency=4, per_second=8)
_NEED = "oss_directory.projects__defillama.url"
_ABSENT = frozenset({400, 403, 404, 410})
_UNKNOWN_HERE = AbsenceRule(Absence.GONE, frozenset({400}), re.compile("not found|no protocol|doesn't exist", re.IGNORECASE))
"""DefiLlama says with a 400 that it does not know a protocol; another 400 is about the request."""
_DAY = 86_400
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
"""What DefiLlama tells of a protocol and nobody here needs; anything else that is new arrives."""

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
    """Whole days only, of every slug. An answer holds a slug's whole history, which DefiLlama corrects for months.

    A slug whose history is what it was brings its new days alone, one whose history is another comes whole in place of the old.
    One that DefiLlama does not know, or has no such figures for, is named in the facts; if it knows none, that is an error.
    """
    from oso_dagster.connectors import records  # noqa: PLC0415

    table = next(table for table in SOURCE.tables if table.name == request.table)
    client, before = client_of(request, _PACE), (request.previous.facts if request.previous else {})
    seen: dict[str, str] = before.get("through", {})
    slugs = sorted({slug for url in request.inputs[_NEED] if (slug := slug_of(url))})
    through, digests, missing, whole = dict(seen), dict(before.get("digests", {})), list[str](), set[str]()
    items, batches = Items.of(request, len(slugs), seen.keys()), [records.table_of_records(table.columns, [])]

    def work(slug: str) -> list[dict[str, Any]] | None:
        series = _ask(request, client, slug)
        if slug in seen and not series:
            raise AnswerError("no value, where there were some before")
        end = request.now.timestamp() - _DAY
        return series and [row | {"slug": slug} for row in _last_of_day(series, table.primary_key) if row["time"] <= end]

    for slug, rows in items.each(slugs, work, client.each):
        if rows is None:
            missing.append(slug)
            continue
        known = datetime.fromisoformat(seen[slug]).timestamp() if slug in seen else None
        same = known is not None and digests.get(slug) == _digest(row for row in rows if row["time"] <= known)
        if not same:
            whole.add(slug)
        with client.trusting(f"{request.settings['url']} ({slug})"):
            batches.append(
                records.table_of_records(table.columns, [row for row in rows if not same or row["time"] > (known or 0)])
            )
        if rows:
            newest = max(row["time"] for row in rows)
            through[slug], digests[slug] = datetime.fromtimestamp(newest, UTC).isoformat(), _digest(rows)
    missing += items.gone
    if len(missing) == len(slugs):
        raise RestError(f"{request.settings['url']}: none of the {len(slugs)} slugs is known there. Is this the right address?")
    facts: LoadFacts = {"through": through, "digests": digests, "unknown_slugs": sorted(missing)}
    items.tell(facts)
    corrected = whole & seen.keys()
    if corrected:
        facts["history_replaced"] = sorted(corrected)
    return Extract(records.version_of(*batches), {request.table: batches}, facts, whole_items=corrected)


def _digest(rows: Iterable[dict[str, Any]]) -> str:
    """A name for exactly these rows, in whatever order they come."""
    lines = sorted(repr(sorted(row.items())) for row in rows)
    return sha256("\n".join(lines).encode()).hexdigest()[:16]


def slug_of(url: str) -> str | None:
    """The slug in an address such as https://defillama.com/protocol/aave; None for another address."""
    parts = urlsplit(url).path.strip("/").split("/")
    return parts[1].lower() if parts[0] == "protocol" and len(parts) > 1 and parts[1] else None


def _ask(request: ExtractRequest, client: Client, slug: str) -> list[dict[str, Any]] | None:
    path, parameters, read = _SERIES[request.table]
    url = f"{request.settings['url']}/{path}/{quote(slug, safe='')}"
    answer = client.get(url, parameters, accept=_ABSENT)
    if answer.status in _ABSENT:
        raise answer.absent([_UNKNOWN_HERE])
    if answer.document == {}:  # what DefiLlama answers where it has no summary
        return None
    with client.trusting(url):
        return list(read(answer.document))


def _tvl(document: Any) -> Iterable[dict[str, Any]]:
    chains = take(document, "chainTvls")
    for chain in chains:
        if take(chains[chain], "tokensInUsd") is None:
            raise AnswerError(f"tokensInUsd of {chain} is null: the answer was made smaller, though the whole was requested")
        for point in take_list(chains[chain], "tokensInUsd"):
            for token, value in take(point, "tokens").items():
                yield {"time": _midnight(take(point, "date")), "chain": chain, "token": token, "tvl": value}


def _breakdown(document: Any) -> Iterable[dict[str, Any]]:
    """`totalDataChartBreakdown`: [[seconds, {chain: {version of the protocol: value}}]]."""
    for point in take_list(document, "totalDataChartBreakdown"):
        if not isinstance(point, list) or len(point) != 2 or not isinstance(point[1], dict | None):  # noqa: PLR2004  (a pair)
            raise AnswerError("a point of totalDataChartBreakdown is no pair of a time and an object; its type has changed")
        for chain, versions in (point[1] or {}).items():  # null: a day without chains
            yield {"time": _midnight(point[0]), "chain": chain, "amount": sum(_numbers(versions))}


def _numbers(versions: Any) -> list[float]:
    values = list(versions.values()) if isinstance(versions, dict) else [versions]
    if not all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        raise AnswerError("a value of totalDataChartBreakdown is no number; its type has changed")
    return values


def _midnight(seconds: Any) -> int:
    if isinstance(seconds, bool) or not isinstance(seconds, int):
        raise AnswerError(f"a time is {seconds!r}, not seconds since 1970; its type has changed")
    return seconds - seconds % _DAY


def _last_of_day(rows: list[dict[str, Any]], key: tuple[str, ...]) -> list[dict[str, Any]]:
    """DefiLlama may give two points for a day: the later one counts."""
    return list({tuple(row[name] for name in key if name != "slug"): row for row in rows}.values())


_SERIES: dict[str, tuple[str, dict[str, str | int], Any]] = {
    "tvl_events": ("protocol", {"restrictResponseSize": "false"}, _tvl),
    "trading_volume": ("summary/dexs", {}, _breakdown),
    "fees": ("summary/fees", {"dataType": "dailyFees"}, _breakdown),
}


_COUNTS = {
    "tvl_events": second.totals_of("protocol", {"restrictResponseSize": "false"}, "tvl", second.locked, (_NEED, slug_of)),
    "trading_volume": second.totals_of("summary/dexs", _TOTALS_ONLY, "amount", second.chart, (_NEED, slug_of)),
    "fees": second.totals_of("summary/fees", _TOTALS_ONLY | {"dataType": "dailyFees"}, "amount", second.chart, (_NEED, slug_of)),
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
        set_aside_share=0.05,
        keeps_deleted="A protocol that DefiLlama no longer follows keeps the history that was published",
        needs=(_NEED,),
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
