"""Second counts, asked of the sandbox's servers: each is right there, sees what a load has lost, and fails by name."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from graphql import build_schema, parse, validate

from oso_dagster.connectors.database.row_count import RowCount, count_rows
from oso_dagster.connectors.database.table_reader import DatabaseError
from oso_dagster.connectors.github.core import day_counts
from oso_dagster.connectors.http.rest import RestError
from oso_dagster.domain.catalogue.loading import ExtractRequest
from oso_dagster.domain.catalogue.partitions import Window
from oso_dagster.domain.catalogue.second_count import TrueCount
from oso_dagster.sandbox.protocols import postgres
from oso_dagster.sandbox.upstreams import npm as npm_family
from oso_dagster.sandbox.upstreams._github import feeds as github_feeds
from oso_dagster.sandbox.upstreams._github import graph as github_graph
from oso_dagster.sandbox.upstreams._github import things as github_things
from oso_dagster.sandbox.world.world import generate
from oso_dagster.sources._second_counts import github, npm
from oso_dagster.sources.npm import package_of
from tests.sources.github_hub import FORGE, LIVING, NOW, TOKEN, GithubHub
from tests.support.asgi import serving as serving_app
from tests.support.database import execute, execute_sqlite, serving
from tests.support.landing import QUICK

pytestmark = pytest.mark.server

END = NOW.replace(hour=0, minute=0, second=0)
WINDOW = Window(f"{END - timedelta(days=1):%Y-%m-%d}", END - timedelta(days=1), END)
EVERY = [repository.full_name for repository in LIVING]
SAMPLED = [r for r in LIVING if r.full_name.lower() in github.sample_of(EVERY)]


def ask(hub: GithubHub, names: list[str], window: Window = WINDOW) -> list[TrueCount]:
    settings = {"api_url": hub.url, "token": TOKEN, "requests_per_second": "10000"}
    inputs = {"github.repositories.name_with_owner": names}
    return list(github.EVENTS.count(ExtractRequest("github", "events", NOW, hub.home, settings, window=window, inputs=inputs)))


def test_the_feeds_of_the_sample_say_how_many_events_of_each_type_a_day_really_had(hub: GithubHub) -> None:
    counts = ask(hub, EVERY)
    events = [event for repository in SAMPLED for event in github_feeds.feed(FORGE, repository)]
    true = Counter(event["type"] for event in events if event["created_at"].startswith(WINDOW.key))
    assert {count.category: count.low for count in counts} == true
    assert all((count.low, count.since, count.until) == (count.high, WINDOW.start, WINDOW.end) for count in counts)
    assert set(counts[0].items) == {str(event["repo"]["id"]) for event in events}
    of_day = [event for event in events if event["created_at"].startswith(WINDOW.key)]
    by_item = Counter((event["type"], str(event["repo"]["id"])) for event in of_day)
    assert {(count.category, item): number for count in counts for item, number in count.by_item.items()} == by_item
    assert len(hub.asked) <= 3 * github.SAMPLE


def test_a_feed_that_does_not_reach_back_to_the_day_takes_no_part(hub: GithubHub, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = github_feeds.feed
    busy = next(repository for repository in SAMPLED if whole(FORGE, repository))
    short = [whole(FORGE, busy)[0] | {"id": str(number)} for number in range(300)]
    monkeypatch.setattr(github_feeds, "feed", lambda forge, r: short if r.id == busy.id else whole(forge, r))
    assert str(busy.id) not in ask(hub, EVERY)[0].items
    with pytest.raises(RestError, match="1 do not reach back to 2026-03-03 00:00, so nothing can be compared"):
        ask(hub, [busy.full_name])


def test_the_sample_is_the_same_each_day_and_no_larger_than_declared() -> None:
    names = [f"owner/{number}" for number in range(5_000)]
    assert github.sample_of(names) == github.sample_of([*reversed(names), "owner/*"])
    assert len(github.sample_of(names)) == github.SAMPLE


def test_a_database_counts_all_rows_and_those_that_were_there_before_a_load(tmp_path: Path) -> None:
    script = """
CREATE TABLE "Thing" (id text, "createdAt" timestamp);
INSERT INTO "Thing" VALUES ('a', '2026-01-01 00:00:00'), ('b', '2026-01-02 00:00:00'), ('c', '2026-01-03 00:00:00');
"""
    loaded_at = datetime(2026, 1, 2, 12, tzinfo=UTC)
    with serving(generate(1, NOW), tmp_path / "world") as port:
        execute(port, script + 'GRANT SELECT ON "Thing" TO reader;')
        url = postgres.address(port, "op_atlas")
        assert count_rows(url, "Thing", "createdAt", loaded_at) == RowCount(3, 2)
        assert count_rows(url, "Thing", None, loaded_at) == RowCount(3, 3)
        with pytest.raises(DatabaseError, match=r"Nothing: the rows cannot be counted: .*does not exist"):
            count_rows(url, "Nothing", None, loaded_at)
    path = tmp_path / "things.db"
    execute_sqlite(path, script)
    assert count_rows(f"sqlite:///{path}", "Thing", "createdAt", loaded_at) == RowCount(3, 2)


def test_npm_sums_the_downloads_of_a_day_in_one_request_and_leaves_out_what_it_does_not_know(tmp_path: Path) -> None:
    world = generate(7, NOW)
    npm_family.write(world, tmp_path)
    day = (NOW - timedelta(days=2)).replace(hour=0, minute=0, second=0)
    window = Window(f"{day:%Y-%m-%d}", day, day + timedelta(days=1))
    urls = [url for project in world.projects for url in project.links.get("npm", ())]
    with serving_app(npm_family.serve(tmp_path)) as url:
        request = ExtractRequest(
            "npm",
            "downloads",
            NOW,
            tmp_path,
            {"url": url} | QUICK,
            window=window,
            inputs={"oss_directory.projects__npm.url": urls},
        )
        [count] = npm.downloads_of(package_of).count(request)
    by_package = npm_family.downloads(world)
    asked = npm.sample_of(npm_family.packages(world))
    assert count.items == tuple(sorted(name for name in asked if name in by_package))
    assert count.low == count.high == sum(by_package[name][window.key] for name in count.items)
    assert count.by_item == {name: by_package[name][window.key] for name in count.items}
    assert (count.since, count.until) == (window.start, window.end)


@pytest.mark.parametrize(("kind", "key"), [("issues", "createdAt"), ("pull_requests", "createdAt"), ("commits", "committedDate")])
def test_github_counts_the_things_of_a_day_by_repository_and_a_load_holds_them(hub: GithubHub, kind: str, key: str) -> None:
    loaded = hub.load(kind, EVERY, NOW + timedelta(days=1))
    day, second = END, github.THINGS[kind]
    settings = {"api_url": hub.url, "token": TOKEN, "requests_per_second": "10000"}
    inputs = {"github.repositories.name_with_owner": EVERY}
    record = replace(loaded.record, loaded_at=NOW + timedelta(days=1))
    [count] = second.count(ExtractRequest("github", kind, NOW, hub.home, settings, previous=record, inputs=inputs))
    true = {
        str(repository.id): number
        for repository in SAMPLED
        if (number := sum(node[key].startswith(f"{day:%Y-%m-%d}") for node in github_things.things(FORGE, repository.id)[kind]))
    }
    assert (count.since, count.until) == (day, day + timedelta(days=1))
    assert {item: counted for item, counted in count.by_item.items() if counted} == true
    assert count.low > 0
    time = second.held.time
    held = hub.rows(f"SELECT CAST(repo_id AS VARCHAR), count(*) FROM github.{kind} WHERE CAST({time} AS DATE) = '{day:%Y-%m-%d}' "
                    f"AND repo_id IN ({', '.join(count.items)}) GROUP BY 1")  # fmt: skip
    assert dict(held) == true


@pytest.mark.parametrize("kind", github.THINGS)
def test_the_queries_that_count_are_valid_in_the_cut_of_the_schema_that_github_publishes(kind: str) -> None:
    query = day_counts._query(kind, ["a/b", "c/d"], END)
    assert validate(build_schema(github_graph.SCHEMA), parse(query)) == []


def test_a_repository_that_cannot_be_searched_takes_no_part_and_stops_no_other() -> None:
    error = {"path": ["s1"], "type": "INVALID", "message": "The listed repositories cannot be searched"}
    refused, document = day_counts._without_searches({"data": {"s0": {"issueCount": 1}}, "errors": [error]})
    assert refused == {"s1"}
    assert document == {"data": {"s0": {"issueCount": 1}}, "errors": []}
    untouched = {"data": {}, "errors": [{"type": "RATE_LIMITED", "message": "spent"}]}
    assert day_counts._without_searches(untouched) == (set(), untouched)
