"""`oso alerts`: the channels tried for real, the messages shown without being sent."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from typer.testing import CliRunner

from oso_dagster.cli import app
from oso_dagster.domain.alerts.incident import Kind
from oso_dagster.reliability.store import Store
from oso_dagster.sandbox.discord.limits import refusal
from oso_dagster.sandbox.discord.message_store import ALERTS, FORUM
from oso_dagster.settings import Settings
from tests.support.browser import chromium
from tests.support.discord_server import Server, serving

__all__ = ["chromium"]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("discord")) as server:
        yield server


@pytest.fixture
def server(running: Server) -> Server:
    running.clean()
    return running


def oso(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["alerts", *arguments], env={"COLUMNS": "200"})
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


@pytest.mark.server
def test_a_test_goes_to_every_channel_and_is_over_at_once(server: Server, make_settings: Callable[..., Settings]) -> None:
    channels = {"forum": {"url": server.url(FORUM), "least": "page"}}
    make_settings(OSO_DISCORD_URL=server.url(), OSO_DISCORD_CHANNELS=json.dumps(channels))
    code, output = oso("test", "--json")
    assert code == 0
    assert {name: answer["ok"] for name, answer in json.loads(output).items()} == {"log": True, "discord": True, "forum": True}
    assert [[version["content"][0] for version in message["versions"]] for message in server.messages()] == [
        ["●", "✔"],
        ["●", "✔"],
    ]
    assert ALERTS.token not in output


@pytest.mark.server
def test_a_channel_that_does_not_take_it_is_named_and_the_exit_code_says_so(
    server: Server, make_settings: Callable[..., Settings]
) -> None:
    make_settings(OSO_DISCORD_URL=server.url()[:-3])
    code, output = oso("test")
    assert code == 1
    assert "401: Invalid Webhook Token" in output


@pytest.mark.server
def test_a_channel_that_works_again_is_used_again(server: Server, make_settings: Callable[..., Settings]) -> None:
    settings = make_settings(OSO_DISCORD_URL=server.url())
    with Store.open(settings.reliability_store_url, settings.world.value) as store:
        store.channels.open("discord", "x", datetime.now(UTC))
        store.channels.disable("discord", "404", datetime.now(UTC))
        assert oso("test", "--channel", "discord")[0] == 0
        assert not store.channels.all()[0].disabled


def test_with_no_channel_but_the_log_the_test_fails_and_says_what_to_set(settings: Settings) -> None:
    code, output = oso("test")
    assert code == 1
    assert "set OSO_DISCORD_URL" in output


def test_an_unknown_channel_is_refused(settings: Settings) -> None:
    code, output = oso("test", "--channel", "nowhere")
    assert code == 2
    assert "nowhere cannot be reached" in output


def test_the_preview_shows_every_kind_on_the_terminal_and_as_json(settings: Settings) -> None:
    code, output = oso("preview")
    assert code == 0
    assert output.count("key ") == len(Kind) + 3
    payloads = json.loads(oso("preview", "--json")[1])
    assert len(payloads) == len(Kind) + 3
    assert [refusal(payload) for payload in payloads] == [None] * len(payloads)
    for payload in payloads:
        assert "docs/runbooks.md" in json.dumps(payload) or "The full message" in json.dumps(payload)
    for kind in Kind:
        assert any(re.match(rf"key {kind.value}[:@]", payload["embeds"][0]["footer"]["text"]) for payload in payloads)


@pytest.mark.browser
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_page_of_the_preview_asks_for_nothing_and_fits_a_phone(
    theme: str, settings: Settings, chromium: Browser, tmp_path: Path
) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page = tmp_path / "alerts.html"
    assert oso("preview", "--html", str(page))[0] == 0
    complaints: list[str] = []
    with chromium.new_context(viewport={"width": 360, "height": 800}, color_scheme=theme) as context:  # type: ignore[arg-type]
        tab = context.new_page()
        tab.on("console", lambda message: complaints.append(message.text))
        tab.on("request", lambda request: None if request.url.startswith(("file:", "data:")) else complaints.append(request.url))
        tab.goto(page.as_uri())
        assert complaints == []
        assert tab.evaluate("document.documentElement.scrollWidth") <= 360
        assert tab.locator("article").count() == len(Kind) + 1
        tab.get_by_text("(edited)").first.click()
        assert tab.get_by_role("heading", name="◐ ACKNOWLEDGED: remedial sprint").is_visible()
        report = Axe().run(tab, options={"runOnly": ["wcag2a", "wcag2aa"]})
        assert report.violations_count == 0, report.generate_report()
