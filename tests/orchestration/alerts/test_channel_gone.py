"""A channel that Discord takes nothing from any more: from its answer to the messages that were kept for it, in one journey."""

from __future__ import annotations

import json
import logging
import re
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from oso_dagster.alerting.delivery import DeliveryReport
from oso_dagster.orchestration.alerts.alert_round import run_round
from oso_dagster.orchestration.objectives.watched_platform import Platform
from oso_dagster.orchestration.status_page.read_model import gather
from oso_dagster.orchestration.watch.incident_round import send
from oso_dagster.reliability.store import Store
from oso_dagster.sandbox.discord.message_store import ALERTS, FORUM, TICKETS
from oso_dagster.settings import Settings
from oso_dagster.statuspage.render import render
from tests.orchestration.shop import fail, load, run, source, table
from tests.support.discord_server import Server, serving

pytestmark = pytest.mark.server

SHOP = source("shop", table("things"))
TOLD = ("failed_materialization:shop/things", "sprint:core_source_data.materialization_reliability")


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("discord")) as discord:
        discord.clean()
        yield discord


def notices(settings: Settings, store: Store) -> str:
    """What the status page says of the channels; nothing on any of its files is an address of theirs."""
    files = render(gather(settings, [SHOP], [], store, timedelta(minutes=45), datetime.now(UTC)))
    assert not any(webhook.token[:-3] in text for webhook in (ALERTS, FORUM, TICKETS) for text in files.values())
    return " ".join(re.findall(r"Alerts have not been delivered to the channel \w+", files["index.html"]))


def test_a_channel_that_is_gone_or_refuses_us_says_so_everywhere_and_with_another_address_says_once_what_it_kept(
    server: Server, make_settings: Callable[..., Settings], instance: dg.DagsterInstance, caplog: pytest.LogCaptureFixture
) -> None:
    def configured(url: str, second: str) -> Settings:
        channels = json.dumps({"second": {"url": second}})
        return make_settings(OSO_DISCORD_URL=url, OSO_DISCORD_CHANNELS=channels, OSO_ALERT_QUIET_HOURS="")

    def delivered(settings: Settings) -> DeliveryReport:
        return send(settings, store, logging.getLogger("alerts"), lambda: datetime.now(UTC))

    server.ask("DELETE", server.url(TICKETS))
    settings = configured(server.url(TICKETS), server.url(FORUM)[:-3])
    with Store.open(settings.reliability_store_url, settings.world.value) as store:
        run(instance, load(["shop", "things"]))
        run(instance, load(["shop", "things"], fail))
        run_round(Platform(settings, [SHOP], [], []), store, instance, datetime.now(UTC))

        assert sorted(delivered(settings).disabled) == ["discord", "second"]
        assert {channel.name: channel.why for channel in store.channels.all() if channel.disabled} == {
            "discord": "404: Unknown Webhook (code 10015)",
            "second": "401: Invalid Webhook Token (code 50027)",
        }
        log = " ".join(record.getMessage() for record in caplog.records if record.name == "alerts")
        for name, why in (("discord", "404: Unknown Webhook"), ("second", "401: Invalid Webhook Token")):
            assert f"channel {name} is disabled, its alerts are kept: {why}" in log
        assert "/webhooks/" not in caplog.text
        assert notices(settings, store).count("Alerts have not been delivered to the channel") == 2
        assert (delivered(settings), server.messages()) == (DeliveryReport(), [])

        repaired = configured(server.url(ALERTS), server.url(FORUM))
        assert delivered(repaired) == DeliveryReport(sent=2 * len(TOLD))
        assert delivered(repaired) == DeliveryReport()
        assert notices(repaired, store) == ""
    footers = Counter(version["embeds"][0]["footer"]["text"] for message in server.messages() for version in message["versions"])
    assert sorted(re.search(r"key (\S+)@", footer)[1] for footer in footers) == sorted(TOLD)
    assert set(footers.values()) == {2}  # one on each channel
    assert not any("sent again" in footer for footer in footers)
