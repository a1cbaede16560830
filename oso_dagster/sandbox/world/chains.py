"""Superchain as the sandbox has it: transactions and traces of its chains, day by day, and what a complete load makes of them.

The contracts are those that projects of the directory name: each is deployed once, within the history or before it, and called
from then on. How the rows are asked for is `bigquery`'s. Pure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from oso_dagster.sandbox.world.world import SandboxWorld, stream

DATASET = "optimism_superchain_raw_onchain_data"
DAYS = 60
LAG = timedelta(hours=24)
"""How far the dataset is behind the chains."""

CHAINS = {"optimism": "op", "base": "base", "mode": "mode", "zora": "zora", "unichain": "unichain", "ink": "ink"}
"""The networks of the directory that belong to the Superchain, by the names that the dataset has for them."""

TRANSACTIONS: Mapping[str, str] = {
    "chain": "STRING", "network": "STRING", "dt": "DATE", "block_timestamp": "INTEGER", "hash": "STRING", "nonce": "INTEGER",
    "from_address": "STRING", "to_address": "STRING", "gas": "INTEGER", "gas_price": "INTEGER", "receipt_gas_used": "INTEGER",
    "receipt_status": "INTEGER", "value_lossless": "STRING", "input": "STRING",
}  # fmt: skip
TRACES: Mapping[str, str] = {
    "chain": "STRING", "network": "STRING", "dt": "DATE", "block_timestamp": "INTEGER", "transaction_hash": "STRING",
    "trace_address": "STRING", "trace_type": "STRING", "from_address": "STRING", "to_address": "STRING", "gas_used": "INTEGER",
    "status": "INTEGER",
}  # fmt: skip
_PER_DAY = (150, 260)
_CALLERS = 120
_SPOILED = {"receipt_status": 0, "network": "sepolia", "gas": 0}
"""What keeps a transaction out of the aggregate: it failed, is of a test network, or is the chain's own."""


@dataclass(frozen=True)
class Contract:
    """A contract of a project, or one that makes others; `born` is the day of the history on which it was deployed, if it was."""

    chain: str
    address: str
    deployer: str
    factory: str | None
    born: int


@dataclass(frozen=True)
class Chains:
    """All chains of a world: the first day of the history, how many days are complete, the contracts and who calls them."""

    seed: int
    start: datetime
    days: int
    contracts: tuple[Contract, ...]
    callers: tuple[str, ...]

    def day(self, number: int) -> datetime:
        """The midnight at which a day of the history begins."""
        return self.start + timedelta(days=number)


def chains_of(world: SandboxWorld) -> Chains:
    """The chains of a world, from random numbers of their own. The last day is the newest that the dataset has whole."""
    rng = stream(world.seed, "superchain")
    start = (world.now - timedelta(days=DAYS)).replace(hour=0, minute=0, second=0)
    callers = tuple(_hex(rng, 40) for _ in range(_CALLERS))
    factories = {chain: _hex(rng, 40) for chain in CHAINS.values()}
    named = sorted(
        {
            (CHAINS[network], address.address.lower())
            for project in world.projects
            for address in project.blockchain or ()
            for network in address.networks
            if network in CHAINS and "contract" in address.tags
        }
    )
    contracts = tuple(
        Contract(
            chain, address, rng.choice(callers), factories[chain] if rng.randrange(3) == 0 else None, rng.randrange(-DAYS, DAYS)
        )
        for chain, address in named
    )
    # Strangers deploy too: on the real chains no day is without a deployment.
    strangers = tuple(Contract("op", _hex(rng, 40), rng.choice(callers), None, number) for number in range(DAYS))
    return Chains(world.seed, start, (world.now - LAG - start) // timedelta(days=1), contracts + strangers, callers)


def rows(chains: Chains, number: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The transactions and traces of a day of the history."""
    rng = stream(chains.seed, f"superchain/{number}")
    living = [contract for contract in chains.contracts if contract.born < number]
    transactions = [_call(rng, chains, number, rng.choice(living)) for _ in range(rng.randint(*_PER_DAY))]
    traces = [
        _trace(transaction, "call", transaction["to_address"], status=transaction["receipt_status"])
        for transaction in transactions[::4]
    ]
    for contract in chains.contracts:
        if contract.born == number:
            _deploy(rng, chains, number, contract, transactions, traces)
    return transactions, traces


def truth(world: SandboxWorld) -> dict[str, list[dict[str, Any]]]:
    """The rows that a complete load holds, by table: counted here in Python, not by the query that the source sends."""
    chains = chains_of(world)
    totals: Counter[tuple[str, ...]] = Counter()
    fees: Counter[tuple[str, ...]] = Counter()
    deployments: list[dict[str, Any]] = []
    for number in range(chains.days):
        transactions, traces = rows(chains, number)
        senders = {row["hash"]: row for row in transactions if _counts(row)}
        for row in senders.values():
            key = (row["chain"], str(row["dt"]), row["from_address"], row["to_address"] or "")
            totals[key] += 1
            fees[key] += row["receipt_gas_used"] * row["gas_price"]
        deployments += [
            _deployment(trace, senders) for trace in traces if _creates(trace) and trace["transaction_hash"] in senders
        ]
    names = ("chain", "day", "from_address", "to_address")
    daily = [dict(zip(names, key, strict=True)) | {"transactions": count, "gas_fees": fees[key]} for key, count in totals.items()]
    return {"superchain.daily_transactions": daily, "superchain.deployments": deployments}


def _counts(row: Mapping[str, Any]) -> bool:
    return bool(row["network"] == "mainnet" and row["receipt_status"] == 1 and row["gas"] > 0)


def _creates(trace: Mapping[str, Any]) -> bool:
    return bool(trace["network"] == "mainnet" and trace["status"] == 1 and trace["trace_type"] in {"create", "create2"})


def _deployment(trace: Mapping[str, Any], senders: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    return {
        "chain": trace["chain"],
        "day": str(trace["dt"]),
        "deployed_at": datetime.fromtimestamp(trace["block_timestamp"], UTC).isoformat(),
        "transaction_hash": trace["transaction_hash"],
        "trace_address": trace["trace_address"],
        "create_type": trace["trace_type"],
        "contract_address": trace["to_address"],
        "deployer_address": trace["from_address"],
        "originating_address": senders[trace["transaction_hash"]]["from_address"],
    }


def _call(rng: Random, chains: Chains, number: int, contract: Contract) -> dict[str, Any]:
    # A few accounts make most of the calls.
    caller = chains.callers[min(int(rng.paretovariate(0.5)) - 1, len(chains.callers) - 1)]
    row = _transaction(rng, chains, number, contract.chain, caller, contract.address)
    if rng.randrange(12) == 0:
        spoiled = rng.choice(list(_SPOILED))
        row[spoiled] = _SPOILED[spoiled]
    return row


def _deploy(
    rng: Random,
    chains: Chains,
    number: int,
    contract: Contract,
    transactions: list[dict[str, Any]],
    traces: list[dict[str, Any]],
) -> None:
    """The transaction that deploys a contract, by itself or through a factory; before some of them, one that failed to."""
    if rng.randrange(5) == 0:
        failed = _transaction(rng, chains, number, contract.chain, contract.deployer, None) | {"receipt_status": 0}
        transactions.append(failed)
        traces.append(_trace(failed, "create", _hex(rng, 40), status=0))
    row = _transaction(rng, chains, number, contract.chain, contract.deployer, contract.factory)
    transactions.append(row)
    if contract.factory is None:
        traces.append(_trace(row, "create", contract.address))
    else:
        traces.append(_trace(row, "call", contract.factory))
        traces.append(_trace(row, "create2", contract.address) | {"trace_address": "0", "from_address": contract.factory})


def _transaction(rng: Random, chains: Chains, number: int, chain: str, sender: str, to: str | None) -> dict[str, Any]:
    midnight = chains.day(number)
    return {
        "chain": chain,
        "network": "mainnet",
        "dt": midnight.date(),
        "block_timestamp": int(midnight.timestamp()) + rng.randrange(86_400),
        "hash": _hex(rng, 64),
        "nonce": rng.randrange(10_000),
        "from_address": sender,
        "to_address": to,
        "gas": rng.randrange(21_000, 900_000),
        "gas_price": int(rng.lognormvariate(14, 3)) + 1,
        "receipt_gas_used": rng.randrange(21_000, 800_000),
        "receipt_status": 1,
        "value_lossless": str(rng.getrandbits(68)),
        "input": "0x" + "ab" * rng.randrange(40),
    }


def _trace(transaction: Mapping[str, Any], kind: str, to: str | None, *, status: int = 1) -> dict[str, Any]:
    shared = {name: transaction[name] for name in ("chain", "network", "dt", "block_timestamp", "from_address")}
    return shared | {
        "transaction_hash": transaction["hash"],
        "trace_address": "",
        "trace_type": kind,
        "to_address": to,
        "gas_used": transaction["receipt_gas_used"],
        "status": status,
    }


def _hex(rng: Random, digits: int) -> str:
    return f"0x{rng.getrandbits(digits * 4):0{digits}x}"
