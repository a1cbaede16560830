"""`oso alerts drill`: the story of one incident in the sandbox world, from the first failure to the end of its sprint."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.request import Request, urlopen

import typer
from pydantic import SecretStr
from rich.text import Text

from oso_dagster.cli.session.terminal import console as new_console
from oso_dagster.cli.session.terminal import say
from oso_dagster.cli.workers.interruption import interruptible
from oso_dagster.domain.alerts.sprint import HYSTERESIS
from oso_dagster.domain.durations import duration
from oso_dagster.settings import Settings, World, read_settings
from oso_dagster.sources import catalogue

if TYPE_CHECKING:
    from oso_dagster.orchestration.alerts.drill_platform import Drill

SOURCE, FAMILY = "oss_funding", "oss-funding"
"""What fails: a core source of one table, and the family of the sandbox that serves it."""

OBJECTIVE = "core_source_data.data_freshness"
PAGE = "discord.html"
_MARGIN = timedelta(minutes=1)
_SPARE = timedelta(minutes=30)
_SECONDS = 10


def drill() -> None:
    """Let a core source of the sandbox fail until its objective is breached, repair it, and show the messages on Discord.

    Always the sandbox world, whatever OSO_WORLD says; nothing is sent outside of this machine, and the platform's own ledger is
    not touched. Ends with exit code 1 when the sprint was not closed.

    Example: `oso alerts drill`
    """
    os.environ["OSO_WORLD"] = World.SANDBOX.value
    settings = read_settings(catalogue())
    from oso_dagster.sandbox import lifecycle  # noqa: PLC0415  (the server's libraries load when used)

    with interruptible(), lifecycle.running(settings) as endpoints:
        failures = run_drill(settings, endpoints, new_console())
    for failure in failures:
        say(f"oso: {failure}", err=True)
    raise typer.Exit(1 if failures else 0)


class Shows(Protocol):
    """A console, or who keeps what is to be printed."""

    def print(self, *objects: Any, **options: Any) -> None:
        """As `Console.print`."""


def run_drill(settings: Settings, endpoints: Mapping[str, str], console: Shows) -> list[str]:
    """The drill against a sandbox that is up; what did not go as it should. Leaves the page of Discord in the world's folder."""
    from oso_dagster.orchestration.alerts.drill_platform import drilling, thrown_away  # noqa: PLC0415  (dagster loads when used)

    sources = settings.in_world(catalogue())
    source = next(candidate for candidate in sources if candidate.name == SOURCE)
    (promise,) = {table.fresh_within for table in source.tables if table.fresh_within}
    discord = endpoints["discord_url"]
    world = _SandboxClient(discord.split("/discord/")[0])
    settings.world_dir.mkdir(parents=True, exist_ok=True)
    page = settings.world_dir / PAGE
    _introduce(console, source.title, promise)
    with tempfile.TemporaryDirectory(prefix="oso-drill-") as folder:
        addresses = {
            f"{SOURCE}_{setting.name}": endpoints[f"{SOURCE}_{setting.name}"] for setting in source.settings if setting.endpoint
        }
        own = thrown_away(settings, Path(folder), discord_url=SecretStr(discord), **addresses)
        try:
            with drilling(own, sources, source, datetime.now(UTC) - promise + _SPARE) as platform:
                for words in _story(platform, world):
                    console.print(f"  {platform.now():%H:%M}  {words}", soft_wrap=True)
                    for line in world.new_lines():
                        console.print(f"         {line}", style="dim", soft_wrap=True)
        finally:
            world.clear_fault()
            page.write_bytes(world.page())
    message = world.sprint_message()
    if message is None or not message["versions"][-1]["content"].startswith("✔"):
        return [f"the drill: the sprint of {OBJECTIVE} was not closed; see {page.as_uri()}"]
    count = len(message["versions"])
    console.print(f"  The sprint was one message, edited {count - 1} times: {page.as_uri()}#m{message['id']}", soft_wrap=True)
    return []


def _introduce(console: Shows, title: str, promise: timedelta) -> None:
    console.print()
    console.print(
        Text("The drill", "bold"), f"{title}, a core source, fails until its promise of {duration(promise)} is broken.", sep=": "
    )
    console.print(
        "It has its own ledger, warehouse and Dagster, which are deleted at the end: its runs cannot be opened afterwards.\n"
        "The clock of this machine is not changed; the objectives are evaluated as of the time on the left (UTC).\n"
    )


def _story(platform: Drill, world: _SandboxClient) -> Iterator[str]:
    """What happens, step by step."""
    world.fail()
    failed = platform.load()
    platform.round()
    yield f"the source answers 404, the load fails: {failed[0] if failed else 'it did not fail'}"
    platform.ahead += _SPARE + _MARGIN
    platform.round()
    yield "the last good load is older than promised: the objective is breached, a sprint is open"
    world.clear_fault()
    failed = platform.load()
    platform.round()
    yield f"the source works again, and was loaded{': ' + failed[0] if failed else ''}"
    platform.ahead += HYSTERESIS - _MARGIN
    platform.round()
    yield "met for less than an hour: the sprint stays open"
    platform.ahead += 2 * _MARGIN
    platform.round()
    yield "met for a whole hour: the sprint is closed"


@dataclass
class _SandboxClient:
    """The sandbox over HTTP: its faults, and the messages on its Discord."""

    base: str
    before: frozenset[str] = frozenset()
    known: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.known = {message["id"]: len(message["versions"]) for message in self._messages()}
        self.before = frozenset(self.known)

    def fail(self) -> None:
        """Let the source answer 404, until the fault is cleared or this process has ended."""
        from oso_dagster.sandbox.process_identity import this_process  # noqa: PLC0415

        self._ask("POST", "/faults", {"family": FAMILY, "kind": "status", "status": 404, "owner": this_process()})

    def clear_fault(self) -> None:
        """Let the source answer again."""
        self._ask("DELETE", f"/faults?family={FAMILY}")

    def new_lines(self) -> list[str]:
        """The first line of each message that is new since the last call; edits are marked."""
        lines = []
        for message in self._messages():
            for number, version in enumerate(
                message["versions"][self.known.get(message["id"], 0) :], self.known.get(message["id"], 0)
            ):
                lines.append(f"{version['content']}{' (the same message, edited)' if number else ''}".replace("\\", ""))
            self.known[message["id"]] = len(message["versions"])
        return lines

    def sprint_message(self) -> dict[str, Any] | None:
        """The message of this drill's sprint."""
        mine = [message for message in self._messages() if message["id"] not in self.before]
        return next((message for message in mine if f"key sprint:{OBJECTIVE}@" in message["embeds"][0]["footer"]["text"]), None)

    def page(self) -> bytes:
        """Discord as a person sees it."""
        return self._ask("GET", "/discord/")

    def _messages(self) -> list[dict[str, Any]]:
        messages: list[dict[str, Any]] = json.loads(self._ask("GET", "/discord/messages"))
        return messages

    def _ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> bytes:
        data = json.dumps(body).encode() if body is not None else None
        request = Request(self.base + path, data, {"Content-Type": "application/json"}, method=method)  # noqa: S310  (loopback)
        with urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310  (loopback)
            content: bytes = answer.read()
        return content
