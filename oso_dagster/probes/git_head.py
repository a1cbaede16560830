"""The commit that a branch of a public repository is at, asked of its server without a clone (`git ls-remote`)."""

from __future__ import annotations

from functools import lru_cache
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit


class HeadError(Exception):
    """The branch cannot be asked for; the message names its repository, without what might be a password."""


def head_of(url: str, branch: str) -> str:
    """The commit of `branch` at the repository, as Git writes it. Blocks while the server is asked. Raises HeadError."""
    import pygit2  # noqa: PLC0415  (only a probe that looks at branches needs it)

    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or parts.password or parts.username:
        raise HeadError("its repository is not at an http address without a password: take it out of heads_of")
    try:
        heads = {head.name: str(head.oid) for head in _nowhere(pygit2).remotes.create_anonymous(url).list_heads()}
    except (pygit2.GitError, OSError, ValueError) as error:
        raise HeadError(f"{url}: {error}") from None
    if (commit := heads.get(f"refs/heads/{branch}")) is None:
        raise HeadError(f"{url} has no branch {branch}")
    return commit


_TIMEOUT_MILLISECONDS = 5_000
"""Shorter than a probe waits: a server that hangs would leave a thread behind with each check."""
_KEPT: list[TemporaryDirectory[str]] = []


@lru_cache(maxsize=1)
def _nowhere(pygit2: Any) -> Any:
    """An empty repository, for libgit2 asks remotes through one only; with the time-outs of this process, which are none else."""
    pygit2.settings.server_timeout = pygit2.settings.server_connect_timeout = _TIMEOUT_MILLISECONDS
    _KEPT.append(TemporaryDirectory(prefix="oso-heads-"))
    return pygit2.init_repository(_KEPT[-1].name, bare=True)
