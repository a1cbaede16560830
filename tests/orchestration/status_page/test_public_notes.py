"""What people have the page say: announcements, and the post-mortem of a closed sprint; nobody is named."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from jsonschema import Draft202012Validator

from oso_dagster.domain.alerts.sprint import ObjectiveFinding, note
from oso_dagster.domain.objectives.slo import Verdict
from oso_dagster.domain.status.page import StatusPage
from oso_dagster.orchestration.status_page.read_model import gather
from oso_dagster.reliability.store import Store
from oso_dagster.settings import Settings
from oso_dagster.statuspage.render import render

NOW = datetime(2025, 11, 21, 9, 5, tzinfo=UTC)
HOUR = timedelta(hours=1)
NAME = "core_source_data.data_freshness"


def gathered(settings: Settings, store: Store) -> StatusPage:
    return gather(settings, [], [], store, timedelta(minutes=45), NOW)


def finding(at: datetime, verdict: Verdict) -> ObjectiveFinding:
    return ObjectiveFinding(NAME, "core_source_data", verdict, "1 of 3", 1, 3, 10_000, at)


def test_announcements_are_on_the_first_page_in_the_history_in_the_feed_and_for_programs(settings: Settings) -> None:
    with Store.open(settings.reliability_store_url, "live") as store:
        store.public_notices.add("The SQL endpoint moves on Monday.", NOW - HOUR, None, "ann@example.org")
        store.public_notices.add("The old address ends.", NOW - 9 * HOUR, NOW - HOUR, "ann@example.org")
        store.public_notices.add("Not yet.", NOW + HOUR, None, "ann@example.org")
        store.public_notices.add("Long ago.", NOW - timedelta(days=200), NOW - timedelta(days=199), "ann@example.org")
        files = render(gathered(settings, store))
    first, history = files["index.html"], files["history.html"]
    assert "The SQL endpoint moves on Monday." in first
    assert "The old address ends." not in first
    assert "The old address ends." in history
    assert "Announcement: The SQL endpoint moves on Monday." in files["feed.atom"]
    document = json.loads(files["slo.json"])
    Draft202012Validator(json.loads(files["slo.schema.json"])).validate(document)
    assert [announcement["key"] for announcement in document["announcements"]] == ["announcement.1", "announcement.2"]
    for hidden in ("Not yet.", "Long ago.", "ann@example.org"):
        assert hidden not in "".join(files.values()), hidden


def test_an_announcement_is_withdrawn_once_and_stays_in_the_store(settings: Settings) -> None:
    with Store.open(settings.reliability_store_url, "live") as store:
        number = store.public_notices.add(" The endpoint moves. ", NOW - HOUR, None, "ann")
        assert store.public_notices.withdraw(number, NOW)
        assert not store.public_notices.withdraw(number, NOW + HOUR)
        assert not store.public_notices.withdraw(99, NOW)
        assert [(notice.text, notice.until) for notice in store.public_notices.all()] == [("The endpoint moves.", NOW)]
        with pytest.raises(ValueError, match="needs a text"):
            store.public_notices.add(" ", NOW, None, "ann")
        with pytest.raises(ValueError, match="an announcement ends later"):
            store.public_notices.add("x", NOW, NOW, "ann")
        for text, who in [("a\0b", "ann"), ("half of a letter: \udcff", "ann"), ("x", "a\0")]:
            with pytest.raises(ValueError, match="which is no text: leave it out"):
                store.public_notices.add(text, NOW, None, who)


def test_a_public_note_of_a_closed_sprint_is_its_post_mortem(settings: Settings) -> None:
    with Store.open(settings.reliability_store_url, "live") as store:
        for hours, verdict in [(9, Verdict.BREACHED), (5, Verdict.COMPLIANT), (4, Verdict.COMPLIANT)]:
            store.sprints.advance([finding(NOW - hours * HOUR, verdict)])
        for text in ("public: the disk was full, it is watched now.", "ann forgot the disk"):
            store.sprints.change(NAME, lambda sprint, text=text: note(sprint, text, "ann", NOW - HOUR))
        page = gathered(settings, store)
        files = render(page)
    assert [(update.text, update.postmortem) for update in page.past[0].updates][2:] == [
        ("The objective has stayed met: the sprint is closed.", False),
        ("the disk was full, it is watched now.", True),
    ]
    assert "Post-mortem" in files["history.html"]
    assert "the disk was full, it is watched now." in files["feed.atom"]
    incident = json.loads(files["api/v2/incidents.json"])["incidents"][0]
    assert (incident["status"], incident["incident_updates"][0]["status"]) == ("postmortem", "postmortem")
    assert incident["resolved_at"] == "2025-11-21T05:05:00Z"
    assert json.loads(files["slo.json"])["incidents"][0]["updates"][-1]["postmortem"] is True
    assert "ann forgot" not in "".join(files.values())
