"""The delivery loop between a real store and the sandbox's Discord: order, rest, outages, and nothing lost on the way."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from oso_dagster.alerting.delivery import Clock, DeliveryReport, backoff, deliver
from oso_dagster.alerting.discord import DiscordSender
from oso_dagster.alerting.log import LogSender
from oso_dagster.domain.alerts.announcement import AnnouncementKind
from oso_dagster.domain.alerts.channel import Webhook
from oso_dagster.reliability.store import Store
from oso_dagster.sandbox.discord.message_store import ALERTS, TICKETS, ServedWebhook
from tests.support.discord_server import WIDE, Server, serving
from tests.support.incidents import NOON, announcement, incident, over

pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("discord")) as server:
        yield server


@pytest.fixture
def server(running: Server) -> Server:
    running.clean()
    return running


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(f"sqlite:///{tmp_path / 'reliability.db'}", "sandbox") as store:
        yield store


@dataclass
class Time:
    """A clock that moves when it is told to, and when somebody pauses."""

    now: datetime = NOON
    pauses: list[float] = field(default_factory=list)

    def clock(self) -> Clock:
        return Clock(lambda: self.now, self.pause, lambda low, high: high)

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += timedelta(seconds=seconds)


def sender(server: Server, webhook: ServedWebhook = ALERTS, name: str = "discord") -> DiscordSender:
    return DiscordSender(name, Webhook.parse(server.url(webhook)))


def raise_(store: Store, *subjects: str, names: tuple[str, ...] = ("discord",)) -> None:
    for subject in subjects:
        store.outbox.enqueue(announcement(about=incident(subject=subject)), names)


def recover(store: Store, *subjects: str) -> None:
    for subject in subjects:
        store.outbox.enqueue(announcement(AnnouncementKind.RECOVERED, 2, over(subject=subject)), ())


def run(store: Store, time: Time, *senders: DiscordSender | LogSender, seconds: float = 20) -> DeliveryReport:
    return deliver(store.outbox, store.channels, senders, time.clock(), timedelta(seconds=seconds))


def states(server: Server) -> list[list[str]]:
    return [[version["embeds"][0]["title"].split(":")[0] for version in message["versions"]] for message in server.messages()]


def test_each_incident_becomes_one_message_that_is_edited_when_it_is_over(server: Server, store: Store) -> None:
    time = Time()
    raise_(store, "a", "b")
    assert run(store, time, sender(server)).sent == 2
    assert run(store, time, sender(server)).sent == 0
    time.now = NOON + timedelta(hours=2)
    recover(store, "a")
    assert run(store, time, sender(server)).sent == 1
    assert states(server) == [["▲ PAGE", "✔ RECOVERED"], ["▲ PAGE"]]


def test_what_was_over_before_it_was_announced_is_never_told(server: Server, store: Store) -> None:
    raise_(store, "a")
    recover(store, "a")
    assert run(store, Time(NOON + timedelta(days=1)), sender(server)) == DeliveryReport()
    assert server.messages() == []


def test_a_failure_is_tried_again_later_and_not_within_the_tick(server: Server, store: Store) -> None:
    time = Time()
    raise_(store, "a")
    server.fault(kind="server_error", times=1)
    assert run(store, time, sender(server)) == DeliveryReport(postponed=1)
    assert (time.pauses, store.outbox.next_due()) == ([], NOON + timedelta(seconds=2))
    time.now += timedelta(seconds=2)
    assert run(store, time, sender(server)).sent == 1


def test_the_time_between_tries_doubles_up_to_a_quarter_of_an_hour_with_jitter() -> None:
    assert [backoff(tries, lambda _, high: high) for tries in (0, 1, 2, 8, 9, 10**9)] == [2, 4, 8, 512, 900, 900]
    assert backoff(3, lambda low, _: low) == 8


def test_a_short_limit_is_waited_for_and_a_long_one_is_left_to_a_later_tick(server: Server, store: Store) -> None:
    time = Time()
    raise_(store, "a", "b")
    server.fault(kind="rate_limit", times=1, seconds=1.5)
    assert run(store, time, sender(server)).sent == 2
    assert time.pauses == [1.5]
    raise_(store, "c")
    server.fault(kind="rate_limit", times=1, seconds=300)
    began = time.now
    assert run(store, time, sender(server)).sent == 0
    assert time.now == began
    time.now += timedelta(seconds=299)
    assert run(store, time, sender(server)) == DeliveryReport()
    time.now += timedelta(seconds=1)
    assert run(store, time, sender(server)).sent == 1


def test_a_limit_is_remembered_over_a_restart(server: Server, store: Store) -> None:
    time = Time()
    server.clean({"bucket": {"limit": 1, "seconds": 50}, "channel": {"limit": 9, "seconds": 50}})
    raise_(store, "a", "b")
    assert run(store, time, sender(server)).sent == 1
    assert run(store, time, sender(server)) == DeliveryReport()
    [blocked] = store.channels.all()
    assert blocked.blocked_until is not None
    assert timedelta(seconds=40) < blocked.blocked_until - NOON <= timedelta(seconds=50)
    server.ask("POST", f"{server.base}/rates", WIDE)
    assert run(store, Time(blocked.blocked_until), sender(server)).sent == 1


def test_a_global_limit_makes_every_channel_of_that_server_rest(server: Server, store: Store) -> None:
    raise_(store, "a", names=("discord", "tickets", "log"))
    server.fault(kind="rate_limit_global", times=1, seconds=60)
    senders = (sender(server), sender(server, TICKETS, "tickets"), LogSender(logging.getLogger("alerts")))
    assert run(store, Time(), *senders) == DeliveryReport(sent=1, postponed=1)
    assert server.messages() == []


def test_an_outage_of_one_channel_holds_up_no_other(server: Server, store: Store) -> None:
    down = DiscordSender("pages", Webhook.parse("http://127.0.0.1:1/api/webhooks/1/x"))
    raise_(store, *"abcdefgh", names=("discord", "pages", "log"))
    report = run(store, Time(), down, sender(server), LogSender(logging.getLogger("alerts")))
    assert (report.sent, report.postponed) == (16, 3)
    assert len(server.messages()) == 8


def test_a_slow_channel_is_asked_once_in_a_round(server: Server, store: Store) -> None:
    server.fault(kind="timeout", share=1.0, seconds=2)
    raise_(store, "a", "b", "c")
    assert run(store, Time(), sender(server), seconds=1.5).postponed == 1


def test_an_unknown_webhook_disables_the_channel_loudly_and_keeps_what_it_should_say(
    server: Server, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    server.ask("DELETE", server.url(TICKETS))
    raise_(store, "a")
    assert run(store, Time(), sender(server, TICKETS)).disabled == ["discord"]
    [state] = store.channels.all()
    assert (state.disabled, state.why) == (True, "404: Unknown Webhook (code 10015)")
    assert "channel discord is disabled" in caplog.text
    assert run(store, Time(NOON + timedelta(days=1)), sender(server, TICKETS)) == DeliveryReport()
    assert run(store, Time(), sender(server, ALERTS)).sent == 1


def test_the_order_of_an_incident_is_kept_through_failures(server: Server, store: Store) -> None:
    time = Time()
    raise_(store, "a")
    server.fault(kind="server_error", times=1)
    run(store, time, sender(server))
    store.outbox.enqueue(announcement(AnnouncementKind.UPDATED, 2, incident(subject="a", title="worse")), ())
    assert run(store, time, sender(server)) == DeliveryReport()
    time.now += timedelta(seconds=2)
    run(store, time, sender(server))
    [message] = server.messages()
    assert "worse" in message["content"]


def test_a_message_that_somebody_deleted_is_written_anew(server: Server, store: Store) -> None:
    time = Time()
    raise_(store, "a")
    run(store, time, sender(server))
    server.ask("DELETE", f"{server.url()}/messages/{server.messages()[0]['id']}")
    recover(store, "a")
    time.now = NOON + timedelta(hours=2)
    run(store, time, sender(server))
    assert states(server) == [["▲ PAGE"], ["✔ RECOVERED"]]


def test_a_message_that_was_stored_without_an_answer_is_repeated_once_and_marked(server: Server, store: Store) -> None:
    time = Time()
    raise_(store, "a")
    server.fault(kind="reset_after", times=1)
    run(store, time, sender(server))
    time.now += timedelta(seconds=5)
    run(store, time, sender(server))
    recover(store, "a")
    time.now = NOON + timedelta(hours=2)
    run(store, time, sender(server))
    first, second = (message["versions"] for message in server.messages())
    assert "sent again" not in first[0]["embeds"][0]["footer"]["text"]
    assert "sent again" in second[0]["embeds"][0]["footer"]["text"]
    assert second[-1]["embeds"][0]["title"].startswith("✔ RECOVERED")


def test_the_log_says_everything_in_a_line_each(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    store.outbox.enqueue(announcement(about=incident(title="two\nlines")), ("log",))
    with caplog.at_level(logging.INFO):
        assert run(store, Time(), LogSender(logging.getLogger("alerts"))).sent == 1
    [line] = [record.getMessage() for record in caplog.records if record.name == "alerts"]
    assert line.startswith(
        "ALERT RAISED PAGE: two lines | key=stale_asset:shop/things@20260301T120000Z#1 owner=team:shop open for"
    )
