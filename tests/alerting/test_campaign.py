"""The delivery campaign: a real `dagster-daemon`, killed again and again while it delivers through a Discord that misbehaves.

The test writes incidents into the outbox; sensors of the daemon deliver them; what arrived is read back from the sandbox's
Discord. `CAMPAIGN_SEED` runs another one; the seed is printed.
"""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from sqlalchemy import Connection

from oso_dagster.domain.announcement import Announcement, Said
from oso_dagster.domain.incident import Incident, Kind, Severity, State
from oso_dagster.reliability.outbox import enqueue
from oso_dagster.reliability.store import Store
from oso_dagster.sandbox.discord_store import ALERTS, FORUM, TICKETS, WEBHOOKS
from oso_dagster.settings import PROJECT_ROOT
from tests.discord_server import Server, serving

INCIDENTS, KILLS = 200, 5
SHARES = {
    "rate_limit": (0.03, 0.5),
    "rate_limit_global": (0.01, 0.5),
    "server_error": (0.05, 0.0),
    "server_error_after": (0.03, 0.0),
    "reset": (0.05, 0.0),
    "reset_after": (0.03, 0.0),
    "timeout": (0.01, 2.0),
    "timeout_after": (0.01, 2.0),
}
CHANNELS = {"discord": ALERTS, "tickets": TICKETS, "forum": FORUM}
_KEY = re.compile(r"key (?P<incident>\S+)#(?P<sequence>\d+)")


@dataclass
class Told:
    """What the test has written into the outbox of one incident."""

    incident: Incident
    channel: str
    sequence: int = 0
    unheard: bool = False

    @property
    def over(self) -> bool:
        return not self.incident.open


@dataclass
class Writer:
    """Writes what happens to incidents, at random."""

    store: Store
    chance: random.Random
    told: list[Told] = field(default_factory=list)

    def batch(self, count: int, heard: set[str]) -> None:
        """New incidents, some over at once; of the older ones some change, some are reminded of, some that were heard recover."""
        with self.store.database.writing() as connection:
            for _ in range(count):
                self._begin(connection)
            for one in [one for one in self.told if not one.over]:
                said = self.chance.choices([None, Said.UPDATED, Said.REMINDED, Said.RECOVERED], [55, 15, 10, 20])[0]
                if said is not None and (said is not Said.RECOVERED or one.incident.key in heard):
                    self.say(connection, one, said)

    def _begin(self, connection: Connection) -> None:
        number, now = len(self.told), datetime.now(UTC)
        subject = f"stale_asset:campaign/{number}"
        title = f"thing {number} is stale @everyone"
        severity = self.chance.choice(list(Severity))
        about = Incident(subject, Kind.STALE_ASSET, severity, "core_source_data", "core", "team:x", title, now, now)
        one = Told(about, self.chance.choice(list(CHANNELS)))
        self.told.append(one)
        self.say(connection, one, Said.RAISED)
        if self.chance.random() < 0.15:
            one.unheard = True
            self.say(connection, one, Said.RECOVERED)

    def say(self, connection: Connection, one: Told, said: Said) -> None:
        now = datetime.now(UTC)
        changes: dict[str, Any] = {"updated_at": now}
        if said is Said.RECOVERED:
            changes |= {"state": State.RECOVERED, "closed_at": now}
        one.incident = Incident(**(vars(one.incident) | changes))
        one.sequence += 1
        enqueue(connection, Announcement(said, one.sequence, one.incident, "sandbox", now), [one.channel])

    def finish(self) -> None:
        """Everything recovers."""
        with self.store.database.writing() as connection:
            for one in self.told:
                if not one.over:
                    self.say(connection, one, Said.RECOVERED)


@dataclass
class Daemon:
    """A daemon with its code server, in a group of its own."""

    environment: dict[str, str]
    log: Path
    groups: list[int] = field(default_factory=list)
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [str(PROJECT_ROOT / ".venv/bin/dagster-daemon"), "run", "-m", "tests.alerting.campaign_location"]
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                command, cwd=PROJECT_ROOT, env=self.environment, stdout=output, stderr=output, start_new_session=True
            )
        self.groups.append(self.process.pid)

    def kill(self, *, alone: bool) -> None:
        """`alone` leaves the code server behind, in the middle of its tick: it goes on beside the next one."""
        assert self.process is not None
        assert self.process.poll() is None, self.log.read_text()[-2000:]
        (os.kill if alone else os.killpg)(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def end(self) -> None:
        for group in self.groups:
            try:
                os.killpg(group, signal.SIGKILL)
            except ProcessLookupError:
                continue
        if self.process is not None:
            self.process.wait()


@contextmanager
def daemon_of(home: Path, server: Server) -> Iterator[Daemon]:
    dagster_home = home / "dagster"
    dagster_home.mkdir(parents=True)
    (dagster_home / "dagster.yaml").write_text("telemetry:\n  enabled: false\n")
    more = ", ".join(f'"{name}": {{"url": "{server.url(CHANNELS[name])}"}}' for name in ("tickets", "forum"))
    variables = {
        "DAGSTER_HOME": str(dagster_home),
        "OSO_HOME": str(home),
        "OSO_WORLD": "sandbox",
        "OSO_DISCORD_URL": server.url(ALERTS),
        "OSO_DISCORD_CHANNELS": f"{{{more}}}",
    }
    daemon = Daemon(os.environ | variables, home / "daemon.log")
    try:
        yield daemon
    finally:
        daemon.end()


def said(server: Server) -> int:
    return sum(len(message["versions"]) for message in server.messages())


def heard(server: Server) -> set[str]:
    """The incidents that have a message."""
    footers = [message["versions"][0]["embeds"][0]["footer"]["text"] for message in server.messages()]
    return {found["incident"] for footer in footers if (found := _KEY.search(footer))}


def wait_until(condition: Any, seconds: float, log: Path) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, log.read_text()[-3000:]
        time.sleep(0.2)


@pytest.mark.timeout(600)
def test_nothing_is_lost_and_little_is_said_twice_through_faults_and_kills(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    seed = int(os.environ.get("CAMPAIGN_SEED", "20261121"))
    chance = random.Random(seed)
    home = tmp_path / "home"
    store_url = f"sqlite:///{home / 'sandbox' / 'reliability.db'}"
    began = time.monotonic()
    with serving(tmp_path / "discord") as server, daemon_of(home, server) as daemon, Store.open(store_url, "sandbox") as store:
        server.clean({"bucket": {"limit": 40, "seconds": 1}, "channel": {"limit": 10_000, "seconds": 1}})
        for number, (kind, (share, seconds)) in enumerate(SHARES.items()):
            server.fault(kind=kind, share=share, seconds=seconds, **({"seed": seed} if number == 0 else {}))
        writer = Writer(store, chance)
        for _ in range(KILLS):
            writer.batch(INCIDENTS // (KILLS + 1), heard(server))
            daemon.start()
            goal = said(server) + chance.randint(1, 25)
            wait_until(lambda goal=goal: said(server) >= goal, 120, daemon.log)
            time.sleep(chance.uniform(0, 0.3))
            daemon.kill(alone=chance.random() < 0.4)
        writer.batch(INCIDENTS - len(writer.told), heard(server))
        daemon.start()
        wait_until(lambda: store.outbox.next_due() is None, 240, daemon.log)
        writer.finish()
        wait_until(lambda: store.outbox.next_due() is None, 240, daemon.log)
        messages, struck, counts = server.messages(), server.struck(), store.outbox.counts()
    took = time.monotonic() - began
    summary = judge(writer.told, messages, struck)
    with capsys.disabled():
        print(f"\ncampaign with seed {seed}: {summary}; {KILLS} kills; {took:.0f} s")
    assert {state for _, state in counts} <= {"sent", "dropped"}
    assert all(not state.disabled for state in store_states(store_url))
    assert failed_ticks(home / "dagster") == []
    assert leaks(tmp_path) == []


@dataclass(frozen=True)
class Heard:
    """One thing a reader was told: a message, or an edit of one."""

    at: str
    sequence: int
    message: str
    reminder: bool
    marked: bool


def judge(told: list[Told], messages: list[dict[str, Any]], struck: dict[str, int]) -> str:
    """Compare what was written with what stands on Discord; a line about it."""
    by_incident: dict[str, list[Heard]] = defaultdict(list)
    for message in messages:
        assert message["mention_everyone"] is False
        for version in message["versions"]:
            embed = version["embeds"][0]
            found = _KEY.search(embed["footer"]["text"])
            assert found is not None
            marked = "sent again" in embed["footer"]["text"]
            one = Heard(version["at"], int(found["sequence"]), message["id"], "title" not in embed, marked)
            by_incident[found["incident"]].append(one)
    assert by_incident.keys() == {one.incident.key for one in told if not one.unheard}, "lost, or said although it was over"
    for one in told:
        if not one.unheard:
            in_order_to_the_end(one, sorted(by_incident[one.incident.key], key=lambda heard: (heard.at, heard.sequence)))
    twice = sum(len(said_again(events)) for events in by_incident.values())
    unknown = sum(count for kind, count in struck.items() if kind.startswith("POST"))
    assert twice - unknown <= KILLS, "more was said twice than processes were killed"
    return (
        f"{len(told)} incidents ({sum(one.unheard for one in told)} over before they were announced, none of these told), "
        f"{len(messages)} messages, {sum(len(message['versions']) - 1 for message in messages)} edits, "
        f"{twice} said twice and marked ({unknown} were stored without an answer), {sum(struck.values())} faults: "
        f"{dict(sorted(struck.items()))}"
    )


def in_order_to_the_end(told: Told, events: list[Heard]) -> None:
    """Never back to an older state, and in the end the recovery, on the message that is kept up to date."""
    sequences = [one.sequence for one in events]
    assert sequences == sorted(sequences), f"{told.incident.key} was told out of order: {sequences}"
    assert sequences[-1] == told.sequence, f"the recovery of {told.incident.key} was not told: {sequences} of {told.sequence}"
    assert not events[-1].reminder


def said_again(events: list[Heard]) -> list[Heard]:
    """The messages that say what another one says; each must be marked. A state has one message, each reminder its own."""
    first: dict[str, Heard] = {}
    for one in sorted(events, key=lambda one: one.at):
        first.setdefault(one.message, one)
    seen: set[int] = set()
    again = []
    for one in first.values():
        about = one.sequence if one.reminder else 0
        if about in seen:
            assert one.marked, one
            again.append(one)
        seen.add(about)
    return again


def store_states(url: str) -> list[Any]:
    with Store.open(url, "sandbox") as store:
        return store.channels.all()


def failed_ticks(dagster_home: Path) -> list[str]:
    with dg.DagsterInstance.from_config(str(dagster_home)) as instance:
        states = instance.all_instigator_state()
        ticks = [tick for state in states for tick in instance.get_ticks(state.instigator_origin_id, state.selector_id)]
        return [str(tick.error) for tick in ticks if tick.status.value == "FAILURE"]


def leaks(folder: Path) -> list[str]:
    """The files, whatever they are, that a webhook's address stands in."""
    tokens = [webhook.token.encode() for webhook in WEBHOOKS.values()]
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert files
    return [str(path) for path in files if any(token in path.read_bytes() for token in tokens)]


def _message(number: int, *versions: tuple[int, bool], reminder: bool = False) -> dict[str, Any]:
    """A message as the judge sees it: (sequence, marked) for each of its versions."""
    shown = []
    for count, (sequence, marked) in enumerate(versions):
        footer = {"text": f"key a@1#{sequence}{' · sent again' if marked else ''}"}
        shown.append({"at": f"{number}.{count}", "embeds": [{"footer": footer} | ({} if reminder else {"title": "t"})]})
    return {"id": str(number), "mention_everyone": False, "versions": shown}


CONDEMNED = {
    "lost": [],
    "back to an older state": [_message(1, (2, False), (1, False), (3, False))],
    "without its recovery": [_message(1, (1, False), (2, False))],
    "a reminder after the end": [_message(1, (3, False)), _message(2, (3, False), reminder=True)],
    "a duplicate that is not marked": [_message(1, (1, False)), _message(2, (1, False), (3, False))],
    "a reminder twice that is not marked": [
        _message(1, (1, False)),
        _message(2, (2, False), reminder=True),
        _message(3, (2, False), reminder=True),
        _message(4, (3, True)),
    ],
    "more duplicates than kills": [_message(number, (1, number > 1)) for number in range(1, KILLS + 3)]
    + [_message(9, (3, True))],
}


@pytest.mark.parametrize("messages", CONDEMNED.values(), ids=CONDEMNED)
def test_the_judge_condemns(messages: list[dict[str, Any]]) -> None:
    now = datetime.now(UTC)
    told = Told(Incident("a", Kind.TEST, Severity.INFO, "", "", "o", "t", now, now), "discord", sequence=3)
    key = told.incident.key
    for version in (version for message in messages for version in message["versions"]):
        version["embeds"][0]["footer"]["text"] = version["embeds"][0]["footer"]["text"].replace("a@1", key)
    with pytest.raises(AssertionError):
        judge([told], messages, {})
    told.unheard = True
    with pytest.raises(AssertionError):
        judge([told], [_message(1, (1, False))], {})


def test_the_judge_acquits_what_is_in_order() -> None:
    now = datetime.now(UTC)
    told = Told(Incident("a", Kind.TEST, Severity.INFO, "", "", "o", "t", now, now), "discord", sequence=3)
    messages = [_message(1, (1, False)), _message(2, (1, True), (3, False))]
    for version in (version for message in messages for version in message["versions"]):
        version["embeds"][0]["footer"]["text"] = version["embeds"][0]["footer"]["text"].replace("a@1", told.incident.key)
    assert "1 said twice" in judge([told], messages, {})
