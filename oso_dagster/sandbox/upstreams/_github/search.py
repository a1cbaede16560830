"""GitHub's search for issues as the sandbox has it: how many of a repository were opened on a day.

Written from docs.github.com, "Searching issues and pull requests": `repo:owner/name`, `is:issue` or `is:pr`, and
`created:2026-11-30`; what is not there is counted as nothing.
"""

from __future__ import annotations

from oso_dagster.sandbox.upstreams._github import things
from oso_dagster.sandbox.world.forge import Forge

_KINDS = {"issue": "issues", "pr": "pull_requests"}


def count(forge: Forge, query: str) -> int:
    """How many issues or pull requests a query finds. Raises KeyError for a qualifier that is not known here."""
    asked = dict(word.split(":", 1) for word in query.split())
    name, kind, day = asked.pop("repo").lower(), _KINDS[asked.pop("is")], asked.pop("created")
    if asked:
        raise KeyError(f"the sandbox does not know the qualifiers {', '.join(asked)}")
    repository = next((known for known in forge.repositories if known.full_name.lower() == name and not known.deleted), None)
    if repository is None:
        return 0
    return sum(node["createdAt"].startswith(day) for node in things.things(forge, repository.id)[kind])
