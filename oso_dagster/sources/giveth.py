"""Giveth: rounds of quadratic funding, and the projects that take part in them (GraphQL)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from oso_dagster.connectors.answers import AnswerError, take, take_list
from oso_dagster.connectors.http.graphql import GraphqlEndpoint, asking
from oso_dagster.connectors.http.pacing import Pace
from oso_dagster.connectors.http.pages import by_offset, walk
from oso_dagster.connectors.http.rest import client_of, settings_of
from oso_dagster.connectors.undeclared import Known
from oso_dagster.domain.catalogue.loading import Extract, ExtractRequest
from oso_dagster.domain.catalogue.source import (
    Child,
    Column,
    ColumnType,
    Cost,
    Disposition,
    Schedule,
    SchemaContract,
    Source,
    Stability,
    Table,
)

_PACE = Pace(concurrency=1, per_second=2)
_NEED = "giveth.qf_rounds.id"
_PAGE = 50

_ROUNDS_QUERY = """
query {
  qfRounds {
    id slug name isActive beginDate endDate allocatedFund allocatedFundUSD allocatedTokenSymbol eligibleNetworks
    # new fields
  }
}"""
_PROJECTS_QUERY = """
query ($round: Int!, $limit: Int!, $skip: Int!) {
  allProjects(qfRoundId: $round, limit: $limit, skip: $skip, sortingBy: Oldest) {
    totalCount
    projects {
      id title slug verified totalDonations countUniqueDonors creationDate updatedAt
      addresses { address networkId chainType isRecipient }
    }
  }
}"""
_ROUNDS = (
    Column("id", ColumnType.VARCHAR, "Number of the round", nullable=False),
    Column("slug", ColumnType.VARCHAR, "Name in addresses", nullable=False),
    Column("name", ColumnType.VARCHAR, "Name for people"),
    Column("is_active", ColumnType.BOOLEAN, "Whether it takes donations now; null where Giveth leaves that open"),
    Column("begin_date", ColumnType.TIMESTAMP, "When it begins", nullable=False),
    Column("end_date", ColumnType.TIMESTAMP, "When it ends", nullable=False),
    Column(
        "allocated_fund", ColumnType.DOUBLE, "What is matched from, in `allocated_token_symbol`, or US dollars where that is null"
    ),
    Column("allocated_fund_usd", ColumnType.DOUBLE, "What is matched from, in US dollars, where it is given"),
    Column("allocated_token_symbol", ColumnType.VARCHAR, "Token that is paid out"),
    Column("eligible_networks", ColumnType.JSON, "Numbers of the EVM chains on which donations count"),
)
_ROUND_KEYS = {
    "is_active": ("isActive",),
    "begin_date": ("beginDate",),
    "end_date": ("endDate",),
    "allocated_fund": ("allocatedFund",),
    "allocated_fund_usd": ("allocatedFundUSD",),
    "allocated_token_symbol": ("allocatedTokenSymbol",),
    "eligible_networks": ("eligibleNetworks",),
}
_ROUND_LEFT_OUT = (
    "title|description|banner.*|hubCard.*|sponsors.*|display.*|maximumReward|minimum.*|minMBDScore|tags|priority|"
    "allocatedTokenChainId|allocatedFundUSDPreferred|qfStrategy|isDataAnalysisDone|clusterMatchingSyncAt|projects.*"
)
"""What a round has and nobody here needs; other plain fields are asked for, since a round is public."""

_KEY = (
    Column("round_id", ColumnType.VARCHAR, "Round, an id of `qf_rounds`", nullable=False),
    Column("project_id", ColumnType.VARCHAR, "Number of the project at Giveth", nullable=False),
)
_PROJECTS = (
    *_KEY,
    Column("title", ColumnType.VARCHAR, "Name for people"),
    Column("slug", ColumnType.VARCHAR, "Name in addresses; null where it has none"),
    Column("verified", ColumnType.BOOLEAN, "Whether Giveth has verified it", nullable=False),
    Column("donations", ColumnType.DOUBLE, "All donations so far, in US dollars, of every round and of none", nullable=False),
    Column("unique_donors", ColumnType.BIGINT, "Distinct donors so far"),
    Column("created_at", ColumnType.TIMESTAMP, "When it was created; null where Giveth does not know"),
    Column("updated_at", ColumnType.TIMESTAMP, "When it last changed; null where Giveth does not know"),
)
_PROJECT_KEYS = {
    "project_id": ("id",),
    "donations": ("totalDonations",),
    "unique_donors": ("countUniqueDonors",),
    "created_at": ("creationDate",),
    "updated_at": ("updatedAt",),
}
_PROJECT_KNOWN = Known.by(
    _PROJECTS,
    _PROJECT_KEYS,
    "addresses|slugHistory|admin.*|description.*|trace.*|givingBlocksId|changeId|website|youtube|organisationId|organization|"
    "coOrdinates|image|impactLocation|categories|qfRounds|balance|stripeAccountId|walletAddress|isImported|giveBacks|donations|"
    "qualityScore|contacts|reactions?|socialMedia|anchorContracts|status|statusId|statusHistory|totalReactions|totalPower|"
    "totalTraceDonations|totalProjectUpdates|sumDonationValueUsd.*|listed|reviewStatus|verification.*|prevStatusId|users|"
    "isGivback.*|latestUpdate.*|project[A-Z].*|estimatedMatching|featuredUpdate|campaigns|countUniqueDonorsFor.*|instant.*",
)
"""What a project is known to have, with what nobody here needs. People write it: new fields are reported, and not requested."""

_ADDRESSES = (
    *_KEY,
    Column("position", ColumnType.BIGINT, "Place in the project's list, from 0", nullable=False),
    Column("address", ColumnType.VARCHAR, "Address on chain, as the project has given it"),
    Column("network_id", ColumnType.BIGINT, "Number of the chain, as Giveth counts them"),
    Column("chain_type", ColumnType.VARCHAR, "Kind of chain: EVM, SOLANA, STELLAR …"),
    Column("is_recipient", ColumnType.BOOLEAN, "Whether donations go to it"),
)
_ADDRESS_KEYS = {"network_id": ("networkId",), "chain_type": ("chainType",), "is_recipient": ("isRecipient",)}


def _rounds(request: ExtractRequest) -> Extract:
    """All rounds there were and are."""
    from oso_dagster.connectors import records, undeclared  # noqa: PLC0415  (Arrow loads when used)

    endpoint = GraphqlEndpoint(client_of(request, _PACE), request.settings["url"])
    with endpoint.client.trusting(endpoint.url):
        news = endpoint.news("QfRound", Known.by(_ROUNDS, _ROUND_KEYS, _ROUND_LEFT_OUT))
        listed = take_list(endpoint.ask(asking(_ROUNDS_QUERY, news.plain), {}), "qfRounds")
        rows, unknown = undeclared.table_with_news(_ROUNDS, listed, _ROUND_KEYS, _ROUND_LEFT_OUT)
    return Extract(records.version_of(rows), {request.table: [rows]}, news.facts(requested=True, also=unknown))


def _projects(request: ExtractRequest) -> Extract:
    """The projects of every known round, round by round; fewer or more of them than are announced is an error."""
    from oso_dagster.connectors import records  # noqa: PLC0415

    endpoint = GraphqlEndpoint(client_of(request, _PACE), request.settings["url"])
    projects, addresses, counts = list[dict[str, Any]](), list[dict[str, Any]](), dict[str, int]()
    with endpoint.client.trusting(endpoint.url):
        news = endpoint.news("Project", _PROJECT_KNOWN)
        for round_id in sorted(request.inputs[_NEED], key=int):
            listed = _of_round(endpoint, round_id)
            counts[round_id] = len(listed)
            projects += listed
            addresses += [
                at | {"round_id": round_id, "project_id": take(project, "id"), "position": place, "networkId": _number(at)}
                for project in listed
                for place, at in enumerate(take(project, "addresses") or ())
            ]
        rows = records.table_of_records(_PROJECTS, projects, _PROJECT_KEYS)
        nested = records.table_of_records(_ADDRESSES, addresses, _ADDRESS_KEYS)
    batches = {request.table: [rows], f"{request.table}__addresses": [nested]}
    also = _PROJECT_KNOWN.unknown(name for project in projects for name in project)
    facts = {"projects_by_round": counts} | news.facts(requested=False, also=also)
    return Extract(records.version_of(rows, nested), batches, facts)


def _of_round(endpoint: GraphqlEndpoint, round_id: str) -> list[dict[str, Any]]:
    pages = by_offset(lambda skip: _page(endpoint, round_id, skip), _PAGE)
    return [project | {"round_id": round_id} for project in walk(pages)]


def _page(endpoint: GraphqlEndpoint, round_id: str, skip: int) -> tuple[list[Any], int]:
    data = endpoint.ask(_PROJECTS_QUERY, {"round": int(round_id), "limit": _PAGE, "skip": skip})
    total = take(data, "allProjects", "totalCount")
    if isinstance(total, bool) or not isinstance(total, int | float):
        raise AnswerError(f"allProjects.totalCount is {total!r}, no number; its type has changed")
    return take_list(data, "allProjects", "projects"), int(total)


def _number(address: Any) -> Any:
    """The number of a chain; GraphQL tells it as a float there."""
    number = take(address, "networkId")
    return int(number) if isinstance(number, float) and number.is_integer() else number


SOURCE = Source(
    name="giveth",
    title="Giveth",
    homepage="https://giveth.io",
    licence="Terms of use of Giveth",
    owner="team:data",
    stability=Stability.UNSTABLE,
    settings=settings_of("https://mainnet.serve.giveth.io/graphql", "Address of the GraphQL API", per_second=2),
    tables=(
        Table(
            name="qf_rounds",
            description="One row per round of quadratic funding.",
            columns=_ROUNDS,
            primary_key=("id",),
            disposition=Disposition.REPLACE,
            extract=_rounds,
            schedule=Schedule("30 5 * * *"),
            cost=Cost(calls=1, bytes=30_000),
            fresh_within=timedelta(days=3),
        ),
        Table(
            name="projects",
            description="One row per project and round that it takes part in; one that Giveth lists no more leaves past rounds.",
            columns=_PROJECTS,
            children=(Child("addresses", "Addresses of the projects", _ADDRESSES, ("round_id", "project_id", "position")),),
            primary_key=("round_id", "project_id"),
            disposition=Disposition.REPLACE,
            extract=_projects,
            schedule=Schedule("40 5 * * *"),
            cost=Cost(calls=80, bytes=3_000_000),
            fresh_within=timedelta(days=3),
            needs=(_NEED,),
            contract=SchemaContract.REPORT,
        ),
    ),
)
