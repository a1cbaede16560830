"""Feeds that answer 304 for ever: the loads go on, nothing is new, and the promise of a newest event says so."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from oso_dagster.domain.objectives.freshness import Freshness, judge_events
from oso_dagster.sandbox.upstreams._github import feeds as github_feeds
from tests.sources.github_hub import FORGE, LIVING, NOW, TABLES, GithubHub

pytestmark = pytest.mark.server

SOME = [repository for repository in LIVING if github_feeds.feed(FORGE, repository)][:8]
NAMES = [repository.full_name for repository in SOME]


def test_frozen_feeds_load_and_are_out_of_date(hub: GithubHub, monkeypatch: pytest.MonkeyPatch) -> None:
    first = hub.load("repository_events", NAMES).record.facts
    later, real = NOW + timedelta(days=4), github_feeds.feed

    def grown(forge: Any, repository: Any) -> Any:
        events = real(forge, repository)
        new = {**events[0], "id": str(int(events[0]["id"]) + 1), "created_at": later.strftime("%Y-%m-%dT00:00:00Z")}
        return [new, *events] if repository.full_name in NAMES else events

    monkeypatch.setattr(github_feeds, "feed", grown)
    hub.faults.append("frozen_304")
    frozen = hub.load("repository_events", NAMES, later).record.facts
    promised = TABLES["repository_events"].events_within
    assert promised is not None
    assert frozen["feeds_unchanged"] == len(NAMES)
    assert "newest_event" not in frozen, "the newest one known stays that of before"
    known = datetime.fromisoformat(first["newest_event"])
    assert judge_events(known, promised, NOW) is Freshness.FRESH
    assert judge_events(known, promised, later) is Freshness.STALE
    hub.faults.clear()
    healed = hub.load("repository_events", NAMES, later + timedelta(days=1)).record.facts
    assert judge_events(datetime.fromisoformat(healed["newest_event"]), promised, later) is Freshness.FRESH
