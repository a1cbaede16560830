"""Superchain: the transactions of a day that BigQuery counts by chain, at least and at most.

Rows occur twice upstream now and then (bitcoin-etl issue 78 is alike), and a chain can miss a day: distinct hashes are what is
really there at least, rows at most. Asked hours after the load, it also sees what arrived after it.
"""

from __future__ import annotations

from oso_dagster.domain.catalogue.column import Column, ColumnType
from oso_dagster.domain.catalogue.loading import ExtractRequest, RefusedError
from oso_dagster.domain.catalogue.second_count import Held, Measure, SecondCount, TrueCount

_BY_CHAIN = """
SELECT chain, COUNT(DISTINCT `hash`) AS hashes, COUNT(*) AS transactions
FROM `{dataset}.transactions`
WHERE dt = @day AND network = 'mainnet' AND receipt_status = 1 AND gas > 0
GROUP BY 1
"""
_COLUMNS = (
    Column("chain", ColumnType.VARCHAR, "Chain"),
    Column("hashes", ColumnType.BIGINT, "Distinct transactions"),
    Column("transactions", ColumnType.BIGINT, "Rows"),
)


def _count(request: ExtractRequest) -> list[TrueCount]:
    from oso_dagster.connectors.bigquery import Query, QueryPatience, Reader  # noqa: PLC0415  (Google's client loads when used)

    settings, window = request.settings, request.window
    if window is None or window.start is None:
        raise RefusedError(f"{request.where} is counted by day: a partition is expected")
    sql = _BY_CHAIN.format(dataset=settings["dataset"])
    query = Query(sql, {"day": window.start.date()}, _COLUMNS, int(float(settings["max_bytes"])))
    patience = QueryPatience(float(settings["pause_seconds"]), float(settings["patience_seconds"]))
    reader = Reader(request.clients["bigquery"], patience, [settings[name] for name in ("credentials",) if name in settings])
    rows = [row for batch in reader.read(query, {}) for row in batch.to_pylist()]
    return [TrueCount(row["chain"], row["hashes"], row["transactions"], window.start, window.end) for row in rows]


DAILY_TRANSACTIONS = SecondCount(
    "Distinct hashes and rows of the day in the raw table, by chain, asked after the load",
    _count,
    Held(Measure.SUM, "transactions", category="chain"),
)
