"""OSS Directory as the sandbox keeps it: YAML files in a bare git repository with about 60 days of history.

What is in the files is decided elsewhere (`projects`, `awkward`); here they are written, and their past is made up.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import yaml

from oso_dagster.sandbox.protocols import git_objects
from oso_dagster.sandbox.protocols.family import Endpoint, Family
from oso_dagster.sandbox.protocols.git_http import GitHttp, find_backend
from oso_dagster.sandbox.world.awkward import PROJECT_CASES
from oso_dagster.sandbox.world.entities import LINK_KINDS, Address, Collection, Project
from oso_dagster.sandbox.world.world import SandboxWorld, stream

REPOSITORY = "oss-directory.git"
SCHEMA_VERSION = 7
HISTORY = timedelta(days=60)
COMMITS = 25

_FOLDERS = ("data/projects/", "data/collections/")
_README = b"# OSS Directory of the OSO sandbox\n\nEvery project in here is invented.\n"
_LEFT = ("drained-pond", "fallen-signpost", "spent-candle")
"""Projects that were in the directory once and are deleted in its history."""


@dataclass(frozen=True)
class DirectoryChange:
    """One commit to be made: what it says, when, and its files (None deletes one)."""

    message: str
    when: datetime
    files: Mapping[str, bytes | None]


def write(world: SandboxWorld, folder: Path) -> None:
    """Write the repository, history first, as `<folder>/oss-directory.git`."""
    path = folder / REPOSITORY
    git_objects.create(path)
    for change in history(world):
        git_objects.commit_files(path, change.files, change.message, change.when)


def files(world: SandboxWorld) -> dict[str, bytes]:
    """Every file of the directory as it is at the end of its history."""
    written = {case.project.name: case.written for case in PROJECT_CASES if case.written is not None}
    readme = {"README.md": _README, "data/projects/README.md": _README}
    projects = {project_path(p.name): (written.get(p.name) or render(project_document(p))).encode() for p in world.projects}
    return readme | projects | {collection_path(c.name): render(collection_document(c)).encode() for c in world.collections}


def history(world: SandboxWorld) -> list[DirectoryChange]:
    """The commits that lead to `files(world)`: most of it at once, then additions, revisions and deletions, the last just now."""
    rng, final = stream(world.seed, "history"), files(world)
    names = sorted(final)
    rng.shuffle(names)
    first, rest = names[: len(names) * 3 // 5], names[len(names) * 3 // 5 :]
    drafts = {name: _draft(final[name]) for name in first[:40]}
    gone = {project_path(name): render(project_document(Project(name, name.title()))).encode() for name in _LEFT}
    steps: list[dict[str, bytes | None]] = [{} for _ in range(COMMITS - 1)]
    for position, name in enumerate(rest):
        steps[position % len(steps)][name] = final[name]
    for name, draft in drafts.items():
        if draft != final[name]:
            rng.choice(steps)[name] = final[name]
    for name in gone:
        rng.choice(steps)[name] = None
    start = {name: final[name] for name in first} | drafts | gone
    whens = _instants(rng, world.now)
    later = [DirectoryChange(_message(step), when, step) for step, when in zip(steps, whens[1:], strict=True)]
    return [DirectoryChange("Begin the directory", whens[0], start), *later]


def project_path(name: str) -> str:
    """Where the file of a project stands."""
    return f"data/projects/{name[0]}/{name}.yaml"


def collection_path(name: str) -> str:
    """Where the file of a collection stands."""
    return f"data/collections/{name}.yaml"


def project_document(project: Project) -> dict[str, Any]:
    """The file of a project as plain values, keys in the order of the real files; what is None is left out."""
    document = {
        "version": SCHEMA_VERSION,
        "name": project.name,
        "display_name": project.display_name,
        "description": project.description,
        **{kind: _urls(project.links[kind]) for kind in LINK_KINDS if kind in project.links},
        "social": None if project.social is None else {name: _urls(urls) for name, urls in project.social.items()},
        "blockchain": None if project.blockchain is None else [_address(entry) for entry in project.blockchain],
        "comments": None if project.comments is None else list(project.comments),
        "token_coingecko_api_id": project.coingecko_id,
    }
    return {key: value for key, value in document.items() if value is not None}


def collection_document(collection: Collection) -> dict[str, Any]:
    """The file of a collection as plain values; what is None is left out."""
    document = {
        "version": SCHEMA_VERSION,
        "name": collection.name,
        "display_name": collection.display_name,
        "description": collection.description,
        "projects": list(collection.projects),
    }
    return {key: value for key, value in document.items() if value is not None}


def render(document: Mapping[str, Any]) -> str:
    """Write a file as the real directory does: block style, unicode as it is."""
    return yaml.dump(document, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=100)


def damage(folder: Path) -> None:
    """Commit a project and a collection whose remarks are one text, as upstream had it for 199 hours in June 2026 (`wizpay`)."""
    repository = folder / REPOSITORY
    there = git_objects.read_files(repository)
    chosen = [min(name for name in there if name.startswith(kind) and name.endswith(".yaml")) for kind in _FOLDERS]
    spoiled = {name: there[name] + b"comments: as one text\n" for name in chosen}
    git_objects.commit_files(repository, spoiled, "Give remarks as one text", datetime.now(UTC))


class _Dumper(yaml.SafeDumper):
    """Indents the items of lists, as the real files do."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002  (PyYAML passes it)
        super().increase_indent(flow, indentless=False)


def _urls(urls: tuple[str, ...]) -> list[dict[str, str]]:
    return [{"url": url} for url in urls]


def _address(entry: Address) -> dict[str, Any]:
    plain: dict[str, Any] = {"address": entry.address, "networks": list(entry.networks), "tags": list(entry.tags)}
    return plain if entry.name is None else plain | {"name": entry.name}


def _draft(content: bytes) -> bytes:
    """An earlier version of a file: without its description."""
    lines = content.decode().splitlines(keepends=True)
    kept = list(_without_description(lines))
    return "".join(kept).encode()


def _without_description(lines: list[str]) -> Iterator[str]:
    inside = False
    for line in lines:
        inside = line.startswith("description:") or (inside and line.startswith((" ", "\n", "\r")))
        if not inside:
            yield line


def _instants(rng: Random, now: datetime) -> list[datetime]:
    """When each commit was made, oldest first: the first 60 days ago, the last between one and three hours ago."""
    span = int(HISTORY.total_seconds())
    ages = sorted(rng.sample(range(6 * 3600, span - 3600), COMMITS - 2), reverse=True)
    return [now - timedelta(seconds=age) for age in (span, *ages, rng.randint(3600, 3 * 3600))]


def _message(step: Mapping[str, bytes | None]) -> str:
    gone = sum(content is None for content in step.values())
    return f"Update {len(step) - gone} files" + (f", remove {gone}" if gone else "")


FAMILY = Family(
    "git",
    (Endpoint("oss_directory_url", f"/git/{REPOSITORY}", "OSS Directory, a git repository over smart HTTP"),),
    write,
    lambda folder: GitHttp(folder, find_backend(), damage),
    faults=("damaged_file",),
)
