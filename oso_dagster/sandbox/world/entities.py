"""What the world is made of: plain frozen values, the truth that landed rows are compared with.

No format and no protocol here: a project becomes a YAML file in `directory`, a grant becomes a CSV row in `funding`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

LINK_KINDS = ("websites", "github", "npm", "crates", "pypi", "go", "open_collective", "defillama")
"""The lists of addresses that a project of the directory may have, in the order of its files."""

SOCIAL_PLATFORMS = ("twitter", "telegram", "farcaster", "mirror", "medium")


@dataclass(frozen=True)
class Address:
    """An entry of a project's `blockchain` list, as it stands in the file."""

    address: str
    networks: tuple[str, ...]
    tags: tuple[str, ...]
    name: str | None = None


@dataclass(frozen=True)
class Project:
    """A project of the directory. None: its file has no such key; an empty tuple: the key holds an empty list."""

    name: str
    display_name: str | None = None
    description: str | None = None
    links: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    social: Mapping[str, tuple[str, ...]] | None = None
    blockchain: tuple[Address, ...] | None = None
    comments: tuple[str, ...] | None = None
    coingecko_id: str | None = None

    def __post_init__(self) -> None:
        unknown = [*(set(self.links) - set(LINK_KINDS)), *(set(self.social or ()) - set(SOCIAL_PLATFORMS))]
        if unknown:
            raise ValueError(f"project {self.name}: no such list: {', '.join(sorted(unknown))}")


@dataclass(frozen=True)
class Collection:
    """A collection of the directory; `projects` are names of projects."""

    name: str
    display_name: str | None = None
    description: str | None = None
    projects: tuple[str, ...] = ()


@dataclass(frozen=True)
class Grant:
    """A row of the funding file. `to_project_name` is empty where no project of the directory matched."""

    to_project_name: str
    amount: float
    funding_date: date
    from_funder_name: str
    grant_pool_name: str
    metadata: Mapping[str, Any]
    file_path: str
