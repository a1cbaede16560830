"""From the environment to channels: who is told what, and that the sandbox's Discord stands in where nothing is set."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable

import pytest

from oso_dagster.alerting.channels import routes, senders
from oso_dagster.domain.alerts.announcement import Route, addressed
from oso_dagster.domain.alerts.incident import Severity
from oso_dagster.sandbox.discord import discord_app
from oso_dagster.settings import Settings, SettingsError, read_settings
from tests.support.incidents import incident

URL = "https://discord_app.com/api/webhooks/12/s3cret-token"
LOGGER = logging.getLogger("alerts")


def names(settings: Settings) -> list[str]:
    return [sender.name for sender in senders(settings, LOGGER)]


def test_without_settings_only_the_log_is_told_in_the_live_world(settings: Settings) -> None:
    assert routes(settings) == ()
    assert names(settings) == ["log"]


def test_channels_are_told_by_severity_and_service(make_settings: Callable[..., Settings]) -> None:
    more = {"pages": {"url": URL, "least": "page"}, "models": {"url": URL, "services": ["sqlmesh"]}}
    settings = make_settings(OSO_DISCORD_URL=URL, OSO_DISCORD_CHANNELS=json.dumps(more))
    routed = routes(settings)
    assert routed == (Route("discord"), Route("pages", Severity.PAGE), Route("models", services=frozenset({"sqlmesh"})))
    assert names(settings) == ["log", "discord", "pages", "models"]
    assert addressed(incident(severity=Severity.TICKET), routed) == ("log", "discord")
    assert addressed(incident(service="sqlmesh"), routed) == ("log", "discord", "models", "pages")


def test_the_sandboxs_discord_stands_in_while_it_is_up_and_its_messages_wait_while_it_is_down(
    make_settings: Callable[..., Settings], caplog: pytest.LogCaptureFixture
) -> None:
    settings = make_settings(OSO_WORLD="sandbox")
    assert routes(settings) == (Route("discord"),)
    assert names(settings) == ["log"]
    assert "channel discord: the sandbox world is not up" in caplog.text
    settings.sandbox_dir.mkdir(parents=True)
    settings.sandbox_files.endpoints.write_text(json.dumps(discord_app.endpoints(20_001)))
    assert names(settings) == ["log", "discord"]


@pytest.mark.parametrize("name", ["OSO_DISCORD_URL", "OSO_DISCORD_CHANNELS"])
def test_a_malformed_address_is_an_error_that_does_not_repeat_it(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "https://discord_app.com/webhooks/12/s3cret-token")
    with pytest.raises(SettingsError, match=f"^{name}: ") as caught:
        read_settings()
    assert "s3cret" not in str(caught.value)


def test_addresses_and_their_tokens_are_secrets_that_redaction_knows(make_settings: Callable[..., Settings]) -> None:
    more = json.dumps({"pages": {"url": URL.replace("s3cret", "0ther")}})
    settings = make_settings(OSO_DISCORD_URL=URL, OSO_DISCORD_CHANNELS=more)
    assert {"s3cret-token", "0ther-token"} <= set(settings.secrets())
    assert "s3cret" not in repr(settings) + repr(settings.channels()) + str(settings.model_dump())
