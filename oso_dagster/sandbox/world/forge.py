"""The forge of the world: the repositories behind the directory's GitHub addresses, their owners and the people at work. Pure.

Each family that shows GitHub (`gharchive`, `github_api`) serves a part of this, so that ids and names agree among them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property, lru_cache
from pathlib import Path
from random import Random

from oso_dagster.sandbox.world import vocabulary
from oso_dagster.sandbox.world.world import SandboxWorld, generate, stream

HISTORY = timedelta(days=60)
PEOPLE = 240
BOTS = ("sbx-merge[bot]", "sbx-deps[bot]")
LANGUAGES = ("Rust", "TypeScript", "Solidity", "Python", "Go", None)
LICENCES = (("MIT", "MIT License"), ("Apache-2.0", "Apache License 2.0"), ("NOASSERTION", "Other"), None)
RENAMED_SHARE, DELETED_SHARE, USER_SHARE = 0.03, 0.03, 0.1
_ADDRESS = re.compile(
    r"(?:https?://)?(?:www\.)?github\.com/(?:orgs/)?([A-Za-z0-9-]+)(?:/+([A-Za-z0-9_.-]+))?(?:[/?#]|\Z)", re.IGNORECASE
)
_WEEK = timedelta(days=7)


@dataclass(frozen=True)
class Person:
    """Somebody who does things, or a bot."""

    id: int
    login: str


@dataclass(frozen=True)
class Repository:
    """A repository as it is now; `former_name` is the name under which the directory still has it, if it was renamed."""

    id: int
    owner: str
    name: str
    created_at: datetime
    fork: bool
    stars: int
    forks: int
    language: str | None
    licence: tuple[str, str] | None
    former_name: str | None = None
    deleted: bool = False

    @property
    def full_name(self) -> str:
        """`owner/name` as it is now."""
        return f"{self.owner}/{self.name}"

    @property
    def node_id(self) -> str:
        """The id that GraphQL knows it by."""
        return f"R_sbx{self.id:08d}"


@dataclass(frozen=True)
class Forge:
    """GitHub in the world of `seed` as it looks at `now`: all repositories, the owners that are users, and the people."""

    seed: int
    now: datetime
    repositories: tuple[Repository, ...]
    users: frozenset[str]
    people: tuple[Person, ...]

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        """Computed once: what is made of a forge is kept by it, and asked for thousands of times."""
        return hash((self.seed, self.now, self.repositories, self.users, self.people))

    @property
    def start(self) -> datetime:
        """The midnight at which the history begins."""
        return _start(self.now)

    def of_owner(self, owner: str) -> tuple[Repository, ...]:
        """The repositories that an owner has today."""
        return tuple(r for r in self.repositories if r.owner.lower() == owner.lower() and not r.deleted)


def write(world: SandboxWorld, folder: Path) -> None:
    """Write what `read` needs to make the world again."""
    (folder / "world.json").write_text(json.dumps({"seed": world.seed, "now": world.now.isoformat()}))


def read(folder: Path) -> Forge:
    """The forge of the world whose mark `write` left in `folder`."""
    return _read((folder / "world.json").read_text())


def forge_of(world: SandboxWorld) -> Forge:
    """The forge of a world, from random numbers of its own, so that nothing else moves."""
    return _made(world.seed, world.now, tuple(sorted(set(_named(world)))))


@lru_cache(maxsize=4)
def _made(seed: int, now: datetime, named: tuple[tuple[str, str], ...]) -> Forge:
    rng = stream(seed, "forge")
    owners = sorted({owner for owner, _ in named})
    people = tuple(Person(7_000_000 + n, f"sbx-dev-{n:03d}") for n in range(PEOPLE))
    bots = tuple(Person(9_000_000 + n, login) for n, login in enumerate(BOTS))
    users = frozenset(owner for owner in owners if rng.random() < USER_SHARE)
    whole = {owner for owner, name in named if not name}
    listed = [(owner, part) for owner in sorted(whole) for part in rng.sample(vocabulary.PARTS, rng.randint(2, 5))]
    wanted = sorted({(owner, name) for owner, name in [*named, *listed] if name})
    made = tuple(_repository(rng, _start(now), n, owner, name) for n, (owner, name) in enumerate(wanted))
    return Forge(seed, now, made, users, people + bots)


@lru_cache(maxsize=4)
def _read(mark: str) -> Forge:
    recipe = json.loads(mark)
    return forge_of(generate(recipe["seed"], datetime.fromisoformat(recipe["now"])))


def _start(now: datetime) -> datetime:
    return (now - HISTORY).replace(hour=0, minute=0, second=0)


def _named(world: SandboxWorld) -> Iterator[tuple[str, str]]:
    """Owner and name (empty for an organisation) of each address of the directory that is one of GitHub's, in lower case."""
    for project in world.projects:
        for url in project.links.get("github", ()):
            if match := _ADDRESS.match(url.strip()):
                owner, name = match.group(1).lower(), (match.group(2) or "").lower().removesuffix(".git")
                yield owner, "" if "/orgs/" in url else name


def _repository(rng: Random, start: datetime, number: int, owner: str, name: str) -> Repository:
    fate = rng.random()
    renamed = fate < RENAMED_SHARE
    return Repository(
        id=500_000_000 + number,
        owner=owner,
        name=f"{name}-next" if renamed else name,
        created_at=start - rng.randint(1, 200) * _WEEK,
        fork=rng.random() < DELETED_SHARE,
        stars=int(rng.paretovariate(0.8)) % 90_000,
        forks=int(rng.paretovariate(1.1)) % 9_000,
        language=rng.choice(LANGUAGES),
        licence=rng.choice(LICENCES),
        former_name=name if renamed else None,
        deleted=RENAMED_SHARE <= fate < RENAMED_SHARE + DELETED_SHARE,
    )
