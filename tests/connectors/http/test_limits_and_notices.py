"""Limits however they are told, what a server announces, and where a token goes when a host sends it on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count

import pytest

from oso_dagster.connectors.http.pacing import Gate, Limits, Pace
from oso_dagster.connectors.http.rest import Client, RateLimitedError, RestError
from oso_dagster.domain.catalogue.notices import UpstreamNotes
from tests.support.web import Web, body, serving, value

pytestmark = pytest.mark.server

QUICK = Limits(attempts=3, pause=0.0001, timeout=5, patience=0.1)


@pytest.fixture
def web() -> Iterator[Web]:
    with serving() as served:
        yield served


@pytest.fixture
def other() -> Iterator[Web]:
    with serving() as served:
        yield served


def client(notes: UpstreamNotes | None = None, per_second: float = 5000) -> Client:
    return Client({"Api-Key": "hunter2"}, ["hunter2"], Pace(1, per_second), QUICK, notes or UpstreamNotes())


@pytest.mark.parametrize(
    ("status", "body"),
    [(429, {}), (403, {"message": "You have exceeded a secondary rate limit"}), (503, {"error": "quota exceeded"})],
)
def test_a_limit_without_a_pause_is_a_limit_and_its_pace_is_learned(web: Web, status: int, body: object) -> None:
    notes = UpstreamNotes()
    web.says(value(body, status))
    with pytest.raises(RateLimitedError, match="after 3 tries"):
        client(notes, per_second=4000 + status).get(web.url, accept=(status,))
    assert len(web.asked) == 3
    (pace,) = notes.facts()["pace"].values()
    assert pace == (4000 + status) / 2  # the answers of one episode say the same


def test_a_pace_that_was_learned_grows_again_but_not_beyond_the_configured_one() -> None:
    seconds = count(0.0, 10.0)
    gate = Gate(Pace(1, 10), clock=lambda: next(seconds))
    assert gate.slow_down() == 5
    for _ in range(200):
        gate.recover()
    assert gate.slow_down() == 5


def test_a_pace_that_is_learned_has_a_bottom() -> None:
    seconds = count(0.0, 10.0)
    gate = Gate(Pace(1, 16), clock=lambda: next(seconds))
    assert [gate.slow_down() for _ in range(6)] == [8, 4, 2, 1, 1, 1]


def test_a_forbidden_answer_without_a_limit_is_an_answer_with_its_words(web: Web) -> None:
    web.says(value({"message": "Repository access blocked"}, 403))
    assert "access blocked" in client().get(web.url, accept=(403,)).message


def test_what_a_server_announces_is_noted_once_with_its_date(web: Web) -> None:
    notes = UpstreamNotes()
    headers = {
        "Deprecation": "@1767225600",
        "Sunset": "Fri, 13 Nov 2026 00:00:00 GMT",
        "Link": '<https://example.org/why>; rel="deprecation"',
        "Warning": '299 - "use version 2"',
    }
    web.says(value(1, **headers))
    for _ in range(2):
        client(notes).get(web.url)
    host = web.url.removeprefix("http://")
    assert notes.facts()["upstream_notices"] == [
        f"{host}: deprecated since 2026-01-01 (https://example.org/why)",
        f"{host}: warns: use version 2",
        f"{host}: will not answer after 2026-11-13 (https://example.org/why)",
    ]


def test_the_version_of_an_answer_and_its_etag_are_compared_with_the_load_before(web: Web) -> None:
    before, now = UpstreamNotes(), datetime(2026, 11, 30, tzinfo=UTC)
    web.says(
        value(1, **{"X-GitHub-Api-Version-Selected": "2022-11-28", "ETag": '"a"'}),
        value(1, **{"X-GitHub-Api-Version-Selected": "2026-03-10"}),
    )
    client(before).get(web.url)
    notes = UpstreamNotes()
    notes.remember(before.facts(), now)
    client(notes).get(web.url)
    host = web.url.removeprefix("http://")
    assert notes.facts()["upstream_notices"] == [
        f"{host}: X-GitHub-Api-Version-Selected is 2026-03-10, was 2022-11-28, since 2026-11-30",
        f"{host}: answers have no ETag any more since 2026-11-30",
    ]


def test_a_token_does_not_follow_to_another_host_and_a_move_for_good_is_noted(web: Web, other: Web) -> None:
    notes = UpstreamNotes()
    web.says(value(None, 301, Location=f"{other.url}/new"))
    other.says(value({"a": 1}))
    assert client(notes).get(f"{web.url}/old").document == {"a": 1}
    assert web.asked[0][2]["Api-Key"] == "hunter2"
    assert "Api-Key" not in other.asked[0][2]
    old, new = (server.url.removeprefix("http://") for server in (web, other))
    assert notes.facts()["upstream_notices"] == [f"{old}: moved for good to {new}"]


def test_the_part_that_is_asked_for_is_asked_for_at_another_host_too(web: Web, other: Web) -> None:
    web.says(body(b"", 302, Location=f"{other.url}/file"))
    other.says(body(b"ab", 206, Content_Type="application/octet-stream", Content_Range="bytes 0-1/9"))
    assert client().content(f"{web.url}/file", {"Range": "bytes=0-1"}) == b"ab"
    assert (other.asked[0][2]["Range"], "Api-Key" in other.asked[0][2]) == ("bytes=0-1", False)


def test_a_redirect_within_the_host_keeps_the_token_and_is_no_news(web: Web) -> None:
    notes = UpstreamNotes()
    web.says(value(None, 301, Location="/repositories/1"), value({"a": 1}))
    assert client(notes).get(f"{web.url}/repos/a/b").document == {"a": 1}
    assert (web.asked[1][1], web.asked[1][2]["Api-Key"]) == ("/repositories/1", "hunter2")
    assert "upstream_notices" not in notes.facts()


def test_a_pause_that_is_no_number_is_none_and_the_limit_stays_one(web: Web) -> None:
    web.says(value({}, 429, Retry_After="²"))
    with pytest.raises(RateLimitedError, match="after 3 tries"):
        client().get(web.url)


def test_a_part_that_nobody_asked_for_is_not_taken_for_the_whole(web: Web) -> None:
    web.says(value([1, 2], 206, Content_Range="bytes 0-5/900"))
    with pytest.raises(RestError, match="206: a part of what was asked for, not the whole"):
        client().get(web.url)
