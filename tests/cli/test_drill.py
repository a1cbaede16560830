"""`oso alerts drill`, which `oso demo` shows too: one incident from end to end, and nothing of it in the platform's stores."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.request import Request, urlopen

import pytest
from rich.console import Console

from oso_dagster.cli.drill import OBJECTIVE, PAGE, run_drill
from oso_dagster.sandbox import lifecycle
from oso_dagster.settings import Settings

pytestmark = pytest.mark.server


@pytest.fixture
def sandbox(make_settings: Callable[..., Settings]) -> Iterator[tuple[Settings, Mapping[str, str]]]:
    settings = make_settings(OSO_WORLD="sandbox")
    with lifecycle.running(settings) as endpoints:
        yield settings, endpoints


def drill(settings: Settings, endpoints: Mapping[str, str]) -> tuple[list[str], str]:
    """What did not go as it should, and what was shown."""
    console = Console(width=400)
    with console.capture() as shown:
        failures = run_drill(settings, endpoints, console)
    return failures, shown.get()


def ask(address: str, method: str = "GET") -> Any:
    with urlopen(Request(address, method=method), timeout=10) as answer:
        return json.loads(answer.read() or "null")


def test_one_message_tells_the_sprint_from_the_breach_to_its_end_and_the_platform_keeps_nothing_of_it(
    sandbox: tuple[Settings, Mapping[str, str]],
) -> None:
    settings, endpoints = sandbox
    base = endpoints["discord_url"].split("/api/")[0]
    failures, output = drill(settings, endpoints)
    assert failures == []
    messages = {message["embeds"][0]["footer"]["text"].split("@")[0]: message for message in ask(f"{base}/messages")}
    assert set(messages) == {
        "key failed_materialization:oss_funding/funding_data",
        f"key sprint:{OBJECTIVE}",
        "key stale_asset:oss_funding/funding_data",
    }
    assert {message["versions"][-1]["content"][0] for message in messages.values()} == {"✔"}
    versions = messages[f"key sprint:{OBJECTIVE}"]["versions"]
    assert [version["content"].split(":")[0] for version in versions] == ["▲ PAGE", "◇ MET AGAIN, WATCHED", "✔ RECOVERED"]
    raised, watched, _ = (version["embeds"][0]["description"].replace("\\", "") for version in versions)
    assert "oss_funding/funding_data (team:data): 1 of 1 bad" in raised
    assert ("Met since" in raised, "Met since" in watched) == (False, True)
    assert (
        output.index("answers 404")
        < output.index("▲ PAGE")
        < output.index("the sprint stays")
        < output.index("the sprint is closed")
    )
    page = (settings.world_dir / PAGE).read_text()
    assert f'id="m{messages[f"key sprint:{OBJECTIVE}"]["id"]}"' in page
    assert {path.name for path in settings.world_dir.iterdir()} == {PAGE}
    assert ask(endpoints["discord_url"].split("/discord/")[0] + "/faults") == []


def test_a_drill_whose_sprint_nobody_was_told_of_has_failed(sandbox: tuple[Settings, Mapping[str, str]]) -> None:
    settings, endpoints = sandbox
    ask(endpoints["discord_url"], "DELETE")
    ((failure,), _) = drill(settings, endpoints)
    assert f"the sprint of {OBJECTIVE} was not closed" in failure
