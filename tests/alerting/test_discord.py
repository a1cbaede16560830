"""One try to deliver, against the sandbox's Discord over HTTP: what arrives, and what every answer is taken to mean."""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from oso_dagster.alerting.discord import DiscordSender
from oso_dagster.alerting.discord_answers import Buckets, meaning
from oso_dagster.alerting.outcomes import ChannelGone, Failed, Impossible, MessageGone, Sent, Wait
from oso_dagster.alerting.webhook import redacted
from oso_dagster.domain.alerts.announcement import AnnouncementKind
from oso_dagster.domain.alerts.channel import Webhook, WebhookError, parse_channels
from oso_dagster.domain.alerts.incident import Incident
from oso_dagster.sandbox.discord.message_store import ALERTS, FORUM, TICKETS, ServedWebhook
from tests.alerting.test_embeds import incidents
from tests.support.discord_server import Server, serving
from tests.support.incidents import NOON, Task, announcement


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("discord")) as server:
        yield server


@pytest.fixture
def server(running: Server) -> Server:
    running.clean()
    return running


def sender(server: Server, webhook: ServedWebhook = ALERTS) -> DiscordSender:
    return DiscordSender("discord", Webhook.parse(server.url(webhook)))


RAISED, RECOVERED = announcement(), announcement(AnnouncementKind.RECOVERED, 2)


@pytest.mark.server
def test_an_incident_is_one_message_edited_in_place_until_it_says_recovered(server: Server) -> None:
    channel = sender(server)
    sent = channel.send(Task(RAISED), 5)
    assert isinstance(sent, Sent)
    assert channel.send(Task(announcement(AnnouncementKind.UPDATED, 2), sent.message_id), 5) == sent
    assert channel.send(Task(RECOVERED, sent.message_id), 5) == sent
    [message] = server.messages()
    titles = [version["embeds"][0]["title"].split(":")[0] for version in message["versions"]]
    assert titles == ["▲ PAGE", "▲ PAGE", "✔ RECOVERED"]
    assert all(version["allowed_mentions"] == {"parse": []} for version in message["versions"])


@pytest.mark.server
def test_a_reminder_in_a_text_channel_links_to_the_message(server: Server) -> None:
    channel = sender(server)
    sent = channel.send(Task(RAISED), 5)
    assert isinstance(sent, Sent)
    reminder = replace(announcement(AnnouncementKind.REMINDED, 2), at=NOON + timedelta(days=1))
    assert isinstance(channel.send(Task(reminder, sent.message_id), 5), Sent)
    first, second = server.messages()
    link = f"{server.base}/channels/1100000000000000001/{ALERTS.channel}/{first['id']}"
    assert link in second["embeds"][0]["description"]
    assert server.ask("GET", f"{server.base}/faults")[0] == 200


@pytest.mark.server
def test_in_a_forum_an_incident_is_a_thread_with_its_reminders_in_it(server: Server) -> None:
    channel = sender(server, FORUM)
    sent = channel.send(Task(RAISED), 5)
    assert isinstance(sent, Sent)
    assert isinstance(sender(server, FORUM).send(Task(announcement(AnnouncementKind.REMINDED, 2), sent.message_id), 5), Sent)
    assert sender(server, FORUM).send(Task(RECOVERED, sent.message_id), 5) == sent
    first, second = server.messages()
    assert (first["thread_name"], second["channel_id"]) == ("shop/things is stale", first["id"])
    assert first["embeds"][0]["title"].startswith("✔ RECOVERED")


@pytest.mark.server
def test_what_may_stand_there_twice_says_so_and_an_edit_never_does(server: Server) -> None:
    channel = sender(server)
    assert isinstance(channel.send(Task(RAISED), 5), Sent)
    sent = channel.send(Task(RAISED, perhaps_sent=True), 5)
    assert isinstance(sent, Sent)
    footers = [message["embeds"][0]["footer"]["text"] for message in server.messages()]
    assert ["sent again" in footer for footer in footers] == [False, True]
    assert all(RAISED.key in footer for footer in footers)
    channel.send(Task(RECOVERED, sent.message_id, perhaps_sent=True), 5)
    assert "sent again" not in server.messages()[1]["embeds"][0]["footer"]["text"]


@pytest.mark.server
@pytest.mark.parametrize("kind", ["timeout", "timeout_after", "reset", "reset_after", "server_error", "server_error_after"])
def test_after_a_broken_answer_nobody_knows_whether_it_was_accepted(kind: str, server: Server) -> None:
    server.fault(kind=kind, times=1, seconds=1)
    outcome = sender(server).send(Task(RAISED), 0.5)
    assert isinstance(outcome, Failed)
    assert (outcome.refused, outcome.slow) == (False, kind.startswith("timeout"))


@pytest.mark.server
def test_without_a_connection_it_was_certainly_not_accepted() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    outcome = DiscordSender("discord", Webhook.parse(f"http://127.0.0.1:{port}/api/webhooks/1/t0ken")).send(Task(RAISED), 2)
    assert isinstance(outcome, Failed)
    assert outcome.refused
    assert "t0ken" not in outcome.why


@pytest.mark.server
def test_a_limit_is_obeyed_as_the_answer_says(server: Server) -> None:
    server.fault(kind="rate_limit", times=1, seconds=1.5)
    assert sender(server).send(Task(RAISED), 5) == Wait(1.5, "429: You are being rate limited. (code none)", "channel")
    server.fault(kind="rate_limit_global", times=1, seconds=3)
    outcome = sender(server).send(Task(RAISED), 5)
    assert isinstance(outcome, Wait)
    assert (outcome.seconds, outcome.whose) == (3, "server")


@pytest.mark.server
def test_too_many_edits_of_an_old_message_hold_up_that_message_alone(server: Server) -> None:
    channel = sender(server)
    sent = channel.send(Task(RAISED), 5)
    assert isinstance(sent, Sent)
    server.fault(kind="old_edit", times=1)
    outcome = channel.send(Task(RECOVERED, sent.message_id), 5)
    assert isinstance(outcome, Wait)
    assert (outcome.whose, outcome.seconds >= 60) == ("message", True)


@pytest.mark.server
def test_a_bucket_that_is_used_up_makes_the_channel_rest_before_it_is_refused(server: Server) -> None:
    server.clean({"bucket": {"limit": 2, "seconds": 30}, "channel": {"limit": 30, "seconds": 60}})
    channel = sender(server)
    assert channel.rest() == 0
    channel.send(Task(RAISED), 5)
    assert channel.rest() == 0
    channel.send(Task(RAISED), 5)
    assert 25 < channel.rest() <= 30


@pytest.mark.server
def test_a_webhook_that_is_gone_or_refuses_us_is_the_end_of_the_channel(server: Server) -> None:
    wrong = DiscordSender("discord", Webhook(server.base, ALERTS.id, "wrong"))
    assert wrong.send(Task(RAISED), 5) == ChannelGone("401: Invalid Webhook Token (code 50027)")
    server.ask("DELETE", server.url(TICKETS))
    assert sender(server, TICKETS).send(Task(RAISED), 5) == ChannelGone("404: Unknown Webhook (code 10015)")


@pytest.mark.server
def test_a_message_that_somebody_deleted_is_known_to_be_gone(server: Server) -> None:
    assert sender(server).send(Task(RECOVERED, "5"), 5) == MessageGone("404: Unknown Message (code 10008)")
    assert isinstance(sender(server, FORUM).send(Task(RECOVERED, "thread:5"), 5), MessageGone)
    assert isinstance(sender(server, FORUM).send(Task(announcement(AnnouncementKind.REMINDED, 2), "thread:5"), 5), MessageGone)


@pytest.mark.server
@given(incidents())
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_incident_with_any_text_is_accepted_over_http(server: Server, about: Incident) -> None:
    event = announcement(AnnouncementKind.UPDATED if about.open else AnnouncementKind.RECOVERED, about=about)
    assert isinstance(sender(server).send(Task(event), 10), Sent)


ANSWERS: dict[str, tuple[int, dict[str, str], dict[str, Any], Any]] = {
    "a page in the place of JSON": (200, {}, {}, Failed),
    "a gateway's error": (502, {}, {}, Failed),
    "a limit of what stands before Discord": (429, {"Retry-After": "7"}, {}, Wait(7.0, "429: no words (code none)", "server")),
    "a limit without a time": (429, {}, {}, Wait(60.0, "429: no words (code none)", "server")),
    "a limit with a senseless time": (429, {"Retry-After": "nan"}, {"retry_after": "-1"}, Wait),
    "a bad form": (400, {}, {"code": 50035, "message": "Invalid Form Body"}, Impossible),
    "a page that forbids": (403, {}, {}, Failed),
    "Discord forbids": (403, {}, {"code": 50013, "message": "Missing Permissions"}, ChannelGone),
    "an archived thread": (400, {}, {"code": 50083, "message": "archived"}, MessageGone),
    "a forum that demands a tag": (400, {}, {"code": 40067, "message": "A tag is required"}, Failed),
    "too many active threads": (400, {}, {"code": 160006, "message": "Maximum number of active threads"}, Failed),
    "Discord's own network": (403, {}, {"code": 40333, "message": "internal network error"}, Failed),
    "a proxy that knows no such page": (404, {}, {}, Failed),
    "a webhook that Discord does not know": (404, {}, {"code": 10015, "message": "Unknown Webhook"}, ChannelGone),
    "another address": (301, {}, {}, Failed),
}


@pytest.mark.parametrize(("status", "headers", "body", "expected"), ANSWERS.values(), ids=ANSWERS)
def test_an_answer_means_what_it_means(status: int, headers: dict[str, str], body: dict[str, Any], expected: Any) -> None:
    outcome = meaning(status, headers, body)
    assert outcome == expected if not isinstance(expected, type) else isinstance(outcome, expected)


def test_what_was_wrong_with_a_form_is_said_with_its_place() -> None:
    errors = {"embeds": {"0": {"title": {"_errors": [{"code": "BASE_TYPE_MAX_LENGTH", "message": "…"}]}}}}
    outcome = meaning(400, {}, {"code": 50035, "message": "Invalid Form Body", "errors": errors})
    assert outcome == Impossible("400: Invalid Form Body (code 50035) at embeds.0.title: BASE_TYPE_MAX_LENGTH")


def test_buckets_are_kept_apart_by_the_name_the_server_gives_them() -> None:
    buckets = Buckets()
    buckets.note("POST", {"X-RateLimit-Bucket": "a", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset-After": "2.5"}, 100)
    buckets.note("PATCH", {"X-RateLimit-Bucket": "b", "X-RateLimit-Remaining": "4", "X-RateLimit-Reset-After": "9"}, 100)
    assert buckets.rest(101) == 1.5
    buckets.note("POST", {"X-RateLimit-Bucket": "a", "X-RateLimit-Remaining": "4", "X-RateLimit-Reset-After": "2"}, 103)
    assert buckets.rest(103) == 0


@pytest.mark.parametrize(
    "address",
    [
        "https://discord.com/api/webhooks/12/s3cret-token",
        "https://discord.com/api/v9/webhooks/12/s3cret-token/",
        "http://127.0.0.1:5000/discord/api/webhooks/12/s3cret-token",
    ],
)
def test_an_address_is_understood_and_not_shown(address: str) -> None:
    webhook = Webhook.parse(address)
    assert webhook.url.endswith("/api/v10/webhooks/12/s3cret-token")
    assert "s3cret" not in f"{webhook!r} {webhook.fingerprint} {webhook.origin}"


@pytest.mark.parametrize(
    "address",
    [
        "s3cret",
        "http://discord.com/api/webhooks/12/s3cret",
        "https://me:s3cret@discord.com/api/webhooks/12/s3cret",
        "https://discord.com/api/webhooks/s3cret",
        "https://discord.com/api/webhooks/12/s3cret?wait=true",
    ],
)
def test_what_is_no_address_of_a_webhook_is_refused_without_being_repeated(address: str) -> None:
    with pytest.raises(WebhookError) as caught:
        Webhook.parse(address)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "s3cret",
        "[]",
        '{"log": {"url": "https://discord.com/api/webhooks/12/s3cret"}}',
        '{"Pages!": {"url": "https://discord.com/api/webhooks/12/s3cret"}}',
        '{"pages": {"url": "s3cret"}}',
        '{"pages": {"least": "page"}}',
        '{"pages": {"url": "https://discord.com/api/webhooks/12/s3cret", "least": "loud"}}',
        '{"pages": {"url": "https://discord.com/api/webhooks/12/s3cret", "services": "sqlmesh"}}',
        '{"pages": {"url": "https://discord.com/api/webhooks/12/s3cret", "most": "page"}}',
    ],
)
def test_channels_that_are_declared_wrongly_are_refused_without_the_address(text: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        parse_channels(text)
    assert "s3cret" not in str(caught.value)


@pytest.mark.server
def test_the_address_is_in_no_log_whatever_the_level(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        channel = sender(server)
        channel.send(Task(RAISED), 5)
        for kind in ("reset", "timeout", "server_error"):
            server.fault(kind=kind, times=1, seconds=0.6)
            answer = channel.send(Task(RAISED), 0.3)
            assert ALERTS.token not in str(answer)
    assert "webhooks/***" in caplog.text
    assert ALERTS.token not in caplog.text
    assert ALERTS.token not in "".join(str(record.__dict__) for record in caplog.records)
    assert ALERTS.token not in redacted(f"x {ALERTS.path}/messages/5?wait=true")
