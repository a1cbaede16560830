"""Columns of issues, pull requests, commits, releases and stars of named repositories, as GitHub has them.

No name, address or text of a person is taken: who did something is an account (id, login, whether it is a bot).
"""

from __future__ import annotations

from oso_dagster.domain.catalogue.source import Column, ColumnType


def _text(name: str, description: str, *, nullable: bool = True) -> Column:
    return Column(name, ColumnType.VARCHAR, description, nullable)


def _number(name: str, description: str, *, nullable: bool = True) -> Column:
    return Column(name, ColumnType.BIGINT, description, nullable)


def _time(name: str, description: str, *, nullable: bool = True) -> Column:
    return Column(name, ColumnType.TIMESTAMP, description, nullable)


_AUTHOR = (
    _number("author_id", "Id of the account that opened it; null where the account is deleted, or an app"),
    _text("author_login", "Its login; null where the account is deleted"),
    _text("author_type", "User, Bot, Mannequin, EnterpriseUserAccount or Organization"),
)
_ISSUES = (
    _number("id", "GitHub's id of the issue", nullable=False),
    _number("number", "Its number in the repository", nullable=False),
    _text("state", "open or closed", nullable=False),
    _text("state_reason", "Why: completed, not_planned, reopened, duplicate; null where nobody said"),
    *_AUTHOR,
    _time("created_at", "When it was opened", nullable=False),
    _time("updated_at", "When anything of it changed last", nullable=False),
    _time("closed_at", "When it was closed last; null while it is open"),
)
_PULL_REQUESTS = (
    _number("id", "GitHub's id of the pull request", nullable=False),
    _number("number", "Its number in the repository", nullable=False),
    _text("state", "open, closed or merged", nullable=False),
    Column("is_draft", ColumnType.BOOLEAN, "Whether it is a draft", nullable=False),
    _text("base_ref", "Branch that it is to be merged into", nullable=False),
    *_AUTHOR,
    _text("merged_by_login", "Login of the account that merged it"),
    _text("merge_commit", "Commit that merged it"),
    _time("created_at", "When it was opened", nullable=False),
    _time("updated_at", "When anything of it changed last", nullable=False),
    _time("closed_at", "When it was closed or merged"),
    _time("merged_at", "When it was merged; null where it was not"),
)
_COMMITS = (
    _text("sha", "Hash of the commit, on the default branch", nullable=False),
    _number("author_id", "Id of its author's account; null where GitHub knows none by the author's address"),
    _text("author_login", "Login of that account"),
    _time("authored_at", "When it was written", nullable=False),
    _time("committed_at", "When it was committed, which a rebase changes", nullable=False),
    _time(
        "listed_until",
        "Until when all commits of its repository are listed, as far as was known when GitHub was asked for this one; the latest "
        "of a repository counts. Null on what a walk brought before its end",
    ),
)
_RELEASES = (
    _number("id", "GitHub's id of the release", nullable=False),
    _text("tag_name", "Tag of the release", nullable=False),
    _text("name", "Its title"),
    Column("is_prerelease", ColumnType.BOOLEAN, "Whether it is a pre-release", nullable=False),
    _text("author_login", "Login of the account that made it"),
    _time("created_at", "When it was made, as a draft where it was one", nullable=False),
    _time("published_at", "When it was published; null while it is a draft"),
    _time("updated_at", "When it was changed last", nullable=False),
)

STARS = (
    _text("repository", "owner/name, in lower case, under which it was asked", nullable=False),
    Column("day", ColumnType.DATE, "Day, as GitHub cuts them", nullable=False),
    _number("stars", "Stars that were given on it and were not taken back", nullable=False),
    _time("checked_at", "When GitHub was asked that said so last", nullable=False),
)
_UNTOLD = "What changed is asked for, and a deletion is no change that GitHub shows"

CHANGES = (
    (
        "issues",
        "One row per issue of a repository that OSS Directory or OP Atlas names, changed since 2025; as it is now.",
        "id",
        "updated_at",
        _ISSUES,
        _UNTOLD,
    ),
    (
        "pull_requests",
        "One row per pull request of a repository that OSS Directory or OP Atlas names, changed since 2025; as it is now.",
        "id",
        "updated_at",
        _PULL_REQUESTS,
        _UNTOLD,
    ),
    (
        "commits",
        "One row per commit since 2025 on the default branch of a repository that OSS Directory or OP Atlas names.",
        "sha",
        "committed_at",
        _COMMITS,
        "A commit that a force push removed from the branch was made all the same",
    ),
    (
        "releases",
        "One row per release since 2025 of a repository that OSS Directory or OP Atlas names.",
        "id",
        "created_at",
        _RELEASES,
        _UNTOLD,
    ),
)
"""Of each table: name, description, key, event time, columns, and why deletions are not followed."""
