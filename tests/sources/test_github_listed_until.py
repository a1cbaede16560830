"""Until when the commits of a repository are listed: what a consumer needs to know where pushes count instead."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from oso_dagster.connectors.github.core import walks
from oso_dagster.sandbox.upstreams._github import things as github_things
from tests.sources.github_hub import FORGE, LIVING, NOW, GithubHub


def listed_until(hub: GithubHub) -> dict[str, Any]:
    return dict(hub.rows("SELECT lower(any_value(repo_name)), max(listed_until) FROM github.commits GROUP BY repo_id"))


@pytest.mark.server
def test_commits_say_until_when_their_repository_is_listed(hub: GithubHub, monkeypatch: pytest.MonkeyPatch) -> None:
    commits = {r.full_name.lower(): github_things.things(FORGE, r.id)["commits"] for r in LIVING}
    names = [name for name, held in commits.items() if len(held) > 4][:3]
    hub.load("commits", names)
    assert listed_until(hub) == dict.fromkeys(names, NOW)
    later = NOW + timedelta(days=40)
    hub.load("commits", names[1:], later)
    assert listed_until(hub) == {names[0]: NOW} | dict.fromkeys(names[1:], later), "also where no commit is new for weeks"


@pytest.mark.server
def test_a_walk_that_is_not_done_lists_nothing_until_its_end(hub: GithubHub, monkeypatch: pytest.MonkeyPatch) -> None:
    from oso_dagster.sources._github import repositories as github_repositories

    name = next(r.full_name.lower() for r in LIVING if len(github_things.things(FORGE, r.id)["commits"]) > 4)
    monkeypatch.setattr(walks, "SIZE", 2)
    monkeypatch.setattr(github_repositories, "MOST_POINTS", 1)
    hub.load("commits", [name])
    assert listed_until(hub) == {name: None}
    hour = 0
    while listed_until(hub)[name] is None:
        hour += 1
        hub.load("commits", [name], NOW + timedelta(hours=hour))
    assert hour > 1
    assert listed_until(hub) == {name: NOW}, "what came since the walk began is the next one's"
