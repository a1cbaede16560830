"""One seed, one world: the truth that every family of endpoints serves a part of. Pure: no file, no socket, no clock.

Dates are relative to `now`; everything else comes from the seed alone. Each family draws from a random stream of its own
(`stream`), so that a new family changes nothing in the others. Formats and protocols are the families' (`directory`, …).
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from oso_dagster.sandbox.world.atlas import PRIVATE, atlas
from oso_dagster.sandbox.world.entities import LINK_KINDS, Collection, Grant, Project
from oso_dagster.sandbox.world.grants import grants
from oso_dagster.sandbox.world.projects import collections, projects

DEFAULT_SEED = 7


@dataclass(frozen=True)
class SandboxWorld:
    """Everything the sandbox says, as values. `now` is the instant it was made for, in UTC and whole seconds."""

    seed: int
    now: datetime
    projects: tuple[Project, ...]
    collections: tuple[Collection, ...]
    grants: tuple[Grant, ...]
    atlas: Mapping[str, tuple[Mapping[str, Any], ...]] = field(default_factory=dict)

    def counts(self) -> Mapping[str, int]:
        """Rows that each table holds once this world is loaded, by `<source>.<table>`."""
        children = {kind: sum(len(p.links.get(kind, ())) for p in self.projects) for kind in LINK_KINDS}
        children["social"] = sum(len(urls) for p in self.projects for urls in (p.social or {}).values())
        children["blockchain"] = sum(len(p.blockchain or ()) for p in self.projects)
        return {
            "oss_directory.projects": len(self.projects),
            **{f"oss_directory.projects__{suffix}": rows for suffix, rows in children.items()},
            "oss_directory.collections": len(self.collections),
            "oss_funding.funding_data": len(self.grants),
            **{f"op_atlas.{_snake(name)}": len(rows) for name, rows in self.atlas.items() if name not in PRIVATE},
        }

    def memberships(self) -> frozenset[tuple[str, str]]:
        """All (collection, project) pairs."""
        return frozenset((collection.name, member) for collection in self.collections for member in collection.projects)


def generate(seed: int, now: datetime) -> SandboxWorld:
    """Make the world of `seed` as it looks at `now`, to the second. Raises ValueError when `now` has no time zone."""
    if now.tzinfo is None:
        raise ValueError("now: an instant with a time zone is expected")
    now = now.astimezone(UTC).replace(microsecond=0)
    inhabitants = projects(stream(seed, "projects"))
    names = [project.name for project in inhabitants]
    gathered = collections(stream(seed, "collections"), names)
    given = grants(stream(seed, "grants"), names, now.date())
    return SandboxWorld(seed, now, inhabitants, gathered, given, atlas(stream(seed, "op_atlas"), inhabitants, now))


def stream(seed: int, family: str) -> random.Random:
    """Give a family its random numbers: the same for a seed on every machine, unmoved by the other families."""
    return random.Random(f"{seed}/{family}")  # noqa: S311  (nothing here is secret)


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
