"""Bare git repositories, written object by object without a work tree. Knows nothing of what the files mean."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import pygit2
from pygit2.enums import FileMode

AUTHOR = ("OSO Sandbox", "sandbox@example.org")
BRANCH = "main"


def create(path: Path) -> None:
    """Make an empty bare repository that may be fetched shallow, partial and by any commit, and never pushed to."""
    repository = pygit2.init_repository(str(path), bare=True, initial_head=BRANCH)
    for name, value in {"uploadpack.allowFilter": True, "uploadpack.allowAnySHA1InWant": True, "http.receivepack": False}.items():
        repository.config[name] = value


def commit_files(path: Path, files: Mapping[str, bytes | None], message: str, when: datetime) -> str:
    """Commit `files` (path in the repository → content, None deletes it) on the branch; returns the commit's sha.

    Author and committer are the sandbox and both times are `when`, so equal input gives an equal sha. Raises KeyError when a
    file to delete is not there, ValueError when `when` has no time zone.
    """
    if when.tzinfo is None:
        raise ValueError("when: an instant with a time zone is expected")
    repository = pygit2.Repository(str(path))
    head = None if repository.head_is_unborn else repository.head.peel(pygit2.Commit)
    index = _index_of(head)
    for name, content in files.items():
        if content is not None:
            index.add(pygit2.IndexEntry(name, repository.create_blob(content), FileMode.BLOB))
        elif name in index:
            index.remove(name)
        else:
            raise KeyError(f"{name}: no such file in {path.name}")
    author = pygit2.Signature(*AUTHOR, int(when.timestamp()), 0)
    tree = index.write_tree(repository)
    parents = [head.id] if head else []
    return str(repository.create_commit(f"refs/heads/{BRANCH}", author, author, message, tree, parents))


def read_files(path: Path) -> dict[str, bytes]:
    """All files of the newest commit by their path."""
    repository = pygit2.Repository(str(path))
    index = _index_of(repository.head.peel(pygit2.Commit))
    return {entry.path: repository[entry.id].peel(pygit2.Blob).data for entry in index}


def _index_of(commit: pygit2.Commit | None) -> pygit2.Index:
    index = pygit2.Index()
    if commit is not None:
        index.read_tree(commit.tree)
    return index
