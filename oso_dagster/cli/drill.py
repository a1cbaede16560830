"""`oso alerts drill`: the story of one incident in the sandbox world, from the first failure to the end of its sprint."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.request import Request, urlopen

import typer
from pydantic import SecretStr
from rich.console import Console

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
    """Let a core source of the sandbox fail until its objective is breached, mend it, and show what Discord was told.

    Always the sandbox world, whatever OSO_WORLD says; nobody outside of this machine is told, and the platform's own ledger is
    not touched. Ends with exit code 1 when the sprint was not closed.

    Example: `oso alerts drill`
    """
    os.environ["OSO_WORLD"] = World.SANDBOX.value
    settings = read_settings(catalogue())
    from oso_dagster.sandbox import lifecycle  # noqa: PLC0415  (the server's libraries load when used)

    with interruptible(), lifecycle.running(settings) as endpoints:
        failures = run_drill(settings, endpoints, Console())
    for failure in failures:
        typer.echo(failure, err=True)
    raise typer.Exit(1 if failures else 0)


def run_drill(settings: Settings, endpoints: Mapping[str, str], console: Console) -> list[str]:
    """The drill against a sandbox that is up; what did not go as it should. Leaves the page of Discord in the world's folder."""
    from oso_dagster.orchestration.alerts.drill_platform import drilling, thrown_away  # noqa: PLC0415  (dagster loads when used)

    sources = settings.in_world(catalogue())
    source = next(one for one in sources if one.name == SOURCE)
    (promise,) = {table.fresh_within for table in source.tables if table.fresh_within}
    discord = endpoints["discord_url"]
    world = _World(discord.split("/discord/")[0])
    settings.world_dir.mkdir(parents=True, exist_ok=True)
    page = settings.world_dir / PAGE
    _introduce(console, source.title, promise)
    with tempfile.TemporaryDirectory(prefix="oso-drill-") as folder:
        addresses = {f"{SOURCE}_{one.name}": endpoints[f"{SOURCE}_{one.name}"] for one in source.settings if one.endpoint}
        own = thrown_away(settings, Path(folder), discord_url=SecretStr(discord), **addresses)
        try:
            with drilling(own, sources, source, datetime.now(UTC) - promise + _SPARE) as platform:
                for words in _story(platform, world):
                    console.print(f"  {platform.now():%H:%M}  {words}", markup=False, highlight=False, soft_wrap=True)
                    for line in world.news():
                        console.print(f"         {line}", style="dim", markup=False, highlight=False, soft_wrap=True)
        finally:
            world.mend()
            page.write_bytes(world.page())
    told = world.of_sprint()
    if told is None or not told["versions"][-1]["content"].startswith("✔"):
        return [f"the drill: the sprint of {OBJECTIVE} was not closed; see {page.as_uri()}"]
    count = len(told["versions"])
    console.print(f"  One message told the sprint, {count - 1} times edited: {page.as_uri()}#m{told['id']}", soft_wrap=True)
    return []


def _introduce(console: Console, title: str, promise: timedelta) -> None:
    console.print(f"\n[bold]The drill[/bold]: {title}, a core source, fails until its promise of {duration(promise)} is broken.")
    console.print(
        "It has a ledger, a warehouse and a Dagster of its own, which are thrown away: its runs cannot be opened afterwards.\n"
        "The clock is this machine's; the evaluation is asked for the hour on the left (UTC), as if it were that late.\n"
    )


def _story(platform: Drill, world: _World) -> Iterator[str]:
    """What happens, step by step."""
    world.fail()
    failed = platform.load()
    platform.round()
    yield f"the source answers 404, the load fails: {failed[0] if failed else 'it did not'}"
    platform.ahead += _SPARE + _MARGIN
    platform.round()
    yield "the last good load is older than promised: the objective is breached, a sprint is open"
    world.mend()
    failed = platform.load()
    platform.round()
    yield f"the source is mended, and loaded well{': ' + failed[0] if failed else ''}"
    platform.ahead += HYSTERESIS - _MARGIN
    platform.round()
    yield "met for less than an hour: the sprint stays"
    platform.ahead += 2 * _MARGIN
    platform.round()
    yield "met for an hour without a break: the sprint is closed"


@dataclass
class _World:
    """The sandbox over HTTP, as anybody could ask it: faults, and what its Discord was told."""

    base: str
    before: frozenset[str] = frozenset()
    known: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.known = {one["id"]: len(one["versions"]) for one in self._messages()}
        self.before = frozenset(self.known)

    def fail(self) -> None:
        """Let the source be gone, until it is mended or this process has ended, however it ends."""
        from oso_dagster.sandbox.process_identity import this_process  # noqa: PLC0415

        self._ask("POST", "/faults", {"family": FAMILY, "kind": "status", "status": 404, "owner": this_process()})

    def mend(self) -> None:
        """Let it answer again."""
        self._ask("DELETE", f"/faults?family={FAMILY}")

    def news(self) -> list[str]:
        """The first lines of what was said since the last time, edits as such."""
        found = []
        for one in self._messages():
            for number, version in enumerate(one["versions"][self.known.get(one["id"], 0) :], self.known.get(one["id"], 0)):
                found.append(f"{version['content']}{' (the same message, edited)' if number else ''}".replace("\\", ""))
            self.known[one["id"]] = len(one["versions"])
        return found

    def of_sprint(self) -> dict[str, Any] | None:
        """The message of this drill's sprint."""
        mine = [one for one in self._messages() if one["id"] not in self.before]
        return next((one for one in mine if f"key sprint:{OBJECTIVE}@" in one["embeds"][0]["footer"]["text"]), None)

    def page(self) -> bytes:
        """Discord as a person sees it."""
        return self._ask("GET", "/discord/")

    def _messages(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self._ask("GET", "/discord/messages"))
        return found

    def _ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> bytes:
        data = json.dumps(body).encode() if body is not None else None
        request = Request(self.base + path, data, {"Content-Type": "application/json"}, method=method)  # noqa: S310  (loopback)
        with urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310  (loopback)
            content: bytes = answer.read()
        return content
