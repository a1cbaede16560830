"""Superchain: who calls which contract how often and at what price, and who deploys, on Optimism's chains, from BigQuery.

The raw tables hold hundreds of millions of rows a day: the aggregate is computed there, a day at a time, and only it travels.

The history begins on `BEGIN`, and every due day since then that is not there is a hole of `partition_completeness`: counted from
the first day that happens to be loaded, a table that has lost its history would look complete. The schedule looks after the last
fourteen days. Older ones are billed by BigQuery, so that a person starts them, some months at a time:

    oso run ingest_superchain --from 2021-11-11 --to 2022-01-31

or as a backfill on the page of the asset. A day that fails is named, and its retry goes on with those that are missing. What each
day scanned stands in its metadata (`bytes_scanned`). Who does not want the old days raises `BEGIN`: then nobody is promised them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

from oso_dagster.connectors.undeclared import Known
from oso_dagster.domain.catalogue.loading import Extract, ExtractRequest, RefusedError
from oso_dagster.domain.catalogue.partitions import PartitionKind, Partitions
from oso_dagster.domain.catalogue.second_count import SecondCount
from oso_dagster.domain.catalogue.source import (
    Column,
    ColumnType,
    Cost,
    Disposition,
    Retries,
    Schedule,
    SchemaContract,
    Setting,
    SettingKind,
    Source,
    Stability,
    Table,
)
from oso_dagster.sources._second_counts.superchain import DAILY_TRANSACTIONS

BEGIN = datetime(2021, 11, 11, tzinfo=UTC)
"""The first day of OP Mainnet as it is now."""

_DATASET = "optimism_superchain_raw_onchain_data"
_DATASET_NAME = re.compile(r"(?:[a-z][a-z0-9-]{4,28}[a-z0-9]\.)?[A-Za-z0-9_]{1,1024}\Z")
_AVAILABLE_AFTER = timedelta(hours=24)
"""How far the dataset is behind the chains: a day is whole that long after its end."""

_DAILY = """
SELECT chain, day, from_address, to_address, COUNT(*) AS transactions, SUM(fee) AS gas_fees, SUM(copies) AS copies
FROM (
    SELECT chain, dt AS day, hash, MIN(from_address) AS from_address, MIN(COALESCE(to_address, '')) AS to_address,
        MIN(CAST(receipt_gas_used AS NUMERIC) * gas_price) AS fee, COUNT(*) AS copies
    FROM `{dataset}.transactions`
    WHERE dt = @day AND network = 'mainnet' AND receipt_status = 1 AND gas > 0
    GROUP BY chain, dt, hash
) AS distinct_transactions
GROUP BY 1, 2, 3, 4
"""
"""Upstream has some rows twice (op-analytics PR 956): a transaction is one hash, however many rows it has."""

_DEPLOYMENTS = """
SELECT DISTINCT t.chain, t.dt AS day, TIMESTAMP_SECONDS(t.block_timestamp) AS deployed_at, t.transaction_hash,
    COALESCE(t.trace_address, '') AS trace_address, t.trace_type AS create_type, t.to_address AS contract_address,
    t.from_address AS deployer_address, x.from_address AS originating_address
FROM `{dataset}.traces` AS t
JOIN `{dataset}.transactions` AS x ON x.hash = t.transaction_hash AND x.chain = t.chain
WHERE t.dt = @day AND x.dt = @day AND t.network = 'mainnet' AND x.network = 'mainnet' AND t.status = 1
    AND x.receipt_status = 1 AND x.gas > 0 AND t.trace_type IN ('create', 'create2')
"""
CHAINS_QUERY = """
SELECT chain, dt AS day, COUNT(*) AS transactions
FROM `{dataset}.transactions`
WHERE (dt = @day OR dt = @before) AND network = 'mainnet'
GROUP BY 1, 2
"""
"""How many transactions each chain has on a day and on the one before it."""

_RESTS = 30
"""A chain with fewer transactions on the day before may have none on the next: beyond that it has not arrived."""

_LOOK = "SELECT * FROM `{dataset}.{table}` WHERE dt = @day"
_KNOWN = {
    "transactions": Known.of(
        ["chain", "dt", "from_address", "to_address", "receipt_gas_used", "gas_price", "network", "receipt_status", "gas",
         "hash"],
        pattern="chain_id|block_.*|transaction_index|transaction_type|nonce|value|value_64|value_lossless|input|max_fee_per_.*|"
        "max_priority_fee_per_gas|blob_versioned_hashes|receipt_(root|contract_address|effective_gas_price|cumulative_gas_used)|"
        "receipt_l1_.*",
    ),
    "traces": Known.of(
        ["chain", "dt", "block_timestamp", "transaction_hash", "trace_address", "trace_type", "to_address", "from_address",
         "network", "status"],
        pattern="chain_id|block_hash|block_number|transaction_index|value|value_64|value_lossless|input|output|call_type|reward_type|gas|"
        "gas_used|subtraces|error|trace_id|trace_root",
    ),
}  # fmt: skip
"""What the raw tables have: what is read, and what is left out. A new column is reported; an aggregate has no place for it."""


def _text(name: str, description: str) -> Column:
    return Column(name, ColumnType.VARCHAR, description, nullable=False)


_CHAIN = _text("chain", "Chain, as the dataset names it: op, base, mode, zora …")
_DAY = Column("day", ColumnType.DATE, "Day of the block, in UTC", nullable=False)
_DAILY_COLUMNS = (
    _CHAIN,
    _DAY,
    _text("from_address", "Account that sent the transactions, 0x… in lower case"),
    _text("to_address", "Account or contract that they went to; empty where they deployed a contract"),
    Column("transactions", ColumnType.BIGINT, "Successful transactions", nullable=False),
    Column("gas_fees", ColumnType.DECIMAL, "Gas used × gas price, in wei, exact", nullable=False),
)
_DEPLOYMENT_COLUMNS = (
    _CHAIN,
    _DAY,
    Column("deployed_at", ColumnType.TIMESTAMP, "Time of the block", nullable=False),
    _text("transaction_hash", "Transaction that deployed the contract"),
    _text("trace_address", "Place of the creation in its transaction; empty for the transaction itself"),
    _text("create_type", "create or create2"),
    _text("contract_address", "Contract that was deployed"),
    _text("deployer_address", "Who created it: an account, or the contract that makes others (a factory)"),
    _text("originating_address", "Account that sent the transaction"),
)


_COPIES = Column("copies", ColumnType.BIGINT, "Rows that upstream has of these transactions", nullable=False)
CHAIN_COLUMNS = (_CHAIN, _DAY, Column("transactions", ColumnType.BIGINT, "Transactions of the chain", nullable=False))


def _day_of(sql: str, declared: tuple[Column, ...]) -> Callable[[ExtractRequest], Extract]:
    def extract(request: ExtractRequest) -> Extract:
        from oso_dagster.connectors.bigquery import Query, QueryPatience, Reader  # noqa: PLC0415  (Google's client loads when used)

        settings = request.settings
        if request.window is None or request.window.start is None:
            raise RefusedError(f"{request.where} is loaded by day: name a partition")
        if not _DATASET_NAME.match(settings["dataset"]):
            raise RefusedError("OSO_SUPERCHAIN_DATASET: dataset or project.dataset is expected")
        day, dataset, most = request.window.start.date(), settings["dataset"], int(float(settings["max_bytes"]))
        columns = (*declared, _COPIES) if _COPIES.name in sql else declared
        looks = {name: (_LOOK.format(dataset=dataset, table=name), known) for name, known in _KNOWN.items() if f".{name}`" in sql}
        query = Query(sql.format(dataset=dataset), {"day": day}, columns, most, looks)
        before = day - timedelta(days=1)
        chains = Query(CHAINS_QUERY.format(dataset=dataset), {"day": day, "before": before}, CHAIN_COLUMNS, most)
        patience = QueryPatience(float(settings["pause_seconds"]), float(settings["patience_seconds"]))
        reader = Reader(request.clients["bigquery"], patience, [settings[name] for name in ("credentials",) if name in settings])
        facts: dict[str, Any] = {}

        def batches() -> Iterator[Any]:
            with reader.open():
                seen: dict[str, Any] = {}
                _require_chains(list(reader.read(chains, seen)), day, settings.get("ended_chains", ""))
                facts["bytes_scanned_for_chains"] = seen["bytes_scanned"]
                yield from _some(reader.read(query, facts), day, facts)

        return Extract(f"superchain/{day}", {request.table: batches()}, facts)

    return extract


def _require_chains(batches: list[Any], day: date, ended: str) -> None:
    """Raise RefusedError when a chain that had its usual transactions the day before has none of this day."""
    counts = {(row["chain"], row["day"]): row["transactions"] for batch in batches for row in batch.to_pylist()}
    known = {name.strip() for name in ended.split(",")}
    missing = {
        chain: rows
        for (chain, when), rows in counts.items()
        if when != day and rows >= _RESTS and (chain, day) not in counts and chain not in known
    }
    if missing and any(when == day for _, when in counts):
        named = ", ".join(f"{chain} ({rows:,} transactions the day before)" for chain, rows in sorted(missing.items()))
        raise RefusedError(
            f"BigQuery has nothing of {named} on {day}: these chains have not arrived yet. The old rows stay; run again "
            "tomorrow. A chain that has ended is named in OSO_SUPERCHAIN_ENDED_CHAINS"
        )


def _some(batches: Iterator[Any], day: object, facts: dict[str, Any]) -> Iterator[Any]:
    """The batches; that there are rows at all. The chains never rest: a day without any has not arrived yet."""
    rows = 0
    for batch in batches:
        rows += batch.num_rows
        if _COPIES.name in batch.column_names:
            copies, transactions = (sum(batch[name].to_pylist()) for name in (_COPIES.name, "transactions"))
            facts["rows_twice_upstream"] = facts.get("rows_twice_upstream", 0) + copies - transactions
        yield batch.drop_columns([name for name in (_COPIES.name,) if name in batch.column_names])
    if not rows:
        raise RefusedError(f"BigQuery has no rows of {day}: the dataset is late. The old rows stay; run again tomorrow")


def _table(
    name: str, description: str, sql: str, columns: tuple[Column, ...], key: tuple[str, ...], cost: Cost,
    second_count: SecondCount | None = None,
) -> Table:  # fmt: skip
    return Table(
        name=name,
        description=description,
        columns=columns,
        primary_key=key,
        disposition=Disposition.REPLACE_PARTITION,
        extract=_day_of(sql, columns),
        schedule=Schedule("30 2 * * *"),
        cost=cost,
        event_time="day",
        events_within=timedelta(hours=96),
        mix_by=("chain",),
        partitions=Partitions(PartitionKind.DAILY, start=BEGIN, available_after=_AVAILABLE_AFTER, due_after=timedelta(hours=30)),
        range_in_one_run=True,
        retries=Retries(limit=3, delay=timedelta(minutes=5)),
        contract=SchemaContract.REPORT,
        second_count=second_count,
        identity="Hashes and addresses of a chain; the chain by its name in the dataset",
        why_not={
            "set_aside": "One query a day; chains that are missing refuse it",
            "look_again": "Blocks are final before the day is loaded, and a query is paid for; late chains are waited for",
        }
        | ({} if second_count else {"second_count": "The dataset is the only list of deployments"}),
    )


SOURCE = Source(
    name="superchain",
    title="Superchain on BigQuery",
    homepage="https://docs.optimism.io",
    licence="MIT (OP Labs' public datasets)",
    owner="team:data",
    stability=Stability.CORE,
    clients=("bigquery",),
    settings=(
        Setting("url", SettingKind.URL, "Address of BigQuery's REST API; one without TLS is asked without credentials",
            default="https://bigquery.googleapis.com", endpoint=True),
        Setting("project", SettingKind.TEXT, "Google Cloud project that pays for the queries; the machine's own if unset"),
        Setting("dataset", SettingKind.TEXT, "Dataset with the raw tables, or project.dataset", default=_DATASET),
        Setting("credentials", SettingKind.SECRET, "Key of a service account, in base64; the machine's own if unset"),
        Setting("max_bytes", SettingKind.NUMBER, "Most bytes that the query of a day may scan; beyond, it does not run",
            default="200000000000"),
        Setting("ended_chains", SettingKind.TEXT, "Chains that have ended, by commas: a day may come without them", default=""),
        Setting("pause_seconds", SettingKind.NUMBER, "First pause before a request is tried again; it grows", default="1"),
        Setting("timeout_seconds", SettingKind.NUMBER, "How long one try of a request may take", default="60"),
        Setting("patience_seconds", SettingKind.NUMBER, "How long a request is tried at all", default="300"),
    ),
    tables=(
        _table(
            "daily_transactions",
            "One row per chain, sender, receiver and day: successful transactions and what their gas cost.",
            _DAILY, _DAILY_COLUMNS, ("chain", "day", "from_address", "to_address"),
            Cost(calls=20, bytes=500_000_000), DAILY_TRANSACTIONS,
        ),
        _table(
            "deployments",
            "One row per contract that was deployed, with who created it and who paid for that.",
            _DEPLOYMENTS, _DEPLOYMENT_COLUMNS, ("chain", "transaction_hash", "trace_address"),
            Cost(calls=5, bytes=50_000_000),
        ),
    ),
)  # fmt: skip
