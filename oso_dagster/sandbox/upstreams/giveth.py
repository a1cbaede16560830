"""Giveth as the sandbox has it: rounds of quadratic funding, and the projects of the directory that take part in them.

Awkward on purpose: a round without projects, one without an end of its fund in dollars, a project in several rounds, addresses in
checksum form and none at all, a round of which nobody says whether it is active, projects without a name in addresses and without
dates: those four may be null (Giveth/impact-graph b6718ee, `src/entities/qfRound.ts` and `project.ts`). Faults: rounds of the
past lose projects in the older API (the same), one project has no id (`id: ID` may be null), every answer of both is an error;
`former`: the older API alone, as before 2026.

The newer API, v6-core, is written from the schema that Giveth/giveth-v6-fe at 664e390 was generated from
(`src/lib/graphql/generated/graphql.ts`) and its docs/EXTERNAL-SERVICES.md. It has the rounds since it came: the last of the older
API, whose copy there stands still, and new ones, one of which is numbered like another round of the older API. `v6` of the
document is `open`, or `closed`: it answers every question with an error, so that only the older API can be read.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.types import ASGIApp

from oso_dagster.sandbox.protocols import graphql_api, web_api
from oso_dagster.sandbox.protocols.family import Endpoint, Family
from oso_dagster.sandbox.world.entities import Project
from oso_dagster.sandbox.world.world import SandboxWorld, stream

PAGE = 12
"""Projects on a page, however many are asked for."""
ROUNDS = 4
"""The last of which has no projects yet."""
V6_ROUNDS = {ROUNDS: ROUNDS, 2: ROUNDS + 1, 5: ROUNDS + 2}
"""The rounds of the newer API: which round of ours each of its numbers is."""
_NAMELESS = 7
"""One project of so many has neither a name in addresses nor dates."""
_CHAINS = {"optimism": 10, "mainnet": 1, "arbitrum_one": 42161, "base": 8453}

_SCHEMA = """
scalar DateTime
enum SortingField { Newest Oldest QualityScore }
type QfRound {
  id: ID, slug: String!, name: String, isActive: Boolean, allocatedFund: Float!, allocatedFundUSD: Float
  allocatedTokenSymbol: String, eligibleNetworks: [Int!], beginDate: DateTime!, endDate: DateTime!
}
type ProjectAddress { address: String, networkId: Float, chainType: String, isRecipient: Boolean }
type Project {
  id: ID, title: String, slug: String, verified: Boolean!, totalDonations: Float!, countUniqueDonors: Int
  creationDate: DateTime, updatedAt: DateTime, addresses: [ProjectAddress!]
}
type AllProjects { projects: [Project!]!, totalCount: Float! }
type Query {
  qfRounds: [QfRound!]!
  allProjects(limit: Int = 9, skip: Int = 0, sortingBy: SortingField = QualityScore, qfRoundId: Int): AllProjects!
}
"""

_V6_SCHEMA = """
scalar DateTime
enum ChainType { EVM SOLANA STELLAR }
enum ProjectSortField { CreatedAt QfDonations Relevance TotalDonations TotalPower UpdatedAt }
enum SortDirection { ASC DESC }
input ProjectFiltersInput { qfRoundId: Int, searchTerm: String, vouched: Boolean }
input QfRoundsFiltersInput { status: String }
type QfRoundEntity {
  id: ID!, slug: String!, name: String!, isActive: Boolean!, allocatedFund: Float!, allocatedFundUSD: Float
  allocatedTokenSymbol: String, eligibleNetworks: [Int!]!, beginDate: DateTime!, endDate: DateTime!
  applicationTypeformUrl: String, createdAt: DateTime!, updatedAt: DateTime!
}
type PaginatedQfRoundsEntity { rounds: [QfRoundEntity!]!, total: Int! }
type ProjectAddressEntity { address: String!, networkId: Int!, chainType: ChainType!, isRecipient: Boolean! }
type ProjectEntity {
  id: ID!, title: String!, slug: String!, vouched: Boolean!, isGivbacksEligible: Boolean!, totalDonations: Float!
  countUniqueDonors: Int, createdAt: DateTime!, updatedAt: DateTime!, addresses: [ProjectAddressEntity!]
}
type PaginatedProjectsEntity { projects: [ProjectEntity!]!, total: Int! }
type Query {
  qfRounds(take: Int! = 20, skip: Int! = 0, filters: QfRoundsFiltersInput): PaginatedQfRoundsEntity!
  projects(
    take: Int! = 20, skip: Int! = 0, orderBy: ProjectSortField! = CreatedAt, orderDirection: SortDirection! = DESC
    filters: ProjectFiltersInput
  ): PaginatedProjectsEntity!
}
"""


def write(world: SandboxWorld, folder: Path) -> None:
    """Write all rounds and projects."""
    web_api.save(folder, document(world))


def serve(folder: Path) -> ASGIApp:
    """Both GraphQL endpoints."""
    roots: dict[str, graphql_api.Resolver] = {"qfRounds": lambda data: data["rounds"], "allProjects": _projects}
    older = graphql_api.serve(folder, _SCHEMA, roots, _DAMAGES)
    newer = graphql_api.serve(folder, _V6_SCHEMA, {"qfRounds": _v6_rounds, "projects": _v6_projects}, _DAMAGES)
    return Starlette(routes=[Mount("/v6", newer), Mount("/", older)])


def document(world: SandboxWorld) -> dict[str, Any]:
    """Everything that is served."""
    rng = stream(world.seed, "giveth")
    addressed = [project for project in world.projects if project.blockchain is not None]
    made = [_project(rng, number, project, world.now) for number, project in enumerate(addressed)]
    rounds = [_round(rng, number, world.now) for number in range(1, ROUNDS + 1)]
    members = {round_["id"]: sorted(rng.sample(range(len(made)), len(made) // 3)) for round_ in rounds[:-1]} | {
        rounds[-1]["id"]: []
    }
    newer = [_round(rng, number, world.now) | {"id": str(id_), "isActive": False} for id_, number in V6_ROUNDS.items()]
    named = [number for number, project in enumerate(made) if project["slug"]]  # of those alone v6 has all that it must
    joined = {round_["id"]: sorted(rng.sample(named, len(named) // 4)) for round_ in newer}
    return {"v6": "open", "rounds": rounds, "projects": made, "members": members, "v6_rounds": newer, "v6_members": joined}


def truth(world: SandboxWorld) -> dict[str, list[dict[str, Any]]]:
    """The rows that complete loads hold, by table."""
    data = document(world)
    moved = {round_["slug"] for round_ in data["v6_rounds"]}
    rounds = [round_ | {"api": "legacy"} for round_ in data["rounds"] if round_["slug"] not in moved]
    rounds += [round_ | {"api": "v6", "id": f"v6:{round_['id']}"} for round_ in data["v6_rounds"]]
    projects, addresses = [], []
    for round_id in (round_["id"] for round_ in rounds):
        newer = round_id.startswith("v6:")
        members = data["v6_members"][round_id.removeprefix("v6:")] if newer else data["members"][round_id]
        for project in (data["projects"][number] for number in members):
            key = {"round_id": round_id, "project_id": project["id"]}
            projects.append(key | {
                "title": project["title"], "slug": project["slug"], "verified": project["verified"],
                "donations": project["totalDonations"], "unique_donors": project["countUniqueDonors"],
                "created_at": project["creationDate"], "updated_at": project["updatedAt"],
            })  # fmt: skip
            addresses += [
                key | {"position": place, "address": at["address"], "network_id": int(at["networkId"]),
                       "chain_type": at["chainType"], "is_recipient": at["isRecipient"]}
                for place, at in enumerate(project["addresses"] or ())
            ]  # fmt: skip
    renamed = {
        "isActive": "is_active", "allocatedFund": "allocated_fund", "allocatedFundUSD": "allocated_fund_usd",
        "allocatedTokenSymbol": "allocated_token_symbol", "eligibleNetworks": "eligible_networks", "beginDate": "begin_date",
        "endDate": "end_date",
    }  # fmt: skip
    named = [{renamed.get(name, name): value for name, value in round_.items()} for round_ in rounds]
    return {"giveth.qf_rounds": named, "giveth.projects": projects, "giveth.projects__addresses": addresses}


def _projects(data: Any, limit: int, skip: int, qfRoundId: int, **_: Any) -> Any:  # noqa: N803  (upstream's name)
    members = data["members"].get(str(qfRoundId), [])
    projects = [data["projects"][number] for number in members]
    return {"projects": projects[skip : skip + min(limit, PAGE)], "totalCount": len(projects)}


def _v6_rounds(data: Any, take: int, skip: int, **_: Any) -> Any:
    _refuse_closed(data)
    rounds = [round_ | dict.fromkeys(("createdAt", "updatedAt"), round_["beginDate"]) for round_ in data["v6_rounds"]]
    return {"rounds": rounds[skip : skip + min(take, 2)], "total": len(rounds)}


def _v6_projects(data: Any, take: int, skip: int, filters: Any = None, **_: Any) -> Any:
    _refuse_closed(data)
    members = data["v6_members"].get(str((filters or {}).get("qfRoundId")), [])
    projects = [_v6_project(data["projects"][number]) for number in members]
    return {"projects": projects[skip : skip + min(take, PAGE)], "total": len(projects)}


def _v6_project(project: dict[str, Any]) -> dict[str, Any]:
    addresses = [address | {"networkId": int(address["networkId"])} for address in project["addresses"] or ()]
    return project | {
        "vouched": project["verified"], "isGivbacksEligible": False, "createdAt": project["creationDate"],
        "addresses": addresses or project["addresses"],
    }  # fmt: skip


def _refuse_closed(data: Any) -> None:
    if data.get("v6") == "closed":
        from graphql import GraphQLError  # noqa: PLC0415  (the server alone needs it)

        raise GraphQLError("Unauthorized", extensions={"code": "UNAUTHENTICATED"})


def _round(rng: Random, number: int, now: datetime) -> dict[str, Any]:
    begin = now - timedelta(days=150 - 40 * number)
    return {
        "id": str(number), "slug": f"sbx-round-{number}", "name": f"Round {number}: «Tide» 🌊",
        "isActive": None if number == 1 else number == ROUNDS,
        "allocatedFund": float(rng.randint(10, 200) * 1000), "allocatedFundUSD": None if number == 1 else 250_000.5,
        "allocatedTokenSymbol": rng.choice(("OP", "DAI", None)), "eligibleNetworks": rng.choice(([10], [1, 10, 8453])),
        "beginDate": _instant(begin), "endDate": _instant(begin + timedelta(days=14)),
    }  # fmt: skip


def _project(rng: Random, number: int, project: Project, now: datetime) -> dict[str, Any]:
    addresses = [
        {"address": address.address, "networkId": float(_CHAINS[network]), "chainType": "EVM", "isRecipient": place == 0}
        for place, address in enumerate(project.blockchain or ())
        for network in address.networks
        if network in _CHAINS
    ]
    bare: dict[str, Any] = {} if number % _NAMELESS else {"slug": None, "creationDate": None, "updatedAt": None}
    made: dict[str, Any] = {
        "id": str(100 + number), "title": project.display_name or project.name, "slug": project.name,
        "verified": rng.random() < 0.8, "totalDonations": round(rng.lognormvariate(7, 2), 2),  # noqa: PLR2004  (most are)
        "countUniqueDonors": rng.choice((None, rng.randrange(900))), "creationDate": _instant(now - timedelta(days=300)),
        "updatedAt": _instant(now - timedelta(days=rng.uniform(1, 100))), "addresses": addresses or rng.choice((None, [])),
    }  # fmt: skip
    return made | bare


def _instant(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _one_without_id(data: Any) -> dict[str, Any]:
    """One project that takes part in the first round has no id there."""
    first, *others = data["members"]["1"]
    bad = data["projects"][first] | {"id": None}
    members = data["members"] | {"1": [len(data["projects"]), *others]}
    return {**data, "projects": [*data["projects"], bad], "members": members}


_DAMAGES: dict[str, web_api.Damage] = {
    "silent_deletion": lambda data: data | {"members": {round_id: members[1:] for round_id, members in data["members"].items()}},
    "one_bad_item": _one_without_id,
    "former": lambda data: data | {"v6": "closed"},
}

FAMILY = Family(
    "giveth",
    (
        Endpoint("giveth_url", "/giveth/graphql", "Giveth's older GraphQL API"),
        Endpoint("giveth_v6_url", "/giveth/v6/graphql", "Giveth's GraphQL API of rounds since 2026"),
    ),
    write,
    serve,
    truth,
    faults=("success_false", *_DAMAGES),
)
