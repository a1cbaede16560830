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
class Told:
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
    """One thing a reader was told: a message, or an edit of one."""

    at: str
    sequence: int
    message: str
    reminder: bool
    marked: bool


def judge(told: list[Told], messages: list[dict[str, Any]], struck: dict[str, int], kills: int) -> str:
    """Compare what was written with what stands on Discord; a line about it. Raises AssertionError for what must not be.

    `struck` counts the answers that a fault took, by method and fault; each of `kills` excuses one thing said twice.
    """
    by_incident: dict[str, list[Heard]] = defaultdict(list)
    for message in messages:
        assert message["mention_everyone"] is False
        for version in message["versions"]:
            embed = version["embeds"][0]
            found = KEY.search(embed["footer"]["text"])
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
    assert twice - unknown <= kills, "more was said twice than processes were killed"
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
