"""A git repository in OSS Directory's format, made and changed by the real git client."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

_IDENTITY = {
    "GIT_AUTHOR_NAME": "Test",
    "GIT_AUTHOR_EMAIL": "test@example.org",
    "GIT_COMMITTER_NAME": "Test",
    "GIT_COMMITTER_EMAIL": "test@example.org",
}

ALPHA = """version: 7
name: alpha
display_name: Alpha
description: The first, with "quotes" and 日本語
websites:
  - url: https://alpha.example.org
social:
  twitter:
    - url: https://x.com/alpha
  farcaster:
    - url: https://farcaster.xyz/alpha
github:
  - url: https://github.com/alpha-org/core
  - url: https://github.com/alpha-org
comments:
  - first of all
blockchain:
  - address: "0xAbC0000000000000000000000000000000000001"
    networks: [optimism, mainnet]
    tags: [contract]
    name: vault
  - address: "0x0000000000000000000000000000000000000002"
    networks: [any_evm]
    tags: [eoa, wallet]
"""
BETA = """version: 7
name: beta
display_name: Beta
npm:
  - url: https://www.npmjs.com/package/@beta/core
"""
GAMMA = """version: 7
name: gamma
display_name: Gamma
"""


@dataclass(frozen=True)
class Repository:
    """A work tree at `path`; `commit` writes files (None deletes) and returns the new commit."""

    path: Path

    @property
    def url(self) -> str:
        return self.path.as_uri()

    def git(self, *arguments: str) -> str:
        done = subprocess.run(
            ["git", *arguments], cwd=self.path, env={**os.environ, **_IDENTITY}, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def commit(self, files: dict[str, str | None]) -> str:
        for name, content in files.items():
            path = self.path / name
            if content is None:
                path.unlink()
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(content)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "Change")
        return self.git("rev-parse", "HEAD")


def empty_repository(path: Path) -> Repository:
    """A repository without a commit."""
    path.mkdir(parents=True)
    repository = Repository(path)
    repository.git("init", "--quiet", "--initial-branch=main")
    return repository


def small_directory(path: Path) -> Repository:
    """Three projects and two collections."""
    repository = empty_repository(path)
    repository.commit(
        {
            "README.md": "A directory\n",
            "data/projects/README.md": "Not a project\n",
            "data/projects/a/alpha.yaml": ALPHA,
            "data/projects/b/beta.yaml": BETA,
            "data/projects/g/gamma.yaml": GAMMA,
            "data/collections/firsts.yaml": "version: 7\nname: firsts\ndisplay_name: Firsts\nprojects:\n  - alpha\n  - beta\n",
            "data/collections/all.yaml": "version: 7\nname: all\ndisplay_name: All\nprojects: [alpha, beta, gamma]\n",
        }
    )
    return repository
