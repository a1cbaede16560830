"""Issues, pull requests, commits and releases, asked of the sandbox's GraphQL API: the truth, what changed, limits, bad ones."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from graphql import build_schema, parse, validate

from oso_dagster.connectors.github.core import walks
from oso_dagster.connectors.github.core.changes import KINDS, WantedPage, query_of
from oso_dagster.connectors.github.core.graph_answers import TooMuchError, read
from oso_dagster.connectors.http.absence import AbsentError
from oso_dagster.connectors.http.rest import RateLimitedError
from oso_dagster.connectors.kept_state import KeptState
from oso_dagster.domain.catalogue.loading import ExtractRequest
from oso_dagster.sandbox.upstreams._github import graph as github_graph
from oso_dagster.sandbox.upstreams._github import things as github_things
from tests.sources.github_hub import FORGE, LIVING, NOW, TOKEN, GithubHub, github_hub

EVERY = [repository.full_name for repository in LIVING]
KEYS = {"issues": "fullDatabaseId", "pull_requests": "fullDatabaseId", "commits": "oid", "releases": "databaseId"}
COLUMNS = {"commits": "sha"}


def things(kind: str) -> dict[str, tuple[int, str]]:
    """The generator's things by id: repository, and the time by which they are asked."""
    time = KINDS[kind].time
    return {
        str(node[KEYS[kind]]): (repository.id, node[time])
        for repository in LIVING
        for node in github_things.things(FORGE, repository.id)[kind]
    }


def ids(hub: GithubHub, kind: str) -> set[str]:
    return {str(key) for (key,) in hub.rows(f"SELECT {COLUMNS.get(kind, 'id')} FROM github.{kind}")}


@pytest.mark.server
@pytest.mark.parametrize("kind", KINDS)
def test_everything_that_repositories_have_arrives_for_few_points(hub: GithubHub, kind: str) -> None:
    loaded = hub.load(kind, EVERY)
    assert loaded.record.cut_short is None
    assert ids(hub, kind) == things(kind).keys()
    assert loaded.record.facts["points"] == -(-len(EVERY) // walks.TOGETHER), "one query, and one point, for fifty repositories"
    assert {token for _, token, _ in hub.asked} == {f"Bearer {TOKEN}"}


@pytest.mark.server
@pytest.mark.parametrize("kind", KINDS)
def test_a_repository_that_is_named_by_its_old_and_its_new_name_is_read_once(hub: GithubHub, kind: str) -> None:
    renamed = next(repository for repository in LIVING if repository.former_name)
    former = f"{renamed.owner}/{renamed.former_name}"
    for day in range(2):
        hub.load(kind, [former, *EVERY], NOW + timedelta(days=day))
        assert ids(hub, kind) == things(kind).keys()


@pytest.mark.server
def test_long_lists_are_walked_page_by_page_and_only_what_is_new_is_walked_again(
    hub: GithubHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walks, "SIZE", 3)
    hub.load("commits", EVERY)
    assert ids(hub, "commits") == things("commits").keys()
    first = len(hub.asked)
    again = hub.load("commits", EVERY, NOW + timedelta(days=1))
    assert again.record.facts["rows_changed"] == 0
    assert len(hub.asked) - first < first, "the last fortnight is less than all"


@pytest.mark.server
def test_what_changed_since_is_merged_under_its_id(hub: GithubHub, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.load("issues", EVERY)
    repository = next(r for r in LIVING if github_things.things(FORGE, r.id)["issues"])
    real = github_things.things
    closed = (NOW + timedelta(hours=5)).strftime("%Y-%m-%dT%H:%M:%SZ")

    def later(forge: Any, number: int) -> Any:
        held = real(forge, number)
        if number != repository.id:
            return held
        oldest = held["issues"][-1] | {"state": "CLOSED", "closedAt": closed, "updatedAt": closed, "stateReason": "COMPLETED"}
        return dict(held) | {"issues": [oldest, *held["issues"][:-1]]}

    monkeypatch.setattr(github_things, "things", later)
    loaded = hub.load("issues", EVERY, NOW + timedelta(days=1))
    assert loaded.record.facts["rows_changed"] == 1
    assert loaded.record.facts["rows_added"] == 0
    (row,) = hub.rows(f"SELECT id, state FROM github.issues WHERE updated_at = TIMESTAMPTZ '{closed}'")
    assert row == (int(real(FORGE, repository.id)["issues"][-1]["fullDatabaseId"]), "closed")


@pytest.mark.server
def test_spent_points_cut_a_run_short_and_the_next_one_goes_on(hub: GithubHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walks, "TOGETHER", 20)
    github_graph.spent(hub.folder, 5)
    first = hub.load("pull_requests", EVERY)
    assert first.record.cut_short is not None
    assert "the next run continues" in first.record.cut_short
    held = ids(hub, "pull_requests")
    assert 0 < len(held) < len(things("pull_requests"))
    asked = len(hub.asked)
    github_graph.spent(hub.folder, 5_000)
    second = hub.load("pull_requests", EVERY, NOW + timedelta(hours=1))
    assert second.record.cut_short is None
    assert ids(hub, "pull_requests") == things("pull_requests").keys()
    queries = -(-(len(EVERY) - 100) // 20)
    assert len(hub.asked) - asked == queries + 1, "what was done today is not asked again; the schema is, once"
    third = hub.load("pull_requests", EVERY, NOW + timedelta(hours=2))
    assert third.record.facts["repositories_due"] == 0


@pytest.mark.server
def test_points_that_are_spent_before_the_first_answer_are_an_error(hub: GithubHub) -> None:
    github_graph.spent(hub.folder)
    with pytest.raises(RateLimitedError, match="rate limit exceeded"):
        hub.load("issues", EVERY[:3])


@pytest.mark.server
def test_a_budget_bounds_a_run_and_a_walk_goes_on_behind_its_cursor(hub: GithubHub, monkeypatch: pytest.MonkeyPatch) -> None:
    from oso_dagster.sources._github import repositories as github_repositories

    monkeypatch.setattr(walks, "SIZE", 2)
    monkeypatch.setattr(github_repositories, "MOST_POINTS", 3)
    long = [r.full_name for r in LIVING if len(github_things.things(FORGE, r.id)["commits"]) > 8][:2]
    expected = {
        node["oid"]
        for r in LIVING
        if r.full_name in long
        for node in github_things.things(FORGE, r.id)["commits"]
    }  # fmt: skip
    first = hub.load("commits", long)
    assert first.record.cut_short is not None
    assert len(ids(hub, "commits")) == 12
    for hour in range(1, 5):
        hub.load("commits", long, NOW + timedelta(hours=hour))
    assert ids(hub, "commits") == expected


@pytest.mark.server
def test_a_repository_that_is_gone_stops_no_other_and_does_not_vanish_twice(hub: GithubHub) -> None:
    loaded = hub.load("issues", [*EVERY, "sbx-nobody/nothing"])
    assert "set_aside" not in loaded.record.facts
    assert "vanished" not in loaded.record.facts
    assert ids(hub, "issues") == things("issues").keys()
    again = hub.load("issues", [*EVERY, "sbx-nobody/nothing"], NOW + timedelta(days=1))
    assert "vanished" not in again.record.facts


@pytest.mark.server
def test_one_thing_of_another_shape_sets_its_repository_aside(hub: GithubHub, monkeypatch: pytest.MonkeyPatch) -> None:
    repository = next(r for r in LIVING if github_things.things(FORGE, r.id)["releases"])
    real = github_things.things

    def odd(forge: Any, number: int) -> Any:
        held = real(forge, number)
        return dict(held) | {"releases": [{**held["releases"][0], "databaseId": None}]} if number == repository.id else held

    monkeypatch.setattr(github_things, "things", odd)
    loaded = hub.load("releases", EVERY)
    assert list(loaded.record.facts["set_aside"]) == [repository.full_name.lower()]
    assert len(ids(hub, "releases")) >= len(things("releases")) - len(real(FORGE, repository.id)["releases"])


@pytest.mark.server
def test_a_commit_of_a_clock_ahead_is_left_out_and_hides_none_of_the_others(
    hub: GithubHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = next(r for r in LIVING if len(github_things.things(FORGE, r.id)["commits"]) > 3)
    real, expected, name = github_things.things, things("commits").keys(), repository.full_name.lower()

    def ahead(forge: Any, number: int) -> Any:
        held = real(forge, number)
        if number != repository.id:
            return held
        odd = {**held["commits"][0], "oid": "f" * 40, "committedDate": "2037-01-01T00:00:00Z"}
        return dict(held) | {"commits": [odd, *held["commits"]]}

    monkeypatch.setattr(github_things, "things", ahead)
    for day in range(2):
        loaded = hub.load("commits", EVERY, NOW + timedelta(days=day))
        assert loaded.record.facts["dated_ahead"] == {name: 1}
        (warning,) = [finding for finding in loaded.findings if finding.check == "dated_ahead"]
        assert not warning.passed
        assert not warning.blocking
        assert name in warning.message
        assert loaded.record.facts["newest_event"] < "2027", "no wrong clock makes the table fresh"
        assert ids(hub, "commits") == expected
    kept = KeptState.newest(ExtractRequest("github", "commits", NOW, hub.home, {}))
    assert max(state["until"] for state in kept.by_name.values()) < "2027", "what comes later is asked for"


@pytest.mark.server
def test_a_bad_second_page_costs_no_row_of_the_first(hub: GithubHub, monkeypatch: pytest.MonkeyPatch) -> None:
    repository = next(r for r in LIVING if len(github_things.things(FORGE, r.id)["issues"]) > 3)
    real, name = github_things.things, repository.full_name.lower()
    expected = {str(node["fullDatabaseId"]) for node in real(FORGE, repository.id)["issues"]}

    def odd(forge: Any, number: int) -> Any:
        held = real(forge, number)
        issues = held["issues"]
        return (
            dict(held) | {"issues": [*issues[:3], {**issues[3], "number": None, "state": None}]}
            if number == repository.id
            else held
        )

    monkeypatch.setattr(walks, "SIZE", 2)
    monkeypatch.setattr(github_things, "things", odd)
    loaded = hub.load("issues", EVERY)
    assert list(loaded.record.facts["set_aside"]) == [name]
    monkeypatch.setattr(github_things, "things", real)
    hub.load("issues", EVERY, NOW + timedelta(hours=1))
    hub.load("issues", EVERY, NOW + timedelta(days=1))
    assert ids(hub, "issues") >= expected


def test_a_query_that_is_too_much_is_told_from_one_that_is_wrong() -> None:
    slow = "Something went wrong while executing your query. This may be the result of a timeout."
    with pytest.raises(TooMuchError):
        read({"data": None, "errors": [{"message": slow}]}, ["r0"])
    answer = read(
        {
            "data": {"rateLimit": {"cost": 1}, "r0": None, "r1": None, "r2": {"databaseId": 1}},
            "errors": [
                {"type": "NOT_FOUND", "path": ["r0"], "message": "Could not resolve to a Repository"},
                {"type": "FORBIDDEN", "path": ["r1"], "message": "Resource protected by organization SAML enforcement."},
            ],
        },
        ["r0", "r1", "r2"],
    )
    assert list(answer.repositories) == ["r2"]
    verdicts = {alias: error.absence.value for alias, error in answer.errors.items() if isinstance(error, AbsentError)}
    assert verdicts == {"r0": "gone", "r1": "hidden"}


@pytest.mark.server
def test_fewer_repositories_are_asked_at_once_where_it_was_too_much(hub: GithubHub, monkeypatch: pytest.MonkeyPatch) -> None:
    real = walks.ask

    def slow(client: Any, url: str, query: str, values: Any, aliases: list[str]) -> Any:
        if len(aliases) > 10:
            raise TooMuchError("timed out")
        return real(client, url, query, values, aliases)

    monkeypatch.setattr(walks, "ask", slow)
    loaded = hub.load("releases", EVERY[:60])
    assert "set_aside" not in loaded.record.facts
    assert loaded.record.facts["points"] == 10, "sixty by sixes"


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_queries_are_valid_in_the_cut_and_in_the_schema_that_github_publishes(kind: Any) -> None:
    """`OSO_GITHUB_SCHEMA` is schema.graphql of `@octokit/graphql-schema`; without it the cut of the sandbox is what there is."""
    published = os.environ.get("OSO_GITHUB_SCHEMA")
    text = Path(published).read_text() if published else github_graph.SCHEMA
    query, _ = query_of(kind, [WantedPage("a/b", NOW), WantedPage("c/d", NOW, "x")], 100)
    assert validate(build_schema(text), parse(query)) == []


@pytest.mark.server
def test_a_field_that_is_asked_for_and_deprecated_is_a_notice_with_its_last_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reason = '@deprecated(reason: "Use `stateOf`. Removal on 2027-01-01 UTC.")'
    schema = github_graph.SCHEMA.replace("state: IssueState!,", f"state: IssueState! {reason},")
    assert schema != github_graph.SCHEMA
    monkeypatch.setattr(github_graph, "SCHEMA", schema)
    with github_hub(tmp_path) as deprecating:
        facts = deprecating.load("issues", EVERY[:3]).record.facts
        host = deprecating.url.removeprefix("http://").split("/")[0]
        assert facts["upstream_notices"] == [
            f"{host}: the field Issue.state, which is asked for, is deprecated: Use `stateOf`. Removal on 2027-01-01 UTC."
        ]
        assert "upstream_notices" not in deprecating.load("releases", EVERY[:3]).record.facts
