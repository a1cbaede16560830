"""EAS on Optimism as the sandbox has it: what OP Atlas attests about its projects, and what people attest to projects' addresses.

Written from eas-indexing-service and eas-docs-site at d4d3116: `time` is when it was attested, `timeCreated` when it came to the
indexer, weeks later where an owner publishes late; ends are cut to 32 bits. Faults: the indexer has gaps that it fills later;
every answer is an error.
Awkward on purpose: many attestations in one second, later revocations, no recipient, no transaction, text in any script.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from starlette.types import ASGIApp

from oso_dagster.sandbox.protocols import graphql_api, web_api
from oso_dagster.sandbox.protocols.family import Endpoint, Family
from oso_dagster.sandbox.world.world import SandboxWorld, stream

PAGE = 60
"""Attestations on a page, however many are asked for: few, so that a week has pages."""
NOBODY = "0x" + "0" * 40
_ATTESTED = {"ProjectSnapshot": "projectId", "OrganizationSnapshot": "organizationId", "Application": "projectId"}
_WORDS = ("Great work", "Отлично", "دعم", "使ってます 🙌", 'so-called "impact"')
_REVOKED_SHARE, _OFFCHAIN_SHARE = 0.06, 0.04

_SCHEMA = """
input IntFilter { gte: Int, lt: Int }
input AttestationWhereInput { OR: [AttestationWhereInput!], time: IntFilter, timeCreated: IntFilter, revocationTime: IntFilter }
input AttestationWhereUniqueInput { id: String! }
enum SortOrder { asc desc }
input AttestationOrderByWithRelationInput { time: SortOrder, id: SortOrder }
type AttestationCountAggregate { _all: Int! }
type AggregateAttestation { _count: AttestationCountAggregate }
type Attestation {
  id: String!, decodedDataJson: String!, recipient: String!, attester: String!, time: Int!, expirationTime: Int!
  revocationTime: Int!, refUID: String!, revocable: Boolean!, revoked: Boolean!, txid: String!, schemaId: String!
  isOffchain: Boolean!, timeCreated: Int!
}
type Query {
  attestations(
    where: AttestationWhereInput, orderBy: [AttestationOrderByWithRelationInput!], cursor: AttestationWhereUniqueInput
    take: Int, skip: Int
  ): [Attestation!]!
  aggregateAttestation(where: AttestationWhereInput): AggregateAttestation!
}
"""


def write(world: SandboxWorld, folder: Path) -> None:
    """Write all attestations."""
    web_api.save(folder, attestations(world))


def serve(folder: Path) -> ASGIApp:
    """The GraphQL endpoint."""
    return graphql_api.serve(folder, _SCHEMA, {"attestations": _list, "aggregateAttestation": _aggregate}, _DAMAGES)


def attestations(world: SandboxWorld) -> list[dict[str, Any]]:
    """Everything that is attested, in the order of its times."""
    rng = stream(world.seed, "eas_optimism")
    made = [*_of_atlas(world, rng), *_of_people(world, rng)]
    return sorted(made, key=lambda attestation: (attestation["time"], attestation["id"]))


def truth(world: SandboxWorld) -> dict[str, list[dict[str, Any]]]:
    """The rows that complete loads hold; `seen` are the times in whose weeks a row appears."""
    return {"eas_optimism.attestations": [_row(attestation) for attestation in attestations(world)]}


def _of_atlas(world: SandboxWorld, rng: Random) -> Iterator[dict[str, Any]]:
    attester, schema = _hex(rng, 20), _hex(rng, 32)
    for table, about in _ATTESTED.items():
        for row in world.atlas.get(table, ()):
            at = datetime.fromisoformat(f"{row['createdAt']}+00:00")
            facts = [{"name": "type", "value": table}, {"name": "refUID", "value": row[about]}]
            yield _attestation(rng, world, at, attester, NOBODY, schema, facts) | {"id": row["attestationId"]}


def _of_people(world: SandboxWorld, rng: Random) -> Iterator[dict[str, Any]]:
    """Praise for projects' addresses; the first day has a batch of one second."""
    addresses = [address.address for p in world.projects for address in p.blockchain or () if address.address.startswith("0x")]
    people, schemas, days = [_hex(rng, 20) for _ in range(25)], [_hex(rng, 32) for _ in range(3)], web_api.midnights(world)
    batch = [days[-20] + timedelta(hours=5)] * (2 * PAGE + 5)
    single = [day + timedelta(seconds=rng.randrange(86_400)) for day in days for _ in range(rng.randint(4, 12))]
    for at in [*batch, *(moment for moment in single if moment <= world.now)]:
        facts = [{"name": "praise", "value": rng.choice(_WORDS)}] if rng.random() < 0.95 else []  # noqa: PLR2004  (most have words)
        recipient = rng.choice([*addresses, NOBODY])
        yield _attestation(rng, world, at, rng.choice(people), recipient, rng.choice(schemas), facts)


def _attestation(
    rng: Random, world: SandboxWorld, at: datetime, attester: str, recipient: str, schema: str, facts: list[Any]
) -> dict[str, Any]:
    gone = at + timedelta(days=rng.uniform(0.5, 25))
    revoked = rng.random() < _REVOKED_SHARE and gone < world.now
    offchain = rng.random() < _OFFCHAIN_SHARE
    created = min(at + timedelta(days=16), world.now) if offchain else at
    return {
        "id": _hex(rng, 32), "decodedDataJson": json.dumps(facts, ensure_ascii=False), "recipient": recipient,
        "attester": attester, "time": int(at.timestamp()),
        "expirationTime": int(gone.timestamp()) + 10**7 if rng.random() < 0.1 else 0,  # noqa: PLR2004  (some expire)
        "revocationTime": int(gone.timestamp()) if revoked else 0, "refUID": "0x" + "0" * 64, "revocable": True,
        "revoked": revoked, "txid": "" if offchain else _hex(rng, 32), "schemaId": schema, "isOffchain": offchain,
        "timeCreated": int(created.timestamp()),
    }  # fmt: skip


def _list(data: Any, take: int, skip: int = 0, cursor: Any = None, where: Any = None, **_: Any) -> list[Any]:
    matching = _matching(data, where or {})
    begin = [attestation["id"] for attestation in matching].index(cursor["id"]) if cursor else 0
    return matching[begin + skip :][: min(take, PAGE)]


def _aggregate(data: Any, where: Any = None) -> dict[str, Any]:
    return {"_count": {"_all": len(_matching(data, where or {}))}}


def _matching(data: Any, where: dict[str, Any]) -> list[Any]:
    return [attestation for attestation in data if _fits(attestation, where)]


def _fits(attestation: dict[str, Any], where: dict[str, Any]) -> bool:
    spans = [(attestation[name], bound) for name, bound in where.items() if name != "OR"]
    inside = all(bound.get("gte", 0) <= value < bound.get("lt", 2**31) for value, bound in spans)
    return inside and ("OR" not in where or any(_fits(attestation, each) for each in where["OR"]))


def _row(attestation: dict[str, Any]) -> dict[str, Any]:
    renamed = {
        "schemaId": "schema_id", "decodedDataJson": "decoded_data_json", "expirationTime": "expiration_time",
        "revocationTime": "revocation_time", "refUID": "ref_uid", "isOffchain": "is_offchain",
    }  # fmt: skip
    row = {renamed.get(name, name): value for name, value in attestation.items()}
    ends = {name: row[name] or None for name in ("expiration_time", "revocation_time")}
    seen = [attestation[name] for name in ("time", "timeCreated", "revocationTime") if attestation[name]]
    return row | ends | {"txid": row["txid"] or None, "seen": seen}


def _hex(rng: Random, size: int) -> str:
    return f"0x{rng.getrandbits(8 * size):0{2 * size}x}"


_DAMAGES: dict[str, web_api.Damage] = {
    "refill": lambda data: [attestation for number, attestation in enumerate(data) if number % 3],
}

FAMILY = Family(
    "eas-optimism",
    (Endpoint("eas_optimism_url", "/eas-optimism/graphql", "EAS on Optimism, its GraphQL indexer"),),
    write,
    serve,
    truth,
    faults=("success_false", *_DAMAGES),
)
