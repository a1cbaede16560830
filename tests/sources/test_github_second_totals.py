"""Second counts of releases, stars and forks: asked of the sandbox's other answers, they find what a load has, or lacks."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from graphql import build_schema, parse, validate

from oso_dagster.connectors.github.core.release_counts import count_releases
from oso_dagster.connectors.github.core.totals import totals_query
from oso_dagster.connectors.http.rest import RestError
from oso_dagster.domain.catalogue.loading import ExtractRequest, LoadRecord, RefusedError
from oso_dagster.domain.catalogue.second_count import SecondCount, TrueCount
from oso_dagster.sandbox.upstreams._github import graph as github_graph
from oso_dagster.sandbox.upstreams._github import releases as github_releases
from oso_dagster.sandbox.upstreams._github import things as github_things
from oso_dagster.sources._second_counts import github
from oso_dagster.warehouse.held import held_counts
from tests.sources.github_hub import FORGE, LIVING, NOW, SOURCE, TABLES, TOKEN, GithubHub
from tests.support import github_schemas

pytestmark = pytest.mark.server

FEW = [r for r in LIVING if github_things.things(FORGE, r.id)["releases"]][:30]
NAMES = [repository.full_name for repository in FEW]


def count(hub: GithubHub, table: str, second: SecondCount, record: LoadRecord | None, names: list[str] = NAMES) -> TrueCount:
    settings = {"api_url": hub.url, "token": TOKEN, "requests_per_second": "10000"}
    inputs = {"github.repositories.name_with_owner": names}
    (counted,) = second.count(ExtractRequest("github", table, NOW, hub.home, settings, previous=record, inputs=inputs))
    return counted


def held(hub: GithubHub, table: str, second: SecondCount, counted: TrueCount) -> int:
    with hub.warehouse.read() as connection:
        (number,) = held_counts(connection, SOURCE, TABLES[table], second, [counted])
    return number


def test_releases_of_a_month_are_counted_by_rest_and_a_walk_holds_them(hub: GithubHub) -> None:
    record = replace(hub.load("releases", NAMES).record, loaded_at=NOW)
    counted = count(hub, "releases", github.RELEASES, record)
    since, until = counted.since, counted.until
    assert since is not None
    assert until is not None
    assert until - since == timedelta(days=30)
    inside = {
        str(repository.id): sum(f"{since:%Y-%m-%d}" <= node["publishedAt"] < f"{until:%Y-%m-%d}" for node in listed)
        for repository in FEW
        if (listed := github_things.things(FORGE, repository.id)["releases"])
    }
    assert counted.by_item == inside
    assert held(hub, "releases", github.RELEASES, counted) == counted.low > 0
    lists = [path for path, _, status in hub.asked if "/releases?" in path and status == 200]
    assert len(lists) == len(NAMES), "one request for each repository of the sample"


def test_a_repository_whose_page_of_releases_does_not_reach_back_takes_no_part(
    hub: GithubHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, busy = github_releases.releases, FEW[0]
    many = [real(FORGE, busy)[0] | {"published_at": NOW.strftime("%Y-%m-%dT%H:%M:%SZ")}] * 150
    monkeypatch.setattr(github_releases, "releases", lambda forge, r: many if r.id == busy.id else real(forge, r))
    record = replace(hub.load("releases", NAMES).record, loaded_at=NOW)
    assert str(busy.id) not in count(hub, "releases", github.RELEASES, record).items
    from oso_dagster.connectors.github import rest_api

    with pytest.raises(RestError, match="none lists its releases, so nothing can be compared"):
        count_releases(rest_api.client(TOKEN, 1000.0), hub.url, [busy.full_name], NOW - timedelta(days=1), NOW)


def test_all_stars_are_what_the_days_of_whole_histories_add_up_to(hub: GithubHub) -> None:
    record = hub.load("stars_by_day", NAMES).record
    counted = count(hub, "stars_by_day", github.STARS, record)
    assert counted.by_item == {repository.full_name.lower(): repository.stars for repository in FEW}
    assert held(hub, "stars_by_day", github.STARS, counted) == counted.low > 0


def test_a_history_that_is_not_read_to_its_end_is_no_missing_star(hub: GithubHub, monkeypatch: pytest.MonkeyPatch) -> None:
    from oso_dagster.sources._github import repositories as github_repositories

    monkeypatch.setattr(github_repositories, "MOST_HISTORIES", len(NAMES))  # newest pages only
    record = hub.load("stars_by_day", NAMES).record
    old = [r.full_name for r in FEW if (FORGE.now - r.created_at).days > 7 * 31]
    assert old
    with pytest.raises(RefusedError, match="no star history is read to its end yet"):
        count(hub, "stars_by_day", github.STARS, record, old)


def test_stars_and_forks_of_the_sample_are_asked_of_graphql(hub: GithubHub) -> None:
    hub.load("repositories", [f"https://github.com/{name}" for name in NAMES])
    counted = count(hub, "repositories", github.STARS_AND_FORKS, None, [*NAMES, "sbx-nobody/nothing"])
    assert held(hub, "repositories", github.STARS_AND_FORKS, counted) == counted.low > 0
    assert counted.by_item == {str(repository.id): repository.stars + repository.forks for repository in FEW}
    points = [path for path, _, _ in hub.asked if path.startswith("/graphql")]
    assert len(points) == 2, "a point for twenty-five repositories"
    with pytest.raises(RestError, match="none of 1 repositories is there"):
        count(hub, "repositories", github.STARS_AND_FORKS, None, ["sbx-nobody/nothing"])


def test_what_is_asked_and_answered_is_what_github_publishes() -> None:
    query = parse(totals_query(["a/b", "c/d"]))
    assert validate(build_schema(github_graph.SCHEMA), query) == []
    assert validate(github_schemas.graphql_schema(), query) == []
    listed: list[dict[str, Any]] = [release for repository in FEW for release in github_releases.releases(FORGE, repository)]
    assert github_schemas.problems("GET", "/repos/a/b/releases", 200, listed) == []
