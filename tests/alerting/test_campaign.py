"""The delivery campaign: a real `dagster-daemon`, killed again and again while it delivers through a Discord that misbehaves.

The test writes incidents into the outbox; sensors of the daemon deliver them; what arrived is read back from the sandbox's
Discord. `CAMPAIGN_SEED` runs another one; the seed is printed.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from sqlalchemy import Connection

from oso_dagster.domain.alerts.announcement import Announcement, AnnouncementKind
from oso_dagster.domain.alerts.incident import Incident, Kind, Severity, State
from oso_dagster.reliability.alerts.outbox import enqueue
from oso_dagster.reliability.store import Store
from oso_dagster.sandbox.discord.message_store import ALERTS, FORUM, TICKETS, WEBHOOKS
from oso_dagster.settings import PROJECT_ROOT
from tests.alerting.judging import KEY, Course, judge
from tests.support.discord_server import Server, serving
from tests.support.platform import BIN

pytestmark = pytest.mark.server

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


@dataclass
class Writer:
    """Writes what happens to incidents, at random."""

    store: Store
    chance: random.Random
    courses: list[Course] = field(default_factory=list)

    def batch(self, count: int, heard: set[str]) -> None:
        """New incidents, some over at once; of the older ones some change, some are reminded of, some that were heard recover."""
        with self.store.database.writing() as connection:
            for _ in range(count):
                self._begin(connection)
            for open_course in [course for course in self.courses if not course.over]:
                kind = self.chance.choices(
                    [None, AnnouncementKind.UPDATED, AnnouncementKind.REMINDED, AnnouncementKind.RECOVERED], [55, 15, 10, 20]
                )[0]
                if kind is not None and (kind is not AnnouncementKind.RECOVERED or open_course.incident.key in heard):
                    self.say(connection, open_course, kind)

    def _begin(self, connection: Connection) -> None:
        number, now = len(self.courses), datetime.now(UTC)
        subject = f"stale_asset:campaign/{number}"
        title = f"thing {number} is stale @everyone"
        severity = self.chance.choice(list(Severity))
        about = Incident(subject, Kind.STALE_ASSET, severity, "core_source_data", "core", "team:x", title, now, now)
        course = Course(about, self.chance.choice(list(CHANNELS)))
        self.courses.append(course)
        self.say(connection, course, AnnouncementKind.RAISED)
        if self.chance.random() < 0.15:
            course.unheard = True
            self.say(connection, course, AnnouncementKind.RECOVERED)

    def say(self, connection: Connection, course: Course, kind: AnnouncementKind) -> None:
        now = datetime.now(UTC)
        changes: dict[str, Any] = {"updated_at": now}
        if kind is AnnouncementKind.RECOVERED:
            changes |= {"state": State.RECOVERED, "closed_at": now}
        course.incident = Incident(**(vars(course.incident) | changes))
        course.sequence += 1
        enqueue(connection, Announcement(kind, course.sequence, course.incident, "sandbox", now), [course.channel])

    def finish(self) -> None:
        """Everything recovers."""
        with self.store.database.writing() as connection:
            for course in self.courses:
                if not course.over:
                    self.say(connection, course, AnnouncementKind.RECOVERED)


@dataclass
class Daemon:
    """A daemon with its code server, in a group of its own."""

    environment: dict[str, str]
    log: Path
    groups: list[int] = field(default_factory=list)
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [str(BIN / "dagster-daemon"), "run", "-m", "tests.alerting.campaign_location"]
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


def announcements(server: Server) -> int:
    return sum(len(message["versions"]) for message in server.messages())


def heard(server: Server) -> set[str]:
    """The incidents that have a message."""
    footers = [message["versions"][0]["embeds"][0]["footer"]["text"] for message in server.messages()]
    return {key["incident"] for footer in footers if (key := KEY.search(footer))}


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
            goal = announcements(server) + chance.randint(1, 25)
            wait_until(lambda goal=goal: announcements(server) >= goal, 120, daemon.log)
            time.sleep(chance.uniform(0, 0.3))
            daemon.kill(alone=chance.random() < 0.4)
        writer.batch(INCIDENTS - len(writer.courses), heard(server))
        daemon.start()
        wait_until(lambda: store.outbox.next_due() is None, 240, daemon.log)
        writer.finish()
        wait_until(lambda: store.outbox.next_due() is None, 240, daemon.log)
        messages, struck, counts = server.messages(), server.struck(), store.outbox.counts()
    took = time.monotonic() - began
    summary = judge(writer.courses, messages, struck, KILLS)
    with capsys.disabled():
        print(f"\ncampaign with seed {seed}: {summary}; {KILLS} kills; {took:.0f} s")
    assert {state for _, state in counts} <= {"sent", "dropped"}
    assert all(not state.disabled for state in store_states(store_url))
    assert failed_ticks(home / "dagster") == []
    assert leaks(tmp_path) == []


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
