"""Repository-scoped feeds, asked of the sandbox's API: every event once, busy ones in time, gaps by name, limits endured."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest

from oso_dagster.connectors.http.rest import RateLimitedError, RestError
from oso_dagster.domain.catalogue.loading import Finding, Loaded
from oso_dagster.sandbox.upstreams import gharchive, github_api
from oso_dagster.sandbox.upstreams._github import event_documents
from oso_dagster.sandbox.upstreams._github import feeds as github_feeds
from tests.sources.github_hub import FORGE, LIVING, NOW, TOKEN, GithubHub

pytestmark = pytest.mark.server

EVENTS = "repository_events"
EVERY = [repository.full_name for repository in LIVING]
FEW = [repository.full_name for repository in LIVING if github_feeds.feed(FORGE, repository)][:8]
BUSY = FEW[0]


def finding(loaded: Loaded, check: str) -> Finding:
    (judged,) = (candidate for candidate in loaded.findings if candidate.check == check)
    return judged


def event(number: int, when: datetime, name: str = BUSY) -> dict[str, Any]:
    """An event as the API tells it."""
    actor = {"id": 1, "login": "sbx-dev-001", "gravatar_id": "", "url": "", "avatar_url": ""}
    repo = {"id": 77, "name": name, "url": f"https://api.sbx.example/repos/{name}"}
    return {
        "id": str(number), "type": "WatchEvent", "actor": actor, "repo": repo, "payload": {"action": "started"},
        "public": True, "created_at": when.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }  # fmt: skip


def test_every_event_of_the_feeds_arrives_with_the_id_that_gh_archive_has(hub: GithubHub) -> None:
    loaded = hub.load(EVENTS, EVERY)
    assert loaded.record.cut_short is None
    expected = {shown["id"]: shown["type"] for r in LIVING for shown in github_feeds.feed(FORGE, r)}
    assert dict(hub.rows("SELECT id, type FROM github.repository_events")) == expected
    archived = {happened["id"] for hour in range(24) for happened in gharchive.events(FORGE, NOW.replace(minute=0, second=0)
                - timedelta(hours=hour + 1))}  # fmt: skip
    assert archived <= expected.keys()
    assert hub.rows("SELECT count(*) FROM github.repository_events WHERE gap_since IS NOT NULL") == [(0,)]
    assert {token for _, token, _ in hub.asked} == {f"Bearer {TOKEN}"}
    assert finding(loaded, "no_gaps").passed


def test_a_renamed_repository_that_is_named_twice_has_each_of_its_events_once(hub: GithubHub) -> None:
    renamed = next(r for r in LIVING if r.former_name and github_feeds.feed(FORGE, r))
    hub.load(EVENTS, [renamed.full_name, f"{renamed.owner}/{renamed.former_name}"])
    assert len(hub.rows("SELECT id FROM github.repository_events")) == len(github_feeds.feed(FORGE, renamed))


def test_an_hour_later_only_busy_feeds_are_asked_and_what_is_unchanged_costs_nothing(hub: GithubHub) -> None:
    hub.load(EVENTS, FEW)
    before, asked = hub.rows("SELECT * FROM github.repository_events ORDER BY id"), len(hub.asked)
    assert hub.load(EVENTS, FEW, NOW + timedelta(minutes=20)).record.facts["feeds_due"] == 0
    assert len(hub.asked) == asked
    later = hub.load(EVENTS, FEW, NOW + timedelta(days=1))
    assert {status for _, _, status in hub.asked[asked:]} == {304}
    assert later.record.facts["requests"] == 0
    assert hub.rows("SELECT * FROM github.repository_events ORDER BY id") == before


def test_a_feed_that_ran_over_leaves_a_span_that_nothing_overwrites(hub: GithubHub, monkeypatch: pytest.MonkeyPatch) -> None:
    events = [event(number, NOW - timedelta(minutes=number)) for number in range(1, 11)]
    monkeypatch.setattr(github_feeds, "feed", lambda *_: events)
    assert finding(hub.load(EVENTS, [BUSY]), "no_gaps").passed
    later = NOW + timedelta(days=1)
    flood = [event(1_000 + number, later - timedelta(seconds=10 * number)) for number in range(1, 401)]
    monkeypatch.setattr(github_feeds, "feed", lambda *_: flood[:300])
    loaded = hub.load(EVENTS, [BUSY], later)
    span = (NOW - timedelta(minutes=1), later - timedelta(seconds=3_000))
    marked = "SELECT gap_since, created_at FROM github.repository_events WHERE gap_since IS NOT NULL"
    assert [tuple(time.timestamp() for time in row) for row in hub.rows(marked)] == [tuple(time.timestamp() for time in span)]
    judged = finding(loaded, "no_gaps")
    assert (judged.passed, judged.blocking) == (False, False)
    assert BUSY.lower() in judged.message
    monkeypatch.setattr(github_feeds, "feed", lambda *_: [event(9_999, later + timedelta(hours=1)), *flood[:299]])
    again = hub.load(EVENTS, [BUSY], later + timedelta(hours=2))
    assert finding(again, "no_gaps").passed, "it reached back to what was known"
    assert len(hub.rows(marked)) == 1
    assert hub.rows("SELECT count(*) FROM github.repository_events") == [(311,)]


def test_events_that_appear_late_behind_the_newest_known_one_arrive(hub: GithubHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(github_feeds, "feed", lambda *_: [event(5, NOW - timedelta(minutes=5))])
    hub.load(EVENTS, [BUSY])
    late = [event(6, NOW + timedelta(hours=1)), event(5, NOW - timedelta(minutes=5)), event(4, NOW - timedelta(hours=3))]
    monkeypatch.setattr(github_feeds, "feed", lambda *_: late)
    loaded = hub.load(EVENTS, [BUSY], NOW + timedelta(days=1))
    assert sorted(hub.rows("SELECT id FROM github.repository_events")) == [("4",), ("5",), ("6",)]
    assert finding(loaded, "no_gaps").passed


def test_a_run_that_hits_the_limit_keeps_what_it_has_and_the_next_one_goes_on(hub: GithubHub) -> None:
    github_api.limited(hub.folder, 60)
    first = hub.load(EVENTS, EVERY)
    assert first.record.cut_short is not None
    assert TOKEN not in first.record.cut_short
    asked = {path for path, _, status in hub.asked if status == 200}
    github_api.limited(hub.folder, github_api.LIMIT)
    second = hub.load(EVENTS, EVERY, NOW + timedelta(minutes=5))
    assert second.record.cut_short is None
    again = {path for path, _, _ in hub.asked[len(asked) :]} & asked
    assert len(again) <= 10, "hardly anything is asked twice"
    assert len(hub.rows("SELECT id FROM github.repository_events")) == sum(len(github_feeds.feed(FORGE, r)) for r in LIVING)


def test_a_limit_before_the_first_answer_is_an_error(hub: GithubHub) -> None:
    github_api.limited(hub.folder, 0)
    with pytest.raises(RateLimitedError, match=r"403.*asks for a pause of"):
        hub.load(EVENTS, FEW)


def test_a_repository_that_is_not_there_is_asked_again_in_a_week(hub: GithubHub) -> None:
    loaded = hub.load(EVENTS, [*FEW, "sbx-nobody/nothing"])
    assert "set_aside" not in loaded.record.facts
    asked = len(hub.asked)
    hub.load(EVENTS, [*FEW, "sbx-nobody/nothing"], NOW + timedelta(days=2))
    assert not [path for path, _, _ in hub.asked[asked:] if "sbx-nobody" in path]
    hub.load(EVENTS, [*FEW, "sbx-nobody/nothing"], NOW + timedelta(days=8))
    assert [path for path, _, _ in hub.asked[asked:] if "sbx-nobody" in path]


def test_a_repository_that_a_policy_hides_is_set_aside_and_stops_no_other(hub: GithubHub) -> None:
    hub.instead[f"/{BUSY}/"] = 403, "Resource protected by organization SAML enforcement."
    loaded = hub.load(EVENTS, FEW)
    assert list(loaded.record.facts["set_aside"]) == [BUSY.lower()]
    assert "hidden" in loaded.record.facts["set_aside"][BUSY.lower()]
    assert len(hub.rows("SELECT DISTINCT repo_name FROM github.repository_events")) == len(FEW) - 1


def test_one_damaged_event_sets_its_repository_aside(hub: GithubHub, monkeypatch: pytest.MonkeyPatch) -> None:
    real, ids = event_documents.complete, set[str]()

    def complete(event: Mapping[str, Any]) -> dict[str, Any]:
        if event["repo"]["name"] == BUSY and not ids:
            ids.add(event["id"])
        return real(event) | ({"actor": None} if event["id"] in ids else {})

    monkeypatch.setattr(event_documents, "complete", complete)
    loaded = hub.load(EVENTS, FEW)
    assert "not as declared" in loaded.record.facts["set_aside"][BUSY.lower()]
    assert BUSY not in {name for (name,) in hub.rows("SELECT DISTINCT repo_name FROM github.repository_events")}
    monkeypatch.setattr(event_documents, "complete", real)
    healed = hub.load(EVENTS, FEW, NOW + timedelta(hours=1))
    assert "set_aside" not in healed.record.facts
    assert BUSY in {name for (name,) in hub.rows("SELECT DISTINCT repo_name FROM github.repository_events")}


def test_feeds_that_are_all_empty_are_refused(hub: GithubHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(github_feeds, "feed", lambda *_: [])
    with pytest.raises(RestError, match=r"none had an event"):
        hub.load(EVENTS, EVERY)
    assert finding(hub.load(EVENTS, FEW), "complete").passed, "a few quiet repositories are nothing odd"


def test_a_lost_memory_costs_requests_and_no_row(hub: GithubHub) -> None:
    hub.load(EVENTS, FEW)
    before = hub.rows("SELECT id, gap_since, checked_at FROM github.repository_events ORDER BY id")
    for file in (hub.home / "github" / EVENTS).iterdir():
        file.unlink()
    again = hub.load(EVENTS, FEW, NOW + timedelta(hours=1))
    assert again.record.facts["feeds_unchanged"] == 0
    assert hub.rows("SELECT id, gap_since, checked_at FROM github.repository_events ORDER BY id") == before
