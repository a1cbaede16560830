"""OP Atlas: projects, organisations, applications and rewards of Optimism's funding rounds, from its database.

Left in the database for privacy: User, UserAddress, UserEmail, UserInteraction, and what is known of a person's KYC.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from oso_dagster.domain.catalogue.loading import ROWS_LACKING, UNKNOWN_FIELDS, Extract, ExtractRequest, Unchanged
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
from oso_dagster.sources._second_counts.op_atlas import rows_of

LOOKBACK = timedelta(hours=3)
"""How far before the newest time seen a load begins again: a transaction may commit after others that began later."""

_TYPES = {
    "": ColumnType.VARCHAR,
    "list": ColumnType.VARCHARS,
    "int": ColumnType.BIGINT,
    "real": ColumnType.DOUBLE,
    "flag": ColumnType.BOOLEAN,
    "time": ColumnType.TIMESTAMP,
}
_MEANING = {
    "id": "Id in OP Atlas",
    "addedFunding": "flag:Whether the team has stated its funding",
    "addedTeamMembers": "flag:Whether the team has named its members",
    "address": "Address on chain that receives a reward or holds a badge, 0x…",
    "addressSetAt": "time:When the address of the claim was given",
    "amount": "Amount as upstream writes it, an exact decimal for rewards, free text for funding",
    "answer": "Answer, Markdown",
    "applicationId": "Application that the answer belongs to",
    "attestationId": "Id of the attestation (EAS) that records it",
    "avatarUrl": "Address of the avatar",
    "bannerUrl": "Address of the banner",
    "category": "Category that the team has chosen",
    "categoryId": "Category, an id of `category`",
    "chainId": "int:Number of the EVM chain",
    "containsContracts": "flag:Whether the repository holds contracts",
    "contract": "Address of the contract, 0x…",
    "contractAddress": "Address of the contract, 0x…",
    "coverUrl": "Address of the cover image",
    "crate": "flag:Whether the repository is published as a crate",
    "createdAt": "time:When it was created",
    "defiLlamaSlug": "list:Slugs at DefiLlama",
    "deletedAt": "time:When it was deleted; null while it lives",
    "deployer": "Address that deployed the contract, 0x…",
    "deployerAddress": "Address that deployed the contract, 0x…",
    "deploymentHash": "Hash of the deploying transaction",
    "deploymentTx": "Hash of the deploying transaction",
    "description": "Description, free text",
    "details": "Details of the funding, free text",
    "endDate": "time:End of the round",
    "farcaster": "list:Names on Farcaster",
    "fundingRound": "Name of the round that gave the funding",
    "grant": "Name of the grant",
    "grantEligibilityUpdatedAt": "time:When the eligibility for the grant last changed",
    "grantUrl": "Address of the grant",
    "hasCodeRepositories": "flag:Whether the team says that it has repositories",
    "imageUrl": "Address of the image",
    "impactStatementId": "Question, an id of `impact_statement`",
    "ipfsHash": "Hash of the snapshot on IPFS",
    "isMarkdownSupported": "flag:Whether the answer may be Markdown",
    "isMultipleChoice": "flag:Whether several options may be chosen",
    "isOnChainContract": "flag:Whether the team says that it has contracts",
    "isRequired": "flag:Whether the question must be answered",
    "isSubmittedToOso": "flag:Whether the project was handed to Open Source Observer",
    "kycTeamId": "Team under which the project is verified, an opaque id",
    "lastMetadataUpdate": "time:When the team last changed what it says of the project",
    "limitToCategoryOptions": "list:Numbers of the options for which the question is asked",
    "mirror": "Address on Mirror",
    "name": "Name",
    "npmPackage": "flag:Whether the repository is published on npm",
    "openSource": "flag:Whether the repository has an open source licence",
    "openSourceObserverSlug": "Name of the project in OSS Directory, as the team has given it",
    "options": "list:Options to choose from",
    "organizationId": "Organisation, an id of `organization`",
    "peer": "GitHub login",
    "percentile": "real:How close to the most trusted developers, from 0 to 1",
    "pricingModel": "How users pay",
    "pricingModelDetails": "How users pay, free text",
    "projectDescriptionOptions": "list:Options that describe the project in this round",
    "projectId": "Project, an id of `project`",
    "question": "Question as it is asked",
    "receivedAt": "When the funding was received, free text",
    "revokedAt": "time:When the publication was revoked; null while it holds",
    "rewardId": "Reward that is claimed, an id of `funding_reward`",
    "rewards": "Rewards of the round, free text",
    "role": "Role of the member",
    "roundId": "Round, an id of `funding_round`",
    "selectionOptions": "list:Options to select from",
    "signature": "Signature of the deployer",
    "startDate": "time:Start of the round",
    "status": "State of the application or claim",
    "subtext": "Explanation below the question",
    "thumbnailUrl": "Address of the thumbnail",
    "tokenStreamClaimableAt": "time:When the stream of tokens may be claimed",
    "tokenStreamStatus": "State of the stream of tokens",
    "twitter": "Address on Twitter",
    "type": "Kind of the repository or of the funding",
    "updatedAt": "time:When it last changed",
    "url": "Address",
    "userId": "Member, an opaque id",
    "verificationChainId": "int:Number of the chain on which the deployer has signed",
    "verificationProof": "Signature that proves the team's control of the deployer",
    "verified": "flag:Whether the team has proved its control",
    "website": "list:Addresses of web sites",
}
"""What each column means, by its name upstream, which means the same in every table; after the type, where that is not text."""

_UNBOUNDED = ("time", "real")
"""Types that may be infinite or no number in PostgreSQL, whatever Prisma says: that is no value here, and is counted."""

_LEFT_OUT = {"RewardClaim": ("kycStatus", "kycStatusUpdatedAt", "addressSetById")}
"""Sensitive columns: never named in a query, and no news either."""

_OPEN = {
    "ProjectSnapshot", "OrganizationSnapshot", "FundingRound", "FundingReward", "Category", "ImpactStatement",
    "PublishedContract",
}  # fmt: skip
"""Tables whose new columns arrive by themselves: what the programme itself writes, or what is attested in public. In all others
people write of themselves and of each other: what is new there is reported, and stays until somebody has declared it."""

_PERSONAL = re.compile(r"user|mail|phone|kyc|birth|passport|password|secret", re.IGNORECASE)
"""What a new column's name may not hold to arrive, in any table."""


def _table(upstream: str, description: str, spec: str, key: str = "id") -> Table:
    """One table from its columns' names upstream, `?` after those that may be null."""
    nullable = {name.rstrip("?"): name.endswith("?") for name in spec.split()}
    columns = {name: _column(name, optional) for name, optional in nullable.items()}
    times = [name for name in ("updatedAt", "deletedAt") if name in columns]
    cursor = tuple(times) if "updatedAt" in columns else ("createdAt",) if upstream.endswith("Snapshot") else ()

    def extract(request: ExtractRequest) -> Extract | Unchanged:
        return _extract(request, upstream, columns, cursor, key.split())

    return Table(
        name=_snake(upstream),
        description=description,
        columns=tuple(columns.values()),
        primary_key=tuple(_snake(name) for name in key.split()),
        disposition=Disposition.MERGE if cursor else Disposition.REPLACE,
        newest_by=tuple(_snake(name) for name in cursor),
        extract=extract,
        schedule=Schedule("40 1 * * *"),
        cost=Cost(calls=3 if cursor else 2, bytes=2_000_000, duration=timedelta(minutes=1)),
        fresh_within=timedelta(hours=36),
        surviving=bool(cursor),
        not_finite_is_null=tuple(column.name for name, column in columns.items() if _MEANING[name].startswith(_UNBOUNDED)),
        contract=SchemaContract.EVOLVE if upstream in _OPEN else SchemaContract.REPORT,
        identity=f"The primary key: {key}" if cursor else None,
        why_not={
            "set_aside": "One query of a database: it comes whole or not at all",
            "bands": "Records that people keep, neither a feed nor amounts; a second query counts them",
        },
        second_count=rows_of(upstream, created="createdAt" in columns),
    )


def _column(name: str, optional: bool) -> Column:
    kind, _, meaning = _MEANING[name].rpartition(":")
    # A list may be null upstream even where Prisma calls it required.
    return Column(_snake(name), _TYPES[kind], meaning, nullable=optional or kind in {"list", *_UNBOUNDED})


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def _extract(
    request: ExtractRequest, upstream: str, columns: Mapping[str, Column], cursor: tuple[str, ...], key: list[str]
) -> Extract | Unchanged:
    """Read what changed since the last load, or everything; then, where rows vanish, the keys that are left."""
    from oso_dagster.connectors.database import table_reader  # noqa: PLC0415  (connectorx and Arrow load when used)

    inspected = table_reader.inspect_table(_url(request), upstream)
    fields = [table_reader.Field(name, column) for name, column in columns.items()]
    unknown = inspected.unknown(fields, _LEFT_OUT.get(upstream, ()))
    harmless = [name for name in unknown if upstream in _OPEN and not _PERSONAL.search(name)]
    arriving = inspected.opened(harmless, fields)
    news = [field.upstream for field in arriving]
    before = _cursor(request, news)
    changes = table_reader.Changes(cursor, before - LOOKBACK) if cursor and before else None
    rows = inspected.read([*fields, *arriving], changes)
    reported = [name for name in unknown if name not in news or not rows.num_rows]  # a new column that arrives is reported there
    facts: dict[str, Any] = {UNKNOWN_FIELDS: reported, "undeclared_columns": news}
    versioned, surviving = [rows], None
    if cursor:  # no time shows that a row was deleted; asked after the rows: one deleted in between must be gone, not stay
        surviving = [inspected.read([field for field in fields if field.upstream in key])]
        versioned += surviving
        facts["live_rows"] = surviving[0].num_rows
    if cursor:
        facts["cursor"] = _newest(rows, columns[cursor[0]].name, before, request.now)
        facts["since"] = changes.since.isoformat() if changes else None
    version = table_reader.digest(*versioned, unknown=unknown)
    if request.previous is not None and request.previous.version == version:
        return Unchanged(version, request.previous.facts)
    return Extract(version, {request.table: [rows]}, facts, surviving=surviving)


def _url(request: ExtractRequest) -> str:
    try:
        return request.settings["url"]
    except KeyError:
        raise ValueError("no database to read from: set OSO_OP_ATLAS_URL to its SQLAlchemy URL") from None


def _cursor(request: ExtractRequest, news: list[str]) -> datetime | None:
    """The newest time of the load before; None where all rows are wanted: it had not these new columns, or lacked rows."""
    facts = request.previous.facts if request.previous is not None else {}
    goes_on = facts.get("undeclared_columns", []) == news and not facts.get(ROWS_LACKING)
    return datetime.fromisoformat(facts["cursor"]) if goes_on and facts.get("cursor") else None


def _newest(rows: Any, column: str, before: datetime | None, now: datetime) -> str | None:
    """The newest time seen so far. One in the future would hide what changes until then, so now is the latest."""
    import pyarrow as pa  # noqa: PLC0415  (Arrow loads when used)
    import pyarrow.compute as pc  # noqa: PLC0415

    latest = pc.max(rows[column].cast(pa.int64())).as_py()  # in microseconds: Python has no infinite time
    epoch, most = datetime(1970, 1, 1, tzinfo=UTC), int(now.timestamp() * 1_000_000)
    newest = None if latest is None else epoch + timedelta(microseconds=min(max(latest, 0), most))
    seen = [moment for moment in (newest, before) if moment is not None]
    return min(max(seen), now).isoformat() if seen else None


_PERIOD = "createdAt updatedAt"
_LIFE = f"{_PERIOD} deletedAt?"

SOURCE = Source(
    name="op_atlas",
    title="OP Atlas",
    homepage="https://atlas.optimism.io",
    licence="With permission of the Optimism Collective",
    owner="team:data",
    stability=Stability.CORE,
    settings=(
        Setting("url", SettingKind.SECRET, "SQLAlchemy URL of the database, such as postgresql://user:password@host/database",
            endpoint=True),
    ),
    tables=(
        _table("Project", "Projects that apply for rewards.",
            "id name description? category? thumbnailUrl? bannerUrl? website farcaster twitter? mirror? "
            f"openSourceObserverSlug? addedTeamMembers addedFunding lastMetadataUpdate {_LIFE} hasCodeRepositories "
            "isOnChainContract pricingModel? pricingModelDetails? isSubmittedToOso defiLlamaSlug kycTeamId?"),
        _table("ProjectContract", "Contracts that projects have proved to be theirs.",
            f"id contractAddress deployerAddress deploymentHash verificationProof chainId {_PERIOD} projectId description? "
            "name? verificationChainId?"),
        _table("ProjectRepository", "Repositories that projects have named.",
            f"id type url verified openSource containsContracts crate npmPackage name? description? {_PERIOD} projectId"),
        _table("ProjectLinks", "Other addresses that projects have named.",
            f"id url name? description? {_PERIOD} projectId"),
        _table("ProjectFunding", "Funding that projects have stated.",
            f"id type grant? grantUrl? amount receivedAt details? {_PERIOD} projectId fundingRound?"),
        _table("ProjectOrganization", "Which organisation a project belongs to.",
            f"id {_LIFE} projectId organizationId"),
        _table("ProjectSnapshot", "Attested states of projects.", "id ipfsHash attestationId createdAt projectId"),
        _table("Organization", "Organisations behind projects.",
            f"id name description? avatarUrl? coverUrl? website farcaster twitter? mirror? {_LIFE}"),
        _table("OrganizationSnapshot", "Attested states of organisations.",
            "id ipfsHash attestationId createdAt organizationId"),
        _table("UserOrganization", "Memberships in organisations.", f"id role {_LIFE} userId organizationId"),
        _table("UserProjects", "Memberships in projects.", f"id role {_LIFE} userId projectId"),
        _table("FundingRound", "Funding rounds.", "id name imageUrl description rewards? startDate endDate"),
        _table("FundingReward", "Rewards of projects in rounds.", f"id roundId projectId amount {_PERIOD}"),
        _table("RewardClaim", "Claims of rewards; what is known of a person's KYC is left out.",
            "rewardId status address? addressSetAt? grantEligibilityUpdatedAt? tokenStreamStatus? tokenStreamClaimableAt? "
            f"{_PERIOD}", "rewardId"),
        _table("Application", "Applications of projects to rounds.",
            f"id status attestationId {_PERIOD} roundId projectId categoryId? projectDescriptionOptions"),
        _table("Category", "Categories of rounds.",
            "id name description imageUrl? question options roundId? isMultipleChoice"),
        _table("ImpactStatement", "Questions that applicants are asked.",
            "id categoryId question subtext? isRequired isMarkdownSupported roundId? limitToCategoryOptions "
            "selectionOptions"),
        _table("ImpactStatementAnswer", "Answers of applicants.", "id applicationId impactStatementId answer"),
        _table("Badgeholder", "Who votes in which round.", "address roundId", "address roundId"),
        _table("GithubProximity", "How close GitHub users are to the most trusted developers.",
            "peer percentile", "peer"),
        _table("PublishedContract", "Contracts that are attested on chain.",
            "id contract chainId deployer deploymentTx signature verificationChainId projectId createdAt revokedAt?"),
    ),
)  # fmt: skip
