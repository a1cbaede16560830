"""Open Collective: the collectives that OSS Directory names, and the money that moves on the whole platform, week by week.

Kept of the two sides of a transaction is who they are by id, slug and kind; names and free text of people stay upstream.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from oso_dagster.connectors.answers import AnswerError, take, take_list
from oso_dagster.connectors.http.absence import AbsentError
from oso_dagster.connectors.http.graphql import GraphqlEndpoint, GraphqlError
from oso_dagster.connectors.http.pacing import Pace
from oso_dagster.connectors.http.pages import by_offset, walk
from oso_dagster.connectors.http.rest import RestError, client_of, settings_of
from oso_dagster.connectors.items import Items
from oso_dagster.connectors.undeclared import Known
from oso_dagster.domain.catalogue.loading import Extract, ExtractRequest, LoadFacts, RefusedError
from oso_dagster.domain.catalogue.partitions import PartitionKind, Partitions
from oso_dagster.domain.catalogue.source import (
    Column,
    ColumnType,
    Cost,
    Disposition,
    Schedule,
    SchemaContract,
    Setting,
    SettingKind,
    Source,
    Stability,
    Table,
)
from oso_dagster.domain.catalogue.truth import Absence

_PACE = Pace(concurrency=2, per_second=0.15)
_NEED = "oss_directory.projects__open_collective.url"
_PAGE = 10_000
"""The most that a page may hold: under the order of the ledger ties have no order, so that pages can cross them."""
_TICK = timedelta(milliseconds=1)
"""The resolution of their times: both ends of a span that is asked for are part of it."""

_ACCOUNT = """
query ($slug: String!) {
  account(slug: $slug, throwIfMissing: false) {
    id legacyId slug type name description website tags currency isArchived createdAt updatedAt
  }
}"""
_TRANSACTIONS = """
query ($type: TransactionType!, $from: DateTime!, $to: DateTime!, $limit: Int!, $offset: Int!) {
  transactions(
    type: $type, dateFrom: $from, dateTo: $to, limit: $limit, offset: $offset, orderBy: {field: CREATED_AT, direction: ASC}
  ) {
    totalCount
    nodes {
      id legacyId group type kind createdAt
      amount { value currency valueInCents }
      fromAccount { id slug type }
      toAccount { id slug type }
    }
  }
}"""
_ACCOUNTS = (
    Column("id", ColumnType.VARCHAR, "Id of the account", nullable=False),
    Column("legacy_id", ColumnType.BIGINT, "Number of the account in the older API", nullable=False),
    Column("slug", ColumnType.VARCHAR, "Name in addresses, as it is now", nullable=False),
    Column("type", ColumnType.VARCHAR, "COLLECTIVE, ORGANIZATION, PROJECT …", nullable=False),
    Column("name", ColumnType.VARCHAR, "Name for people"),
    Column("description", ColumnType.VARCHAR, "One line about it"),
    Column("website", ColumnType.VARCHAR, "Website"),
    Column("tags", ColumnType.VARCHARS, "Tags that it has given itself"),
    Column("currency", ColumnType.VARCHAR, "Currency that it counts in, ISO 4217"),
    Column("is_archived", ColumnType.BOOLEAN, "Whether it is archived", nullable=False),
    Column("created_at", ColumnType.TIMESTAMP, "When it was created"),
    Column("updated_at", ColumnType.TIMESTAMP, "When it last changed"),
)
_ACCOUNT_KEYS = {
    "legacy_id": ("legacyId",),
    "is_archived": ("isArchived",),
    "created_at": ("createdAt",),
    "updated_at": ("updatedAt",),
}


def _side(name: str, who: str) -> tuple[Column, ...]:
    return (
        Column(f"{name}_id", ColumnType.VARCHAR, f"Id of {who}; null where it is not given"),
        Column(f"{name}_slug", ColumnType.VARCHAR, f"Name of {who} in addresses"),
        Column(f"{name}_type", ColumnType.VARCHAR, f"What {who} is: COLLECTIVE, INDIVIDUAL, ORGANIZATION, VENDOR …"),
    )


_MOVES = (
    Column("id", ColumnType.VARCHAR, "Id of the transaction; the two sides of a transfer are two transactions", nullable=False),
    Column("legacy_id", ColumnType.BIGINT, "Number of the transaction in the older API", nullable=False),
    Column("transaction_group", ColumnType.VARCHAR, "Id that both sides of a transfer and its fees share", nullable=False),
    Column("type", ColumnType.VARCHAR, "CREDIT: a deposit, money comes in; DEBIT: an expense, money goes out", nullable=False),
    Column("kind", ColumnType.VARCHAR, "CONTRIBUTION, EXPENSE, ADDED_FUNDS, HOST_FEE …; null for old ones"),
    Column("amount", ColumnType.DOUBLE, "Amount in `currency`; negative for a DEBIT"),
    Column("currency", ColumnType.VARCHAR, "Currency of the amount, ISO 4217"),
    Column("amount_in_cents", ColumnType.BIGINT, "The exact amount, in hundredths of `currency`"),
    *_side("from_account", "who gives the money"),
    *_side("to_account", "who gets the money"),
    Column("created_at", ColumnType.TIMESTAMP, "When it was booked", nullable=False),
)
_MOVE_KEYS = {
    "legacy_id": ("legacyId",),
    "transaction_group": ("group",),
    "amount": ("amount", "value"),
    "currency": ("amount", "currency"),
    "amount_in_cents": ("amount", "valueInCents"),
    "created_at": ("createdAt",),
} | {
    f"{name}_{field}": (upstream, field)
    for name, upstream in (("from_account", "fromAccount"), ("to_account", "toAccount"))
    for field in ("id", "slug", "type")
}
_ACCOUNT_KNOWN = Known.by(
    _ACCOUNTS,
    _ACCOUNT_KEYS,
    "legalName|longDescription|.*Handle|repositoryUrl|socialLinks|expensePolicy|imageUrl|settings|"
    "isFrozen|isActive|isHost|isAdmin|isSuspended|isIncognito|isVerified|"
    "members?.*|admins|emails|transaction.*|orders|expenses.*|conversations.*|transferwise|p[a-z]*Methods.*|connectedAccounts|"
    "oAuth.*|location|categories|stats|updates|features?|virtualCard.*|child.*|parent.*|policies|activit.*|permissions|webhooks|"
    "host.*|supported.*|duplicated.*|kyc.*|legalDocuments|accounting.*|mergedAccounts|exportRequests|platform.*|backgroundImage.*|"
    # New in 2026: another id beside `id`; one that is private answers nothing; what is shown on a page, and who stands behind it.
    "publicId|isPrivate|unhostedAt|canHaveChangelogUpdates|communityStats|feed|mainProfile",
)
_MOVE_KNOWN = Known.by(
    _MOVES,
    _MOVE_KEYS,
    "uuid|publicId|description|updatedAt|clearedAt|host.*|account|oppositeAccount|oppositeTransaction|amountIn.*|balance.*|net.*|tax.*|platformFee|"
    "payment.*|payout.*|merchantId|giftCard.*|expense|order|isRefund|isRefunded|isDisputed|isInReview|isOrderRejected|"
    "refund.*|related.*|permissions|invoice.*|virtualCard.*",
)
"""What they are known to have, with what nobody here needs. People stand behind them: new fields are reported, not requested."""


def _accounts(request: ExtractRequest) -> Extract:
    """The named collectives, one by one. Those that are not known there are named in the facts; none known is an error.

    One that is private is hidden from us: it is set aside, and its last good row stays.
    """
    from oso_dagster.connectors import records  # noqa: PLC0415  (Arrow loads when used)

    endpoint = _endpoint(request)
    slugs = sorted({slug for url in request.inputs[_NEED] if (slug := slug_of(url))})
    with endpoint.client.trusting(endpoint.url):
        news = endpoint.news("Account", _ACCOUNT_KNOWN)
        items = Items.of(request, len(slugs))
        by_slug = dict(items.each(slugs, lambda slug: _account(endpoint, slug), endpoint.client.each))
        known = [account for account in by_slug.values() if account is not None]
        if not known:
            raise RestError(f"{endpoint.url}: none of {len(slugs)} collectives is known there. Is the address right?")
        # A collective that was renamed is found under its old name as well.
        rows = records.table_of_records(_ACCOUNTS, {take(account, "id"): account for account in known}.values(), _ACCOUNT_KEYS)
    unknown = [slug for slug, account in by_slug.items() if account is None]
    also = _ACCOUNT_KNOWN.unknown(name for account in known for name in account)
    facts: LoadFacts = {"unknown_collectives": unknown} | news.facts(requested=False, also=also)
    items.tell(facts)
    return Extract(records.version_of(rows), {request.table: [rows]}, facts)


def _account(endpoint: GraphqlEndpoint, slug: str) -> Any:
    """One collective; None where it is not known. Raises AbsentError for one that is private, else as `GraphqlEndpoint.ask`."""
    try:
        return take(endpoint.ask(_ACCOUNT, {"slug": slug}), "account")
    except GraphqlError as error:
        if {code.lower() for code in error.codes} == {"forbidden"}:
            raise AbsentError(Absence.HIDDEN, f"hidden, it is private: {error}") from None
        raise


def _transactions(request: ExtractRequest) -> Extract:
    """The week of the partition, page by page, oldest first; fewer or more of them than were announced is an error.

    Deposits and expenses are asked for apart: both sides of a transfer are of one instant and one kind, by which upstream
    orders, so that pages over both could list one side twice and the other never.
    """
    from oso_dagster.connectors import records  # noqa: PLC0415

    if request.window is None or request.window.start is None or request.window.end is None:
        raise RefusedError("open_collective.transactions is loaded by week: name a partition")
    endpoint, span = _endpoint(request), {"from": _instant(request.window.start), "to": _instant(request.window.end - _TICK)}
    with endpoint.client.trusting(endpoint.url):
        news = endpoint.news("Transaction", _MOVE_KNOWN)
        by_type = {type_: list(walk(by_offset(_pages(endpoint, span | {"type": type_}), _PAGE))) for type_ in ("CREDIT", "DEBIT")}
        moves = [*by_type["CREDIT"], *by_type["DEBIT"]]
        rows = records.table_of_records(_MOVES, moves, _MOVE_KEYS)
    facts: LoadFacts = {"deposits": len(by_type["CREDIT"]), "expenses": len(by_type["DEBIT"])}
    facts |= news.facts(requested=False, also=_MOVE_KNOWN.unknown(name for move in moves for name in move))
    return Extract(records.version_of(rows), {request.table: [rows]}, facts)


def slug_of(url: str) -> str | None:
    """The name in an address such as https://opencollective.com/babel; None for another address."""
    parts = urlsplit(url.strip().lower())
    named = [part for part in parts.path.split("/") if part]
    return named[0] if (parts.hostname or "").removeprefix("www.") == "opencollective.com" and named else None


def _endpoint(request: ExtractRequest) -> GraphqlEndpoint:
    token = request.settings.get("token")
    headers = {"Personal-Token": token} if token else {}
    return GraphqlEndpoint(client_of(request, _PACE, headers, [token] if token else []), request.settings["url"])


def _pages(endpoint: GraphqlEndpoint, span: Mapping[str, str]) -> Callable[[int], tuple[list[Any], int]]:
    def page(offset: int) -> tuple[list[Any], int]:
        data = endpoint.ask(_TRANSACTIONS, {**span, "limit": _PAGE, "offset": offset})
        return take_list(data, "transactions", "nodes"), _whole(take(data, "transactions", "totalCount"))

    return page


def _whole(total: Any) -> int:
    if not isinstance(total, int):
        raise AnswerError(f"transactions.totalCount is {total!r}, no number; its type has changed")
    return total


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


SOURCE = Source(
    name="open_collective",
    title="Open Collective",
    homepage="https://opencollective.com",
    licence="Terms of service of Open Collective",
    owner="team:data",
    stability=Stability.UNSTABLE,
    settings=(
        # Ten requests a minute without a token, a hundred with one: raise the pace to 1.5 then.
        *settings_of("https://api.opencollective.com/graphql/v2", "Address of the GraphQL API", timeout=180, per_second=0.15),
        Setting("token", SettingKind.SECRET, "Personal token with the scope `transactions`; with it 100 requests a minute"),
    ),
    tables=(
        Table(
            name="accounts",
            description="One row per collective that OSS Directory names, as it is now.",
            columns=_ACCOUNTS,
            primary_key=("id",),
            disposition=Disposition.REPLACE,
            extract=_accounts,
            schedule=Schedule("20 4 * * 1"),
            cost=Cost(calls=20, bytes=20_000),
            fresh_within=timedelta(days=9),
            contract=SchemaContract.REPORT,
            item_column="slug",
            why_not={
                "bands": "Some dozens of collectives, as they are now",
                "second_count": "What is asked for is what the directory names",
            },
            set_aside_share=0.1,
            needs=(_NEED,),
        ),
        Table(
            name="transactions",
            description="One row per side of each movement of money on Open Collective: deposits are CREDIT, expenses DEBIT.",
            columns=_MOVES,
            primary_key=("id",),
            disposition=Disposition.MERGE,
            extract=_transactions,
            schedule=Schedule("30 4 * * *"),
            cost=Cost(calls=40, bytes=15_000_000),
            contract=SchemaContract.REPORT,
            event_time="created_at",
            events_within=timedelta(days=16),
            identity="`id` of the transaction and of both accounts; a slug is the one of the load",
            why_not={
                "set_aside": "A week is one page of deposits and one of expenses",
                "look_again": "The ledger is only added to, and a week is loaded when it is over",
                "limits": "A week is two requests, begun again",
                "bands": "Both sides of each transfer come: the two kinds are always halves",
                "second_count": "Open Collective counts a week itself, and that count must fit",
            },
            keeps_deleted="The ledger takes entries back by entries of its own, it deletes none",
            partitions=Partitions(
                PartitionKind.WEEKLY,
                start=datetime(2015, 1, 23, tzinfo=UTC),
                available_after=timedelta(hours=6),
                due_after=timedelta(hours=32),
            ),
            range_in_one_run=True,
            may_be_empty=True,  # upstream itself counts what there is of a week
        ),
    ),
)
