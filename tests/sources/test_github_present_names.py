"""Star histories and bills of materials follow a repository to the name that it has now, by GitHub's id."""

from __future__ import annotations

from datetime import timedelta

import pytest
from graphql import build_schema, parse, validate

from oso_dagster.connectors.github.core import present_names
from oso_dagster.connectors.github.core.graph_answers import TooMuchError
from oso_dagster.sandbox.upstreams import github_api
from oso_dagster.sandbox.upstreams._github import graph as github_graph
from oso_dagster.sandbox.upstreams._github.behaviour import Behaviour, behave
from tests.sources.github_hub import FORGE, LIVING, NOW, GithubHub
from tests.support import github_schemas

pytestmark = pytest.mark.server

KNOWN = [r for r in LIVING if r.former_name is None and r.stars and github_api.sbom(FORGE, r) is not None][:6]
NAMES = [repository.full_name for repository in KNOWN]
MOVED = KNOWN[0]
NEW = f"{MOVED.owner}/sbx-called-otherwise"


def rename(hub: GithubHub) -> list[str]:
    """One repository has another name now; the names of all."""
    behave(hub.folder, Behaviour(moved={str(MOVED.id): NEW}))
    return [NEW, *NAMES[1:]]


def stars_of(hub: GithubHub) -> dict[str, int]:
    return dict(hub.rows("SELECT repository, CAST(sum(stars) AS BIGINT) FROM github.stars_by_day GROUP BY ALL"))


def test_a_star_history_moves_to_the_name_of_now_and_is_not_read_again(hub: GithubHub) -> None:
    hub.load("stars_by_day", NAMES)
    first, before = stars_of(hub), len(hub.asked)
    later = hub.load("stars_by_day", rename(hub), NOW + timedelta(days=1))
    assert later.record.facts["renamed"] == {MOVED.full_name: NEW}
    assert stars_of(hub) == {NEW if name == MOVED.full_name else name: stars for name, stars in first.items()}
    pages = [path for path, _, _ in hub.asked[before:] if "stargazers" in path]
    assert len(pages) == len(NAMES), "only newest pages"
    third = hub.load("stars_by_day", [NEW, *NAMES[1:]], NOW + timedelta(days=2))
    assert "renamed" not in third.record.facts


def test_a_repository_that_is_asked_for_by_two_names_has_one_history(hub: GithubHub) -> None:
    renamed = next(r for r in LIVING if r.former_name and r.stars)
    hub.load("stars_by_day", [f"{renamed.owner}/{renamed.former_name}", renamed.full_name])
    assert stars_of(hub) == {renamed.full_name: renamed.stars}


def test_a_bill_of_materials_moves_to_the_name_of_now_with_its_packages(hub: GithubHub) -> None:
    hub.load("sbom", NAMES)
    rows = "SELECT repository, count(*) FROM github.sbom__packages GROUP BY ALL"
    first = dict(hub.rows(rows))
    later = hub.load("sbom", rename(hub), NOW + timedelta(weeks=1))
    assert later.record.facts["renamed"] == {MOVED.full_name: NEW}
    assert "vanished" not in later.record.facts
    assert dict(hub.rows(rows)) == {NEW if name == MOVED.full_name else name: count for name, count in first.items()}
    assert sorted(name for (name,) in hub.rows("SELECT repository FROM github.sbom")) == sorted([NEW, *NAMES[1:]])


def test_what_github_does_not_answer_for_keeps_its_name(hub: GithubHub, monkeypatch: pytest.MonkeyPatch) -> None:
    from oso_dagster.connectors.github import rest_api

    def slow(*_: object) -> None:
        raise TooMuchError("timed out")

    client = rest_api.client("t", 1000.0)
    asked = [*NAMES, "sbx-nobody/nothing"]
    assert present_names.follow(client, hub.url, asked, {}).names == sorted(asked)
    github_graph.spent(hub.folder)
    assert present_names.follow(client, hub.url, asked, {}).names == sorted(asked), "a spent limit takes nothing along"
    monkeypatch.setattr(present_names, "ask", slow)
    assert present_names.follow(client, hub.url, asked, {}).names == sorted(asked)
    query = parse(present_names.query_of(NAMES))
    assert validate(build_schema(github_graph.SCHEMA), query) == validate(github_schemas.graphql_schema(), query) == []
