"""The inhabitants of the world: projects and the collections that gather them. Pure; the random stream is an argument."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from random import Random

from oso_dagster.sandbox.world import vocabulary
from oso_dagster.sandbox.world.awkward import COLLECTION_CASES, EVERYWHERE, PROJECT_CASES
from oso_dagster.sandbox.world.entities import Address, Collection, Project

PROJECTS = 300
"""How many projects the world has, awkward ones included."""

SHARES = {
    "description": 0.40,
    "twitter": 0.30,
    "blockchain": 0.35,
    "deployer": 0.50,
    "organisation": 0.25,
    "websites": 0.40,
    "npm": 0.10,
    "crates": 0.05,
    "pypi": 0.05,
    "go": 0.03,
    "open_collective": 0.03,
    "defillama": 0.10,
}
"""How often an ordinary project has what; roughly as in the real directory."""


def projects(rng: Random) -> tuple[Project, ...]:
    """All projects, by name."""
    pairs = [(first, second) for first in vocabulary.FIRST for second in vocabulary.SECOND]
    ordinary = [_project(rng, first, second) for first, second in rng.sample(pairs, PROJECTS - len(PROJECT_CASES))]
    return tuple(sorted([case.project for case in PROJECT_CASES] + ordinary, key=lambda project: project.name))


def collections(rng: Random, names: Sequence[str]) -> tuple[Collection, ...]:
    """All collections, by name; their members are taken from `names`."""
    gathered = [replace(case.collection, projects=_members(rng, names, case.share)) for case in COLLECTION_CASES if case.share]
    gathered += [case.collection for case in COLLECTION_CASES if not case.share]
    for name, title, description in vocabulary.COLLECTIONS:
        gathered.append(Collection(name, title, description, _members(rng, names, rng.randint(4, 20))))
    return tuple(sorted(gathered, key=lambda collection: collection.name))


def _members(rng: Random, names: Sequence[str], share: int) -> tuple[str, ...]:
    return tuple(sorted({*rng.sample(names, len(names) * share // 100), EVERYWHERE}))


def _project(rng: Random, first: str, second: str) -> Project:
    name, kind = f"{first}-{second}", rng.choice(vocabulary.KINDS)
    description = (
        f"{first.title()} {second.title()} is a {kind} for {rng.choice(vocabulary.AUDIENCES)}, {rng.choice(vocabulary.TRAITS)}."
    )
    return Project(
        name,
        f"{first.title()} {second.title()}",
        description if _has(rng, "description") else None,
        links=_links(rng, name),
        social={"twitter": (f"https://x.com/sbx_{first}_{second}",)} if _has(rng, "twitter") else None,
        blockchain=_addresses(rng, name) if _has(rng, "blockchain") else None,
    )


def _links(rng: Random, name: str) -> dict[str, tuple[str, ...]]:
    links = {"github": _repositories(rng, name)}
    chances = {
        "websites": f"https://{name}.example",
        "npm": f"https://www.npmjs.com/package/@sbx-{name}/core",
        "crates": f"https://crates.io/crates/sbx-{name}",
        "pypi": f"https://pypi.example.org/project/sbx-{name}",
        "go": f"https://github.com/sbx-{name}/go",
        "open_collective": f"https://opencollective.com/sbx-{name}",
        "defillama": f"https://defillama.com/protocol/sbx-{name}",
    }
    links.update({kind: (url,) for kind, url in chances.items() if _has(rng, kind)})
    return links


def _repositories(rng: Random, name: str) -> tuple[str, ...]:
    if _has(rng, "organisation"):
        return (f"https://github.com/sbx-{name}",)
    return tuple(f"https://github.com/sbx-{name}/{part}" for part in rng.sample(vocabulary.PARTS, rng.randint(1, 6)))


def _addresses(rng: Random, name: str) -> tuple[Address, ...]:
    contracts = [
        Address(_hex(rng), tuple(rng.sample(vocabulary.NETWORKS, rng.choice((1, 1, 1, 2)))), rng.choice(vocabulary.CONTRACT_TAGS))
        for _ in range(rng.randint(1, 8))
    ]
    if _has(rng, "deployer"):
        contracts.append(Address(_hex(rng), ("any_evm",), rng.choice(vocabulary.WALLET_TAGS), f"{name}.sbx.eth"))
    return tuple(contracts)


def _has(rng: Random, what: str) -> bool:
    return rng.random() < SHARES[what]


def _hex(rng: Random) -> str:
    return f"0x{rng.getrandbits(160):040x}"
