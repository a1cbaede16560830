"""The judge of a delivery campaign: what was written into the outbox, held against what stands on Discord at the end.

Nothing lost, nothing told that was over before, each incident in order and to its recovery, and what is said twice is marked.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from oso_dagster.domain.alerts.incident import Incident

KEY = re.compile(r"key (?P<incident>\S+)#(?P<sequence>\d+)")
"""What a message's footer names: the incident and which of its announcements it is."""


@dataclass
class Course:
    """What the test has written into the outbox of one incident."""

    incident: Incident
    channel: str
    sequence: int = 0
    unheard: bool = False

    @property
    def over(self) -> bool:
        return not self.incident.open


@dataclass(frozen=True)
class Heard:
    """A thing that a reader learns: a message, or an edit of one."""

    at: str
    sequence: int
    message: str
    reminder: bool
    marked: bool


def judge(incidents: list[Course], messages: list[dict[str, Any]], struck: dict[str, int], kills: int) -> str:
    """Compare what was written with what stands on Discord; a line about it. Raises AssertionError for what must not be.

    `struck` counts the answers that a fault took, by method and fault; each of `kills` excuses one thing said twice.
    """
    by_incident: dict[str, list[Heard]] = defaultdict(list)
    for message in messages:
        assert message["mention_everyone"] is False
        for version in message["versions"]:
            embed = version["embeds"][0]
            match = KEY.search(embed["footer"]["text"])
            assert match is not None
            marked = "sent again" in embed["footer"]["text"]
            event = Heard(version["at"], int(match["sequence"]), message["id"], "title" not in embed, marked)
            by_incident[match["incident"]].append(event)
    assert by_incident.keys() == {incident.incident.key for incident in incidents if not incident.unheard}, (
        "lost, or said although it was over"
    )
    for incident in incidents:
        if not incident.unheard:
            in_order_to_the_end(
                incident, sorted(by_incident[incident.incident.key], key=lambda heard: (heard.at, heard.sequence))
            )
    twice = sum(len(repeats(events)) for events in by_incident.values())
    unknown = sum(count for kind, count in struck.items() if kind.startswith("POST"))
    assert twice - unknown <= kills, "more was said twice than processes were killed"
    return (
        f"{len(incidents)} incidents ({sum(incident.unheard for incident in incidents)} over before they were announced, "
        f"none of these announced), "
        f"{len(messages)} messages, {sum(len(message['versions']) - 1 for message in messages)} edits, "
        f"{twice} said twice and marked ({unknown} were stored without an answer), {sum(struck.values())} faults: "
        f"{dict(sorted(struck.items()))}"
    )


def in_order_to_the_end(incident: Course, events: list[Heard]) -> None:
    """Never back to an older state, and in the end the recovery, on the message that is kept up to date."""
    sequences = [event.sequence for event in events]
    assert sequences == sorted(sequences), f"{incident.incident.key} was told out of order: {sequences}"
    assert sequences[-1] == incident.sequence, (
        f"the recovery of {incident.incident.key} was not told: {sequences} of {incident.sequence}"
    )
    assert not events[-1].reminder


def repeats(events: list[Heard]) -> list[Heard]:
    """The messages that say what another one says; each must be marked. A state has one message, each reminder its own."""
    first: dict[str, Heard] = {}
    for event in sorted(events, key=lambda event: event.at):
        first.setdefault(event.message, event)
    seen: set[int] = set()
    again = []
    for event in first.values():
        about = event.sequence if event.reminder else 0
        if about in seen:
            assert event.marked, event
            again.append(event)
        seen.add(about)
    return again
