"""DefiLlama: what its totals of a day say of some protocols, beside the figures by chain, version and token that a load adds up.

`GET /summary/{dexs|fees}/{protocol}` with `excludeTotalDataChartBreakdown=true` has `totalDataChart`, the total of each day
(DefiLlama/defillama-server at 00b3a04, `defi/src/api2/routes/dimensions.ts`); `GET /protocol/{protocol}` has `tvl` by chain, what
is locked altogether, beside `tokensInUsd` (`craftParentProtocol.ts`, `craftProtocolV2.ts`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import quote

from oso_dagster.connectors.answers import AnswerError, take, take_list
from oso_dagster.connectors.http.pacing import Pace
from oso_dagster.domain.catalogue.loading import ExtractRequest
from oso_dagster.domain.catalogue.second_count import Held, Measure, SecondCount, TrueCount
from oso_dagster.sources._second_counts.days import day_before_load

SAMPLE = 30
_ABSENT = frozenset({400, 404, 410})
_DAYS = 2
"""So many days before the load: the last day is corrected while it is new."""
_DAY = timedelta(days=1)
_PACE = Pace(concurrency=1, per_second=1)

Totals = Callable[[Any], Iterable[tuple[int, float]]]


def sample_of(slugs: Iterable[str]) -> list[str]:
    """The protocols that are asked, the same ones each day: those whose slugs have the smallest hashes."""
    return sorted(set(slugs), key=lambda slug: sha256(slug.encode()).digest())[:SAMPLE]


def totals_of(
    path: str, parameters: dict[str, str | int], column: str, totals: Totals, slugs: tuple[str, Callable[[str], str | None]]
) -> SecondCount:
    """The totals of a day by protocol; `totals` reads (seconds, total) out of an answer, `slugs` is the need and its reader."""
    need, slug_of = slugs

    def count(request: ExtractRequest) -> list[TrueCount]:
        from oso_dagster.connectors.http.rest import client_of  # noqa: PLC0415  (HTTP loads when used)

        client, day = client_of(request, _PACE), day_before_load(request, _DAYS)
        names = sample_of(slug for url in request.inputs[need] if (slug := slug_of(url)))
        by_item: dict[str, int] = {}
        for name in names:
            url = f"{request.settings['url']}/{path}/{quote(name, safe='')}"
            answer = client.get(url, parameters, accept=_ABSENT)
            if answer.status in _ABSENT or answer.document == {}:  # it has no such figures: nothing to compare
                continue
            with client.trusting(url):
                by_item[name] = round(_of_day(totals(answer.document), day))
        total = sum(by_item.values())
        return [TrueCount("", total, total, day, day + _DAY, tuple(names), by_item if total else {})]

    return SecondCount(
        "The total of a day by protocol, which DefiLlama gives beside its parts",
        count,
        Held(Measure.SUM, column, item="slug"),
        sample=f"the {SAMPLE} protocols of the directory whose slugs have the smallest hashes",
    )


def _of_day(totals: Iterable[tuple[int, float]], day: datetime) -> float:
    """Of two values of a day the later one counts, as in the load; none is nothing."""
    begin = day.timestamp()
    inside = {at: total for at, total in totals if begin <= at < begin + _DAY.total_seconds()}
    return inside[max(inside)] if inside else 0.0


def chart(document: Any) -> Iterable[tuple[int, float]]:
    """`totalDataChart`: [[seconds, total]]."""
    for point in take_list(document, "totalDataChart"):
        if not isinstance(point, list) or len(point) != 2:  # noqa: PLR2004  (a pair)
            raise AnswerError("a point of totalDataChart is no pair of a time and a total; its type has changed")
        yield point[0], point[1] or 0


def locked(document: Any) -> Iterable[tuple[int, float]]:
    """`chainTvls.<chain>.tvl`: [{date, totalLiquidityUSD}], summed over the chains by day."""
    by_time: dict[int, float] = {}
    for chain in take(document, "chainTvls").values():
        of_day = {take(point, "date") // 86_400 * 86_400: take(point, "totalLiquidityUSD") for point in take_list(chain, "tvl")}
        for at, total in of_day.items():
            by_time[at] = by_time.get(at, 0.0) + total
    return by_time.items()
