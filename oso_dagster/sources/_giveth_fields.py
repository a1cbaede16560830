"""What Giveth's two APIs are asked for, and the columns of it: both answer by the same names, those of the older one."""

from __future__ import annotations

from oso_dagster.connectors.undeclared import Known
from oso_dagster.domain.catalogue.source import Column, ColumnType

PAGE = 50
LEGACY, V6 = "legacy", "v6"
APIS = (LEGACY, V6)
V6_ID = "v6:"
"""Stands before the number of a round of the newer API: whether both count alike, nobody has said."""

_ROUND = """
    id slug name isActive beginDate endDate allocatedFund allocatedFundUSD allocatedTokenSymbol eligibleNetworks
    # new fields
"""
LEGACY_ROUNDS_QUERY = f"query {{ qfRounds {{ {_ROUND} }} }}"
V6_ROUNDS_QUERY = f"""
query ($take: Int!, $skip: Int!) {{
  qfRounds(take: $take, skip: $skip) {{ total rounds {{ {_ROUND} }} }}
}}"""
LEGACY_PROJECTS_QUERY = """
query ($round: Int!, $limit: Int!, $skip: Int!) {
  allProjects(qfRoundId: $round, limit: $limit, skip: $skip, sortingBy: Oldest) {
    totalCount
    projects {
      id title slug verified totalDonations countUniqueDonors creationDate updatedAt
      addresses { address networkId chainType isRecipient }
    }
  }
}"""
V6_PROJECTS_QUERY = """
query ($round: Int!, $limit: Int!, $skip: Int!) {
  projects(filters: {qfRoundId: $round}, take: $limit, skip: $skip, orderBy: CreatedAt, orderDirection: ASC) {
    total
    projects {
      id title slug verified: vouched totalDonations countUniqueDonors creationDate: createdAt updatedAt
      addresses { address networkId chainType isRecipient }
    }
  }
}"""
_API = Column("api", ColumnType.VARCHAR, "Which API of Giveth it is from: legacy, or v6", nullable=False)
ROUNDS = (
    Column("id", ColumnType.VARCHAR, "Number of the round; `v6:` stands before one of the newer API", nullable=False),
    _API,
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
ROUND_KEYS = {
    "is_active": ("isActive",),
    "begin_date": ("beginDate",),
    "end_date": ("endDate",),
    "allocated_fund": ("allocatedFund",),
    "allocated_fund_usd": ("allocatedFundUSD",),
    "allocated_token_symbol": ("allocatedTokenSymbol",),
    "eligible_networks": ("eligibleNetworks",),
}
ROUND_LEFT_OUT = (
    "title|description|banner.*|hubCard.*|sponsors.*|display.*|maximumReward|minimum.*|minMBDScore|tags|priority|"
    "allocatedTokenChainId|allocatedFundUSDPreferred|qfStrategy|isDataAnalysisDone|clusterMatchingSyncAt|projects.*|"
    "applicationTypeformUrl|createdAt|updatedAt|nftEligibility.*|sybilDefense"
)
"""What a round has and nobody here needs; other plain fields are asked for, since a round is public."""

_KEY = (
    Column("round_id", ColumnType.VARCHAR, "Round, an id of `qf_rounds`", nullable=False),
    Column("project_id", ColumnType.VARCHAR, "Number of the project at Giveth, the same for both APIs", nullable=False),
)
PROJECTS = (
    *_KEY,
    Column("title", ColumnType.VARCHAR, "Name for people"),
    Column("slug", ColumnType.VARCHAR, "Name in addresses; null where it has none"),
    Column("verified", ColumnType.BOOLEAN, "Whether Giveth has verified it, or vouches for it (v6)", nullable=False),
    Column("donations", ColumnType.DOUBLE, "All donations so far, in US dollars, of every round and of none", nullable=False),
    Column("unique_donors", ColumnType.BIGINT, "Distinct donors so far"),
    Column("created_at", ColumnType.TIMESTAMP, "When it was created; null where Giveth does not know"),
    Column("updated_at", ColumnType.TIMESTAMP, "When it last changed; null where Giveth does not know"),
)
PROJECT_KEYS = {
    "project_id": ("id",),
    "donations": ("totalDonations",),
    "unique_donors": ("countUniqueDonors",),
    "created_at": ("creationDate",),
    "updated_at": ("updatedAt",),
}
PROJECT_KNOWN = Known.by(
    PROJECTS,
    PROJECT_KEYS,
    "addresses|slugHistory|admin.*|description.*|trace.*|givingBlocksId|changeId|website|youtube|organisationId|organization|"
    "coOrdinates|image|impactLocation|categories|qfRounds|balance|stripeAccountId|walletAddress|isImported|giveBacks|donations|"
    "qualityScore|contacts|reactions?|socialMedia|anchorContracts|status|statusId|statusHistory|totalReactions|totalPower|"
    "totalTraceDonations|totalProjectUpdates|sumDonationValueUsd.*|listed|reviewStatus|verification.*|prevStatusId|users|"
    "isGivback.*|latestUpdate.*|project[A-Z].*|estimatedMatching|featuredUpdate|campaigns|countUniqueDonorsFor.*|instant.*|"
    "createdAt|powerRank|publishedAt|qfRoundMatching.*|searchRank|vouched",
)
"""What a project is known to have, with what nobody here needs. People write it: new fields are reported, and not requested."""

ADDRESSES = (
    *_KEY,
    Column("position", ColumnType.BIGINT, "Place in the project's list, from 0", nullable=False),
    Column("address", ColumnType.VARCHAR, "Address on chain, as the project has given it"),
    Column("network_id", ColumnType.BIGINT, "Number of the chain, as Giveth counts them"),
    Column("chain_type", ColumnType.VARCHAR, "Kind of chain: EVM, SOLANA, STELLAR …"),
    Column("is_recipient", ColumnType.BOOLEAN, "Whether donations go to it"),
)
ADDRESS_KEYS = {"network_id": ("networkId",), "chain_type": ("chainType",), "is_recipient": ("isRecipient",)}
