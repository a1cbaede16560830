"""Open Collective as the sandbox has it: the collectives that projects name, their money by day, and what strangers do there.

Written from opencollective-api at e3f35f5 and 651ac5106: a collective in `private` of the document answers 200 without data,
with an error whose code is Forbidden; more than 10,000 transactions at once are refused; the nine fields of Account and of
Transaction that came in 2026 are there (`server/graphql/schemaV2.graphql`). `moments_tie` of the document is the order of its
ledger (`ledger.orderedTransactions`): what is of one instant has no order of its own, and each page may have another. `page` is
how many a page holds at most. Faults: a collective that the directory names is private; one is deleted, which its administrators
may do (`deleteCollective`); every answer is an error; `former`: the schema without the nine fields.
Awkward on purpose: several transactions of one instant, a giver that is not named, a kind that is not named, a week without any.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID
from zlib import crc32

from starlette.types import ASGIApp

from oso_dagster.sandbox.protocols import graphql_api, web_api
from oso_dagster.sandbox.protocols.family import Endpoint, Family
from oso_dagster.sandbox.world.world import SandboxWorld, stream

STRANGERS = 4
"""Collectives that no project of the directory names."""
PAGE = 40
"""Transactions on a page, however many are asked for: few, so that a week has pages."""
MOST = 10_000
"""Transactions that may be asked for at once."""
UNKNOWN = "sbx-full-house"
"""A collective that a project names and Open Collective does not know."""

_SCHEMA = """
scalar DateTime
enum AccountType { COLLECTIVE INDIVIDUAL ORGANIZATION }
enum TransactionType { DEBIT CREDIT }
enum OrderDirection { ASC DESC }
enum DateTimeField { CREATED_AT }
input ChronologicalOrderInput { field: DateTimeField! = CREATED_AT, direction: OrderDirection! = DESC }
type Amount { value: Float, currency: String, valueInCents: Int }
type Account {
  id: String!, legacyId: Int!, slug: String!, type: AccountType!, name: String, description: String, website: String
  tags: [String], currency: String, isArchived: Boolean!, createdAt: DateTime, updatedAt: DateTime
  publicId: String, isPrivate: Boolean, unhostedAt(host: String): DateTime, canHaveChangelogUpdates: Boolean
  communityStats(host: String): Account, feed(limit: Int): [Account], mainProfile: Account
}
type Transaction {
  id: String!, legacyId: Int!, group: String!, type: TransactionType!, kind: String, amount: Amount!
  fromAccount: Account, toAccount: Account, createdAt: DateTime, publicId: String, oppositeTransaction: Transaction
}
type TransactionCollection { totalCount: Int!, limit: Int!, offset: Int!, nodes: [Transaction!]! }
type Query {
  account(slug: String, throwIfMissing: Boolean! = true): Account
  transactions(
    dateFrom: DateTime, dateTo: DateTime, type: TransactionType, limit: Int! = 100, offset: Int! = 0
    orderBy: ChronologicalOrderInput!
  ): TransactionCollection!
}
"""

_ACCOUNTS_SINCE_2026 = ("  publicId", "  communityStats")
_TRANSACTIONS_SINCE_2026 = ", publicId: String, oppositeTransaction: Transaction"


def write(world: SandboxWorld, folder: Path) -> None:
    """Write all accounts and transactions."""
    web_api.save(folder, document(world))


def serve(folder: Path) -> ASGIApp:
    """The GraphQL endpoint."""
    roots: dict[str, graphql_api.Resolver] = {"account": _account, "transactions": _transactions}
    return graphql_api.serve(folder, _SCHEMA, roots, _DAMAGES, former=former_schema())


def former_schema() -> str:
    """The schema as it was before 2026, without the nine fields."""
    lines = [line for line in _SCHEMA.splitlines() if not line.startswith(_ACCOUNTS_SINCE_2026)]
    return "\n".join(lines).replace(_TRANSACTIONS_SINCE_2026, "")


def slugs(world: SandboxWorld) -> list[str]:
    """The collectives that the directory names."""
    urls = [url for project in world.projects for url in project.links.get("open_collective", ())]
    return sorted({url.rstrip("/").rsplit("/", 1)[1] for url in urls})


def document(world: SandboxWorld) -> dict[str, Any]:
    """Everything that is served, transactions in the order of their times."""
    rng = stream(world.seed, "open_collective")
    names = [slug for slug in slugs(world) if slug != UNKNOWN] + [f"sbx-stranger-{number}" for number in range(STRANGERS)]
    days = web_api.midnights(world)
    collectives = [_collective(rng, number, slug, days[0]) for number, slug in enumerate(names)]
    people = [_person(rng, number, days[0]) for number in range(30)]
    made: list[dict[str, Any]] = []
    for day in days[:14] + days[28:]:  # a week, wherever weeks begin, in which nothing happens
        for _ in range(rng.randint(8, 20)):
            made += _transfer(rng, len(made), collectives, people, day)
    latest = _instant(world.now)
    return {
        "accounts": {collective["slug"]: collective for collective in collectives},
        "transactions": sorted(
            (transaction for transaction in made if transaction["createdAt"] <= latest),
            key=lambda transaction: transaction["createdAt"],
        ),
    }


def truth(world: SandboxWorld) -> dict[str, list[dict[str, Any]]]:
    """The rows that complete loads hold, by table."""
    data, named = document(world), slugs(world)
    accounts = [_named(data["accounts"][slug]) for slug in named if slug != UNKNOWN]
    return {"open_collective.accounts": accounts, "open_collective.transactions": [_row(t) for t in data["transactions"]]}


def _account(data: Any, slug: str, throwIfMissing: bool = True) -> Any:  # noqa: N803  (upstream's name)
    if slug in data.get("private", ()):
        from graphql import GraphQLError  # noqa: PLC0415  (the server alone needs it)

        raise GraphQLError("This collective is private", extensions={"code": "Forbidden"})
    if slug not in data["accounts"] and throwIfMissing:
        raise ValueError(f"No account found with slug {slug}")
    return data["accounts"].get(slug)


def _transactions(data: Any, limit: int, offset: int, **filters: Any) -> Any:
    if limit > MOST:
        raise ValueError("Cannot fetch more than 10,000 transactions at the same time, please adjust the limit")
    begin, end = filters.get("dateFrom", ""), filters.get("dateTo", "9999")
    matching = [transaction for transaction in data["transactions"] if begin <= transaction["createdAt"] <= end]
    matching = [transaction for transaction in matching if filters.get("type") in {None, transaction["type"]}]
    if filters["orderBy"]["direction"] == "DESC":
        matching.reverse()
    size = min(limit, data.get("page", PAGE))
    if data.get("moments_tie"):  # what ties has another order on every other page
        matching.sort(key=lambda transaction: (transaction["createdAt"], crc32(f"{transaction['id']}{offset}".encode())))
    return {"totalCount": len(matching), "limit": size, "offset": offset, "nodes": matching[offset : offset + size]}


def _collective(rng: Random, number: int, slug: str, since: datetime) -> dict[str, Any]:
    return {
        "id": _uuid(rng), "legacyId": 1000 + number, "slug": slug, "type": "COLLECTIVE", "name": slug.title(),
        "description": rng.choice((None, "We build together: «Zusammen» 🌱")), "website": f"https://{slug}.example",
        "tags": rng.choice((None, [], ["open source", "web3"])), "currency": rng.choice(("USD", "EUR")), "isArchived": False,
        "createdAt": _instant(since), "updatedAt": _instant(since + timedelta(days=3)),
    }  # fmt: skip


def _person(rng: Random, number: int, since: datetime) -> dict[str, Any]:
    return {
        "id": _uuid(rng), "legacyId": 5000 + number, "slug": f"sbx-giver-{number}", "type": "INDIVIDUAL",
        "name": f"Giver {number}", "isArchived": False, "createdAt": _instant(since),
    }  # fmt: skip


def _transfer(rng: Random, count: int, collectives: list[Any], people: list[Any], day: datetime) -> list[dict[str, Any]]:
    """Both sides of a transfer, of one group and one instant: giver and taker are the same for both."""
    collective, person = rng.choice(collectives), rng.choice(people)
    spent = rng.random() < 0.3  # noqa: PLR2004  (an expense of the collective, else a contribution to it)
    giver, taker = (collective, person) if spent else (rng.choice((person, None)), collective)
    cents, currency = rng.randint(100, 500_000), collective["currency"]
    shared = {
        "group": _uuid(rng), "kind": "EXPENSE" if spent else rng.choice(("CONTRIBUTION", "ADDED_FUNDS", None)),
        "fromAccount": giver, "toAccount": taker, "createdAt": _instant(day + timedelta(hours=rng.randint(0, 23))),
    }  # fmt: skip
    sides = (("DEBIT", -cents), ("CREDIT", cents))
    return [
        shared | {
            "id": _uuid(rng), "legacyId": 90_000 + count + number, "type": type_,
            "amount": {"value": amount / 100, "currency": currency, "valueInCents": amount},
        }
        for number, (type_, amount) in enumerate(sides)
    ]  # fmt: skip


def _named(account: dict[str, Any]) -> dict[str, Any]:
    renamed = {"legacyId": "legacy_id", "isArchived": "is_archived", "createdAt": "created_at", "updatedAt": "updated_at"}
    return {renamed.get(name, name): value for name, value in account.items()}


def _row(transaction: dict[str, Any]) -> dict[str, Any]:
    amount, row = transaction["amount"], dict[str, Any]()
    for side, name in (("fromAccount", "from_account"), ("toAccount", "to_account")):
        account = transaction[side] or {}
        row |= {f"{name}_id": account.get("id"), f"{name}_slug": account.get("slug"), f"{name}_type": account.get("type")}
    return row | {
        "id": transaction["id"], "legacy_id": transaction["legacyId"], "transaction_group": transaction["group"],
        "type": transaction["type"], "kind": transaction["kind"], "amount": amount["value"], "currency": amount["currency"],
        "amount_in_cents": amount["valueInCents"], "created_at": transaction["createdAt"],
    }  # fmt: skip


def _instant(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _uuid(rng: Random) -> str:
    return str(UUID(int=rng.getrandbits(128), version=4))


def _first(data: Any) -> str:
    return str(min(slug for slug in data["accounts"] if "stranger" not in slug))


_DAMAGES: dict[str, web_api.Damage] = {
    "one_bad_item": lambda data: data | {"private": [_first(data)]},
    "silent_deletion": lambda data: data | {"accounts": {s: a for s, a in data["accounts"].items() if s != _first(data)}},
}

FAMILY = Family(
    "open-collective",
    (Endpoint("open_collective_url", "/open-collective/graphql", "Open Collective's GraphQL API"),),
    write,
    serve,
    truth,
    faults=("success_false", "former", *_DAMAGES),
)
