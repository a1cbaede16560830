"""The sandbox's Discord, asked over HTTP as any client would: what it takes, what it refuses and how, what it keeps."""

from __future__ import annotations

from collections.abc import Iterator
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from oso_dagster.sandbox.discord.message_store import ALERTS, FORUM, TICKETS
from tests.support.discord_server import WIDE, Server, serving

pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("discord")) as server:
        yield server


@pytest.fixture
def server(running: Server) -> Server:
    running.clean()
    return running


def embed(**parts: Any) -> dict[str, Any]:
    return {"embeds": [parts]}


def field(name: str = "n", value: str = "v") -> dict[str, Any]:
    return {"name": name, "value": value}


LENGTHS = {
    "content": (2_000, lambda n: {"content": "x" * n}),
    "title": (256, lambda n: embed(title="x" * n)),
    "description": (4_096, lambda n: embed(description="x" * n)),
    "footer": (2_048, lambda n: embed(footer={"text": "x" * n})),
    "author": (256, lambda n: embed(author={"name": "x" * n})),
    "field name": (256, lambda n: embed(fields=[field(name="x" * n)])),
    "field value": (1_024, lambda n: embed(fields=[field(value="x" * n)])),
    "fields": (25, lambda n: embed(fields=[field()] * n)),
    "embeds": (10, lambda n: {"embeds": [{"title": "t"}] * n}),
    "all embeds": (6_000, lambda n: {"embeds": [{"description": "x" * 3_000}, {"description": "x" * (n - 3_000)}]}),
    "color": (0xFFFFFF, lambda n: embed(title="t", color=n)),
    "username": (80, lambda n: {"content": "x", "username": "u" * n}),
}


@pytest.mark.parametrize(("most", "body"), LENGTHS.values(), ids=LENGTHS)
def test_a_limit_is_kept_to_the_character(most: int, body: Any, server: Server) -> None:
    assert server.post(body(most - 1))[0] == 200
    assert server.post(body(most))[0] == 200
    status, _, answer = server.post(body(most + 1))
    assert (status, answer["code"], answer["message"]) == (400, 50035, "Invalid Form Body")
    assert len(server.messages()) == 2


def test_lengths_are_code_points_and_white_space_at_the_ends_does_not_count(server: Server) -> None:
    assert server.post({"content": "\U0001f9ea" * 2_000})[0] == 200
    assert server.post({"content": " \n" * 500 + "x" * 2_000})[0] == 200
    assert server.post({"content": "\U0001f9ea" * 2_001})[0] == 400


def test_what_is_wrong_is_said_where_it_is_wrong(server: Server) -> None:
    _, _, answer = server.post(embed(fields=[field(), field(value=" ")]))
    assert answer["errors"] == {
        "embeds": {
            "0": {"fields": {"1": {"value": {"_errors": [{"code": "BASE_TYPE_REQUIRED", "message": "This field is required"}]}}}}
        }
    }


@pytest.mark.parametrize("body", [{}, {"content": " \n "}, {"embeds": []}])
def test_an_empty_message_is_refused(body: Any, server: Server) -> None:
    assert server.post(body)[2] == {"message": "Cannot send an empty message", "code": 50006}


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        embed(url="ftp://x"),
        embed(title="t", timestamp="soon"),
        {"embeds": {}},
        {"content": 5},
        {"content": "x", "username": "a discord"},
    ],
)
def test_nonsense_is_refused(body: Any, server: Server) -> None:
    assert server.post(body)[0] == 400
    assert server.messages() == []


def test_without_wait_nothing_is_answered_and_with_it_the_message(server: Server) -> None:
    assert server.post({"content": "a"}, query="")[::2] == (204, None)
    status, _, message = server.post({"content": "b"})
    assert (status, message["content"], message["channel_id"], message["webhook_id"]) == (200, "b", ALERTS.channel, ALERTS.id)


def test_an_unknown_webhook_is_404_and_a_wrong_token_401(server: Server) -> None:
    assert server.ask("POST", f"{server.base}/api/webhooks/1/{ALERTS.token}", {"content": "x"})[::2] == (
        404,
        {"message": "Unknown Webhook", "code": 10015},
    )
    assert server.ask("POST", f"{server.base}/api/webhooks/{ALERTS.id}/wrong", {"content": "x"})[0] == 401


def test_a_deleted_webhook_is_unknown_and_its_messages_stay(server: Server) -> None:
    server.post({"content": "x"}, webhook=TICKETS)
    assert server.ask("DELETE", server.url(TICKETS))[0] == 204
    assert server.post({"content": "x"}, webhook=TICKETS)[0] == 404
    assert len(server.messages()) == 1


def test_an_edit_changes_what_it_names_and_the_history_stays(server: Server) -> None:
    message = server.post({"content": "a", "embeds": [{"title": "one"}]})[2]
    status, _, edited = server.ask("PATCH", f"{server.url()}/messages/{message['id']}", {"embeds": [{"title": "two"}]})
    assert (status, edited["content"], edited["embeds"][0]["title"]) == (200, "a", "two")
    assert edited["edited_timestamp"] is not None
    [kept] = server.messages()
    assert [version["embeds"][0]["title"] for version in kept["versions"]] == ["one", "two"]


def test_an_edit_that_leaves_nothing_or_too_much_is_refused(server: Server) -> None:
    message = server.post({"content": "a"})[2]
    url = f"{server.url()}/messages/{message['id']}"
    assert server.ask("PATCH", url, {"content": ""})[2]["code"] == 50006
    assert server.ask("PATCH", url, {"content": "x" * 2_001})[2]["code"] == 50035
    assert server.ask("GET", url)[2]["content"] == "a"


def test_a_deleted_message_and_another_webhooks_are_unknown(server: Server) -> None:
    message = server.post({"content": "a"})[2]["id"]
    assert server.ask("GET", f"{server.url(TICKETS)}/messages/{message}")[0] == 404
    assert server.ask("DELETE", f"{server.url()}/messages/{message}")[0] == 204
    assert server.ask("PATCH", f"{server.url()}/messages/{message}", {"content": "b"})[2]["code"] == 10008


def test_a_forum_wants_a_thread_and_a_text_channel_has_none(server: Server) -> None:
    assert server.post({"content": "a"}, webhook=FORUM)[2]["code"] == 220001
    begun = server.post({"content": "a", "thread_name": "stale"}, webhook=FORUM)[2]
    assert begun["channel_id"] == begun["id"]
    inside = server.post({"content": "b"}, query=f"?wait=true&thread_id={begun['id']}", webhook=FORUM)[2]
    assert inside["channel_id"] == begun["id"]
    assert server.post({"content": "b"}, query="?thread_id=5", webhook=FORUM)[::2] == (
        404,
        {"message": "Unknown Channel", "code": 10003},
    )
    assert (
        server.post({"content": "b", "thread_name": "x"}, query=f"?thread_id={begun['id']}", webhook=FORUM)[2]["code"] == 220002
    )
    assert server.post({"content": "a", "thread_name": "x"})[2]["code"] == 220003
    url = f"{server.url(FORUM)}/messages/{begun['id']}"
    assert server.ask("PATCH", url, {"content": "c"})[0] == 404
    assert server.ask("PATCH", f"{url}?thread_id={begun['id']}", {"content": "c"})[0] == 200


def test_mentions_count_unless_they_are_not_allowed_also_when_edited(server: Server) -> None:
    loud = "@everyone <@5> <@&6>"
    message = server.post({"content": loud, "allowed_mentions": {"parse": []}})[2]
    assert (message["mention_everyone"], message["mentions"], message["mention_roles"]) == (False, [], [])
    url = f"{server.url()}/messages/{message['id']}"
    edited = server.ask("PATCH", url, {"content": loud})[2]
    assert (edited["mention_everyone"], edited["mentions"], edited["mention_roles"]) == (True, [{"id": "5"}], ["6"])
    assert not server.ask("PATCH", url, {"content": loud, "allowed_mentions": {"parse": []}})[2]["mention_everyone"]


def test_the_bucket_is_told_in_headers_and_the_sixth_request_in_two_seconds_is_429(server: Server) -> None:
    server.clean({"bucket": {"limit": 5, "seconds": 60}, "channel": {"limit": 30, "seconds": 60}})
    headers = [server.post({"content": "x"})[1] for _ in range(5)]
    assert [answer["x-ratelimit-remaining"] for answer in headers] == ["4", "3", "2", "1", "0"]
    assert {answer["x-ratelimit-limit"] for answer in headers} == {"5"}
    status, last, body = server.post({"content": "x"})
    assert (status, body["global"], last["x-ratelimit-scope"], last["x-ratelimit-remaining"]) == (429, False, "user", "0")
    assert 0 < body["retry_after"] <= float(last["retry-after"]) <= 60
    assert server.post({"content": "x"}, webhook=TICKETS)[0] == 200
    assert len(server.messages()) == 6


def test_the_limit_of_the_channel_is_told_by_the_429_only(server: Server) -> None:
    server.clean({"bucket": {"limit": 50, "seconds": 60}, "channel": {"limit": 1, "seconds": 60}})
    assert server.post({"content": "x"})[1]["x-ratelimit-remaining"] == "49"
    status, headers, _ = server.post({"content": "x"})
    assert (status, headers["x-ratelimit-scope"]) == (429, "shared")


@pytest.mark.parametrize(("kind", "stored"), [("timeout", 0), ("timeout_after", 1), ("reset", 0), ("reset_after", 1)])
def test_a_broken_connection_tells_nothing_of_whether_the_message_is_kept(kind: str, stored: int, server: Server) -> None:
    server.fault(kind=kind, times=1, seconds=0.1)
    with pytest.raises((OSError, HTTPException)):
        server.post({"content": "x"})
    assert len(server.messages()) == stored
    assert server.post({"content": "y"})[0] == 200


@pytest.mark.parametrize(
    ("kind", "status", "stored"),
    [("server_error", 502, 0), ("server_error_after", 502, 1), ("rate_limit", 429, 0), ("rate_limit_global", 429, 0)],
)
def test_an_error_on_demand_strikes_as_often_as_it_is_asked_to(kind: str, status: int, stored: int, server: Server) -> None:
    server.fault(kind=kind, times=2)
    assert [server.post({"content": "x"})[0] for _ in range(3)] == [status, status, 200]
    assert len(server.messages()) == 2 * stored + 1


def test_a_global_limit_says_so(server: Server) -> None:
    server.fault(kind="rate_limit_global", times=1, seconds=3)
    _, headers, body = server.post({"content": "x"})
    assert (body["global"], body["retry_after"], headers["x-ratelimit-global"]) == (True, 3, "true")


def test_a_share_of_faults_is_the_same_for_the_same_seed(server: Server) -> None:
    def run() -> list[int]:
        server.clean(WIDE)
        server.fault(kind="server_error", share=0.5, seed=7)
        return [server.post({"content": "x"})[0] for _ in range(20)]

    assert run() == run()
    assert set(run()) == {200, 502}


@pytest.mark.parametrize(
    "wanted", [{"kind": "flood", "times": 1}, {"kind": "reset"}, {"kind": "reset", "times": 1, "share": 1}, {}]
)
def test_a_fault_that_is_none_is_refused(wanted: Any, server: Server) -> None:
    assert server.ask("POST", f"{server.base}/faults", wanted)[0] == 400


def test_a_kill_of_the_server_loses_nothing(tmp_path: Path) -> None:
    with serving(tmp_path) as first:
        message = first.post({"content": "a"})[2]["id"]
        first.ask("PATCH", f"{first.url()}/messages/{message}", {"content": "b"})
        first.process.kill()
    with serving(tmp_path) as second:
        [kept] = second.messages()
        assert [version["content"] for version in kept["versions"]] == ["a", "b"]
        assert second.post({"content": "c"})[2]["id"] > message


def test_the_page_shows_messages_edits_and_threads_and_nothing_of_it_is_alive(server: Server) -> None:
    hostile = "<script>alert(1)</script> [x](javascript:alert(1)) <img src=http://x>"
    message = server.post({"content": hostile, "embeds": [{"title": hostile, "color": 0xD55E00, "footer": {"text": hostile}}]})[2]
    server.ask("PATCH", f"{server.url()}/messages/{message['id']}", {"content": "**mended**"})
    server.post({"content": "a", "thread_name": "a <b>thread</b>"}, webhook=FORUM)
    with urlopen(f"{server.base}/", timeout=10) as answer:
        page = answer.read().decode()
    assert "<script" not in page
    assert "<img" not in page
    assert 'href="javascript' not in page
    assert "<strong>mended</strong>" in page
    assert "(edited)" in page
    assert "a &lt;b&gt;thread&lt;/b&gt;" in page
    assert "border-left-color: #d55e00" in page
    with urlopen(f"{server.base}/channels/1/{ALERTS.channel}/{message['id']}", timeout=10) as answer:
        assert f'id="m{message["id"]}"' in answer.read().decode()
