"""OP Atlas as the sandbox has it: the tables of its PostgreSQL database, about the world's own projects. Pure.

Also there, because the real one has them: people (which nobody may take), soft-deleted rows, null lists, text that is awkward.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Any

from oso_dagster.sandbox.world.entities import Project

Row = Mapping[str, Any]

_HISTORY_DAYS = 60
_SHARE = 0.45
"""How many of the directory's projects are in OP Atlas."""

_CHAINS = {"optimism": 10, "base": 8453, "mode": 34443, "zora": 7777777, "unichain": 130, "ink": 57073}
_CREATED = '"createdAt" timestamp(3) NOT NULL'
_PERIOD = f'{_CREATED}, "updatedAt" timestamp(3) NOT NULL'
_LIFE = f'{_PERIOD}, "deletedAt" timestamp(3)'

TABLES = {
    "User": f'id text PRIMARY KEY, name text, "farcasterId" text, {_LIFE}',
    "UserEmail": f'id text PRIMARY KEY, email text NOT NULL, "userId" text NOT NULL, {_PERIOD}',
    "Project": f"""id text PRIMARY KEY, name text NOT NULL, description text, category text, "thumbnailUrl" text,
        "bannerUrl" text, website text[], farcaster text[], twitter text, mirror text, "openSourceObserverSlug" text,
        "addedTeamMembers" boolean NOT NULL, "addedFunding" boolean NOT NULL, "lastMetadataUpdate" timestamp(3) NOT NULL,
        {_LIFE}, "hasCodeRepositories" boolean NOT NULL, "isOnChainContract" boolean NOT NULL, "pricingModel" text,
        "pricingModelDetails" text, "isSubmittedToOso" boolean NOT NULL, "defiLlamaSlug" text[], "kycTeamId" text""",
    "ProjectContract": f"""id text PRIMARY KEY, "contractAddress" text NOT NULL, "deployerAddress" text NOT NULL,
        "deploymentHash" text NOT NULL, "verificationProof" text NOT NULL, "chainId" integer NOT NULL, {_PERIOD},
        "projectId" text NOT NULL, description text, name text, "verificationChainId" integer""",
    "ProjectRepository": f"""id text PRIMARY KEY, type text NOT NULL, url text UNIQUE NOT NULL, verified boolean NOT NULL,
        "openSource" boolean NOT NULL, "containsContracts" boolean NOT NULL, crate boolean NOT NULL,
        "npmPackage" boolean NOT NULL, name text, description text, {_PERIOD}, "projectId" text NOT NULL""",
    "ProjectLinks": f'id text PRIMARY KEY, url text NOT NULL, name text, description text, {_PERIOD}, "projectId" text NOT NULL',
    "ProjectFunding": f"""id text PRIMARY KEY, type text NOT NULL, "grant" text, "grantUrl" text, amount text NOT NULL,
        "receivedAt" text NOT NULL, details text, {_PERIOD}, "projectId" text NOT NULL, "fundingRound" text""",
    "ProjectOrganization": f'id text PRIMARY KEY, {_LIFE}, "projectId" text UNIQUE NOT NULL, "organizationId" text NOT NULL',
    "ProjectSnapshot": f"""id text PRIMARY KEY, "ipfsHash" text NOT NULL, "attestationId" text NOT NULL, {_CREATED},
        "projectId" text NOT NULL""",
    "Organization": f"""id text PRIMARY KEY, name text NOT NULL, description text, "avatarUrl" text, "coverUrl" text,
        website text[], farcaster text[], twitter text, mirror text, {_LIFE}""",
    "OrganizationSnapshot": f"""id text PRIMARY KEY, "ipfsHash" text NOT NULL, "attestationId" text NOT NULL, {_CREATED},
        "organizationId" text NOT NULL""",
    "UserOrganization": f"""id text PRIMARY KEY, role text NOT NULL, {_LIFE}, "userId" text NOT NULL,
        "organizationId" text NOT NULL""",
    "UserProjects": f'id text PRIMARY KEY, role text NOT NULL, {_LIFE}, "userId" text NOT NULL, "projectId" text NOT NULL',
    "FundingRound": """id text PRIMARY KEY, name text NOT NULL, "imageUrl" text NOT NULL, description text NOT NULL, rewards text,
        "startDate" timestamp(3) NOT NULL, "endDate" timestamp(3) NOT NULL""",
    "FundingReward": f"""id text PRIMARY KEY, "roundId" text NOT NULL, "projectId" text NOT NULL,
        amount numeric(65,30) NOT NULL, {_PERIOD}""",
    "RewardClaim": f""""rewardId" text PRIMARY KEY, status text NOT NULL, address text, "addressSetAt" timestamp(3),
        "addressSetById" text, "kycStatus" text, "kycStatusUpdatedAt" timestamp(3), "grantEligibilityUpdatedAt" timestamp(3),
        "tokenStreamStatus" text, "tokenStreamClaimableAt" timestamp(3), {_PERIOD}""",
    "Application": f"""id text PRIMARY KEY, status text NOT NULL, "attestationId" text NOT NULL, {_PERIOD},
        "roundId" text NOT NULL, "projectId" text NOT NULL, "categoryId" text, "projectDescriptionOptions" text[]""",
    "Category": """id text PRIMARY KEY, name text NOT NULL, description text NOT NULL, "imageUrl" text, question text NOT NULL,
        options text[], "roundId" text, "isMultipleChoice" boolean NOT NULL""",
    "ImpactStatement": """id text PRIMARY KEY, "categoryId" text NOT NULL, question text NOT NULL, subtext text,
        "isRequired" boolean NOT NULL, "isMarkdownSupported" boolean NOT NULL, "roundId" text,
        "limitToCategoryOptions" integer[], "selectionOptions" text[]""",
    "ImpactStatementAnswer": """id text PRIMARY KEY, "applicationId" text NOT NULL, "impactStatementId" text NOT NULL,
        answer text NOT NULL""",
    "Badgeholder": 'address text NOT NULL, "roundId" text NOT NULL, UNIQUE (address, "roundId")',
    "GithubProximity": "peer text UNIQUE NOT NULL, percentile double precision NOT NULL",
    "PublishedContract": f"""id text PRIMARY KEY, contract text NOT NULL, "chainId" integer NOT NULL, deployer text NOT NULL,
        "deploymentTx" text NOT NULL, signature text NOT NULL, "verificationChainId" integer NOT NULL,
        "projectId" text NOT NULL, {_CREATED}, "revokedAt" timestamp(3)""",
}
"""Every table as upstream defines it, the people's included."""

PRIVATE = ("User", "UserEmail")


def atlas(rng: Random, projects: Sequence[Project], now: datetime) -> dict[str, tuple[Row, ...]]:
    """All rows by table: what the directory's projects have said of themselves upstream in the last sixty days."""
    maker = _Maker(rng, now)
    maker.rounds()
    for number, project in enumerate(each for each in projects if rng.random() < _SHARE):
        maker.project(project, number)
    return {name: tuple(maker.rows[name]) for name in TABLES}


class _Maker:
    """Makes rows that refer to each other, drawing all chance from one stream."""

    def __init__(self, rng: Random, now: datetime) -> None:
        self._rng = rng
        self._now = now
        self.rows: dict[str, list[Row]] = {name: [] for name in TABLES}

    def rounds(self) -> None:
        """Two rounds with a category, a question and voters each."""
        for number in (7, 8):
            round_id, category = str(number), self._id()
            start = self._now - timedelta(days=30 * (9 - number))
            self._add(
                "FundingRound", id=round_id, name=f"Retro {number}", imageUrl=f"https://atlas.example/{number}.png",
                description='Dev tooling; "quoted",\twith a tab', rewards=None, startDate=_time(start),
                endDate=_time(start + timedelta(days=28)),
            )  # fmt: skip
            self._add(
                "Category", id=category, name="Dev tooling", description="Tools", imageUrl=None, question="Which tools?",
                options=["compilers", "libraries, small", 'the "rest"'], roundId=round_id, isMultipleChoice=True,
            )  # fmt: skip
            self._add(
                "ImpactStatement", id=self._id(), categoryId=category, question="What did it change?", subtext=None,
                isRequired=True, isMarkdownSupported=True, roundId=round_id, limitToCategoryOptions=[0, 2], selectionOptions=[],
            )  # fmt: skip
            for _ in range(20):
                self._add("Badgeholder", address=self._hex(20), roundId=round_id)
        for number in range(40):
            self._add("GithubProximity", peer=f"sbx-dev-{number}", percentile=round(self._rng.random(), 6))

    def project(self, project: Project, number: int) -> None:
        """A project and everything that hangs on it; every ninth is deleted, every seventh has no slug."""
        rng, atlas_id, life = self._rng, self._hex(32), self._life(deleted=number % 9 == 0)
        self._add(
            "Project", id=atlas_id, name=project.display_name or project.name, description=project.description,
            category=rng.choice(("CeFi", "DeFi", "Tooling", None)), thumbnailUrl=None, bannerUrl=None,
            website=list(project.links.get("websites", ())), farcaster=None if number % 5 == 0 else [], twitter=None, mirror=None,
            openSourceObserverSlug=None if number % 7 == 0 else project.name, addedTeamMembers=True,
            addedFunding=bool(rng.getrandbits(1)), lastMetadataUpdate=life["updatedAt"], **life,
            hasCodeRepositories=bool(project.links.get("github")), isOnChainContract=bool(project.blockchain),
            pricingModel=rng.choice(("free", "freemium", None)), pricingModelDetails=None, isSubmittedToOso=number % 7 != 0,
            defiLlamaSlug=[url.rsplit("/", 1)[1] for url in project.links.get("defillama", ())],
            kycTeamId=self._id() if number % 4 == 0 else None,
        )  # fmt: skip
        self._belongings(project, atlas_id)
        self._people(atlas_id, number)
        self._add("ProjectSnapshot", id=self._id(), **self._attested(), projectId=atlas_id)
        if number % 3 == 0:
            self._application(atlas_id)

    def _belongings(self, project: Project, atlas_id: str) -> None:
        known = {row["url"] for row in self.rows["ProjectRepository"]}
        for url in dict.fromkeys(project.links.get("github", ())):
            if url not in known:
                self._add(
                    "ProjectRepository", id=self._id(), type="github", url=url, verified=True, openSource=True,
                    containsContracts=bool(project.blockchain), crate=bool(project.links.get("crates")),
                    npmPackage=bool(project.links.get("npm")), name=None, description=None, **self._period(), projectId=atlas_id,
                )  # fmt: skip
        for address in project.blockchain or ():
            for chain in [_CHAINS[network] for network in address.networks if network in _CHAINS]:
                deployer, deployed = self._hex(20), self._hex(32)
                self._add(
                    "ProjectContract", id=self._id(), contractAddress=address.address, deployerAddress=deployer,
                    deploymentHash=deployed, verificationProof=self._hex(65), chainId=chain, **self._period(),
                    projectId=atlas_id, description=None, name=address.name, verificationChainId=10,
                )  # fmt: skip
                self._add(
                    "PublishedContract", id=self._hex(32), contract=address.address, chainId=chain, deployer=deployer,
                    deploymentTx=deployed, signature=self._hex(65), verificationChainId=10, projectId=atlas_id,
                    createdAt=self._period()["createdAt"], revokedAt=None,
                )  # fmt: skip
        self._add(
            "ProjectLinks", id=self._id(), url=f"https://{project.name}.example/docs", name="Docs",
            description="Zwei Zeilen,\nmit Umlaut: ä \\ und 🧭", **self._period(), projectId=atlas_id,
        )  # fmt: skip
        self._add(
            "ProjectFunding", id=self._id(), type="grant", grant="foundation-mission", grantUrl=None, amount="under-250k",
            receivedAt="2024-06", details=None, **self._period(), projectId=atlas_id, fundingRound=None,
        )  # fmt: skip

    def _people(self, atlas_id: str, number: int) -> None:
        user, organization = self._id(), self._id()
        self._add("User", id=user, name=f"Somebody {number}", farcasterId=str(number), **self._life())
        self._add("UserEmail", id=self._id(), email=f"somebody-{number}@private.example", userId=user, **self._period())
        self._add(
            "UserProjects", id=self._id(), role="admin", **self._life(deleted=number % 11 == 0), userId=user, projectId=atlas_id
        )
        if number % 4 == 0:
            self._add(
                "Organization", id=organization, name=f"Guild {number}", description=None, avatarUrl=None, coverUrl=None,
                website=[], farcaster=[], twitter=None, mirror=None, **self._life(),
            )  # fmt: skip
            link = {"userId": user, "organizationId": organization}
            self._add("UserOrganization", id=self._id(), role="member", **self._life(), **link)
            self._add("OrganizationSnapshot", id=self._id(), **self._attested(), organizationId=organization)
            self._add("ProjectOrganization", id=self._id(), **self._life(), projectId=atlas_id, organizationId=organization)

    def _application(self, atlas_id: str) -> None:
        application, reward, round_id = self._id(), self._id(), self._rng.choice(("7", "8"))
        (category,) = (row["id"] for row in self.rows["Category"] if row["roundId"] == round_id)
        (question,) = (row["id"] for row in self.rows["ImpactStatement"] if row["roundId"] == round_id)
        self._add(
            "Application", id=application, status="submitted", attestationId=self._hex(32), **self._period(), roundId=round_id,
            projectId=atlas_id, categoryId=category, projectDescriptionOptions=["compilers"],
        )  # fmt: skip
        self._add("ImpactStatementAnswer", id=self._id(), applicationId=application, impactStatementId=question, answer="A lot.")
        amount = f"{self._rng.randrange(10**6)}.{self._rng.randrange(10**18):018d}"
        self._add("FundingReward", id=reward, roundId=round_id, projectId=atlas_id, amount=amount, **self._period())
        self._add(
            "RewardClaim", rewardId=reward, status="claimed", address=self._hex(20), addressSetAt=None, addressSetById=self._id(),
            kycStatus="cleared", kycStatusUpdatedAt=None, grantEligibilityUpdatedAt=None, tokenStreamStatus=None,
            tokenStreamClaimableAt=None, **self._period(),
        )  # fmt: skip

    def _add(self, table: str, **row: Any) -> None:
        self.rows[table].append(row)

    def _attested(self) -> dict[str, str]:
        return {"ipfsHash": f"sbx{self._hex(16)}", "attestationId": self._hex(32), "createdAt": self._period()["createdAt"]}

    def _period(self) -> dict[str, str]:
        created = self._rng.uniform(1, _HISTORY_DAYS)
        updated = self._rng.uniform(0.1, created)
        return {"createdAt": _time(self._now - timedelta(days=created)), "updatedAt": _time(self._now - timedelta(days=updated))}

    def _life(self, *, deleted: bool = False) -> dict[str, str | None]:
        period = self._period()
        return {**period, "deletedAt": period["updatedAt"] if deleted else None}

    def _id(self) -> str:
        digits = f"{self._rng.getrandbits(128):032x}"
        return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))

    def _hex(self, size: int) -> str:
        return f"0x{self._rng.getrandbits(8 * size):0{2 * size}x}"


def _time(moment: datetime) -> str:
    """As Prisma stores it: UTC without a zone, in milliseconds."""
    return moment.replace(tzinfo=None).isoformat(sep=" ", timespec="milliseconds")
