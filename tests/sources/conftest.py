"""GitHub's API of the sandbox with a warehouse beside it, for the tests of what is asked of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from oso_dagster.connectors.github import rest_api
from tests.sources.github_hub import GithubHub, github_hub


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[GithubHub]:
    """The hub, asked with few tries and short pauses."""
    monkeypatch.setattr(rest_api, "LIMITS", replace(rest_api.LIMITS, attempts=2, pause=0.01))
    with github_hub(tmp_path) as made:
        yield made
